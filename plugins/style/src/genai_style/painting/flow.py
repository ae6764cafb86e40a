"""Where each pixel of a frame comes from in the one before it, and how steady a painted clip is.

Frames are (H, W, 3) of 8 bits. A flow is (H, W, 2) float32: the pixel at (x, y) of `a` is found in `b` at
(x + flow[y, x, 0], y + flow[y, x, 1]).
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.errors import UsageError
from genai_media.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable

    Pixels = np.ndarray[Any, np.dtype[np.uint8]]
    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

SMALLEST = 16  # pixels of the shorter side that the coarsest scale of the flow needs


def flow(a: Pixels, b: Pixels) -> Floats:
    """Dense flow from `a` to `b`: Dense Inverse Search (Kroeger et al., ECCV 2016)."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (a, b)]
    if min(grey[0].shape) < SMALLEST:  # nothing that small is worth following
        return np.zeros((*grey[0].shape, 2), np.float32)
    found: Floats = _search().calc(*grey, None)
    return found


def consistent(forward: Floats, backward: Floats) -> Mask:
    """Where the flow from `a` to `b` and the one back meet: (H, W), False where something is hidden in `b`.

    The criterion of Sundaram et al. (ECCV 2010), which Ruder et al. (GCPR 2016) paint clips with.
    """
    back = warp(backward, forward)
    gap = np.square(forward + back).sum(2)
    reach = np.square(forward).sum(2) + np.square(back).sum(2)
    meets: Mask = gap <= 0.01 * reach + 0.5
    return meets & _within(forward)


def warp(picture: Any, flow: Floats, *, cubic: bool = False) -> Any:
    """`picture`, of `b`, drawn where it is in `a`, for the flow from `a` to `b`; edges are continued.

    Args:
        picture: (H, W) or (H, W, C), of 8 bits or float32.
        flow: (H, W, 2).
        cubic: Interpolate with cubes, which blur less when warped pictures are warped again.
    """
    columns, rows = _places(flow.shape[0], flow.shape[1])
    how = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return cv2.remap(
        picture, columns + flow[..., 0], rows + flow[..., 1], how, borderMode=cv2.BORDER_REPLICATE
    )


def warp_error(frames: Iterable[Pixels], sources: Iterable[Pixels]) -> float:
    """How much painted frames flicker: mean squared change of what the source shows moving or still.

    Each frame is compared with the one before it, moved by the flow of the sources, where that flow is
    consistent (Lai et al., ECCV 2018). The error of a source against itself is the floor.

    Args:
        frames: Painted, at least two.
        sources: What they were painted from, of the same sizes.

    Returns:
        Mean over pairs of frames of the squared difference of channels in 0..1.

    Raises:
        UsageError: There are fewer than two frames, or unlike many of each.
    """
    errors = [
        pair_error(painted, before, *flows(source, source_before))
        for (before, source_before), (painted, source) in pairwise(zip(frames, sources, strict=True))
    ]
    if not errors:
        raise UsageError("flicker is measured between two frames or more")
    return float(np.mean(errors))


def pair_error(frame: Pixels, before: Pixels, back: Floats, visible: Mask) -> float:
    """The warp error of one frame against the one before it, given `flows` of their sources."""
    if not visible.any():
        return 0.0
    change = (frame.astype(np.float32) - warp(before, back).astype(np.float32)) / 255
    return float(np.square(change[visible]).mean(dtype=np.float64))


def flows(source: Pixels, before: Pixels) -> tuple[Floats, Mask]:
    """The flow from a frame to the one before it, and where what it shows was visible there."""
    back = flow(source, before)
    return back, consistent(back, flow(before, source))


def _within(flow: Floats) -> Mask:
    """Where a flow does not lead out of the picture."""
    height, width = flow.shape[:2]
    columns, rows = _places(height, width)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside: Mask = (x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5)
    return inside


@lru_cache(maxsize=4)
def _places(height: int, width: int) -> tuple[Floats, Floats]:
    """The column and the row of every pixel."""
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    columns.flags.writeable = rows.flags.writeable = False
    return columns, rows


@cache
def _search() -> Any:
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]  # no stub
