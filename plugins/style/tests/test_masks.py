"""Masks that are found in the photo."""

from __future__ import annotations

import numpy as np
import pytest

from genai_core.errors import BadInput, ConfigError
from genai_media.image import Image
from genai_style.config import OptimiseOptions
from genai_style.models.optimise import paint
from genai_style.painting.masks import SIDE, masks_of, regions, subject
from support.pictures import photo


def scene(width=120, height=80):
    """A red disc with a dark spot in it, before blue above and green below."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    picture = np.where(y[..., None] < height / 2, np.float32([0.2, 0.4, 0.9]), np.float32([0.2, 0.6, 0.2]))
    away = np.hypot(x - width / 2, y - height / 2)
    picture = np.where(away[..., None] < height / 4, np.float32([0.9, 0.2, 0.1]), picture)
    picture = np.where(away[..., None] < height / 16, np.float32([0.1, 0.1, 0.1]), picture)
    grain = np.random.default_rng(0).normal(0, 0.02, picture.shape)
    return (picture + grain).clip(0, 1).astype(np.float32)


DISC = np.hypot(*(np.mgrid[:80, :120] - np.array([40, 60])[:, None, None])) < 20


def test_the_subject_is_what_stands_out_without_holes():
    mask = subject(scene())
    assert mask.dtype == np.float32
    assert mask[DISC].mean() > 0.9
    assert mask[~DISC].mean() < 0.1
    assert mask[40, 60] > 0.9  # the spot
    assert ((mask > 0.05) & (mask < 0.95)).any()  # soft edges
    assert np.array_equal(mask, subject(scene()))


def test_regions_are_of_one_colour_from_top_to_bottom_and_share_every_pixel():
    above, middle, below = regions(scene(), 3)
    assert np.allclose(above + middle + below, 1, atol=1e-5)
    assert above[:15].mean() > 0.9
    assert below[-15:].mean() > 0.9
    assert middle[DISC].mean() > 0.7


def test_words_name_masks():
    made = masks_of(("subject", "mask.png", "background"), scene(), 3)
    assert set(made) == {"subject", "background"}
    assert np.allclose(made["subject"][0] + made["background"][0], 1)
    assert len(masks_of(("regions",), scene(), 4)["regions"]) == 4
    assert masks_of((), scene(), 2) == {}


def test_masks_of_large_photos_are_found_on_small_ones():
    assert subject(scene(1200, 800)).shape == (round(SIDE * 2 / 3), SIDE)


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_flat_photo_has_no_subject(value):
    flat = np.full((60, 90, 3), value, np.float32)
    with pytest.raises(BadInput, match="stands out"):
        subject(flat)
    assert len(regions(flat, 3)) == 3


def test_a_style_is_painted_on_the_subject_alone(files):
    made = Image.from_float(scene(60, 40))
    options = {"style": str(files / "waves.png"), "size": 0, "preset": "draft"}
    inside = DISC[::2, ::2]

    def change(word):
        painted = paint(made, OptimiseOptions(**options, masks=word)).to_float()
        moved = np.abs(painted - made.to_float()).mean(2)
        return moved[inside].mean() / moved[~inside].mean()

    assert change("subject") > 1.5 * change("background")


def test_one_word_divides_the_photo_between_all_styles(files):
    both = [str(files / "waves.png"), str(files / "night.png")]
    options = OptimiseOptions(style=both, masks="regions", size=48, preset="draft")
    assert paint(photo(), options).width == 48
    with pytest.raises(ConfigError, match="2 styles"):
        OptimiseOptions.parse({"style": both, "masks": ["subject"]})
