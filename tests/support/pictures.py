"""Pictures for the tests, drawn from numbers."""

from __future__ import annotations

import numpy as np

from genai_media.image import Image


def photo(width=96, height=64, seed=0, bits=8, alpha=None):
    """Soft shapes, as a photo has them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(width, height)
    picture = np.zeros((height, width, 3), np.float32)
    for _ in range(5):
        cx, cy, size = rng.random(3) * [1, 1, 0.4] + [0, 0, 0.1]
        weight = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / size**2)[..., None]
        picture = picture * (1 - weight) + weight * rng.random(3)
    return Image.from_float(picture, alpha, bits=bits)


def painting(width=80, height=80, seed=1):
    """Sharp diagonal strokes in a few strong colours."""
    rng = np.random.default_rng(seed)
    palette = np.array([[0.1, 0.2, 0.6], [0.95, 0.8, 0.2], [0.9, 0.95, 0.9], [0.05, 0.05, 0.2]], np.float32)
    y, x = np.mgrid[:height, :width]
    stroke = ((x + 2 * y + 6 * np.sin(x / 5)) // 7).astype(int)
    return Image.from_float(palette[rng.integers(0, 4, stroke.max() + 1)[stroke]])
