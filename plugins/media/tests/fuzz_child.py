"""Feeds damaged pictures to the reader; run in a process of its own, because a decoder may take it down.

``python fuzz_child.py KIND SEED COUNT``: exits 1 and shows the input at the first outcome that is neither a
picture nor `BadInput`. Before each input its number goes to stdout, so that a crash can be repeated; the
number of pictures goes to stderr at the end.
"""

from __future__ import annotations

import io
import random
import sys
import zlib
from typing import Any

import numpy as np
from PIL import Image as Pillow

NUMBERS = (0, 1, 2, 3, 4, 5, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
MARKS = (b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc4", b"\xff\xc2", b"IDAT", b"tRNS", b"acTL", b"VP8X")
MARKS += (b"ALPH", b"ANMF", b"II*\0", b"ispe", b"irot", b"av1C", b"\0" * 16, b"\xff" * 16)


def corpus(kind: str) -> list[bytes]:
    """Small good files of one format, of every kind of pixel."""
    pixels = np.random.default_rng(7).integers(0, 256, (12, 17, 4), dtype=np.uint8)
    base, deep = Pillow.fromarray(pixels), Pillow.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    colour = base.convert("RGB")
    grey, palette, ink = base.convert("L"), colour.quantize(9), colour.convert("CMYK")
    exif = Pillow.Exif()
    exif[0x0112] = 6
    smooth = colour.resize((40, 30), Pillow.Resampling.BICUBIC)
    chosen: dict[str, list[tuple[Any, dict[str, Any]]]] = {
        "PNG": [(colour, {"exif": exif}), (base, {}), (grey, {"transparency": 3}), (base.convert("LA"), {}),
                (palette, {"transparency": 2}), (base.convert("1"), {}), (deep, {})],
        "JPEG": [(smooth, {"exif": exif}), (smooth, {"progressive": True}), (grey, {}), (ink, {}),
                 (smooth, {"restart_marker_blocks": 2})],
        "WEBP": [(smooth, {"exif": exif}), (base, {"lossless": True}), (base, {"quality": 60}), (colour, {})],
        "TIFF": [(colour, {"exif": exif}), (base, {"compression": "tiff_lzw"}),
                 (grey, {"compression": "packbits"}),
                 (base.convert("1"), {"compression": "group4"}), (ink, {}), (palette, {}), (deep, {}),
                 (smooth, {"compression": "jpeg"}), (colour, {"compression": "tiff_adobe_deflate"}),
                 (base.convert("LA"), {}), (colour, {"big_tiff": True})],
        "AVIF": [(smooth, {"exif": exif}), (base, {"quality": 50}), (grey, {})],
    }  # fmt: skip
    files = []
    for picture, options in chosen[kind]:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A few random edits, most of them in the first kilobyte, where headers are."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(data), 1_024) if rng.random() < 0.6 else len(data)) if data else 0
        end = min(len(data), at + rng.choice((1, 2, 4, 20, 80)))
        kind = rng.randrange(8)
        if kind == 0:
            data = data[:at] + rng.choice(MARKS) + data[at:]
        elif kind == 1:
            size = rng.choice((1, 2, 4))
            number = rng.choice(NUMBERS) & ((1 << 8 * size) - 1)
            data = data[:at] + number.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] * rng.choice((2, 3, 50)) + data[end:]
        elif kind in (4, 5) and data:
            flipped = bytearray(data)
            flipped[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
            data = bytes(flipped)
        elif kind == 6:
            other = rng.choice(others)
            data = data[:at] + other[rng.randrange(len(other)) :]
        else:
            data = data[:at] + bytes(rng.randrange(256) for _ in range(rng.choice((1, 4)))) + data[end:]
    return data


def mend(data: bytes) -> bytes:
    """A damaged PNG with right checksums, so that what is behind them is tried as well."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + size > len(data):
            break
        body = data[at + 4 : at + 8 + size]
        parts += [data[at : at + 4], body, zlib.crc32(body).to_bytes(4, "big")]
        at += 12 + size
    return b"".join(parts) + data[at:]


def main(kind: str, seed: int, count: int) -> int:
    """Try `count` inputs."""
    from genai_core.errors import BadInput
    from genai_core.files.safeio import limits_for
    from genai_media.image import Image

    files, rng, pictures = corpus(kind), random.Random(f"{kind}{seed}"), 0
    limits = limits_for("image", pixels=200_000)
    for number in range(count):
        data = mutate(rng.choice(files), files, rng)
        if kind == "PNG" and number % 4:
            data = mend(data)
        print(number, flush=True)
        try:
            image = Image.decode(data, ".png", name="x", limits=limits)
            image.validate()
            pictures += 1
            if image.width * image.height > limits.pixels:
                raise AssertionError("larger than the limit")
            again = Image.decode(image.encode(".png", None), ".png", name="again", limits=limits)
            if again != image:
                raise AssertionError("read, written and read again, the picture differs")
        except BadInput:
            continue
        except BaseException as error:
            print(f"{type(error).__name__}: {error}\n{data!r}", file=sys.stderr)
            return 1
    print(f"pictures: {pictures}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
