"""Reading molecules that somebody else wrote: .smi, .csv, .tsv and .sdf, also gzipped or from stdin.

Every molecule is numbered by its line. At one that cannot be used the reader stops, or skips it and goes on,
as asked. Limits are asked before rdkit sees anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genai_core.errors import BadInput, UsageError
from genai_core.files.artifacts import split_suffix
from genai_core.files.safeio import Limits, display_name, limits_for, read_blocks, split_lines
from genai_molecules.artifacts import Molecules
from genai_molecules.formats import collect, parse, short
from genai_molecules.parsing import OnBad, Row, quiet, to_mol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_REPORTED = 1_000


@dataclass(frozen=True)
class Reading:
    """What a file gave.

    Attributes:
        molecules: The molecules that can be used, in order.
        bad: The first `MAX_REPORTED` that cannot, each with its line and reason.
        bad_count: How many cannot.
    """

    molecules: Molecules
    bad: tuple[BadInput, ...]
    bad_count: int


class _Skipped:
    """Collects bad lines, or raises the first."""

    def __init__(self, stop: bool) -> None:
        self.stop, self.first, self.count = stop, [], 0  # type: tuple[bool, list[BadInput], int]

    def __call__(self, problem: BadInput) -> None:
        if self.stop:
            raise problem
        self.count += 1
        if len(self.first) < MAX_REPORTED:
            self.first.append(problem)


def read_molecules(
    path: str | Path,
    *,
    on_error: Literal["stop", "skip"] = "stop",
    column: str | None = None,
    check: bool = True,
    limits: Limits | None = None,
) -> Reading:
    """Read a file of molecules.

    Args:
        path: ``.smi``, ``.csv``, ``.tsv`` or ``.sdf``, possibly ``.gz``; ``"-"``: SMILES on stdin.
        on_error: Stop at the first molecule that cannot be used, or skip it and report it.
        column: Column of the SMILES in a table; found by its name when not given.
        check: Parse each SMILES with rdkit; to check the form alone is about 50 times as fast.
        limits: Other limits than `limits_for` gives.

    Raises:
        BadInput: The file as a whole cannot be read, or, with ``"stop"``, a line of it.
    """
    suffix = ".smi" if str(path) == "-" else split_suffix(path)[0]
    if suffix not in Molecules.suffixes:
        raise UsageError(
            f"{path}: {suffix!r} is not read as molecules", hint="use one of " + ", ".join(Molecules.suffixes)
        )
    limits = limits or limits_for("molecules")
    name, skipped = display_name(path), _Skipped(on_error == "stop")
    lines = split_lines(read_blocks(path, limits), name, limits, skipped)
    with quiet():
        rows = parse(lines, suffix, name, limits, skipped, column)
        if check and suffix != ".sdf":  # the structures of an SDF went through rdkit already
            rows = _valid(rows, name, limits, skipped)
        smiles, properties = collect(rows, name, limits)
    if not smiles:
        raise BadInput(name, "no molecule in it" + (f", {skipped.count} bad lines" if skipped.count else ""))
    return Reading(Molecules(smiles, properties), tuple(skipped.first), skipped.count)


def _valid(rows: Iterable[Row], name: str, limits: Limits, bad: OnBad) -> Iterator[Row]:
    for row in rows:
        with quiet() as chatter:
            valid = to_mol(row.smiles, limits) is not None
        if valid:
            yield row
        else:
            bad(
                BadInput(
                    name, f"{short(row.smiles)} is not a valid molecule: {chatter.last or 'rdkit'}", row.line
                )
            )
