"""After the last test, reads every file that the tests left and fails the session when one is a pickle.

A file whose name contains ``planted`` is let pass: a test put it there to see it refused.
"""

from __future__ import annotations

import gzip
import io
import os
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

_SKIPPED_FOLDERS = {"site-packages", "dist-packages", "chromium-profile", "node_modules"}
_ACTS = {
    "GLOBAL",
    "STACK_GLOBAL",
    "INST",
    "OBJ",
    "REDUCE",
    "BUILD",
    "NEWOBJ",
    "DICT",
    "LIST",
    "TUPLE",
    "SETITEMS",
}
_LARGEST = 64 << 20
_found: list[str] = []


def pickle_in(stream: BinaryIO, depth: int = 0) -> str | None:
    """Why `stream` holds a pickle, or None; looks into npy, gzip and zip (so npz and torch files)."""
    head = stream.read(256)
    stream.seek(0)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05" and _parses(stream):
        return f"pickle protocol {head[1]}"
    if head[:6] == b"\x93NUMPY" and b"'|O'" in head:
        return "numpy array of objects"
    if head[:2] == b"\x1f\x8b" and depth < 2:
        try:
            with gzip.GzipFile(fileobj=stream) as packed:
                unpacked = io.BytesIO(packed.read(_LARGEST))
        except (OSError, EOFError, zlib.error):
            return None
        return pickle_in(unpacked, depth + 1)
    if head[:4] == b"PK\x03\x04" and depth < 2:
        return _pickle_in_zip(stream, depth)
    return _old_pickle(stream)


def _pickle_in_zip(stream: BinaryIO, depth: int) -> str | None:
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                reason = pickle_in(io.BytesIO(archive.open(member).read(_LARGEST)), depth + 1)
                if reason:
                    return f"{member.filename}: {reason}"
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error):
        return None
    return None


def _old_pickle(stream: BinaryIO) -> str | None:
    """Protocols 0 and 1 have no mark: the whole must parse, and build something."""
    stream.seek(0, io.SEEK_END)
    if not 8 <= stream.tell() <= 1 << 20:
        return None
    stream.seek(-1, io.SEEK_END)
    if stream.read(1) != b".":
        return None
    stream.seek(0)
    if _parses(stream, whole=True):
        return "pickle protocol 0 or 1"
    return None


def _parses(stream: BinaryIO, *, whole: bool = False) -> bool:
    stream.seek(0)
    try:
        names = {opcode.name for opcode, _, _ in pickletools.genops(stream)}
    except Exception:  # genops raises whatever the bytes provoke
        return False
    return not whole or (stream.read(1) == b"" and bool(names & _ACTS))


def _files(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _SKIPPED_FOLDERS]
        for name in names:
            path = Path(folder, name)
            if "planted" not in str(path.relative_to(root)) and path.is_file() and not path.is_symlink():
                yield path


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return  # the controlling process sees the files of all workers
    root: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    for path in _files(root):
        try:
            with path.open("rb") as stream:
                reason = pickle_in(stream)
        except OSError:
            continue
        if reason:
            _found.append(f"{path.relative_to(root)}: {reason}")
    if _found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _found:
        terminalreporter.section("pickles written by tests", red=True)
        for line in _found:
            terminalreporter.write_line(line)
