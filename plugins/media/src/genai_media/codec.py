"""Files to pixels and back: our own checks around OpenCV's decoders and encoders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.errors import BadInput, ResourceError, UsageError
from genai_media.exif import upright
from genai_media.formats import MAX_PROFILE, Scan, avif, gif, jpeg, png, tiff, webp
from genai_media.opencv import cv2, quiet
from genai_media.xmp import packet

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits
    from genai_media.formats import Pixels

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHERS = {
    b"BM": "BMP",
    b"\0\0\1\0": "ICO",
    b"8BPS": "PSD",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "XML",
}
# What libjpeg says when it fills up damaged pixels with grey.
_DAMAGE = re.compile(r"premature end|bad Huffman|instead of RST|Inconsistent progression", re.IGNORECASE)
# Longest side, where the format or its encoder has one.
_LONGEST = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383, ".avif": 65_535}


def decode(data: bytes, name: str, limits: Limits) -> tuple[Pixels, bytes | None]:
    """The picture in a file, whatever its suffix says: upright, RGB or RGBA, with its RGB profile.

    Args:
        data: Content of the file.
        name: What messages call it.
        limits: ``bytes`` and ``pixels`` count.

    Returns:
        Pixels of shape (H, W, 3) or (H, W, 4), uint8 or uint16, and an ICC profile. Profiles of grey or CMYK
        files are left behind: they say nothing about RGB.

    Raises:
        BadInput: Not one whole picture within the limits.
    """
    if len(data) > limits.bytes:
        hint = f'if you trust it, raise the limit: GENAI_LIMITS="image.bytes={len(data)}"'
        raise BadInput(name, f"larger than the limit of {limits.bytes} bytes", hint=hint)
    scan = _reader(data, name)(data, name, limits)
    pixels = _to_rgb(scan, _unpack(scan.payload, name), name)
    if pixels.shape[:2] != (scan.height, scan.width):
        raise BadInput(name, "damaged: its header and its pixels differ in size")
    pixels = np.ascontiguousarray(upright(pixels, scan.orientation))
    return pixels, scan.icc if scan.icc is not None and is_rgb_profile(scan.icc) else None


def encode(pixels: Pixels, suffix: str, icc: bytes | None, record: Mapping[str, Any] | None) -> bytes:
    """A file of a picture: the same bytes for the same arguments and version of OpenCV.

    Args:
        pixels: (H, W, 3) or (H, W, 4), uint8 or uint16. JPEG, WebP and AVIF get 8 bits, rounded; JPEG gets
            no alpha, the picture is laid over white.
        suffix: One of the suffixes of `Image`.
        icc: Profile.
        record: What goes into XMP; without one there is none.

    Raises:
        UsageError: The picture is too large for the format.
    """
    if max(pixels.shape[:2]) > _LONGEST.get(suffix, 1 << 20):
        most = _LONGEST.get(suffix, 1 << 20)
        raise UsageError(
            f"{suffix} files hold at most {most:,} pixels a side, the picture has {max(pixels.shape[:2]):,}",
            hint="save it as .png, or make it smaller",
        )
    xmp = None if record is None else packet(record)
    if suffix == ".png":
        # A third of the time of level 6, and files 7 % larger.
        return png.embed(_pack(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3]), icc, xmp)
    if suffix in (".tif", ".tiff"):
        # Compressed without loss in a way that every reader knows: deflate with differences.
        options = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_ADOBE_DEFLATE]
        options += [cv2.IMWRITE_TIFF_PREDICTOR, cv2.IMWRITE_TIFF_PREDICTOR_HORIZONTAL]
        options += [cv2.IMWRITE_TIFF_XDPI, 72, cv2.IMWRITE_TIFF_YDPI, 72]  # baseline TIFF must say something
        return tiff.embed(_pack(".tiff", pixels, options), icc, xmp)
    small = to_8_bits(pixels)
    if suffix == ".webp":
        # Without loss, as a third smaller PNG that signatures and profiles fit into: who wants loss has JPEG.
        # The colours under full transparency stay too, so that what is read is what was written.
        options = [cv2.IMWRITE_WEBP_LOSSLESS_MODE, cv2.IMWRITE_WEBP_LOSSLESS_PRESERVE_COLOR]
        return webp.embed(_pack(".webp", small, options), icc, xmp)
    if suffix == ".avif":
        # Without loss for the same reason; slower settings win less than a tenth.
        options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_SPEED, 9]
        return _pack(".avif", small, options, icc, xmp)
    if record is not None and xmp is not None and not jpeg.holds_xmp(xmp):
        xmp = packet(record, short=True)
    # Hardly visible loss, and no smearing of colours over edges.
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return jpeg.embed(_pack(".jpg", over_white(small), options), icc, xmp)


def is_rgb_profile(icc: bytes) -> bool:
    """Whether these bytes are a colour profile of RGB values, as far as its header says."""
    fits = 132 <= len(icc) <= MAX_PROFILE and int.from_bytes(icc[:4], "big") == len(icc)
    return fits and icc[16:20] == b"RGB " and icc[36:40] == b"acsp"


def to_8_bits(pixels: Pixels) -> Pixels:
    """The same picture with 8 bits a channel: 0 stays 0, white stays white, all else is rounded."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def over_white(pixels: Pixels) -> Pixels:
    """A picture of 8 bits without its alpha, laid over white."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint32)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _reader(data: bytes, name: str) -> Callable[[bytes, str, Limits], Scan]:
    """The module of a file, by its first bytes."""
    if not data:
        raise BadInput(name, "an empty file")
    if data.startswith(png.MAGIC):
        return png.scan
    if data.startswith(jpeg.MAGIC):
        return jpeg.scan
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp.scan
    if data.startswith(_TIFF):
        return tiff.scan
    if data[4:8] == b"ftyp":
        brands = {data[at : at + 4] for at in (8, *range(16, min(int.from_bytes(data[:4], "big"), 256), 4))}
        if brands & {b"avif", b"avis"}:
            return avif.scan
        raise BadInput(name, "a HEIF or film file, not AVIF", hint="save it as PNG or JPEG")
    if data.startswith(gif.MAGIC):
        frames = gif.frames(data)
        what = f"an animated GIF of {frames} frames: a clip, not a picture" if frames > 1 else "a GIF"
        raise BadInput(name, what, hint="save the frame you mean as .png")
    kind = next((kind for magic, kind in _OTHERS.items() if data.startswith(magic)), None)
    what = f"a {kind} file" if kind else "not a picture"
    raise BadInput(name, f"{what}: PNG, JPEG, WebP, TIFF and AVIF are read")


def _unpack(payload: bytes, name: str) -> Any:
    """Pixels as OpenCV gives them, blue first."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    with quiet() as heard:
        try:
            pixels = cv2.imdecode(np.frombuffer(payload, np.uint8), flags)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise ResourceError(f"{name}: not enough memory for the picture") from None
            raise BadInput(name, f"cannot be decoded: {error.err or 'OpenCV refuses it'}") from None
    if any(_DAMAGE.search(line) for line in heard):
        raise BadInput(name, "damaged: parts of its pixels are missing")
    if pixels is None:
        raise BadInput(name, "damaged: its pixels cannot be decoded")
    return pixels


