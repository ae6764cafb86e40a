"""What people hand in: a picture comes of it, or an error that says what is wrong; never a traceback."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import genai_core as genai
from genai_core.cli.main import main
from genai_media.image import Image
from genai_style.models.optimise import fitted, sized
from genai_style.painting.optimise import Brush, Schedule, optimise
from genai_style.painting.vgg import load_vgg
from support.pictures import photo


def bomb():
    """A PNG of a few bytes that says it holds 3.6 billion pixels."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0))]
    parts += [(b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    sealed = (
        struct.pack(">I", len(x)) + kind + x + struct.pack(">I", zlib.crc32(kind + x)) for kind, x in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(sealed)


@pytest.fixture(scope="module")
def bad(files, tmp_path_factory):
    """A folder of what is not an everyday picture."""
    folder = tmp_path_factory.mktemp("bad")
    whole = (files / "photo.png").read_bytes()
    made = {"text.png": b"no picture at all", "empty.png": b"", "short.png": whole[: len(whole) // 2]}
    for name, data in (made | {"bomb.png": bomb(), "photo.png": whole}).items():
        (folder / name).write_bytes(data)
    sizes = {"dot": (1, 1), "line": (30_000, 10), "column": (10, 30_000), "large": (2400, 2400)}
    for name, (width, height) in sizes.items():
        ramp = np.linspace(0, 1, width * height, dtype=np.float32).reshape(height, width)
        Image.from_float(np.dstack([ramp, 1 - ramp, ramp])).save(folder / f"{name}.png")
    Image.from_float(np.zeros((48, 64, 3), np.float32)).save(folder / "black.png")
    seen = Pillow.fromarray(photo().pixels)
    seen.quantize(9).save(folder / "palette.png")
    seen.convert("CMYK").save(folder / "cmyk.jpg")
    frames = [seen.quantize(9), seen.rotate(180).quantize(9)]
    frames[0].save(folder / "moving.png", "GIF", save_all=True, append_images=frames[1:])
    return folder


def stylise(content, style, out, *settings):
    words = [f"content={content}", f"style={style}", "size=48", "preset=draft", "measure=0", *settings]
    pairs = [word for each in words for word in ("--set", each)]
    return main(["run", "style/stylise", *pairs, "-o", str(out)])


BROKEN = [
    ("text.png", "not a picture"),
    ("empty.png", "an empty file"),
    ("short.png", "short.png"),
    ("moving.png", "animated GIF of 2 frames"),
    ("bomb.png", "pixels"),
    ("none.png", "cannot be read"),
]


@pytest.mark.parametrize(("name", "message"), BROKEN)
@pytest.mark.parametrize("place", ["content", "style"])
def test_what_is_no_picture_is_refused(bad, tmp_path, capsys, name, message, place):
    named = {"content": bad / "photo.png", "style": bad / "photo.png"} | {place: bad / name}
    assert stylise(**named, out=tmp_path / "out") == 3
    told = capsys.readouterr().err
    assert name in told
    assert message in told
    assert "Traceback" not in told


@pytest.mark.parametrize("name", ["line.png", "column.png"])
def test_a_photo_without_room_for_a_stroke_is_refused(bad, tmp_path, capsys, name):
    assert stylise(bad / name, bad / "photo.png", tmp_path / "out") == 3
    assert "shorter side" in capsys.readouterr().err


def tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("kind", ["moments", "sliced"])
@pytest.mark.parametrize(
    ("content", "style"),
    [
        ("photo.png", "dot.png"),
        ("photo.png", "line.png"),
        ("photo.png", "column.png"),
        ("photo.png", "large.png"),
        ("photo.png", "black.png"),
        ("palette.png", "cmyk.jpg"),
        ("cmyk.jpg", "palette.png"),
        ("dot.png", "photo.png"),
        ("black.png", "black.png"),
    ],
)
def test_odd_pictures_are_painted(bad, content, style, kind):
    shown, _ = sized(Image.load(bad / content), 48)
    brush = Brush(tensor(fitted(Image.load(bad / style), 48)))
    painted = optimise(load_vgg(), tensor(shown), [brush], Schedule((1,), kind))
    assert painted.isfinite().all()


def test_a_style_much_larger_than_the_photo_is_made_small_as_it_is_read(bad):
    assert fitted(Image.load(bad / "large.png"), 48).shape == (48, 48, 3)
    assert fitted(Image.load(bad / "line.png"), 48).shape == (1, 48, 3)


@pytest.mark.parametrize("name", ["dot.png", "line.png", "column.png"])
def test_a_style_of_any_shape_is_learned_and_its_place_forgotten(bad, name):
    model = genai.model("style/fast", style=str(bad / name), crop=32, width=4, blocks=1)
    loss = model.loss(model.collate([Image.load(bad / "photo.png")], np.random.default_rng(0)), "main")
    assert loss.isfinite().all()
    assert model.config.style == name


def test_the_limit_of_pixels_can_be_raised(bad, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GENAI_LIMITS", "image.pixels=1000000")
    assert stylise(bad / "photo.png", bad / "large.png", tmp_path / "out") == 3
    assert "GENAI_LIMITS" in capsys.readouterr().err
    monkeypatch.setenv("GENAI_LIMITS", "image.pixels=6000000")
    assert Image.load(bad / "large.png").width == 2400


def test_a_folder_that_cannot_be_written_is_refused_before_painting(bad, capsys):
    assert stylise(bad / "photo.png", bad / "photo.png", bad / "photo.png" / "out") == 4
    told = capsys.readouterr().err
    assert "photo.png" in told
    assert "Traceback" not in told


SCARCE = """
import resource, sys
from pathlib import Path
import numpy as np, torch
from genai_core.errors import ResourceError
from genai_style.painting.optimise import Brush, Schedule, optimise
from genai_style.painting.vgg import load_vgg

torch.set_num_threads(1)
photo = torch.rand(1, 3, 160, 1000, generator=torch.Generator().manual_seed(0))
optimise(load_vgg(), photo[..., :32, :32], [Brush(photo[..., :32, :32])], Schedule((1,)))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = used + (int(sys.argv[1]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    print("painted", tuple(optimise(load_vgg(), photo, [Brush(photo[..., :20, :])], Schedule((1,))).shape))
except ResourceError as error:
    print("refused:", error)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
# What oneDNN compiles for each new shape of a tile stays, over 100 MiB in all: 330 are too few at times.
@pytest.mark.parametrize(
    ("spare", "told"), [(500, "painted (1, 3, 160, 1000)"), (4, "refused: not enough memory")]
)
def test_scarce_memory_is_made_do_with_or_named(spare, told):
    done = subprocess.run(
        [sys.executable, "-c", SCARCE, str(spare)], capture_output=True, text=True, check=False
    )
    assert told in done.stdout, done.stderr
