"""Files of pictures: which ones are meant, and what those that are made are called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from genai_core.errors import BadInput
from genai_media.image import Image

if TYPE_CHECKING:
    from collections.abc import Iterable


def pictures(paths: Iterable[str]) -> tuple[str, ...]:
    """The files, and the pictures in the folders among them, in the order of their names.

    Raises:
        BadInput: A folder without pictures.
    """
    found: list[str] = []
    for path in paths:
        place = Path(path)
        if place.is_dir():
            inside = sorted(str(each) for each in place.iterdir() if each.suffix.lower() in Image.suffixes)
            if not inside:
                raise BadInput(
                    path, "no picture in this folder", hint=f"with one of {', '.join(Image.suffixes)}"
                )
            found += inside
        else:
            found.append(path)
    return tuple(found)


def file_word(name: str) -> str:
    """What of a name all file systems take."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-_")[:40] or "picture"
