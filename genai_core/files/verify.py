"""Whether files are what their records say: offline, without a decoder, for one file or 100,000.

Three things can speak for a file: the record beside it, the record inside it, and a signature (its own, or
the run's ``credentials.zip``). They must agree with the bytes and with each other. A record and its
checksum show every accident; only a trusted signature shows a forgery made with care.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genai_core.errors import BadInput
from genai_core.files import signing
from genai_core.files.provenance import (
    SUFFIX,
    Record,
    check_record,
    embedded_record,
    parse_record,
    read_record,
    record_path,
    unsealed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Status = Literal["ok", "changed", "missing", "record only", "no record", "unreadable"]
_BLOCK = 1 << 20
_ABOVE = 4
_UNFINISHED = ".tmp-"  # how atomic writes call what is not finished
# What a run or a bulk sample notes for itself; nobody is handed these as results.
_NOTES = frozenset({"manifest.json", "plan.json", "index.jsonl"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one file.

    Attributes:
        file: Path as found.
        status: ``ok``: unchanged since it was generated; ``changed``: bytes, record or signature do not
            fit; ``missing``: only its record is left; ``record only``: it says where it is from, but nothing
            trusted says that it is unchanged; ``no record``: nothing is known; ``unreadable``.
        detail: Why, in words.
        generator: Id of the model or pipeline, as far as a record says.
        seed: Seed, likewise.
        layers: What speaks for it: ``beside``, ``inside``, ``signed``, ``run``.
    """

    file: Path
    status: Status
    detail: str = ""
    generator: str | None = None
    seed: int | None = None
    layers: tuple[str, ...] = ()


def verify(path: Path) -> Iterator[Verdict]:
    """The verdict on a file, or on every file under a folder, in order of their names.

    Raises:
        BadInput: There is nothing at `path`.
    """
    _signed_list.cache_clear()
    _recorded.cache_clear()
    if path.name.endswith(SUFFIX) and not path.is_dir():
        path = path.with_name(path.name.removesuffix(SUFFIX))
    if path.is_dir():
        yield from _verify_folder(path)
    elif os.path.lexists(path) or record_path(path).exists():
        yield _verify_file(path)
    else:
        raise BadInput(path, "no such file or folder")


def _verify_file(path: Path) -> Verdict:
    """The verdict on one file."""
    try:
        if not os.path.lexists(path):
            return _missing(path)
        if not stat.S_ISREG(path.stat().st_mode):
            return Verdict(path, "unreadable", "not a regular file")
        if path.name == signing.CREDENTIALS:
            return _verify_credentials(path)
        digest, size, head = _read(path)
        with path.open("rb") as file:
            credential = signing.check(file, path.suffix.lower())
    except OSError as error:
        return Verdict(path, "unreadable", error.strerror or str(error))
    evidence = _Evidence(digest, size)
    evidence.weigh_beside(path)
    evidence.weigh_inside(head)
    evidence.weigh_signature(credential)
    evidence.weigh_run(_run_record(path))
    return evidence.verdict(path)


