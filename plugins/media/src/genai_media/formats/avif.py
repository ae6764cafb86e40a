"""AVIF (AOM, version 1.1.0): boxes of ISO/IEC 14496-12 and 23008-12 around a frame of AV1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput
from genai_media.formats import Cursor, Scan, check_size, refuse_clip
from genai_media.formats.av1 import frame_size

if TYPE_CHECKING:
    from genai_core.files.safeio import Limits

# Turns to the left, and whether left and right or top and bottom change places after it, as in EXIF.
_TURNED = {(0, None): 1, (0, 1): 2, (2, None): 3, (0, 0): 4, (1, 0): 5, (3, None): 6, (1, 1): 7, (1, None): 8,
           (2, 0): 2, (2, 1): 4, (3, 1): 5, (3, 0): 7}  # fmt: skip


def scan(data: bytes, name: str, limits: Limits) -> Scan:
    """Check an AVIF file: its size, and that all that it lists is there.

    Profile and orientation are those of the main picture; EXIF has no say in AVIF. The decoder gets the
    file as it is: taking parts out would move what the others point to.
    """
    boxes = dict(_boxes(Cursor(data, name)))
    if b"moov" in boxes:
        refuse_clip("AVIF", _frames(data, boxes[b"moov"], name), name)
    if b"meta" not in boxes:
        raise BadInput(name, "an AVIF without a picture")
    meta = _inside(data, name, boxes[b"meta"], skip=4)
    for box in (b"pitm", b"iloc", b"iinf", b"iprp"):
        if box not in meta:
            raise BadInput(name, f"damaged: an AVIF without its box {box.decode()!a}")
    kinds = _kinds(_cursor(data, name, meta[b"iinf"]))
    start = meta.get(b"idat", (0, 0))[0]
    for number, stream in _items(_cursor(data, name, meta[b"iloc"]), start):
        if kinds.get(number) == b"av01":  # libavif unpacks the frame and then cuts it to the size it was told
            check_size(*frame_size(stream, name), name, limits)
    parts = _inside(data, name, meta[b"iprp"])
    properties = list(_boxes(_cursor(data, name, parts.get(b"ipco", (0, 0)))))
    depth = 8
    for kind, place in properties:  # those of parts and of alpha too: each is unpacked
        body = data[slice(*place)]
        if kind == b"ispe":
            check_size(*_size(_cursor(data, name, place)), name, limits)
        elif kind == b"av1C" and len(body) > 2 and body[2] & 0x40:
            depth = max(depth, 12 if body[2] & 0x20 else 10)
    item = _primary(_cursor(data, name, meta[b"pitm"]))
    numbers = _associations(_cursor(data, name, parts.get(b"ipma", (0, 0))), item)
    own = [properties[number - 1] for number in numbers if 1 <= number <= len(properties)]
    sizes = [_size(_cursor(data, name, place)) for kind, place in own if kind == b"ispe"]
    if not sizes:
        raise BadInput(name, "damaged: an AVIF that does not say its size")
    bodies = {kind: data[slice(*place)] for kind, place in own}
    turn = (bodies.get(b"irot") or b"\0")[0] & 3
    mirror = bodies[b"imir"][0] & 1 if bodies.get(b"imir") else None
    icc = next((body[4:] for kind, place in own if kind == b"colr"
                and (body := data[slice(*place)])[:4] in (b"prof", b"rICC")), None)  # fmt: skip
    return Scan(*sizes[0], data, _TURNED.get((turn, mirror), 1), icc, _Widen(depth))


class _Widen:
    """Stretches 10 or 12 bits to 16: white stays white."""

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def __call__(self, pixels: Any) -> Any:
        if pixels.dtype.itemsize == 1:
            return pixels
        return (pixels << (16 - self.depth)) | (pixels >> (2 * self.depth - 16))


def _boxes(cursor: Cursor) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Type of each box in a row, and where its content starts and ends."""
    while cursor.at + 8 <= cursor.end:
        start = cursor.at
        size, kind = cursor.number(4), cursor.take(4)
        if size == 1:
            size = cursor.number(8)
        end = start + size if size else cursor.end
        if not cursor.at <= end <= cursor.end:
            raise BadInput(cursor.name, f"truncated: box {kind.decode('latin-1')!a} is not all there", start)
        yield kind, (cursor.at, end)
        cursor.at = end


def _inside(data: bytes, name: str, place: tuple[int, int], skip: int = 0) -> dict[bytes, tuple[int, int]]:
    return dict(_boxes(Cursor(data, name, place[0] + skip, place[1])))


def _cursor(data: bytes, name: str, place: tuple[int, int]) -> Cursor:
    return Cursor(data, name, *place)


def _size(cursor: Cursor) -> tuple[int, int]:
    cursor.take(4)
    return cursor.number(4), cursor.number(4)


def _primary(cursor: Cursor) -> int:
    version = cursor.number(4) >> 24
    return cursor.number(4 if version else 2)


def _associations(cursor: Cursor, item: int) -> list[int]:
    """Numbers of the properties of an item, from 1."""
    head = cursor.number(4)
    wide = 2 if head & 1 else 1
    for _ in range(cursor.number(4)):
        owner = cursor.number(4 if head >> 24 else 2)
        found = [cursor.number(wide) & (0x7FFF if wide == 2 else 0x7F) for _ in range(cursor.number(1))]
        if owner == item:
            return found
    return []


def _kinds(cursor: Cursor) -> dict[int, bytes]:
    """Number of each item to its type."""
    cursor.take(4 if cursor.number(4) >> 24 else 2)
    kinds = {}
    for kind, place in _boxes(cursor):
        entry = _cursor(cursor.data, cursor.name, place)
        version = entry.number(4) >> 24
        if kind == b"infe" and version >= 2:
            number = entry.number(2 if version == 2 else 4)
            kinds[number] = entry.take(6)[2:]
    return kinds


def _items(cursor: Cursor, inside: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each item; those that lie in the box ``idat`` count from `inside`."""
    version = cursor.number(4) >> 24
    first, second = cursor.number(1), cursor.number(1)
    widths = (first >> 4, first & 15, second >> 4, second & 15 if version else 0)
    total = 0
    for _ in range(cursor.number(4 if version == 2 else 2)):
        item = cursor.number(4 if version == 2 else 2)
        method = cursor.number(2) & 15 if version else 0
        cursor.take(2)
        base = cursor.number(widths[2]) + (inside if method == 1 else 0)
        pieces = []
        for _ in range(cursor.number(2)):
            cursor.take(widths[3])
            at, size = cursor.number(widths[0]), cursor.number(widths[1])
            total += size
            if total > len(cursor.data):
                raise BadInput(cursor.name, "damaged: its pieces are larger than the file")
            pieces.append(Cursor(cursor.data, cursor.name, base + at).take(size))
        yield item, b"".join(pieces)


def _frames(data: bytes, moov: tuple[int, int], name: str) -> int:
    """Frames of an image sequence: the samples of its longest track."""
    count, at = 0, moov[0]
    while (at := data.find(b"stsz", at, moov[1])) >= 0:
        at += 4
        count = max(count, int.from_bytes(data[at + 8 : at + 12], "big"))
    return count
