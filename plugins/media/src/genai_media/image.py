"""The artifact ``image``: one picture."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from genai_core.errors import BadInput, UsageError
from genai_core.files.artifacts import Artifact, Preview

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from genai_core.files.safeio import Limits
    from genai_media.formats import Pixels

_THUMBNAIL = 1024  # pixels of the longer side
_STRIP = 256  # rows that are held as float64 at once


class Image(Artifact):
    """One picture: RGB or RGBA, 8 or 16 bits a channel.

    Pixels are as they are seen (no orientation is left to apply), colours are not multiplied with alpha.
    Numbers are in the colour space of the profile, sRGB where there is none; nothing is converted.

    Args:
        pixels: (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16. Not copied if it is C-contiguous; the view
            that the picture keeps is read-only.
        icc: Profile of the RGB values.

    Example:
        >>> red = Image.from_float(np.broadcast_to(np.float32([1, 0, 0]), (2, 3, 3)))
        >>> red.width, red.height, red.pixels[0, 0].tolist()
        (3, 2, [255, 0, 0])
    """

    modality = "image"
    suffixes = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif")

    def __init__(self, pixels: Pixels, icc: bytes | None = None) -> None:
        kept: Pixels = np.ascontiguousarray(pixels).view()
        kept.flags.writeable = False
        self.pixels = kept
        self.icc = icc

    @classmethod
    def from_float(
        cls, array: ArrayLike, alpha: ArrayLike | None = None, bits: int = 8, icc: bytes | None = None
    ) -> Self:
        """A picture of numbers in 0..1; what is beyond is clipped, the rest rounded to the nearest step.

        Args:
            array: (H, W, 3) RGB.
            alpha: (H, W), 1 where the picture is opaque.
            bits: A channel, 8 or 16.
            icc: Profile of the RGB values.

        Raises:
            UsageError: The shapes do not fit, a number is not finite, or `bits` is another one.
        """
        colours = np.asarray(array)
        if colours.ndim != 3 or colours.shape[2] != 3:
            raise UsageError(f"a picture is made of an array (H, W, 3), not {colours.shape}")
        if bits not in (8, 16):
            raise UsageError(f"a picture has 8 or 16 bits a channel, not {bits}")
        planes = [colours]
        if alpha is not None:
            opacity = np.asarray(alpha)
            if opacity.shape != colours.shape[:2]:
                raise UsageError(f"alpha is an array {colours.shape[:2]}, not {opacity.shape}")
            planes.append(opacity[..., None])
        pixels = np.empty((*colours.shape[:2], 2 + len(planes)), np.uint8 if bits == 8 else np.uint16)
        for top in range(0, len(pixels), _STRIP):
            rows = slice(top, top + _STRIP)
            part = np.dstack([plane[rows] for plane in planes]).astype(np.float32)
            if not np.isfinite(part).all():
                raise UsageError("a picture is made of finite numbers")
            pixels[rows] = np.rint(part.clip(0, 1).astype(np.float64) * np.iinfo(pixels.dtype).max)
        return cls(pixels, icc)

    def to_float(self) -> NDArray[np.float32]:
        """(H, W, 3) float32 in 0..1, a copy; alpha is left out."""
        return (self.pixels[..., :3] / np.float32(self._white)).astype(np.float32, copy=False)

    @property
    def alpha(self) -> NDArray[np.float32] | None:
        """(H, W) float32 in 0..1, a copy; None where every pixel is opaque by its format."""
        if self.pixels.shape[2] == 3:
            return None
        return (self.pixels[..., 3] / np.float32(self._white)).astype(np.float32, copy=False)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def bits(self) -> int:
        """Bits a channel, 8 or 16."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def _white(self) -> int:
        return int(np.iinfo(self.pixels.dtype).max)

    def __repr__(self) -> str:
        channels = "RGBA" if self.pixels.shape[2:] == (4,) else "RGB"
        profile = "" if self.icc is None else ", with profile"
        return f"Image({self.width} x {self.height}, {channels}, {self.bits} bits{profile})"

    def validate(self) -> None:
        from genai_media.codec import is_rgb_profile

        shape, kind = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] not in (3, 4) or min(shape) < 1:
            raise BadInput("image", f"an array of shape {shape} is not a picture: (H, W, 3) or (H, W, 4)")
        if kind not in (np.uint8, np.uint16):
            raise BadInput("image", f"pixels are uint8 or uint16, not {kind}")
        if self.icc is not None and not is_rgb_profile(self.icc):
            raise BadInput("image", "its profile is no ICC profile of RGB values")

    def content(self) -> bytes:
        head = struct.pack("<4I", *self.pixels.shape, self.pixels.dtype.itemsize)
        return head + self.pixels.astype(self.pixels.dtype.newbyteorder("<")).tobytes() + (self.icc or b"")

    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        """See `Artifact.encode`. PNG, TIFF, WebP and AVIF keep every pixel, the last two of 8 bits.

        JPEG (quality 95, full colour) loses a little, and alpha: the picture is laid over white. With a
        `record`, the file says in XMP that it was generated, how, and by what.
        """
        from genai_media.codec import encode

        return encode(self.pixels, suffix, self.icc, record)

    @classmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        """See `Artifact.decode`. The first bytes say what a file is, whatever its suffix."""
        from genai_media.codec import decode

        return cls(*decode(data, name, limits))

    def preview(self, limit: int = 24) -> list[Preview]:
        """The picture, at most 1,024 pixels wide and high: PNG where there is alpha, else JPEG."""
        from genai_media.codec import encode, to_8_bits
        from genai_media.opencv import cv2

        if limit < 1:
            return []
        small, scale = to_8_bits(self.pixels), _THUMBNAIL / max(self.width, self.height)
        if scale < 1:
            size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
            small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
        suffix = ".jpg" if self.alpha is None else ".png"
        return [
            Preview(
                kind="jpeg" if suffix == ".jpg" else "png",
                data=encode(small, suffix, self.icc, None),
                alt=f"Picture of {self.width} x {self.height} pixels",
            )
        ]
