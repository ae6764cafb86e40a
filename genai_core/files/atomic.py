"""Writing that a kill or a full disk cannot spoil, and names that cannot escape their folder.

A file appears under its name whole or not at all: temporary file in the same folder, flush, fsync, rename,
fsync of the folder. A full disk becomes a `ResourceError` and leaves no debris.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genai_core.errors import BadInput, ResourceError, UsageError

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
TEMPORARY = ".tmp-"  # how names of what is not finished begin


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def safe_name(name: str) -> str:
    """Return `name` if it is a plain, portable file name; `BadInput` otherwise.

    Only ASCII letters, digits, dot, hyphen and underscore, at most 100 characters, no leading dot and no
    name that some system reserves: path traversal, NUL and right-to-left tricks cannot be spelled.
    """
    stem = name.partition(".")[0].lower()
    if not _SAFE_NAME.fullmatch(name) or stem in _RESERVED or name.endswith("."):
        raise BadInput(
            repr(name),
            "not a safe file name",
            hint="use 1-100 letters, digits, dots, hyphens or underscores, starting with a letter or digit",
        )
    return name


def inside(root: Path, relative: str | Path) -> Path:
    """`root / relative`, refused unless it stays under `root` once links are followed."""
    base = root.resolve()
    path = (base / relative).resolve()
    if path != base and base not in path.parents:
        raise BadInput(str(relative), f"leads out of {root}")
    return path


def atomic_write(path: Path, data: bytes) -> Path:
    """Write `data` to `path`, whole or not at all, durable when the call returns."""
    with _committed(path) as temporary, temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return path


@contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name, then rename it to `path`; on any error nothing is left.

    Yields:
        The temporary folder to write into. Files in it are fsynced before the rename.
    """
    with _committed(path) as temporary:
        temporary.mkdir(parents=True)
        yield temporary
        for place in (*temporary.iterdir(), temporary):
            _sync(place)
        if path.exists():
            shutil.rmtree(path)


@contextmanager
def _committed(path: Path) -> Iterator[Path]:
    """A temporary name; what is there at the end is renamed to `path`, on any error it goes."""
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}")
    with writing(path):
        try:
            yield temporary
            temporary.replace(path)
            _sync(path.parent)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


def append_line(path: Path, line: str) -> None:
    """Append one line in a single write, so that a kill leaves at most the last line torn."""
    with writing(path), path.open("ab") as file:
        file.write(line.encode() + b"\n")


def make_folder(path: Path) -> Path:
    """Create `path` and its parents; `ResourceError` says why that is not possible."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def claim(folder: Path, name: str, owner: Mapping[str, Any]) -> None:
    """Write whose folder it is into its file `name`, or see that the same stands there already.

    Args:
        folder: Made when missing.
        name: Of a JSON file.
        owner: JSON values.

    Raises:
        UsageError: The folder is another's, or holds files and says nobody's name.
    """
    place, elsewhere = make_folder(folder) / name, "choose another folder with -o"
    if not place.exists():
        if any(child.name != name and not child.name.startswith(TEMPORARY) for child in folder.iterdir()):
            raise UsageError(f"{folder} is not empty and holds no {name}", hint=elsewhere)
        atomic_write(place, (json.dumps(owner, indent=1, sort_keys=True) + "\n").encode())
        return
    try:
        there = dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        there = {}
    if other := [key for key, value in owner.items() if there.get(key) != value]:
        raise UsageError(f"{place} is of something else: it differs in {', '.join(other)}", hint=elsewhere)


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a folder, or a file that is made when missing, for this process.

    The lock belongs to the open file: the kernel drops it however the process dies.

    Raises:
        ResourceError: Another process holds it, and we are not to `wait`.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two processes on one folder are not told apart
        yield
        return
    with writing(path):
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with writing(path):
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes `path`: an `OSError` becomes a `ResourceError` with advice."""
    try:
        yield
    except OSError as error:
        what, hint = error.strerror or str(error), None
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what, hint = "the disk is full", "free some space, then run the same again"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            what, hint = "no permission to write here", "choose another folder with -o"
        elif isinstance(error, BlockingIOError):
            what, hint = "another process is working here", "wait for it, or stop it first"
        raise ResourceError(f"{path}: {what}", hint=hint) from error


def _sync(path: Path) -> None:
    if os.name != "posix" and path.is_dir():  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
