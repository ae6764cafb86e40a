"""Files that another library wrote: every kind of pixel, every orientation."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from genai_core.errors import BadInput
from genai_core.files.safeio import limits_for
from genai_media.image import Image
from genai_media.opencv import cv2

RNG = np.random.default_rng(7)
RGBA = RNG.integers(0, 256, (11, 14, 4), dtype=np.uint8)
RGBA[:4, :, 3] = (0, 255, 128, 1) * 3 + (7, 9)
PICTURE = Pillow.fromarray(RGBA)
DEEP = RNG.integers(0, 65_536, (5, 6), dtype=np.uint16)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def written(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data, **limits):
    return Image.decode(data, ".png", name="x", limits=limits_for("image", **limits))


def rgb(picture, mode="RGB"):
    return np.asarray(picture.convert(mode))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P"])
def test_exact_formats(kind, mode):
    picture = PICTURE.convert("RGB").quantize(9) if mode == "P" else PICTURE.convert(mode)
    if kind == "TIFF" and mode == "P":
        picture = picture.copy()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    image = read(written(picture, kind, **options))
    expected = rgb(picture, "RGBA" if "A" in mode else "RGB")
    assert image.pixels.dtype == np.uint8
    assert np.array_equal(image.pixels, expected)


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_transparent_colours_of_png(mode):
    picture = PICTURE.convert("RGB").quantize(9) if mode == "P" else PICTURE.convert(mode)
    key = picture.getpixel((3, 3))
    image = read(written(picture, "PNG", transparency=key))
    where = np.asarray(picture) == np.asarray(key)
    clear = where.all(axis=-1) if mode == "RGB" else where
    assert np.array_equal(image.pixels[..., :3], rgb(picture))
    assert np.array_equal(image.pixels[..., 3] == 0, clear)
    assert set(np.unique(image.pixels[..., 3])) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_stay(kind):
    image = read(written(Pillow.fromarray(DEEP), kind))
    assert image.bits == 16
    assert np.array_equal(image.pixels, np.dstack([DEEP] * 3))


@pytest.mark.parametrize(
    "compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg"]
)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "RGBA"])
def test_compressed_tiff(compression, mode):
    picture = PICTURE.convert("RGB").convert(mode) if mode != "RGBA" else PICTURE
    if (compression, mode) == ("jpeg", "RGBA"):
        pytest.skip("no such files")
    picture = picture.resize((64, 48))
    image = read(written(picture, "TIFF", compression=compression))
    wanted = rgb(picture, "RGBA" if mode == "RGBA" else "RGB").astype(int)
    if compression == "jpeg":
        with Pillow.open(io.BytesIO(written(picture, "TIFF", compression=compression))) as same:
            wanted = rgb(same).astype(int)
    tolerance = 3 if compression == "jpeg" else int(mode == "CMYK")
    assert np.abs(image.pixels.astype(int) - wanted).max() <= tolerance


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "packbits"])
def test_fax(compression):
    picture = PICTURE.resize((67, 33)).convert("1")
    assert np.array_equal(read(written(picture, "TIFF", compression=compression)).pixels, rgb(picture))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg(mode, progressive):
    data = written(PICTURE.convert("RGB").convert(mode), "JPEG", quality=95, progressive=progressive)
    with Pillow.open(io.BytesIO(data)) as same:
        expected = rgb(same).astype(int)
    assert np.abs(read(data).pixels.astype(int) - expected).max() <= 2


def test_adobe_cmyk_is_inverted():
    ink = Pillow.new("CMYK", (16, 16), (255, 0, 0, 0))  # Pillow writes it inverted, with Adobe's marker
    data = written(ink, "JPEG", quality=100)
    assert b"Adobe" in data
    assert np.abs(read(data).pixels[8, 8].astype(int) - (0, 255, 255)).max() <= 2


@pytest.mark.parametrize("options", [{"quality": 90}, {"quality": 100, "subsampling": "4:4:4"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_avif(mode, options):
    data = written(PICTURE.convert(mode).resize((40, 31)), "AVIF", **options)
    with Pillow.open(io.BytesIO(data)) as same:
        expected = rgb(same, mode).astype(int)
    image = read(data)
    assert image.pixels.shape == expected.shape
    assert np.abs(image.pixels.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(kind, orientation):
    tall = np.zeros((24, 40, 3), np.uint8)
    tall[:8, :8] = 255, 0, 0
    tall[:8, 32:] = 0, 255, 0
    tall[16:, :8] = 0, 0, 255
    picture = Pillow.fromarray(tall)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = written(picture, kind, exif=exif)
    wanted = Pillow.fromarray(tall)
    wanted.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(wanted)).astype(int)
    found = read(data).pixels.astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 5  # another turn misses by more than 20


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_profiles_are_kept(kind):
    assert read(written(PICTURE.convert("RGB"), kind, icc_profile=PROFILE)).icc == PROFILE


def test_long_profiles_of_jpeg():
    long = bytearray(PROFILE + RNG.bytes(150_000))
    long[:4] = len(long).to_bytes(4, "big")
    assert read(written(PICTURE.convert("RGB"), "JPEG", icc_profile=bytes(long))).icc == bytes(long)


def test_profiles_of_other_colours_are_left_behind():
    grey = bytearray(PROFILE)
    grey[16:20] = b"GRAY"
    for kind in ("PNG", "JPEG", "TIFF"):
        assert read(written(PICTURE.convert("L"), kind, icc_profile=bytes(grey))).icc is None


def test_the_first_bytes_decide():
    data = written(PICTURE.convert("RGB"), "PNG")
    for suffix in Image.suffixes:
        image = Image.decode(data, suffix, name="x", limits=limits_for("image"))
        assert np.array_equal(image.pixels, rgb(PICTURE))


def test_small_and_long():
    assert read(written(Pillow.new("RGB", (1, 1), (1, 2, 3)), "PNG")).pixels.tolist() == [[[1, 2, 3]]]
    image = read(written(Pillow.new("L", (30_000, 10), 9), "PNG"))
    assert (image.width, image.height) == (30_000, 10)


def interlaced(pixels):
    """A grey PNG of 8 bits in the seven passes of Adam7."""
    rows = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                         (0, 1, 1, 2)):  # fmt: skip
        part = pixels[y::dy, x::dx]
        rows += b"".join(b"\0" + row.tobytes() for row in part) if part.size else b""
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 1)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 1), (8, 8), (13, 21)])
def test_interlaced_png(shape):
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    data = interlaced(pixels)
    with Pillow.open(io.BytesIO(data)) as same:
        assert np.array_equal(np.asarray(same), pixels)
    assert np.array_equal(read(data).pixels[..., 0], pixels)
    empty = interlaced(pixels[:0])
    with pytest.raises(BadInput, match="truncated"):
        read(data[:33] + empty[33:])


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_avif(depth):
    values = np.array([[0, 1, 2, 100, 500, (1 << depth) - 1]], np.uint16)
    options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, depth]
    done, data = cv2.imencode(".avif", np.dstack([values] * 3), options)
    assert done
    expected = np.rint(values / ((1 << depth) - 1) * 65_535)
    assert np.abs(read(data.tobytes()).pixels[..., 0] - expected).max() <= 1


def tiff(tags, pixels, order="<"):
    """A TIFF of one strip, from numbers."""
    tags = {**tags, 273: 0, 278: tags[257], 279: len(pixels)}
    entries, at = b"", 8 + 2 + 12 * len(tags) + 4
    values = b""
    for tag, value in sorted(tags.items()):
        numbers = value if isinstance(value, tuple) else (value,)
        kind = "I" if tag in (256, 257, 273, 278, 279) else "H"
        raw = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        entries += struct.pack(order + "HHI", tag, 4 if kind == "I" else 3, len(numbers))
        if len(raw) > 4:
            entries += struct.pack(order + "I", at + len(values))
            values += raw
        else:
            entries += b"PLACE" if tag == 273 else raw.ljust(4, b"\0")
    place = struct.pack(order + "I", at + len(values))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(tags))
    return head + entries.replace(b"PLACE", place) + bytes(4) + values + pixels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_samples(order, samples, bits):
    pixels = RNG.integers(0, 1 << bits, (5, 7, samples), dtype=np.uint16)
    tags = {
        256: 7,
        257: 5,
        258: (bits,) * samples,
        259: 1,
        262: 2 if samples > 2 else 1,
        277: samples,
        284: 1,
    }
    tags |= {338: 2} if samples in (2, 4) else {}
    image = read(tiff(tags, pixels.astype(f"{order}u{bits // 8}").tobytes(), order))
    expected = (
        pixels if samples > 2 else np.dstack([*[pixels[..., 0]] * 3, *[pixels[..., -1]] * (samples - 1)])
    )
    assert image.bits == bits
    assert np.array_equal(image.pixels, expected)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_tiff_where_white_is_0(bits):
    pixels = RNG.integers(0, 256, 2 * bits, dtype=np.uint8).tobytes()
    tags = {256: 8, 257: 2, 258: bits, 259: 1, 277: 1}
    white, black = (read(tiff({**tags, 262: kind}, pixels)).pixels.astype(int) for kind in (0, 1))
    assert np.array_equal(white, np.iinfo(np.uint16 if bits == 16 else np.uint8).max - black)


@pytest.mark.parametrize(
    ("meaning", "expected"), [(0, [40, 80, 120]), (1, [80, 160, 240]), (2, [40, 80, 120, 128])]
)
def test_fourth_sample_of_tiff(meaning, expected):
    tags = {256: 1, 257: 1, 258: (8,) * 4, 259: 1, 262: 2, 277: 4, 338: meaning}
    found = read(tiff(tags, bytes([40, 80, 120, 128]))).pixels[0, 0].tolist()
    assert found[:3] == pytest.approx(expected[:3], abs=1)
    assert len(found) == (3 if meaning == 0 else 4)


def test_big_tiff():
    data = written(PICTURE, "TIFF", big_tiff=True)
    assert data[2] == 43
    assert np.array_equal(read(data).pixels, RGBA)


def test_colours_stay_under_transparency():
    clear = RGBA.copy()
    clear[..., 3] = 0
    for suffix in (".png", ".webp", ".tiff", ".avif"):
        data = Image(clear).encode(suffix, None)
        assert np.array_equal(read(data).pixels, clear), suffix
