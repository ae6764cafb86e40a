"""Small valid media files, made without any encoder but Pillow's."""

from __future__ import annotations

import io
import struct
import wave


def samples() -> dict[str, bytes]:
    """One small file of every format that carries content credentials, by suffix."""
    pictures = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
    made = {suffix: _picture(form) for suffix, form in pictures.items()}
    return {**made, ".wav": _wav(), ".flac": _flac(), ".mp3": _mp3(), ".mp4": _mp4()}


def _picture(form: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((48, 48)).convert("RGB").save(buffer, form)
    return buffer.getvalue()


def _wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(256)) * 4)
    return buffer.getvalue()


def _flac() -> bytes:
    """A stream header of 8 kHz, mono, 16 bits, and the start of one frame."""
    header = (
        struct.pack(">HH", 4096, 4096) + bytes(6) + ((8000 << 44) | (15 << 36)).to_bytes(8, "big") + bytes(16)
    )
    return b"fLaC\x80" + len(header).to_bytes(3, "big") + header + b"\xff\xf8" + bytes(200)


def _mp3() -> bytes:
    return (b"\xff\xfb\x90\x00" + bytes(413)) * 3


def _mp4() -> bytes:
    def box(name: bytes, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return struct.pack(">I", len(content) + 8) + name + content

    matrix = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    times = struct.pack(">IIIIIIH", 0, 0, 0, 1000, 1000, 1 << 16, 1 << 8)
    movie = box(b"mvhd", times + bytes(10) + matrix + bytes(24) + struct.pack(">I", 2))
    return (
        box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isommp41")
        + box(b"moov", movie)
        + box(b"mdat", bytes(256))
    )
