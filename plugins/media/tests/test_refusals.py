"""What is no picture, not all of one, or too much is refused with a reason, if possible before decoding."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from genai_core.errors import BadInput, UsageError
from genai_core.files.safeio import limits_for
from genai_media import codec
from genai_media.exif import orientation_of, upright
from genai_media.formats.av1 import frame_size
from genai_media.image import Image
from genai_media.opencv import cv2, quiet

RNG = np.random.default_rng(5)
NOISE = Pillow.fromarray(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8))
KINDS = ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"]


def written(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data, **limits):
    return Image.decode(data, ".png", name="x.png", limits=limits_for("image", **limits))


@pytest.fixture
def no_decoder(monkeypatch):
    """Decoding is an error."""

    def fail(*_):
        raise AssertionError("a decoder ran")

    monkeypatch.setattr(codec, "_unpack", fail)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"GIF", b"hello, world", bytes(range(256)) * 4, b"\xff\xd8\xff"]
)
@pytest.mark.usefixtures("no_decoder")
def test_no_picture(data):
    with pytest.raises(BadInput):
        read(data)


def test_other_formats_are_named():
    with pytest.raises(BadInput, match="BMP"):
        read(written(NOISE, "BMP"))
    with pytest.raises(BadInput, match="a GIF") as caught:
        read(written(NOISE, "GIF"))
    assert ".png" in caught.value.hint
    with pytest.raises(BadInput, match="HEIF"):
        read(struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(100))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("no_decoder")
def test_limits_come_first(kind):
    with pytest.raises(BadInput, match="50 x 40 pixels") as caught:
        read(written(NOISE, kind), pixels=1_999)
    assert "GENAI_LIMITS" in caught.value.hint
    assert "2000" in caught.value.hint
    with pytest.raises(BadInput, match="100 bytes"):
        read(written(NOISE, kind), bytes=100)


def test_the_limit_can_be_raised(monkeypatch, tmp_path):
    path = tmp_path / "a.png"
    NOISE.save(path)
    monkeypatch.setenv("GENAI_LIMITS", "image.pixels=10")
    with pytest.raises(BadInput) as caught:
        Image.load(path)
    monkeypatch.setenv("GENAI_LIMITS", caught.value.hint.partition('"')[2].strip('"'))
    assert Image.load(path).width == 50


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, pixels, colour=0, depth=8, *more):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.usefixtures("no_decoder")
def test_bombs():
    with pytest.raises(BadInput, match="limit of 64,000,000"):
        read(png(60_000, 60_000, bytes(1_000_000)))
    with pytest.raises(BadInput, match="0 x 5"):
        read(png(0, 5, b""))
    with pytest.raises(BadInput, match=r"truncated: 10 of 16,001,000"):
        read(png(16_000, 1_000, bytes(10)))


@pytest.mark.usefixtures("no_decoder")
def test_an_avif_that_says_it_is_small():
    data = bytearray(written(NOISE, "AVIF"))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 8, 8)
    with pytest.raises(BadInput, match="50 x 40"):
        read(bytes(data), pixels=1_999)


def units(*fields):
    """A sequence header of AV1 from numbers and their lengths in bits."""
    value, length = 0, 0
    for number, bits in fields:
        value, length = value << bits | number, length + bits
    body = (value << -length % 8).to_bytes(-(-length // 8), "big") + b"\x80"
    return b"\x12\0\x0a" + bytes([len(body)]) + body


SIZE = ((11, 4), (9, 4), (3_999, 12), (599, 10))
TIMED = [(0, 5), (1, 1), (1, 32), (25, 32), (1, 1), (0b00110, 5), (1, 1), (9, 5), (1, 32), (4, 5), (4, 5)]


@pytest.mark.parametrize(
    "fields",
    [
        [(0b00011, 5), (8, 5)],
        [(0, 5), (0, 1), (0, 1), (0, 5), (0, 12), (9, 5), (1, 1)],
        [*TIMED, (1, 1), (1, 5), *[(0, 12), (3, 5), (1, 1), (7, 21), (1, 1), (2, 4)] * 2],
    ],
)
def test_sequence_headers_of_av1(fields):
    assert frame_size(units(*fields, *SIZE), "x") == (4_000, 600)


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_any_bytes_are_a_frame_size_or_bad_input(data):
    try:
        width, height = frame_size(b"\x0a\x20" + data, "x")
    except BadInput:
        return
    assert min(width, height) >= 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_found(kind, capfd):
    data = written(NOISE, kind)
    for end in {*range(1, len(data), max(1, len(data) // 60)), len(data) - 1}:
        with pytest.raises(BadInput):
            read(data[:end])
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_that_was_cut_and_closed_again(capfd):
    data = written(NOISE, "JPEG")
    with pytest.raises(BadInput, match="missing"):
        read(data[: len(data) // 2] + b"\xff\xd9")
    assert capfd.readouterr() == ("", "")


def test_what_stands_after_a_picture_does_not_matter():
    for kind in ("PNG", "JPEG", "WEBP"):
        assert read(written(NOISE, kind) + b"appended").width == 50


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.usefixtures("no_decoder")
def test_clips(kind):
    frames = [Pillow.fromarray(np.full((8, 8, 3), shade, np.uint8)) for shade in (0, 90, 180, 250)]
    data = written(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    with pytest.raises(BadInput, match=r"animated .* of 4 frames: a clip, not a picture"):
        read(data)


@pytest.mark.usefixtures("no_decoder")
def test_kinds_of_tiff_that_are_not_read():
    with pytest.raises(BadInput, match="2 pages"):
        read(written(NOISE, "TIFF", save_all=True, append_images=[NOISE]))
    with pytest.raises(BadInput, match="not unsigned whole numbers"):
        read(written(NOISE.convert("F"), "TIFF"))
    with pytest.raises(BadInput, match="Lab"):
        read(written(NOISE.convert("LAB"), "TIFF"))


@pytest.mark.usefixtures("no_decoder")
def test_jpeg_of_12_bits():
    data = bytearray(written(NOISE, "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(BadInput, match="12 bits"):
        read(bytes(data))


def test_small_copies_in_a_tiff_are_passed_over():
    first = written(NOISE, "TIFF")
    with io.BytesIO() as buffer:
        NOISE.save(buffer, "TIFF", save_all=True, append_images=[NOISE.resize((5, 4))], tiffinfo={254: 1})
        both = buffer.getvalue()
    assert np.array_equal(read(first).pixels, np.asarray(NOISE))
    with pytest.raises(BadInput, match="without a picture"):
        read(both)


def test_damaged_metadata_are_no_reason_to_refuse():
    exif = b"Exif\0\0MM\0*" + b"\xff" * 20
    image = read(written(NOISE, "JPEG", exif=exif, icc_profile=b"nonsense"))
    assert (image.width, image.icc) == (50, None)


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_any_exif_is_an_orientation(data):
    assert 1 <= orientation_of(b"II*\0\x08\0\0\0" + data) <= 8


@pytest.mark.parametrize(
    ("orientation", "back"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6)]
)
def test_turning_there_and_back(orientation, back):
    pixels = np.arange(24).reshape(2, 4, 3)
    assert np.array_equal(upright(upright(pixels, orientation), back), pixels)


def test_quiet_passes_on_what_others_say(capfd):
    import os

    with quiet() as heard:
        os.write(2, b"libpng warning: x\nanother thread\n")
    assert heard == ["libpng warning: x\n"]
    assert capfd.readouterr().err == "another thread\n"


def test_quiet_leaves_opencv_as_it_was():
    before = cv2.utils.logging.getLogLevel()
    with pytest.raises(ZeroDivisionError), quiet():
        raise ZeroDivisionError
    assert cv2.utils.logging.getLogLevel() == before


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3)),
    ],
)
def test_arrays_that_are_no_pictures(pixels, tmp_path):
    with pytest.raises(BadInput):
        Image(pixels).save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_profile_that_is_none():
    with pytest.raises(BadInput, match="ICC"):
        Image(np.zeros((4, 4, 3), np.uint8), b"profile").validate()


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (np.zeros((4, 4)), {}),
        (np.zeros((4, 4, 4)), {}),
        (np.full((4, 4, 3), np.nan), {}),
        (np.pad(np.full((1, 1, 3), np.inf), ((599, 0), (0, 3), (0, 0))), {}),
        (np.zeros((4, 4, 3)), {"bits": 12}),
        (np.zeros((4, 4, 3)), {"alpha": np.zeros((4, 3))}),
    ],
)
def test_floats_that_are_no_pictures(array, options):
    with pytest.raises(UsageError):
        Image.from_float(array, **options)


@pytest.mark.parametrize("rows", [5, 600])
@pytest.mark.parametrize("bits", [8, 16])
def test_floats_there_and_back(bits, rows):
    array = RNG.random((rows, 6, 3), np.float32) * 1.4 - 0.2
    alpha = RNG.random((rows, 6), np.float32)
    image = Image.from_float(array, alpha, bits=bits)
    step = 1 / (2**bits - 1)
    assert image.to_float().dtype == image.alpha.dtype == np.float32
    assert np.abs(image.to_float() - array.clip(0, 1)).max() <= step / 2 + 1e-6
    assert np.abs(image.alpha - alpha).max() <= step / 2 + 1e-6
    assert Image.from_float(image.to_float(), image.alpha, bits=bits) == image


def test_pictures_are_equal_by_content():
    pixels = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    assert Image(pixels) == Image(pixels.copy())
    assert Image(pixels) != Image(pixels.reshape(6, 4, 3))
    assert Image(pixels) != Image(pixels.astype(np.uint16))
    assert hash(Image(pixels[::-1])) == hash(Image(pixels[::-1].copy()))
    with pytest.raises(ValueError, match="read-only"):
        Image(pixels).pixels[0, 0, 0] = 1
