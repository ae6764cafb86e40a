"""JPEG (ITU T.81): segments between markers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genai_core.errors import BadInput
from genai_media.exif import orientation_of
from genai_media.formats import Cursor, Scan, check_size

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits

MAGIC = b"\xff\xd8\xff"
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # in coded data FF 00 is a byte, FF D0..D7 a restart
_LARGEST = 65_533  # bytes of content in a segment
_SCANS = 200  # a progressive picture has about ten; each costs the decoder a pass over all pixels


def scan(data: bytes, name: str, limits: Limits) -> Scan:
    """Check a JPEG file: its size, and that it goes on to its end marker.

    CMYK pictures become RGB without a profile, with the inverted values that Adobe's programs write and
    all others follow.
    """
    cursor = Cursor(data, name, 2)
    kept, profile, exif, size, scans = [b"\xff\xd8"], {}, b"", (0, 0), 0
    while (marker := _marker(cursor)) != 0xD9:
        start = cursor.at
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            raise BadInput(name, f"damaged: marker {marker:02X} out of place", start)
        length = cursor.number(2)
        body = cursor.take(max(0, length - 2))
        if marker in _FRAMES:
            if size != (0, 0):
                raise BadInput(name, "several pictures in one JPEG", start)
            size = _frame(body, name, start)
            check_size(*size, name, limits)
        if marker == 0xE1 and body.startswith(_EXIF):
            exif = exif or body[len(_EXIF) :]
        elif marker == 0xE2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
            profile[body[len(_ICC)]] = (body[len(_ICC) + 1], body[len(_ICC) + 2 :])
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(b"\xff%c" % marker + data[start : cursor.at])
        if marker == 0xDA:
            scans += 1
            found = _MARKER.search(data, cursor.at)
            if found is None:
                raise BadInput(name, "truncated: it stops before its end marker", len(data))
            if scans > _SCANS:
                raise BadInput(name, f"a JPEG of more than {_SCANS} scans", start)
            kept.append(data[cursor.at : found.start()])
            cursor.at = found.start()
    if not scans or size == (0, 0):
        raise BadInput(name, "a JPEG without a picture", cursor.at)
    payload = b"".join([*kept, b"\xff\xd9"])
    return Scan(*size, payload, orientation_of(exif), _join(profile))


def embed(data: bytes, icc: bytes | None, xmp: bytes | None) -> bytes:
    """A JPEG of OpenCV with an XMP packet and a profile after its first segment."""
    start = 4 + int.from_bytes(data[4:6], "big")
    added = []
    if xmp is not None:
        added.append(_segment(0xE1, _XMP + xmp))
    if icc is not None:
        size = _LARGEST - len(_ICC) - 2
        parts = [icc[at : at + size] for at in range(0, len(icc), size)]
        for number, part in enumerate(parts, start=1):
            added.append(_segment(0xE2, _ICC + bytes([number, len(parts)]) + part))
    return b"".join([data[:start], *added, data[start:]])


def holds_xmp(xmp: bytes) -> bool:
    """Whether a packet fits into the one segment that it may have."""
    return len(_XMP) + len(xmp) <= _LARGEST


def _marker(cursor: Cursor) -> int:
    if cursor.number(1) != 0xFF:
        raise BadInput(cursor.name, "damaged: no marker where one should be", cursor.at - 1)
    while (marker := cursor.number(1)) == 0xFF:
        pass
    return marker


def _frame(body: bytes, name: str, start: int) -> tuple[int, int]:
    """Width and height of a frame header."""
    if len(body) < 6:
        raise BadInput(name, "damaged: a short frame header", start)
    if body[0] != 8:
        raise BadInput(name, f"a JPEG of {body[0]} bits a channel", start, hint="save it as PNG or TIFF")
    return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")


def _join(parts: dict[int, tuple[int, bytes]]) -> bytes | None:
    """A profile from its numbered parts; None unless all are there."""
    if not parts or sorted(parts) != list(range(1, len(parts) + 1)):
        return None
    if any(count != len(parts) for count, _ in parts.values()):
        return None
    return b"".join(parts[number][1] for number in sorted(parts))


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff%c" % marker + (len(body) + 2).to_bytes(2, "big") + body
