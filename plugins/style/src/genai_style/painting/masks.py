"""Masks found in the photo itself: its subject, the rest, or regions of like colour.

Masks are (h, w) in 0..1, at most `SIDE` pixels long; their edges are soft and follow those of the photo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.errors import BadInput
from genai_media.opencv import cv2
from genai_style.painting.colour import luma

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

SIDE = 512  # pixels of the longer side on which masks are looked for
WORDS = ("subject", "background", "regions")
_MARGIN = 0.06  # share of the picture at each border that is background at first
_ROUNDS = 6
_SPECK = 0.1  # share of the largest part of a subject below which another is none
_EDGE = 1 / 64  # share of the longer side over which edges are soft
_SMOOTH = 1e-3  # variance of brightness that is still no edge
_PLACE = 50.0  # what the height or width of the picture counts beside Lab, whose lightness goes to 100


def masks_of(words: tuple[str, ...], photo: Floats, count: int) -> dict[str, list[Floats]]:
    """The masks that words ask for.

    Args:
        words: Of `WORDS`; others are passed over.
        photo: (H, W, 3) in 0..1.
        count: How many regions.

    Returns:
        One mask for ``subject`` and ``background``, `count` for ``regions``.

    Raises:
        BadInput: The photo has no subject that stands out.
    """
    found = {}
    if "regions" in words:
        found["regions"] = regions(photo, count)
    if {"subject", "background"} & set(words):
        mask = subject(photo)
        found |= {"subject": [mask], "background": [1 - mask]}
    return found


def subject(photo: Floats) -> Floats:
    """What stands out of its surroundings in the middle of a photo (H, W, 3).

    GrabCut (Rother et al., SIGGRAPH 2004) from a centred rectangle.
    """
    small = _small(photo)
    height, width = small.shape[:2]
    left, top = round(_MARGIN * width), round(_MARGIN * height)
    labels = np.zeros((height, width), np.uint8)
    inside = (left, top, width - 2 * left, height - 2 * top)
    cv2.setRNGSeed(0)
    bytes_ = np.rint(255 * small).astype(np.uint8)[..., ::-1]
    cv2.grabCut(
        np.ascontiguousarray(bytes_), labels, inside, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS,
        cv2.GC_INIT_WITH_RECT,
    )  # fmt: skip
    found = _filled((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    if not 0.005 < float(found.mean()) < 0.995:
        raise BadInput("photo", "nothing in it stands out as a subject", hint="draw a mask and name its file")
    return _softened(found, small)


def regions(photo: Floats, count: int) -> list[Floats]:
    """`count` regions of like colour and place, the highest in the picture first; together 1 everywhere.

    k-means on colour in CIELAB and place, the space of SLIC (Achanta et al., PAMI 34:2274, 2012).
    """
    small = _small(photo)
    height, width = small.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / max(height, width)
    lab = cv2.cvtColor(cv2.GaussianBlur(small, (0, 0), 3), cv2.COLOR_RGB2LAB)
    points = np.dstack([lab, _PLACE * x, _PLACE * y]).reshape(-1, 5).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 40, 0.1)
    cv2.setRNGSeed(0)
    start = np.zeros((len(points), 1), np.int32)
    _, labels, centres = cv2.kmeans(points, min(count, len(points)), start, stop, 4, cv2.KMEANS_PP_CENTERS)
    masks = [
        _softened((labels.reshape(height, width) == each).astype(np.float32), small)
        for each in np.argsort(centres[:, 4], kind="stable")
    ]
    total = np.maximum(sum(masks), np.float32(1e-6))
    return [np.asarray(mask / total, np.float32) for mask in masks]


def _small(photo: Floats) -> Floats:
    factor = min(1.0, SIDE / max(photo.shape[:2]))
    size = (max(1, round(photo.shape[1] * factor)), max(1, round(photo.shape[0] * factor)))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.float32)


def _filled(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """Without holes, and without specks beside what is large."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(outline) for outline in outlines]
    large = [outline for outline, area in zip(outlines, areas, strict=True) if area >= _SPECK * max(areas)]
    filled = np.zeros(mask.shape, np.float32)
    cv2.drawContours(filled, large, -1, 1.0, cv2.FILLED)
    return filled


def _softened(mask: Floats, photo: Floats) -> Floats:
    """A mask with soft edges that follow the photo's: the guided filter (He et al., PAMI 35:1397, 2013)."""
    guide = luma(photo)[..., 0]
    radius = max(1, round(_EDGE * max(guide.shape)))

    def mean(values: Floats) -> Floats:
        return np.asarray(cv2.blur(values, (2 * radius + 1,) * 2), np.float32)

    of_guide, of_mask = mean(guide), mean(mask)
    variance = np.maximum(mean(guide * guide) - of_guide**2, 0)
    rise = (mean(guide * mask) - of_guide * of_mask) / (variance + _SMOOTH)
    soft = mean(rise) * guide + mean(of_mask - rise * of_guide)
    return np.asarray(np.clip(soft, 0, 1), np.float32)
