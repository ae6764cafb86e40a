"""WebP (RFC 9649): chunks in a RIFF file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_core.errors import BadInput
from genai_media.exif import orientation_of
from genai_media.formats import Cursor, Scan, check_size, refuse_clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genai_core.files.safeio import Limits

_PROFILE, _ALPHA, _XMP, _ANIMATION = 0x20, 0x10, 0x04, 0x02


def scan(data: bytes, name: str, limits: Limits) -> Scan:
    """Check a WebP file: its size, and that all of its chunks are there."""
    chunks: dict[bytes, bytes] = {}
    frames = 0
    for kind, body in _chunks(data, name):
        chunks.setdefault(kind, body)
        frames += kind == b"ANMF"
    if frames or (chunks.get(b"VP8X", b"\0")[:1] or b"\0")[0] & _ANIMATION:
        refuse_clip("WebP", frames, name)
    if b"VP8L" in chunks:
        width, height, _ = _lossless(chunks[b"VP8L"], name)
        image = _chunk(b"VP8L", chunks[b"VP8L"])
    elif b"VP8 " in chunks:
        width, height = _lossy(chunks[b"VP8 "], name)
        image = _chunk(b"VP8 ", chunks[b"VP8 "])
        if b"ALPH" in chunks and b"VP8X" in chunks:
            image = _header(_ALPHA, width, height) + _chunk(b"ALPH", chunks[b"ALPH"]) + image
    else:
        raise BadInput(name, "a WebP without a picture")
    canvas = chunks.get(b"VP8X")
    if canvas is not None and canvas[4:10] != _dimensions(width, height):
        raise BadInput(name, "damaged: its header and its picture differ in size")
    check_size(width, height, name, limits)
    exif = chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    return Scan(width, height, _riff(image), orientation_of(exif), chunks.get(b"ICCP"))


def embed(data: bytes, icc: bytes | None, xmp: bytes | None) -> bytes:
    """A lossless WebP of OpenCV with a profile and an XMP packet.

    The packet stands before the pixels, where metadata may stand (section 2.7.1.5): whoever reads only the
    start of a file finds it.
    """
    if icc is None and xmp is None:
        return data
    image = next(body for kind, body in _chunks(data, "WebP") if kind == b"VP8L")
    width, height, alpha = _lossless(image, "WebP")
    flags = _ALPHA * alpha | _PROFILE * (icc is not None) | _XMP * (xmp is not None)
    parts = [_header(flags, width, height)]
    if icc is not None:
        parts.append(_chunk(b"ICCP", icc))
    if xmp is not None:
        parts.append(_chunk(b"XMP ", xmp))
    return _riff(b"".join([*parts, _chunk(b"VP8L", image)]))


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise BadInput(name, f"truncated: {len(data):,} of {end:,} bytes are there", len(data))
    cursor = Cursor(data, name, 12, end, order="<")
    while cursor.at + 8 <= end:
        kind, size = cursor.take(4), cursor.number(4)
        yield kind, cursor.take(size)
        cursor.at += size & 1


def _lossless(body: bytes, name: str) -> tuple[int, int, bool]:
    """Width, height and whether there is alpha."""
    bits = int.from_bytes(body[1:5], "little")
    if len(body) < 5 or body[0] != 0x2F or bits >> 29:
        raise BadInput(name, "damaged: not a lossless WebP picture")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)


def _lossy(body: bytes, name: str) -> tuple[int, int]:
    if len(body) < 10 or body[3:6] != b"\x9d\x01\x2a" or body[0] & 1:
        raise BadInput(name, "damaged: not a WebP picture")
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF


def _dimensions(width: int, height: int) -> bytes:
    return (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") if width and height else b""


def _header(flags: int, width: int, height: int) -> bytes:
    return _chunk(b"VP8X", bytes([flags, 0, 0, 0]) + _dimensions(width, height))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) & 1)


def _riff(content: bytes) -> bytes:
    return b"RIFF" + (4 + len(content)).to_bytes(4, "little") + b"WEBP" + content
