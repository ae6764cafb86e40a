"""SMILES to rdkit molecules, with the limits asked first and rdkit's chatter counted instead of printed."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from genai_core.errors import BadInput
from genai_core.files.safeio import Limits, limits_for

if TYPE_CHECKING:
    from rdkit.Chem import Mol

_ATOM = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]")


def check_smiles(text: str, limits: Limits) -> str | None:
    """Why `text` is not even tried as a SMILES, or None. Costs no chemistry, so it comes before rdkit."""
    if not text:
        return "an empty SMILES"
    if len(text) > limits.string:
        return f"a SMILES of {len(text)} characters, the limit is {limits.string}"
    if not (text.isascii() and text.isprintable()) or " " in text:
        return f"{text[:40]!r} is not a SMILES: blanks or characters outside ASCII"
    if len(text) > limits.atoms:  # an atom takes at least one character
        atoms = sum(1 for _ in _ATOM.finditer(text))
        if atoms > limits.atoms:
            return f"a molecule of {atoms} atoms, the limit is {limits.atoms}"
    return None


def to_mol(text: str, limits: Limits | None = None) -> Mol | None:
    """The sanitised molecule of a SMILES; None when it is none or is over a limit.

    Call it inside `quiet`, unless rdkit's messages are wanted.
    """
    from rdkit import Chem

    if check_smiles(text, limits or limits_for("molecules")) is not None:
        return None
    return Chem.MolFromSmiles(text)


class Row(NamedTuple):
    """One molecule as a file gives it; `line` is where."""

    line: int
    smiles: str
    properties: Mapping[str, str]


Lines = Iterable[tuple[int, str]]
OnBad = Callable[[BadInput], None]


@dataclass
class Chatter:
    """What rdkit had to say while it was quiet.

    Attributes:
        count: Number of messages.
        last: The last one.
    """

    count: int = 0
    last: str = ""


class _Collector(logging.Filter):
    """Takes the messages of threads that asked for quiet and lets those of others pass."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        chatter: Chatter | None = getattr(self.listening, "chatter", None)
        if chatter is None:
            return True
        chatter.count += 1
        chatter.last = re.sub(r"^\[[\d:]+\]\s*", "", record.getMessage()).strip()
        return False


class _Router:
    """While anybody asks, sends rdkit's C++ streams to its Python logger, where threads can be told apart."""

    def __init__(self) -> None:
        self.collector = _Collector()
        self.lock = threading.Lock()
        self.users = 0
        self.before = ""

    def enter(self) -> None:
        from rdkit import rdBase

        with self.lock:
            self.users += 1
            if self.users == 1:
                self.before = rdBase.LogStatus()
                logging.getLogger("rdkit").addFilter(self.collector)
                rdBase.LogToPythonLogger()
                rdBase.EnableLog("rdApp.error")

    def leave(self) -> None:
        from rdkit import rdBase

        with self.lock:
            self.users -= 1
            if self.users == 0:
                rdBase.LogToCppStreams()
                logging.getLogger("rdkit").removeFilter(self.collector)
                for line in self.before.split():
                    stream, _, state = line.partition(":")
                    (rdBase.EnableLog if state == "enabled" else rdBase.DisableLog)(stream)


_router = _Router()


@contextmanager
def quiet() -> Iterator[Chatter]:
    """Count rdkit's messages from this thread instead of printing them; may be nested.

    Example:
        >>> with quiet() as chatter:
        ...     to_mol("C(")
        >>> chatter.count > 0
        True
    """
    listening = _router.collector.listening
    outer: Chatter | None = getattr(listening, "chatter", None)
    _router.enter()
    listening.chatter = outer or Chatter()
    try:
        yield listening.chatter
    finally:
        listening.chatter = outer
        _router.leave()
