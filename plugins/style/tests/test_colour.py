"""Colours: kept, matched, moved."""

from __future__ import annotations

import numpy as np
import pytest

from genai_style.painting import colour
from support.pictures import painting, photo

PHOTO, PAINTING = photo().to_float(), painting(96, 64).to_float()


def test_a_picture_with_its_own_chroma_is_itself():
    assert np.allclose(colour.with_chroma_of(PHOTO, PHOTO), PHOTO, atol=1e-5)


def test_brightness_is_of_the_painting_and_hue_of_the_photo():
    dull = 0.4 + 0.2 * PHOTO  # far from black and white, where nothing is clipped
    mixed = colour.with_chroma_of(0.4 + 0.2 * PAINTING, dull)
    assert np.allclose(colour.luma(mixed), colour.luma(0.4 + 0.2 * PAINTING), atol=1e-4)
    assert np.allclose(mixed - colour.luma(mixed), dull - colour.luma(dull), atol=1e-4)


def test_a_palette_arrives_in_its_shares():
    other = 0.2 + 0.5 * photo(90, 70, seed=9).to_float()
    moved = colour.with_palette_of(PHOTO, other)
    assert moved.shape == PHOTO.shape
    assert np.abs(PHOTO.mean((0, 1)) - other.mean((0, 1))).max() > 0.1
    assert moved.mean((0, 1)) == pytest.approx(other.mean((0, 1)), abs=0.02)
    assert moved.std((0, 1)) == pytest.approx(other.std((0, 1)), abs=0.03)
    assert np.array_equal(moved, colour.with_palette_of(PHOTO, other))


def test_brightness_is_matched():
    matched = colour.with_luma_like(colour.luma(0.3 + 0.1 * PHOTO), colour.luma(0.4 + 0.2 * PAINTING))
    wanted = colour.luma(0.4 + 0.2 * PAINTING)
    assert matched.mean() == pytest.approx(float(wanted.mean()), abs=1e-3)
    assert matched.std() == pytest.approx(float(wanted.std()), abs=5e-3)
    assert np.ptp(matched, axis=2).max() == 0


def test_flat_pictures_do_not_divide_by_zero():
    flat = np.full((8, 8, 3), 0.5, np.float32)
    for made in (
        colour.with_palette_of(flat, PAINTING),
        colour.with_palette_of(PAINTING, flat),
        colour.with_luma_like(flat, colour.luma(PAINTING)),
        colour.with_chroma_of(flat, flat),
    ):
        assert np.isfinite(made).all()
