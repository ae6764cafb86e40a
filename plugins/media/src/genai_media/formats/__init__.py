"""The containers of pictures, one file each: what they say before a decoder runs, where metadata goes.

Each module has `scan`, which checks a whole file and gives a `Scan`, and (AVIF apart) `embed`, which puts
profile and XMP into what OpenCV wrote. Pixels are packed and unpacked by OpenCV alone, and it gets no more
of a file than it needs for them: metadata never reach a native parser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genai_core.files.safeio import Limits

    Pixels = NDArray[Any]  # uint8 or uint16; numpy's functions do not tell mypy which

MAX_PROFILE = 16 << 20  # bytes; what the parts of a JPEG can carry, and far more than any profile has


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file says of its picture.

    Attributes:
        width: Pixels in a row as stored, before the picture is turned upright.
        height: Rows, likewise.
        payload: The file again, with nothing in it but what the pixels need.
        orientation: How the picture is to be turned, 1 to 8 as in EXIF.
        icc: Colour profile.
        finish: What is left to be done with the decoder's (H, W) or (H, W, C) pixels; channels may be in
            any order of colours, alpha is the last of four.
    """

    width: int
    height: int
    payload: bytes
    orientation: int = 1
    icc: bytes | None = None
    finish: Callable[[Any], Any] | None = None


def check_size(width: int, height: int, name: str, limits: Limits) -> None:
    """Refuse a picture that is empty or larger than the limits; called before anything is unpacked."""
    if width < 1 or height < 1:
        raise BadInput(name, f"a picture of {width} x {height} pixels")
    if width * height > limits.pixels:
        raise BadInput(
            name,
            f"{width:,} x {height:,} pixels are more than the limit of {limits.pixels:,}",
            hint=f'if you trust it, raise the limit: GENAI_LIMITS="image.pixels={width * height}"',
        )


def refuse_clip(kind: str, frames: int, name: str) -> None:
    """Say that this file is moving pictures."""
    raise BadInput(
        name,
        f"an animated {kind} of {frames} frame{'' if frames == 1 else 's'}: a clip, not a picture",
        hint="save the frame you mean as .png, or use what works on clips",
    )


class Cursor:
    """Reads numbers and blocks from a part of a file; `BadInput` where there are not enough bytes.

    Args:
        data: The whole file.
        name: What messages call it.
        at: Where to start; ``end``: where to stop.
        order: ``">"`` big endian, ``"<"`` little endian.
    """

    __slots__ = ("at", "data", "end", "name", "order")

    def __init__(self, data: bytes, name: str, at: int = 0, end: int | None = None, order: str = ">") -> None:
        self.data, self.name, self.at, self.order = data, name, at, order
        self.end = len(data) if end is None else end

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if not 0 <= self.at <= self.end - size or size < 0:
            raise BadInput(self.name, "ends too early: the file is truncated or damaged", self.at)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """The next `size` bytes as an unsigned number."""
        return int.from_bytes(self.take(size), "big" if self.order == ">" else "little")
