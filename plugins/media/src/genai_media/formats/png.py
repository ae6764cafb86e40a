"""PNG (W3C, third edition): chunks with checksums, and pixels that unpack to a size known beforehand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput
from genai_media.exif import orientation_of
from genai_media.formats import MAX_PROFILE, Cursor, Scan, check_size, refuse_clip

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits

MAGIC = b"\x89PNG\r\n\x1a\n"
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_CRITICAL = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
_BLOCK = 1 << 20


def scan(data: bytes, name: str, limits: Limits) -> Scan:
    """Check a PNG file: its size, its checksums, and that all of its pixels are there."""
    chunks = _chunks(data, name)
    kind, body = next(chunks)
    if kind != b"IHDR" or len(body) != 13:
        raise BadInput(name, "a PNG without its header", len(MAGIC))
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise BadInput(name, f"a PNG of unknown kind: colour type {colour}, {depth} bits", 24)
    check_size(width, height, name, limits)
    needed, pixels, other = [_chunk(kind, body)], [], {}
    for kind, body in chunks:
        if kind == b"acTL" and int.from_bytes(body[:4], "big") > 1:
            refuse_clip("PNG", int.from_bytes(body[:4], "big"), name)
        if kind == b"IDAT":
            pixels.append(body)
        elif kind in (b"PLTE", b"tRNS"):
            needed.append(_chunk(kind, body))
        elif kind not in _CRITICAL and kind[0] < 0x60:  # an upper-case name: nobody may pass it over
            raise BadInput(name, f"a PNG with the unknown chunk {kind.decode('latin-1')!a}")
        other[kind] = body
    packed = b"".join(pixels)
    _check_pixels(packed, _unpacked_size(width, height, depth * _CHANNELS[colour], interlaced), name)
    payload = b"".join([MAGIC, *needed, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")])
    key = other.get(b"tRNS", b"")
    finish = None
    if colour == 0 and len(key) == 2:  # libpng's caller leaves the transparency of grey pictures out
        value = int.from_bytes(key, "big") & ((1 << depth) - 1)
        finish = _Transparent(value * 255 // ((1 << depth) - 1) if depth < 8 else value)
    exif = orientation_of(other.get(b"eXIf", b""))
    return Scan(width, height, payload, exif, _profile(other.get(b"iCCP", b"")), finish)


def embed(data: bytes, icc: bytes | None, xmp: bytes | None) -> bytes:
    """A PNG of OpenCV with a profile and an XMP packet before its pixels."""
    start = len(MAGIC) + 25  # after the header
    added = b""
    if icc is not None:
        added += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc, 9))
    if xmp is not None:
        added += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    return data[:start] + added + data[start:]


class _Transparent:
    """Makes one grey value transparent."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __call__(self, grey: Any) -> Any:
        import numpy as np

        alpha = np.where(grey == self.value, 0, np.iinfo(grey.dtype).max).astype(grey.dtype)
        return np.dstack([grey, grey, grey, alpha])


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each chunk up to the last, checksums tested."""
    cursor, kind = Cursor(data, name, len(MAGIC)), b""
    while kind != b"IEND":
        start = cursor.at
        size = cursor.number(4)
        kind, body, checksum = cursor.take(4), cursor.take(size), cursor.number(4)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise BadInput(name, f"damaged: the checksum of {kind.decode('latin-1')!a} does not fit", start)
        yield kind, body


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return len(body).to_bytes(4, "big") + kind + body + checksum.to_bytes(4, "big")


def _unpacked_size(width: int, height: int, bits: int, interlaced: int) -> int:
    """Bytes of all rows, each with the number of its filter."""
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for x, y, dx, dy in passes:
        columns, rows = -(-max(0, width - x) // dx), -(-max(0, height - y) // dy)
        total += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return total


def _check_pixels(packed: bytes, size: int, name: str) -> None:
    """Unpack the pixels a block at a time and throw them away: libpng would fill up what is missing."""
    engine, total, rest = zlib.decompressobj(), 0, packed
    try:
        while not engine.eof and total < size:
            piece = engine.decompress(rest, _BLOCK)
            total, rest = total + len(piece), engine.unconsumed_tail
            if not piece and not rest:
                break
    except zlib.error as error:
        raise BadInput(name, f"damaged: its pixels cannot be unpacked ({error})") from None
    if total < size:
        raise BadInput(name, f"truncated: {total:,} of {size:,} bytes of pixels are there")


def _profile(body: bytes) -> bytes | None:
    _, _, packed = body.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE) or None
    except zlib.error:
        return None