def _to_rgb(scan: Scan, pixels: Any, name: str) -> Any:
    """Decoded pixels as RGB or RGBA."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BadInput(name, f"pixels of type {pixels.dtype}, not 8 or 16 bits a channel")
    if scan.finish is not None:
        pixels = scan.finish(pixels)
    if pixels.ndim == 2:
        return np.dstack([pixels, pixels, pixels])
    return pixels[..., [2, 1, 0] if pixels.shape[2] == 3 else [2, 1, 0, 3]]


def _pack(
    suffix: str, pixels: Pixels, options: list[int], icc: bytes | None = None, xmp: bytes | None = None
) -> bytes:
    """What OpenCV writes, without metadata unless they are given."""
    swapped = np.ascontiguousarray(pixels[..., [2, 1, 0] if pixels.shape[2] == 3 else [2, 1, 0, 3]])
    given = {cv2.IMAGE_METADATA_ICCP: icc, cv2.IMAGE_METADATA_XMP: xmp}
    chosen = {kind: np.frombuffer(data, np.uint8) for kind, data in given.items() if data is not None}
    with quiet():
        try:
            if chosen:
                done, data = cv2.imencodeWithMetadata(suffix, swapped, [*chosen], [*chosen.values()], options)
            else:
                done, data = cv2.imencode(suffix, swapped, options)
        except cv2.error as error:
            raise UsageError(f"the picture cannot be written as {suffix}: {error.err}") from None
    if not done:
        raise UsageError(f"the picture cannot be written as {suffix}")
    return data.tobytes()
