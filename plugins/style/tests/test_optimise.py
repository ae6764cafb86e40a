"""Painting by optimisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import genai_core as genai
from genai_core import Context
from genai_media.image import Image
from genai_style.config import OptimiseOptions
from genai_style.models.optimise import schedule_of
from genai_style.painting.optimise import Brush, Schedule, optimise, scales
from genai_style.painting.vgg import load_vgg
from support.pictures import painting, photo


def tensor(picture):
    return torch.from_numpy(picture.to_float()).permute(2, 0, 1)[None].contiguous()


CONTENT, WAVES, NIGHT = tensor(photo(48, 40)), tensor(painting()), tensor(painting(seed=5))


def paint(brushes=None, steps=(6, 6), **options):
    seen = []
    result = optimise(
        load_vgg(), CONTENT, brushes or [Brush(WAVES)], Schedule(steps), callback=seen.append, **options
    )
    return result, seen


def test_the_style_error_falls_and_the_content_stays():
    result, seen = paint(steps=(15, 10))
    assert result.shape == CONTENT.shape
    assert 0 <= result.min() <= result.max() <= 1
    last = [step for step in seen if step.scale == 48]
    assert last[-1].style < 0.8 * last[0].style
    assert seen[-1].style < 0.6 * seen[0].style
    assert (result - CONTENT).abs().mean() < 0.35
    assert [step.done for step in seen] == list(range(25))
    assert {step.scale for step in seen} == {38, 48}  # the shorter side is never below 32


def test_the_same_seed_gives_the_same_bits():
    for kind in ("moments", "sliced"):
        first, again = (
            optimise(load_vgg(), CONTENT, [Brush(WAVES)], Schedule((3, 2), kind), seed=4) for _ in range(2)
        )
        assert torch.equal(first, again)


def test_another_seed_draws_other_directions():
    first, other = (
        optimise(load_vgg(), CONTENT, [Brush(WAVES)], Schedule((4,), "sliced"), seed=seed) for seed in (1, 2)
    )
    assert not torch.equal(first, other)


def test_content_weight_holds_the_content():
    loose, tight = (paint(content_weight=weight)[1][-1].content for weight in (0.01, 10))
    assert tight < loose


def test_weights_share_the_picture_between_styles():
    one, _ = paint([Brush(WAVES)], steps=(8,))

    def distance(weight):
        result, _ = paint([Brush(WAVES, weight), Brush(NIGHT, 1 - weight)], steps=(8,))
        return float((result - one).abs().mean())

    assert distance(0.95) < distance(0.05)


def test_a_mask_keeps_a_style_on_its_side():
    """Red strokes left, blue strokes right."""
    content = tensor(photo(96, 32))
    red, blue = (WAVES * torch.tensor(tint).view(1, 3, 1, 1) for tint in ((1, 0.2, 0.2), (0.2, 0.2, 1)))
    left = (torch.arange(96) < 48).float().expand(32, 96)
    brushes = [Brush(red, mask=left), Brush(blue, mask=1 - left)]
    result = optimise(load_vgg(), content, brushes, Schedule((15,)), content_weight=0.0)
    change = (result - content)[0]
    redness = (change[0] - change[2]).mean(0)
    assert redness[:40].mean() > redness[-40:].mean() + 0.1


def test_scales_halve_and_end_at_the_size_asked_for():
    assert scales((512, 384), 3) == [(128, 96), (256, 192), (512, 384)]
    assert scales((300, 40), 3)[0] == (240, 32)
    assert scales((33, 20), 2) == [(33, 20), (33, 20)]


def test_who_looks_sees_the_picture_in_the_making(files):
    seen = []
    options = OptimiseOptions(style=str(files / "waves.png"), size=40)
    (made,) = genai.model("style/optimise").transform(
        [photo(48, 40)], Context(options=options, preview=seen.append)
    )
    assert len(seen) == 17
    assert all(isinstance(each, Image) for each in seen)

    def apart(picture):
        return np.abs(picture.to_float() - made.to_float()).mean()

    assert apart(seen[-1]) < 0.2 * apart(seen[0])


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        ({}, "moments"),
        ({"preset": "quality"}, "sliced"),
        ({"preset": "quality", "statistic": "gram"}, "gram"),
    ],
)
def test_the_preset_names_a_statistic_and_the_user_another(chosen, kind):
    assert schedule_of(OptimiseOptions(**chosen), 512).kind == kind


@pytest.mark.parametrize(
    ("longer", "steps"),
    [(40, (17,)), (128, (17,)), (256, (10, 17)), (512, (12, 10, 17)), (2000, (12, 10, 17, 6, 6))],
)
def test_small_pictures_have_fewer_scales_and_large_ones_more(longer, steps):
    assert schedule_of(OptimiseOptions(), longer).steps == steps


def test_a_picture_in_its_own_style_stays_as_it_is():
    same, seen = paint([Brush(CONTENT)], steps=(8, 8))
    assert all(np.isfinite(step.style) for step in seen)
    assert torch.allclose(same, CONTENT, atol=0.02)
