"""What a film file says of itself, read before any decoder sees it: its container, and whether it is whole.

MP4 and QuickTime are boxes (ISO 14496-12), AVI is chunks (RIFF), Matroska and WebM are elements (RFC 9559).
Nothing else goes on to FFmpeg, which would also take a playlist and open what that names.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Literal

from genai_core.errors import BadInput

Kind = Literal["mp4", "avi", "webm", "mkv"]
# What lies between the start and the end of a part: its name, and where its content starts and ends.
Part = tuple[bytes, int, int]

_MP4 = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_EBML, _SEGMENT, _DOCTYPE = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x42\x82"
_CRC, _TRACKS, _TRACK, _TRACK_TYPE = b"\xbf", b"\x16\x54\xae\x6b", b"\xae", b"\x83"
_HOLDERS = {b"\x15\x49\xa9\x66", _TRACKS, b"\x12\x54\xc3\x67", _TRACK, b"\x73\x73", b"\x63\xc0"}
_NUMBERS = {b"\x73\xa4", b"\x73\xc5", b"\x63\xc5"}  # of segment, track, and the track a tag is about
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # Adobe, XMP specification part 3
_XMP_CHUNK = b"_PMX"
_MOST = 100_000  # parts of one level


def kind_of(data: bytes, name: str) -> Kind:
    """The container of a whole file.

    Raises:
        BadInput: It is no film, or its end is missing.
    """
    if data[4:8] in _MP4:
        if b"moov" not in [part for part, _, _ in _boxes(data, name)]:
            raise BadInput(name, "damaged: an MP4 file without its index")
        return "mp4"
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        _whole(8 + int.from_bytes(data[4:8], "little"), data, name)
        return "avi"
    if data.startswith(_EBML):
        parts = _elements(data, 0, len(data))
        _, start, end = next(parts)
        types = [data[a:b].rstrip(b"\0") for part, a, b in _elements(data, start, end) if part == _DOCTYPE]
        segment = next((part for part in parts if part[0] == _SEGMENT), None)
        if segment is None:
            raise BadInput(name, "damaged: a Matroska file without content")
        _whole(segment[2], data, name)
        return "webm" if types == [b"webm"] else "mkv"
    if not data:
        raise BadInput(name, "an empty file")
    raise BadInput(name, "not a film: MP4, QuickTime, WebM, Matroska and AVI are read")


def has_sound(data: bytes, kind: Kind) -> bool:
    """Whether there is a track of sound."""
    if kind == "mp4":
        boxes = _boxes(data, "")
        return any(re.search(rb"hdlr.{8}soun", data[a:b], re.S) for part, a, b in boxes if part == b"moov")
    if kind == "avi":
        return re.search(rb"strh.{4}auds", data[: 1 << 16], re.S) is not None
    tracks = [
        part
        for _, start, end in _segments(data)
        for holder, a, b in _elements(data, start, end)
        if holder == _TRACKS
        for part in _elements(data, a, b)
    ]
    kinds = [
        data[a:b]
        for _, start, end in tracks
        for part, a, b in _elements(data, start, end)
        if part == _TRACK_TYPE
    ]
    return b"\x02" in kinds


def settled(data: bytes) -> bytes:
    """A Matroska file with 1 for the numbers that its writer drew at random: the same again."""
    patched = bytearray(data)
    for _, start, end in _segments(data):
        _settle(patched, start, end)
    return bytes(patched)


def embed(data: bytes, kind: Kind, xmp: bytes) -> bytes:
    """The file with XMP at its end; Matroska has no place for it."""
    if kind == "mp4":
        return data + struct.pack(">I4s", 24 + len(xmp), b"uuid") + _XMP_BOX + xmp
    if kind == "avi":
        data += struct.pack("<4sI", _XMP_CHUNK, len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
        return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    return data


def without_xmp(data: bytes, kind: Kind) -> bytes:
    """The file as it was before `embed`."""
    if kind == "mp4":
        *_, (part, start, end) = _boxes(data, "")
        ours = part == b"uuid" and data[start : start + 16] == _XMP_BOX and end == len(data)
        return data[: start - 8] if ours else data
    if kind == "avi":
        at = data.rfind(_XMP_CHUNK)
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at > 12 and at + 8 + size + size % 2 == len(data):
            return data[:4] + struct.pack("<I", at - 8) + data[8:at]
    return data


def _boxes(data: bytes, name: str) -> Iterator[Part]:
    """The boxes of the first level; what follows the last one that makes sense is left alone."""
    at = 0
    while at + 8 <= len(data) and re.fullmatch(rb"[ -~\xa9]{4}", data[at + 4 : at + 8]):
        size, head = int.from_bytes(data[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        _whole(end, data, name)
        if size and size < head:
            raise BadInput(name, "damaged: a box smaller than its own head", at)
        yield data[at + 4 : at + 8], at + head, end
        at = end


def _whole(end: int, data: bytes, name: str) -> None:
    if end > len(data):
        raise BadInput(name, f"truncated: {end - len(data):,} of {end:,} bytes are missing", len(data))


def _segments(data: bytes) -> list[Part]:
    return [part for part in _elements(data, 0, len(data)) if part[0] == _SEGMENT]


def _elements(data: bytes, at: int, end: int) -> Iterator[Part]:
    """The elements of one level; one of unknown size reaches to the end."""
    end = min(end, len(data))
    for _ in range(_MOST):
        if at + 2 > end:
            return
        width = 9 - data[at].bit_length()
        name, at = data[at : at + width], at + width
        if at >= end or width > 4:
            return
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
        start = at + width
        at = end if size == (1 << 7 * width) - 1 else start + size
        yield name, start, at


def _settle(data: bytearray, start: int, end: int) -> None:
    check = None
    for part, a, b in _elements(bytes(data[start:end]), 0, end - start):
        if part == _CRC:
            check = (start + a, start + b)
        elif part in _NUMBERS:
            data[start + a : start + b] = (1).to_bytes(b - a, "big")
        elif part in _HOLDERS:
            _settle(data, start + a, start + b)
    if check is not None:
        data[check[0] : check[1]] = zlib.crc32(data[check[1] : end]).to_bytes(4, "little")
