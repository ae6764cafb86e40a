"""A picture seen in tiles is the picture seen whole: the same statistics, the same gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import ResourceError
from genai_style.painting.eye import HALO, Eye, tiles
from genai_style.painting.losses import STYLE_LAYERS, Content, Style
from genai_style.painting.objective import Objective
from genai_style.painting.optimise import Brush, Schedule, optimise
from genai_style.painting.vgg import load_vgg
from support.pictures import painting, photo

KINDS = ("moments", "gram", "sliced")


def tensor(picture):
    return torch.from_numpy(picture.to_float()).permute(2, 0, 1)[None].contiguous()


# With grain, as photos have: where activations are equal, the poolings may choose either.
GRAIN = 0.05 * torch.rand(1, 3, 24, 304, generator=torch.Generator().manual_seed(0))
CONTENT = 0.95 * tensor(photo(304, 24)) + GRAIN
WAVES, NIGHT = tensor(painting(304, 20)), tensor(painting(304, 17, seed=5))
LEFT = (torch.arange(304) < 130).float().expand(24, 304)
PIXELS = 5400  # five tiles of the photo


@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 400_000))
def test_tiles_cover_every_pixel_once_and_see_no_more_than_fits(height, width, pixels):
    count = torch.zeros(height, width, dtype=torch.int)
    for tile in tiles((height, width), pixels):
        tile.part(count, 1).add_(1)
        seen = tile.around(count).numel()
        assert seen <= max(pixels, (16 + 2 * HALO) ** 2)
        assert all(side.start % 16 == 0 for side in (*tile.own, *tile.seen))
    assert (count == 1).all()


@pytest.mark.parametrize(
    ("picture", "pixels", "count"),
    [(CONTENT, PIXELS, 5), (CONTENT.mT, PIXELS, 5), (tensor(photo(190, 187)), 31_000, 4)],
    ids=["wide", "high", "both"],
)
def test_activations_of_tiles_are_those_of_the_whole(picture, pixels, count):
    layers = (*STYLE_LAYERS, "conv4_2")
    whole = load_vgg()(picture, layers)
    eye = Eye(load_vgg(), pixels)
    assert len(eye.tiles(picture)) == count
    for tile, features in eye.look(picture, layers):
        for name, x in features.items():
            expected = tile.part(whole[name], 2 ** (int(name[4]) - 1))
            assert (x - expected).abs().max() < 1e-4 * whole[name].abs().max()


def objective(kind, pixels, content_map=None):
    eye = Eye(load_vgg(), pixels)
    generator = torch.Generator().manual_seed(3)
    styles = [
        Style(eye.style(WAVES, kind, generator), 2.0, LEFT),
        Style(eye.style(NIGHT, kind, generator), 1.0),
    ]
    return Objective(eye, CONTENT, styles, 0.2, content_map), styles


def painted():
    return (CONTENT + GRAIN.flip(3)).clamp(0, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_loss(kind):
    """Against automatic differentiation through the whole picture."""
    made, styles = objective(kind, 0, LEFT)
    gradient, style_error, content_error = made.gradient(painted())
    pixels = painted().requires_grad_()
    features = load_vgg()(pixels, (*STYLE_LAYERS, "conv4_2"))
    loss = (2 * styles[0].loss(features) + styles[1].loss(features)) / 3
    shown = Content(load_vgg()(CONTENT, ["conv4_2"])["conv4_2"], LEFT).loss(features)
    (expected,) = torch.autograd.grad(loss + 0.2 * shown, pixels)
    assert (gradient - expected).norm() < 1e-4 * expected.norm()
    assert style_error == pytest.approx(float(loss.detach()), rel=0.02 if kind == "sliced" else 1e-4)
    assert content_error == pytest.approx(float(shown.detach()), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_give_the_gradient_of_the_whole(kind):
    whole, tiled = (objective(kind, pixels, LEFT)[0].gradient(painted()) for pixels in (0, PIXELS))
    assert (tiled[0] - whole[0]).norm() < 1e-4 * whole[0].norm()
    assert tiled[1:] == pytest.approx(whole[1:], rel=1e-4)


@pytest.mark.parametrize("kind", ["moments", "sliced"])
def test_a_picture_painted_in_tiles_is_that_painted_whole(kind):
    whole, tiled = (
        optimise(load_vgg(), CONTENT, [Brush(WAVES, mask=LEFT), Brush(NIGHT)], Schedule((2,), kind), pixels=n)
        for n in (0, PIXELS)
    )
    assert (tiled - whole).abs().max() < 1 / 255


class Scarce(torch.nn.Module):
    """A network without memory for more than so many pixels."""

    def __init__(self, pixels, error):
        super().__init__()
        self.vgg, self.most, self.error = load_vgg(), pixels, error

    def forward(self, picture, layers):
        if picture[0, 0].numel() > self.most:
            raise self.error
        return self.vgg(picture, layers)


def test_tiles_get_smaller_where_memory_is_scarce():
    scarce = Scarce(6000, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"))
    whole, tiled = (optimise(vgg, CONTENT, [Brush(WAVES)], Schedule((1,))) for vgg in (load_vgg(), scarce))
    assert (tiled - whole).abs().max() < 1 / 255


def test_without_memory_for_a_tile_it_says_so():
    with pytest.raises(ResourceError, match="not enough memory"):
        optimise(Scarce(100, MemoryError()), CONTENT, [Brush(WAVES)], Schedule((2,)))


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="bug"):
        optimise(Scarce(100, RuntimeError("a bug")), CONTENT, [Brush(WAVES)], Schedule((2,)))
