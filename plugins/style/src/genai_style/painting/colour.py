"""Whose colours a painted picture has.

Arrays are (H, W, 3), red, green and blue in 0..1. Luma and chroma are those of Rec. 601, the split that
pictures are stored with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32
)
_RGB = np.linalg.inv(_YCC).astype(np.float32)
_ROUNDS = 24
_QUANTILES = 512
_SAMPLE = 65_536  # pixels that stand for a picture's palette


def luma(picture: Floats) -> Floats:
    """Brightness alone, as a grey picture of three equal channels."""
    grey: Floats = np.repeat((picture @ _YCC[0])[..., None], 3, axis=2)
    return grey


def with_chroma_of(painted: Floats, photo: Floats) -> Floats:
    """Brightness of `painted`, hue and saturation of `photo`; both of one size."""
    split = photo @ _YCC.T
    split[..., 0] = painted @ _YCC[0]
    return np.clip(split @ _RGB.T, 0, 1)


def with_luma_like(picture: Floats, other: Floats) -> Floats:
    """Grey pictures: `picture` with the mean and spread of brightness of `other` (Gatys et al. 2016)."""
    mine, theirs = picture[..., 0], other[..., 0]
    spread = float(theirs.std()) / max(float(mine.std()), 1e-6)
    matched = (mine - float(mine.mean())) * spread + float(theirs.mean())
    grey: Floats = np.repeat(np.clip(matched, 0, 1)[..., None], 3, axis=2).astype(np.float32, copy=False)
    return grey


def with_palette_of(picture: Floats, other: Floats, seed: int = 0) -> Floats:
    """`picture` with the colours of `other`, in the same shares.

    The optimal transport of one colour distribution to the other, approached by matching one-dimensional
    distributions along many random axes (Pitie et al., Comput. Vis. Image Underst. 107:123, 2007).
    """
    rng = np.random.default_rng(seed)
    mine, theirs = picture.reshape(-1, 3).astype(np.float32), other.reshape(-1, 3)
    sample = rng.choice(len(mine), min(len(mine), _SAMPLE), replace=False)
    theirs = theirs[rng.choice(len(theirs), min(len(theirs), _SAMPLE), replace=False)]
    shares = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    for _ in range(_ROUNDS):
        axes = np.linalg.qr(rng.standard_normal((3, 3)))[0].astype(np.float32)
        turned, wanted = mine @ axes, theirs @ axes
        for axis in range(3):
            have, want = np.quantile(turned[sample, axis], shares), np.quantile(wanted[:, axis], shares)
            # Equal quantiles would make the map many-valued; a hair's slope keeps it a function.
            have = have + np.linspace(0, 1e-6, _QUANTILES)
            turned[:, axis] += np.interp(turned[:, axis], have, want - have).astype(np.float32)
        mine = np.asarray(turned @ axes.T, np.float32)
    return np.clip(mine.reshape(picture.shape), 0, 1)
