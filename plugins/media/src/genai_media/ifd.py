"""Directories of tags (TIFF 6.0, section 2), which TIFF files are made of and EXIF borrowed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from genai_core.errors import BadInput
from genai_media.formats import Cursor

# Number of a type to the bytes of one value; 16 to 18 are BigTIFF's.
_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_UNSIGNED = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_VALUES = 1 << 20  # a strip a row for the highest picture that OpenCV reads
_MOST_ENTRIES = 100_000  # of all directories, which may lie over each other
SHORT, LONG, UNDEFINED = 3, 4, 7


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the values of a tag stand: `count` values of the type `kind` at byte `at` of the file."""

    kind: int
    count: int
    at: int

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return self.count * _SIZES[self.kind]


@dataclass(frozen=True, slots=True)
class Directory:
    """The tags of one page.

    Attributes:
        data: The whole file.
        name: What messages call it.
        order: ``"<"`` or ``">"``, as `struct` has it.
        entries: By tag; those of unknown type left out.
    """

    data: bytes
    name: str
    order: str
    entries: dict[int, Entry]

    def raw(self, tag: int) -> bytes:
        """The values of a tag as they stand in the file."""
        entry = self.entries[tag]
        return Cursor(self.data, self.name, entry.at).take(entry.size)

    def numbers(self, tag: int, default: tuple[int, ...] = (), most: int = _MOST_VALUES) -> tuple[int, ...]:
        """The first `most` values of a tag, `default` without one; `BadInput` if they are not whole."""
        entry = self.entries.get(tag)
        if entry is None:
            return default
        if entry.kind not in _UNSIGNED or not 1 <= entry.count <= _MOST_VALUES:
            raise BadInput(self.name, f"damaged: tag {tag} has {entry.count} values of type {entry.kind}")
        count = min(entry.count, most)
        raw = Cursor(self.data, self.name, entry.at).take(count * _SIZES[entry.kind])
        return struct.unpack(f"{self.order}{count}{_UNSIGNED[entry.kind]}", raw)

    def number(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return self.numbers(tag, (default,), most=1)[0]


def directories(data: bytes, name: str) -> Iterator[Directory]:
    """The directories of a TIFF or BigTIFF file, or of a block of EXIF, one after another."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise BadInput(name, "not a TIFF structure", 0)
    cursor = Cursor(data, name, 2, order=order)
    wide = cursor.number(2) == 43
    if wide:
        cursor.at = 8
    place, read = cursor.number(8 if wide else 4), 0
    while place:
        cursor.at = place
        count = cursor.number(8 if wide else 2)
        read += count + 1
        if read > _MOST_ENTRIES:
            raise BadInput(name, "damaged: its pages have too many tags, or run in a circle", place)
        entries = dict(_entry(cursor, wide) for _ in range(count))
        yield Directory(
            data, name, order, {tag: entry for tag, entry in entries.items() if entry.kind in _SIZES}
        )
        place = cursor.number(8 if wide else 4)


def _entry(cursor: Cursor, wide: bool) -> tuple[int, Entry]:
    room = 8 if wide else 4
    tag, kind, count = cursor.number(2), cursor.number(2), cursor.number(room)
    here = cursor.at
    value = cursor.number(room)
    return tag, Entry(kind, count, here if count * _SIZES.get(kind, 1) <= room else value)


def build(order: str, tags: dict[int, tuple[int, bytes]], blocks: list[bytes], places: int) -> bytes:
    """A TIFF file of one page: directory first, then its values, then the pixels.

    Args:
        order: ``"<"`` or ``">"``.
        tags: Type and bytes of each tag's values.
        blocks: Strips or tiles.
        places: The tag that says where they are, 273 or 324; the one for their sizes goes with it.
    """
    sizes = {273: 279, 324: 325}[places]
    pack = struct.Struct(order + "I").pack
    tags = tags | {
        places: (LONG, bytes(4 * len(blocks))),
        sizes: (LONG, b"".join(pack(len(block)) for block in blocks)),
    }
    start = 8 + 2 + 12 * len(tags) + 4
    starts, at = {}, start
    for tag, (_, raw) in sorted(tags.items()):
        if len(raw) > 4:
            starts[tag] = at
            at += len(raw) + len(raw) % 2
    offsets = []
    for block in blocks:
        offsets.append(pack(at))
        at += len(block)
    tags[places] = (LONG, b"".join(offsets))
    head = [(b"II" if order == "<" else b"MM"), struct.pack(order + "HIH", 42, 8, len(tags))]
    values = []
    for tag, (kind, raw) in sorted(tags.items()):
        head.append(struct.pack(order + "HHI", tag, kind, len(raw) // _SIZES[kind]))
        head.append(pack(starts[tag]) if tag in starts else raw.ljust(4, b"\0"))
        values.append(raw + b"\0" * (len(raw) % 2) if tag in starts else b"")
    return b"".join([*head, bytes(4), *values, *blocks])
