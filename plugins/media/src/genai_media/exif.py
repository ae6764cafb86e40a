"""Which way is up: the orientation that cameras note instead of turning the pixels."""

from __future__ import annotations

from typing import Any

from genai_core.errors import BadInput
from genai_media.ifd import Directory, directories

_ORIENTATION = 0x0112


def orientation_of(exif: bytes) -> int:
    """The orientation in a block of EXIF, 1 to 8; 1 where there is none to be read.

    Broken EXIF is no reason to refuse a picture: nothing else in it is used.
    """
    if not exif:
        return 1
    try:
        return orientation_in(next(directories(exif, "EXIF")))
    except (BadInput, StopIteration):
        return 1


def orientation_in(directory: Directory) -> int:
    """The orientation in a directory, 1 where there is none that makes sense."""
    value = directory.number(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def upright(pixels: Any, orientation: int) -> Any:
    """Pixels (H, W, ...) as they are meant to be seen; a view.

    Args:
        pixels: As stored.
        orientation: What the first stored row and column are, seen: 1 top and left, 2 top and right,
            3 bottom and right, 4 bottom and left, 5 left and top, 6 right and top, 7 right and bottom,
            8 left and bottom (EXIF 3.0, tag 0112).
    """
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    return pixels.swapaxes(0, 1) if orientation >= 5 else pixels
