"""The sequence header of AV1 (AOM bitstream specification, 5.5): how large its frames really are."""

from __future__ import annotations

from genai_core.errors import BadInput
from genai_media.formats import Cursor

_SEQUENCE_HEADER = 1


class _Bits:
    """Reads numbers of any length, first bit first."""

    def __init__(self, data: bytes, name: str) -> None:
        self.value, self.left, self.name = int.from_bytes(data, "big"), 8 * len(data), name

    def __call__(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            raise BadInput(self.name, "damaged: the header of its AV1 frame ends too early")
        return self.value >> self.left & ((1 << count) - 1)


def frame_size(data: bytes, name: str) -> tuple[int, int]:
    """Largest width and height of the frames that follow.

    Args:
        data: Open bitstream units.
        name: What messages call the file.

    Raises:
        BadInput: There is no sequence header.
    """
    cursor = Cursor(data, name)
    while cursor.at < cursor.end:
        head = cursor.number(1)
        if head & 4:
            cursor.take(1)  # layers
        size = _leb128(cursor) if head & 2 else cursor.end - cursor.at
        body = cursor.take(size)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return _size(_Bits(body[:512], name))
    raise BadInput(name, "damaged: no header before its AV1 frame")


def _leb128(cursor: Cursor) -> int:
    value = 0
    for place in range(8):
        byte = cursor.number(1)
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value


def _size(bits: _Bits) -> tuple[int, int]:
    bits(4)  # profile, still picture
    if bits(1):  # the short header of still pictures
        bits(5)
    else:
        _skip_operating_points(bits)
    wide, high = bits(4) + 1, bits(4) + 1
    return bits(wide) + 1, bits(high) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay = 0
    if bits(1):  # timing
        bits(64)
        if bits(1):
            zeros = 0
            while not bits(1):
                zeros += 1
            bits(zeros)
        if bits(1):  # decoder model
            delay = bits(5) + 1
            bits(32 + 5 + 5)
    shown = bits(1)
    for _ in range(bits(5) + 1):
        bits(12)
        if bits(5) > 7:
            bits(1)
        if delay and bits(1):
            bits(2 * delay + 1)
        if shown and bits(1):
            bits(4)