@dataclass(slots=True)
class _Evidence:
    """What speaks for a file with this hash, gathered layer by layer."""

    digest: str
    size: int
    record: Record | None = None
    layers: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    proven: bool = False

    def weigh_beside(self, path: Path) -> None:
        if not os.path.lexists(record_path(path)):
            return
        self.layers.append("beside")
        try:
            record = read_record(path)
        except BadInput as error:
            self.contradictions.append(error.reason)
            return
        self.record = record
        self.proven = record["file"]["sha256"] == self.digest
        if not self.proven:
            self.contradictions.append(self._difference(path, record["file"]["size"]))

    def weigh_inside(self, head: bytes) -> None:
        if (record := embedded_record(head)) is not None:
            self.layers.append("inside")
            self._compare(record, "the record inside the file")

    def weigh_signature(self, credential: signing.Credential) -> None:
        if credential.state == "none":
            return
        self.layers.append("signed")
        if credential.state == "broken":
            self.contradictions.append(f"its signature does not hold: {credential.reason}")
        elif credential.state == "trusted" and credential.text is not None:
            self.proven = True
            try:
                self._compare(parse_record(credential.text.encode(), "signature"), "the signed record")
            except BadInput as error:
                self.contradictions.append(error.reason)
        else:
            self.doubts.append(credential.reason)

    def weigh_run(self, record: Mapping[str, Any] | None) -> None:
        if record is None:
            return
        self.layers.append("run")
        if record["file"]["sha256"] != self.digest:
            self.contradictions.append(f"not the file that {signing.CREDENTIALS} was signed for")
        else:
            self.proven = True
        self._compare(record, f"the record in {signing.CREDENTIALS}")

    def verdict(self, path: Path) -> Verdict:
        status: Status = "no record"
        if self.contradictions:
            status = "changed"
        elif self.proven:
            status = "ok"
        elif self.layers:
            status = "record only"
        record = self.record or {"generator": {"id": None}, "seed": None}
        detail = "; ".join(self.contradictions + self.doubts)
        return Verdict(path, status, detail, record["generator"]["id"], record["seed"], tuple(self.layers))

    def _compare(self, record: Mapping[str, Any], what: str) -> None:
        if self.record is not None and unsealed(record) != unsealed(self.record):
            self.contradictions.append(f"{what} is another one than that beside it")
        self.record = self.record or dict(record)

    def _difference(self, path: Path, size: int) -> str:
        own = _recorded(path.parent).get(self.digest)
        if own is not None and own != path.name:
            return f"the record beside it belongs to another file: {own!a} has the one of this content"
        if self.size < size:
            return f"truncated: {self.size:,} of {size:,} bytes"
        if self.size > size:
            return f"grown: {self.size:,} instead of {size:,} bytes"
        return "its content was changed"


def _verify_folder(root: Path) -> Iterator[Verdict]:
    for folder, below, names in os.walk(root):
        below.sort()
        here, present = Path(folder), set(names)
        for name in sorted(present):
            if name.startswith(_UNFINISHED) or name in _NOTES:
                continue
            if not name.endswith(SUFFIX):
                yield _verify_file(here / name)
            elif name.removesuffix(SUFFIX) not in present:
                yield _verify_file(here / name.removesuffix(SUFFIX))
        for name in sorted(_signed_list(here) if signing.CREDENTIALS in present else ()):
            if not os.path.lexists(here / name) and not record_path(here / name).exists():
                yield Verdict(here / name, "missing", f"{signing.CREDENTIALS} lists it", layers=("run",))


def _missing(path: Path) -> Verdict:
    try:
        record = read_record(path)
    except BadInput as error:
        return Verdict(path, "missing", f"only a record is left, and {error.reason}", layers=("beside",))
    generator, seed = record["generator"]["id"], record["seed"]
    return Verdict(path, "missing", "only its record is left", generator, seed, ("beside",))


def _verify_credentials(path: Path) -> Verdict:
    credential, _ = signing.read_records(path)
    if credential.state == "trusted":
        return Verdict(path, "ok", "the signed records of this folder", layers=("signed",))
    if credential.state == "none":
        return Verdict(path, "no record")
    status: Status = "changed" if credential.state == "broken" else "record only"
    return Verdict(path, status, credential.reason, layers=("signed",))


def _run_record(path: Path) -> Mapping[str, Any] | None:
    """The signed record of a file in the ``credentials.zip`` of its folder or one above."""
    for folder in list(path.absolute().parents)[:_ABOVE]:
        if (folder / signing.CREDENTIALS).is_file():
            name = path.absolute().relative_to(folder).as_posix()
            record = _signed_list(folder).get(name)
            return record and check_record(record, folder / signing.CREDENTIALS)
    return None


@lru_cache(maxsize=4)
def _signed_list(folder: Path) -> Mapping[str, Any]:
    return signing.read_records(folder / signing.CREDENTIALS)[1]


@lru_cache(maxsize=4)
def _recorded(folder: Path) -> Mapping[str, str]:
    """Content hash to file name for a folder's records: tells a swapped record from a changed file."""
    found: dict[str, str] = {}
    for place in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found[read_record(place)["file"]["sha256"]] = place.name.removesuffix(SUFFIX)
        except BadInput:
            continue
    return found


def _read(path: Path) -> tuple[str, int, bytes]:
    """sha256, size and first block of a file."""
    digest, size, head = hashlib.sha256(), 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            head = head or block
            size += len(block)
            digest.update(block)
    return digest.hexdigest(), size, head
