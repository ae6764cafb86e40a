"""Reading what others wrote: limits that are checked before any decoder sees the data.

Native decoders crash or take gigabytes on a few hundred hostile bytes (rdkit dies of a 20,000-atom SMILES),
so every reader asks the table below first. All refusals are `BadInput`. Who trusts a larger file raises the
limit: ``GENAI_LIMITS="molecules.atoms=2000,molecules.items=50000000"``, or an argument of the reader.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import BinaryIO

from genai_core.errors import BadInput, UsageError

_BLOCK = 1 << 16
_SETTING = re.compile(r"(?P<modality>[\w-]+)\.(?P<field>\w+)\s*=\s*(?P<number>[0-9][0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest input that is read without asking.

    Attributes:
        bytes: Size of a file, after unpacking.
        unpack_ratio: Unpacked over packed size, beyond the first megabyte.
        line: Bytes in one line of text; ``items``: lines, rows or molecules in one file.
        string: Characters in one structured string (a SMILES).
        columns: Columns of a table, or properties of a record.
        atoms: Atoms in one molecule, hydrogens not counted.
        pixels: Width times height times frames.
        seconds: Duration.
        notes: Notes in a score.
    """

    bytes: int = 1_000_000_000
    unpack_ratio: int = 200
    line: int = 100_000
    items: int = 10_000_000
    string: int = 100_000
    columns: int = 1_000
    atoms: int = 999
    pixels: int = 64_000_000
    seconds: int = 3_600
    notes: int = 200_000


LIMITS: dict[str, Limits] = {  # what is not here has those of text
    "text": Limits(),
    "molecules": Limits(line=20_000, string=4_000),
    "image": Limits(bytes=100_000_000),
    "video": Limits(bytes=4_000_000_000, pixels=20_000_000_000),
    "score": Limits(bytes=10_000_000),
}


def limits_for(modality: str, **overrides: int) -> Limits:
    """The limits of a modality; ``GENAI_LIMITS`` and then `overrides` replace single values."""
    chosen, known = dict[str, int](), [field.name for field in fields(Limits)]
    for setting in filter(None, map(str.strip, os.environ.get("GENAI_LIMITS", "").split(","))):
        match = _SETTING.fullmatch(setting)
        if match is None or match["field"] not in known:
            wrong = f"limit {setting!r} is not of the form modality.name=number"
            raise UsageError(wrong, hint="names: " + ", ".join(known))
        if match["modality"] == modality:
            chosen[match["field"]] = int(match["number"])
    return replace(LIMITS.get(modality, LIMITS["text"]), **chosen | overrides)


def read_bytes(path: str | Path, limits: Limits) -> bytes:
    """A whole file, or stdin for ``"-"``; ``.gz`` files are unpacked within the limits."""
    return b"".join(read_blocks(path, limits))


def display_name(path: str | Path) -> str:
    """How messages call an input: its name as given, ``<stdin>`` for ``"-"``."""
    return "<stdin>" if str(path) == "-" else str(path)


def read_blocks(path: str | Path, limits: Limits) -> Iterator[bytes]:
    """The content of a file in blocks, size and unpack ratio checked as it goes.

    Only regular files and stdin are opened: a folder, a device or a pipe would hang or never end.
    """
    name = display_name(path)
    total = 0
    try:
        with _open(path) as file:
            plain = iter(lambda: file.read(_BLOCK), b"")
            for block in _unpack(file, name, limits) if name.lower().endswith(".gz") else plain:
                total += len(block)
                if total > limits.bytes:
                    hint = 'if you trust it, raise the limit: GENAI_LIMITS="MODALITY.bytes=NUMBER"'
                    raise BadInput(name, f"larger than the limit of {limits.bytes} bytes", hint=hint)
                yield block
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadInput(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _open(path: str | Path) -> AbstractContextManager[BinaryIO]:
    if str(path) == "-":
        return nullcontext(sys.stdin.buffer)
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
        raise BadInput(path, f"is {what}, not a file")
    return Path(path).open("rb")


def _unpack(file: BinaryIO, name: str, limits: Limits) -> Iterator[bytes]:
    """Gunzip a file, members one after another, a bounded piece at a time."""
    unpacked = 0
    try:
        with gzip.GzipFile(fileobj=file) as archive:
            while block := archive.read(_BLOCK):
                unpacked += len(block)
                if unpacked > max(1 << 20, limits.unpack_ratio * file.tell()):
                    raise BadInput(name, f"unpacks to more than {limits.unpack_ratio} times its size")
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(name, f"damaged gzip data: {error}", file.tell()) from None
    if not file.tell():
        raise BadInput(name, "damaged gzip data: the file is empty")


def split_lines(
    blocks: Iterable[bytes], name: str, limits: Limits, bad: Callable[[BadInput], None] | None = None
) -> Iterator[tuple[int, str]]:
    """Numbered lines of UTF-8 text, without their line ends.

    Args:
        blocks: Bytes, cut anywhere.
        name: What messages call the file.
        limits: ``line`` bounds the memory a hostile file can take.
        bad: Takes each line that cannot be used (too long, not UTF-8); without it the first is raised.
    """
    for number, raw in enumerate(_raw_lines(blocks, name, limits), start=1):
        try:
            text = _line_text(raw, limits)
        except ValueError as error:
            problem = BadInput(name, str(error), number)
            if bad is None:
                raise problem from None
            bad(problem)
        else:
            yield number, text


def _line_text(raw: bytes, limits: Limits) -> str:
    if len(raw) > limits.line:
        raise ValueError(f"line is longer than the limit of {limits.line} bytes")
    if b"\0" in raw:
        raise ValueError("binary data: a NUL byte in a text file")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: {error.reason} at byte {error.start} of the line") from None


def _raw_lines(blocks: Iterable[bytes], name: str, limits: Limits) -> Iterator[bytes]:
    """Lines as bytes; of an overlong one only enough is kept to see that it is overlong."""
    rest, first = b"", True
    for block in blocks:
        if first:
            _refuse_other_encodings(block, name)
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False  # noqa: PLW2901 - the byte order mark goes
        *lines, tail = block.split(b"\n")
        for line in lines:
            yield (rest + line).removesuffix(b"\r")
            rest = b""
        if len(rest) <= limits.line:
            rest += tail
    if rest:
        yield rest.removesuffix(b"\r")


def _refuse_other_encodings(start: bytes, name: str) -> None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadInput(name, "UTF-16 text", 1, hint="save it as UTF-8")
    if start[:2] == b"\x1f\x8b":
        raise BadInput(name, "gzip data under a name without .gz", hint="rename it to end in .gz")
    if b"\0" in start:
        raise BadInput(name, "binary data, not text", start.index(b"\0"))
