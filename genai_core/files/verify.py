"""Whether files are what their records say: offline, without a decoder, for one file or 100,000.

Three things can speak for a file: the record beside it, the record inside it, and a signature (its own, or
the run's ``credentials.zip``). They must agree with the bytes and with each other. A record and its
checksum show every accident; only a trusted signature shows a forgery made with care.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from genai_core.errors import BadInput
from genai_core.files import provenance, signing
from genai_core.files.atomic import TEMPORARY

Status = Literal["ok", "changed", "missing", "record only", "no record", "unreadable"]
_BLOCK = 1 << 20
_credentials = lru_cache(maxsize=4)(signing.read_records)
_ABOVE = 4
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
        layers: What speaks for it: ``beside``, ``inside``, ``signed``, ``run``.
        record: The first record that speaks for it.
    """

    file: Path
    status: Status
    detail: str = ""
    layers: tuple[str, ...] = ()
    record: provenance.Record | None = None

    @property
    def generator(self) -> str | None:
        """Id of the model or pipeline, as far as a record says."""
        return self.record["generator"]["id"] if self.record else None

    @property
    def seed(self) -> int | None:
        """Seed, likewise."""
        return self.record["recipe"]["seed"] if self.record else None


def verify(path: Path) -> Iterator[Verdict]:
    """The verdict on a file, or on every file under a folder, in order of their names.

    Raises:
        BadInput: There is nothing at `path`.
    """
    _credentials.cache_clear()
    if path.is_dir():
        yield from _verify_folder(path)
    else:
        yield examine(path)


def examine(path: Path) -> Verdict:
    """The verdict on one file, which may be named by its record.

    Raises:
        BadInput: There is neither the file nor a record of it.
    """
    path = path.with_name(path.name.removesuffix(provenance.SUFFIX))
    try:
        if not os.path.lexists(path):
            return _missing(path)
        if not stat.S_ISREG(path.stat().st_mode):
            return Verdict(path, "unreadable", "not a regular file")
        if path.name == signing.CREDENTIALS:
            return _weigh(path, [_signed(_credentials(path)[0])])
        with path.open("rb") as file:
            head = file.read(_BLOCK)
            file.seek(0)
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            file.seek(max(_BLOCK, size - _BLOCK))
            ends = head + file.read()  # a film has its record at its end
            file.seek(0)
            credential = signing.check(file, path.suffix.lower())
    except OSError as error:
        return Verdict(path, "unreadable", error.strerror or str(error))
    record = provenance.embedded_record(ends)
    inside = _Claim("inside", record) if record else None
    return _weigh(path, [_beside(path, digest, size), inside, _signed(credential), _in_run(path, digest)])


class _Claim(NamedTuple):
    """What one layer says of a file.

    Attributes:
        layer: As in `Verdict`.
        record: The record it holds.
        proof: It vouches for the bytes as they are.
        against: How it contradicts them.
        remark: What it is, or why it proves nothing.
    """

    layer: str
    record: provenance.Record | None = None
    proof: bool = False
    against: str = ""
    remark: str = ""


def _weigh(path: Path, found: list[_Claim | None]) -> Verdict:
    claims = [claim for claim in found if claim]
    place, record = next(((claim.layer, claim.record) for claim in claims if claim.record), ("", None))
    against = [claim.against for claim in claims if claim.against]
    against += [
        f"its records differ: {place} and {claim.layer}"
        for claim in claims
        if claim.record and record and provenance.unsealed(claim.record) != provenance.unsealed(record)
    ]
    status: Status = "record only" if claims else "no record"
    if against:
        status = "changed"
    elif any(claim.proof for claim in claims):
        status = "ok"
    detail = "; ".join(against + [claim.remark for claim in claims if claim.remark])
    return Verdict(path, status, detail, tuple(claim.layer for claim in claims), record)


def _beside(path: Path, digest: str, size: int) -> _Claim | None:
    if not os.path.lexists(provenance.record_path(path)):
        return None
    try:
        record = provenance.read_record(path)
    except BadInput as error:
        return _Claim("beside", against=error.reason)
    recorded, against = record["file"], "its content was changed"
    if recorded["sha256"] == digest:
        return _Claim("beside", record, proof=True)
    if size != recorded["size"]:
        what = "truncated" if size < recorded["size"] else "grown"
        against = f"{what}: {size:,} instead of {recorded['size']:,} bytes"
    return _Claim("beside", record, against=against)


def _signed(credential: signing.Credential) -> _Claim | None:
    if credential.state == "none":
        return None
    if credential.state == "broken":
        return _Claim("signed", against=f"its signature does not hold: {credential.reason}")
    if credential.state != "trusted":
        return _Claim("signed", remark=credential.reason)
    if credential.text is None:
        return _Claim("signed", proof=True, remark="the signed records of this folder")
    try:
        return _Claim("signed", provenance.parse_record(credential.text.encode(), "signature"), proof=True)
    except BadInput as error:
        return _Claim("signed", against=error.reason)


def _in_run(path: Path, digest: str) -> _Claim | None:
    """The signed record of a file in the ``credentials.zip`` of its folder or one above."""
    for folder in list(path.absolute().parents)[:_ABOVE]:
        sealed = folder / signing.CREDENTIALS
        if sealed.is_file():
            found = _credentials(sealed)[1].get(path.absolute().relative_to(folder).as_posix())
            if found is None:
                return None
            record = provenance.parse_record(provenance.to_text(found).encode(), sealed)
            if record["file"]["sha256"] == digest:
                return _Claim("run", record, proof=True)
            return _Claim("run", record, against=f"not the file that {signing.CREDENTIALS} was signed for")
    return None


def _verify_folder(root: Path) -> Iterator[Verdict]:
    for folder, below, names in os.walk(root):
        below.sort()
        here, present = Path(folder), set(names)
        for name in sorted(present):
            plain = name.removesuffix(provenance.SUFFIX)
            if not (name.startswith(TEMPORARY) or name in _NOTES or (name != plain and plain in present)):
                yield examine(here / plain)
        for name in sorted(
            _credentials(here / signing.CREDENTIALS)[1] if signing.CREDENTIALS in present else ()
        ):
            if not os.path.lexists(here / name) and not provenance.record_path(here / name).exists():
                yield Verdict(here / name, "missing", f"{signing.CREDENTIALS} lists it", ("run",))


def _missing(path: Path) -> Verdict:
    if not os.path.lexists(provenance.record_path(path)):
        raise BadInput(path, "no such file or folder, and no record of one")
    told = "only its record is left"
    try:
        return Verdict(path, "missing", told, ("beside",), provenance.read_record(path))
    except BadInput as error:
        return Verdict(path, "missing", f"{told}, and {error.reason}", ("beside",))
