"""A film painted frame by frame, steady: what does not change in it does not change in the painting.

Each painted frame is drawn where the optical flow takes it in the next one, checked forward and backward
(Ruder et al., GCPR 2016). Beside the colours, what the source showed when they were painted is carried along:
a pixel keeps its paint while it stands still and shows that, so that a still background stays the same to
the bit, however long the film. What moves keeps most of its paint, what differs, was hidden or has faded is
painted anew. Comparing with the frame before alone would let slow changes pass and small errors add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genai_media.opencv import cv2
from genai_style.painting.flow import flows, warp

if TYPE_CHECKING:
    from genai_style.painting.flow import Floats, Mask, Pixels

_SAME = 5.0  # steps of 255 that a still pixel may differ and surely show the same
_LIKE, _OTHER = 10.0, 40.0  # steps of 255 by which a moved pixel may differ, and surely shows something else
_NOISE = 1.5  # pixels over which noise of the camera is averaged
_STILL = 0.5  # pixels a frame: slower flow where nothing changed is an error of the flow
_EDGE = 1.0  # pixels over which old and new paint meet
_NEAR = 0.05  # of the longer side: so far does something that moves change how its surroundings are painted
_CUT = 0.35  # share of the picture that must stay


class Painter(NamedTuple):
    """How one frame is painted.

    Attributes:
        paint: A frame, and the same nearly painted (None: nothing is painted yet), to the painted frame;
            the same for the same.
        keep: Share of the old paint where it moves, for being drawn elsewhere again and again blurs it. A
            painter that goes on with what is nearly painted flickers little and can do with less.
    """

    paint: Callable[[Pixels, Pixels | None], Pixels]
    keep: float = 0.85


@dataclass(frozen=True)
class Painted:
    """A painted frame.

    Attributes:
        picture: What is seen, (H, W, 3) of 8 bits.
        shown: What the source showed where each pixel was painted, likewise.
        cut: Whether nothing of the frame before went into it.
    """

    picture: Pixels
    shown: Pixels
    cut: bool = True


def paint_frames(
    sources: Iterable[Pixels], painter: Painter, before: tuple[Pixels, Painted] | None = None
) -> Iterator[Painted]:
    """Paint frames one after another.

    Args:
        sources: The frames, (H, W, 3) of 8 bits.
        painter: How.
        before: The source before the first of them and what was painted, to go on as if never stopped.

    Yields:
        One for each frame.
    """
    for source in sources:
        painted = paint_next(source, painter, before)
        yield painted
        before = source, painted


def paint_next(source: Pixels, painter: Painter, before: tuple[Pixels, Painted] | None) -> Painted:
    """One frame, given the frame before; after a cut, or at the start, nothing of that is kept."""
    if before is None:
        return Painted(painter.paint(source, None), source)
    last, painted = before
    back, visible = flows(source, last)
    still = (_change(source, painted.shown) < _SAME) & (np.square(back).sum(2) < _STILL**2)
    back[still] = 0
    moved, shown = warp(painted.picture, back, cubic=True), warp(painted.shown, back)
    likeness = np.clip((_OTHER - _change(source, shown)) / (_OTHER - _LIKE), 0, 1)
    same = (likeness * visible).astype(np.float32)
    same[still] = 1
    if same.mean() < _CUT:
        return Painted(painter.paint(source, None), source)
    hold = _soft(same)
    # Where nothing can be kept, the colours of the source as the last frame was recoloured are a start.
    start = _mix(moved, _recoloured(source, last, painted.picture), hold)
    hold *= _soft(np.where(_far_from(~still), 1, painter.keep).astype(np.float32))
    new = moved if (hold == 1).all() else painter.paint(source, start)
    return Painted(_mix(moved, new, hold), _mix(shown, source, hold), cut=False)


def _change(source: Pixels, shown: Pixels) -> Floats:
    """How much two pictures differ beyond noise, (H, W) in steps of 255."""
    change: Floats = np.abs(cv2.GaussianBlur(source.astype(np.float32) - shown, (0, 0), _NOISE)).max(2)
    return change


def _far_from(moving: Mask) -> Mask:
    """Where nothing moves nearby, specks aside."""
    specks = cv2.medianBlur(moving.astype(np.uint8), 5)
    radius = round(_NEAR * max(moving.shape))
    near = cv2.dilate(specks, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
    return np.asarray(near == 0)


def _soft(same: Floats) -> Floats:
    """What is kept of each pixel, (H, W, 1): less towards what is not, and exactly 1 well within what is."""
    size = 2 * round(2 * _EDGE) + 1
    within = cv2.erode(same, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    soft = np.asarray(cv2.GaussianBlur(within, (size, size), _EDGE), np.float32)
    soft[soft > 0.999] = 1
    return soft[..., None]


def _recoloured(source: Pixels, last: Pixels, painted: Pixels) -> Floats:
    """`source` with the colours by which the last one was painted: the best affine map between the two."""
    pixels = cv2.resize(last, (64, 64), interpolation=cv2.INTER_AREA).reshape(-1, 3) / 255.0
    colours = cv2.resize(painted, (64, 64), interpolation=cv2.INTER_AREA).reshape(-1, 3) / 1.0
    held = np.vstack([np.column_stack([pixels, np.ones(len(pixels))]), np.eye(4)])  # grey films have one axis
    wanted = np.vstack([colours, np.zeros((4, 3))])
    found = np.linalg.lstsq(held, wanted, rcond=None)[0].astype(np.float32)
    return np.asarray(np.clip(source @ (found[:3] / np.float32(255)) + found[3], 0, 255), np.float32)


def _mix(old: Any, new: Any, share: Floats) -> Pixels:
    """`share` of the old and the rest of the new, rounded."""
    mixed = new + share * (old.astype(np.float32) - new)
    return np.asarray(np.rint(mixed.clip(0, 255)), np.uint8)
