"""Files inside a resource collection of Qt (``.rcc``), read without Qt.

As its compiler writes them ("The Qt Resource System"), numbers big-endian: a header with the places of three
parts; a tree of nodes, folders and files; their names in UTF-16; and what the files hold, plain or packed
with zlib behind the unpacked size.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from genai_core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZLIB, _FOLDER, _ZSTD = 1, 2, 4
_NODE = {1: 14, 2: 22, 3: 22}  # bytes of a node by version of the format: from 2 on it has a time
_LONGEST = 1_000  # characters of a path
LARGEST = 100_000_000  # bytes that all files together may have


def files_in(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file of a collection, in the order of its tree.

    Args:
        data: The collection.
        name: What messages call it.

    Raises:
        BadInput: It is none, it is damaged, or it unpacks to more than `LARGEST` bytes.
    """
    try:
        yield from _Collection(data, name).walk()
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise BadInput(name, f"damaged resource collection: {error}") from None


class _Collection:
    def __init__(self, data: bytes, name: str) -> None:
        magic, version, self.tree, self.contents, self.names = struct.unpack_from(">4sIIII", data)
        if magic != b"qres" or version not in _NODE:
            raise BadInput(name, "not a resource collection of Qt, version 1 to 3")
        self.data, self.name, self.node = data, name, _NODE[version]
        self.room = LARGEST

    def walk(self) -> Iterator[tuple[str, bytes]]:
        left, known = [(0, "")], 1
        while left:
            index, above = left.pop()
            place = self.tree + index * self.node
            name, flags, first, second = struct.unpack_from(">IHII", self.data, place)
            path = f"{above}/{self._text(self.names + name)}".lstrip("/") if index else ""
            if len(path) > _LONGEST:
                raise BadInput(self.name, f"a path of more than {_LONGEST} characters", place)
            if flags & _FOLDER:
                known += first
                if known > len(self.data) // self.node:
                    raise BadInput(self.name, "damaged resource collection: folders hold each other", place)
                left += [(second + i, path) for i in reversed(range(first))]
            elif flags & _ZSTD:
                raise BadInput(self.name, f"{path} is packed with zstd, which is not read here")
            else:
                yield path, self._content(self.contents + second, packed=bool(flags & _ZLIB))

    def _text(self, place: int) -> str:
        (length,) = struct.unpack_from(">H", self.data, place)
        return self._part(place + 6, 2 * length).decode("utf-16-be")

    def _content(self, place: int, *, packed: bool) -> bytes:
        (length,) = struct.unpack_from(">I", self.data, place)
        content = self._part(place + 4, length)
        if packed:
            unpacker = zlib.decompressobj()
            content = unpacker.decompress(content[4:], self.room + 1)
            if not unpacker.eof and len(content) <= self.room:
                raise BadInput(self.name, "damaged resource collection: a packed file ends too early", place)
        self.room -= len(content)
        if self.room < 0:
            raise BadInput(self.name, f"unpacks to more than the limit of {LARGEST} bytes", place)
        return content

    def _part(self, start: int, length: int) -> bytes:
        part = self.data[start : start + length]
        if len(part) < length:
            raise BadInput(
                self.name, f"damaged resource collection: {length - len(part)} bytes missing", start
            )
        return part
