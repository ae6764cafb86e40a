"""GIF (89a): read only as far as it takes to count its frames, for a message that helps."""

from __future__ import annotations

MAGIC = (b"GIF87a", b"GIF89a")


def frames(data: bytes) -> int:
    """Pictures in a GIF, as far as it is whole."""
    count, at = 0, 13 + _table(data, 10)
    while at < len(data):
        block = data[at]
        if block == 0x2C:  # a picture: place, colours, code size, pieces
            count += 1
            at = _pieces(data, at + 10 + _table(data, at + 9) + 1)
        elif block == 0x21:  # an extension
            at = _pieces(data, at + 2)
        else:
            break
    return count


def _table(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at `at` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _pieces(data: bytes, at: int) -> int:
    """Where a chain of pieces ends."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
