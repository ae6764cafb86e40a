"""A contact sheet: photos down the side, their versions beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genai_media.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 12  # pixels
SIDE = 384  # of a square

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def contact_sheet(rows: Sequence[Sequence[Pixels | None]], side: int = SIDE) -> Pixels:
    """Pictures in a grid on white, each fitted into a square.

    Args:
        rows: Pictures (H, W, 3) of 8 bits; None leaves a place empty. Rows may differ in length.
        side: Of the squares, pixels.

    Returns:
        (H, W, 3).
    """
    columns = max(map(len, rows), default=0)
    height, width = len(rows) * (side + GAP) + GAP, columns * (side + GAP) + GAP
    sheet = np.full((height, width, 3), 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            if picture is None:
                continue
            small = fitted(picture, side)
            top = GAP + row * (side + GAP) + (side - small.shape[0]) // 2
            left = GAP + column * (side + GAP) + (side - small.shape[1]) // 2
            sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    return sheet


def fitted(picture: Pixels, side: int = SIDE) -> Pixels:
    """`picture` with its longer side at most `side` pixels."""
    factor = min(1.0, side / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
