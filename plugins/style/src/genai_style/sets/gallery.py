"""Plain pictures in a folder, with whose they are: made once out of fetched files and kept beside them.

They lie in the folder of the files they were made of and go with it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from genai_core.errors import BadInput
from genai_core.files.atomic import atomic_dir, locked, safe_name, sha256_bytes, sha256_file
from genai_style.data import Photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

INDEX = "index.json"


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
        with suppress(BadInput):
            return kept(folder)
        with atomic_dir(folder) as scratch:
            keep(make(files), scratch)
        return kept(folder)


def keep(works: Iterable[Work], folder: Path) -> None:
    """Write the pictures into `folder`, and an index with whose they are and their sha256."""
    rows = []
    for work in works:
        (folder / safe_name(work.name)).write_bytes(work.data)
        rows.append(asdict(work) | {"sha256": sha256_bytes(work.data)})
        del rows[-1]["data"]
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    (folder / INDEX).write_text(text, encoding="utf-8")


def kept(folder: Path) -> Photos:
    """The pictures that `keep` wrote.

    Raises:
        BadInput: A file is damaged or not there.
    """
    parts: dict[str, list[Path]] = {"train": [], "test": []}
    credits = {}
    try:
        for row in json.loads((folder / INDEX).read_text(encoding="utf-8")):
            path = folder / row["name"]
            if sha256_file(path) != row["sha256"]:
                raise BadInput(path, "damaged: its sha256 is another")
            parts[row["split"]].append(path)
            credits[path] = Credit(**row["credit"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(folder / INDEX, f"damaged or not there: {error}") from None
    return Photos(parts, credits)


def spdx(licence: str) -> str:
    """The SPDX name of a licence as people write it: ``CC-BY-SA 4.0``, ``GPLv2+``, ``Public domain``."""
    if licence.lower() == "public domain":
        return "LicenseRef-public-domain"
    if found := re.fullmatch(r"GPLv(\d)(\+| or later)?", licence):
        return f"GPL-{found[1]}.0-{'or-later' if found[2] else 'only'}"
    return licence.replace(" ", "-")
