"""Distances between two pictures: of their textures, their colours, and where brightness is in them."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genai_media.opencv import cv2

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Doubles = np.ndarray[Any, np.dtype[np.float64]]

_WINDOW, _SIGMA = 11, 1.5  # pixels, of the Gaussian window of SSIM
_C1, _C2 = 0.01**2, 0.03**2
_DIRECTIONS = 64
_QUANTILES = 512
_PIXELS = 32_768  # that stand for a picture's palette


class Normal(NamedTuple):
    """Mean (C,) and covariance (C, C) of the activations of a picture's places."""

    mean: Doubles
    covariance: Doubles


def normal(activations: Floats) -> Normal:
    """The normal distribution nearest to activations (C, H, W)."""
    rows = activations.reshape(len(activations), -1).astype(np.float64)
    return Normal(rows.mean(1), np.atleast_2d(np.cov(rows, bias=True)))


def frechet(first: Normal, second: Normal) -> float:
    """Frechet distance of two normal distributions (Dowson and Landau, J. Multivar. Anal. 12:450, 1982).

    With the activations of the places of two single pictures this is the SIFID of Shaham et al. (ICCV 2019),
    there on Inception, just before its second pooling.
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    common = np.sqrt(np.linalg.eigvalsh(root @ second.covariance @ root).clip(0)).sum()
    spread = np.trace(first.covariance) + np.trace(second.covariance) - 2 * common
    return max(0.0, float(np.square(first.mean - second.mean).sum() + spread))


def palette(picture: Floats) -> Floats:
    """The colours of a picture (H, W, 3), RGB in 0..1, as quantiles in CIELAB (D65) along fixed directions.

    Returns:
        (512, 64), rising, in units of colour difference (CIE 1976).
    """
    step = math.ceil(math.sqrt(picture[..., 0].size / _PIXELS))
    few = np.ascontiguousarray(picture[::step, ::step], np.float32)
    colours = cv2.cvtColor(few, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    values = np.sort(colours @ _directions().T, axis=0)
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * (len(values) - 1)
    found: Floats = values[np.rint(places).astype(int)]
    return found


def palette_distance(first: Floats, second: Floats) -> float:
    """Sliced Wasserstein distance of two `palette`s (Rabin et al., SSVM 2011).

    The mean along all directions is doubled, so that a shift of every colour by one unit counts one: the mean
    of |cos| over a sphere is 1/2.
    """
    return 2 * float(np.abs(first - second).mean())


@cache
def _directions() -> Floats:
    """Unit vectors spread evenly over a half sphere (Fibonacci lattice), (64, 3)."""
    turn = np.arange(_DIRECTIONS) * np.pi * (3 - np.sqrt(5))
    height = (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1).astype(np.float32)


def ssim(first: Floats, second: Floats) -> float:
    """Mean structural similarity of two grey pictures (H, W) in 0..1, each side at least 11 pixels.

    Wang et al., IEEE Trans. Image Process. 13:600 (2004): Gaussian window of 11 x 11 with sigma 1.5, the mean
    over the places where it lies inside the picture.
    """
    one: Doubles = first.astype(np.float64)
    two: Doubles = second.astype(np.float64)
    inside = (slice(_WINDOW // 2, -(_WINDOW // 2)),) * 2

    def local(grey: Doubles) -> Any:
        return cv2.GaussianBlur(grey, (_WINDOW, _WINDOW), _SIGMA)[inside]

    mean1, mean2 = local(one), local(two)
    variances = local(one * one) - mean1**2 + local(two * two) - mean2**2
    covariance = local(one * two) - mean1 * mean2
    same = (2 * mean1 * mean2 + _C1) * (2 * covariance + _C2)
    return float((same / ((mean1**2 + mean2**2 + _C1) * (variances + _C2))).mean())
