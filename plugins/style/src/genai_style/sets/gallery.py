"""Pictures made once out of fetched files, kept as plain pictures beside them, with whose they are.

`genai data remove` deletes them together with the files they were made of.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from genai_core.files.atomic import atomic_dir, locked, safe_name, sha256_bytes, sha256_file
from genai_style.data import Photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Credit:
    """Whose a picture is: `licence` is an SPDX expression, `source` says where it was taken from."""

    title: str
    author: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Work:
    """A picture of a gallery: its file name, its split, the file's content, and whose it is."""

    name: str
    split: str
    data: bytes
    credit: Credit


def gallery(
    files: Mapping[str, Path], recipe: str, make: Callable[[Mapping[str, Path]], Iterable[Work]]
) -> Photos:
    """The pictures that `make` makes of `files`; they are made when they are not there or damaged.

    Args:
        files: The fetched files by name; the pictures are kept beside the first.
        recipe: Name and version of what `make` does: another one makes the pictures anew.
        make: Gives the works in the order of the data set.
    """
    folder = next(iter(files.values())).parent / recipe
    with locked(folder.with_name(".lock"), wait=True):
        works = _kept(folder)
        if works is None:
            with atomic_dir(folder) as scratch:
                works = [_keep(work, scratch) for work in make(files)]
                (scratch / _INDEX).write_text(json.dumps(works, indent=1), encoding="utf-8")
    credits = {folder / work["name"]: Credit(**work["credit"]) for work in works}
    parts: dict[str, list[Path]] = {"train": [], "test": []}
    for path, work in zip(credits, works, strict=True):
        parts[work["split"]].append(path)
    return Photos(parts, credits)


def spdx(licence: str) -> str:
    """The SPDX name of a licence as people write it: ``CC-BY-SA 4.0``, ``GPLv2+``, ``Public domain``."""
    if licence.lower() == "public domain":
        return "LicenseRef-public-domain"
    if found := re.fullmatch(r"GPLv(\d)(\+| or later)?", licence):
        return f"GPL-{found[1]}.0-{'or-later' if found[2] else 'only'}"
    return licence.replace(" ", "-")


def _keep(work: Work, folder: Path) -> dict[str, Any]:
    (folder / safe_name(work.name)).write_bytes(work.data)
    row = asdict(work) | {"sha256": sha256_bytes(work.data)}
    del row["data"]
    return row


def _kept(folder: Path) -> list[dict[str, Any]] | None:
    """The index of a whole and undamaged folder, else None."""
    try:
        works: list[dict[str, Any]] = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        whole = all(sha256_file(folder / work["name"]) == work["sha256"] for work in works)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return works if whole else None
