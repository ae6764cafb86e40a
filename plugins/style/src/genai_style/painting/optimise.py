"""A picture that shows the content and is painted like the styles, found by L-BFGS on its pixels.

Gatys et al. (CVPR 2016), coarse to fine: a small picture settles composition and colours cheaply, every
further scale adds detail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from genai_style.painting.eye import Eye
from genai_style.painting.lbfgs import LBFGS
from genai_style.painting.losses import Style
from genai_style.painting.objective import Objective
from genai_style.painting.resize import resize

if TYPE_CHECKING:
    from torch import Tensor

    from genai_style.config import StyleKind
    from genai_style.painting.vgg import VGG19


@dataclass(frozen=True)
class Step:
    """Where the optimisation stands.

    Attributes:
        done: Steps taken, of all scales.
        total: Steps in all.
        scale: Longer side of the picture at this scale, pixels.
        style: Mean relative style error before the step.
        content: Relative content error before the step.
        picture: That was seen, (1, 3, h, w) in 0..1.
    """

    done: int
    total: int
    scale: int
    style: float
    content: float
    picture: Tensor


@dataclass(frozen=True)
class Brush:
    """A style to paint with.

    Attributes:
        picture: (1, 3, h, w) in 0..1.
        weight: Its share beside other styles.
        mask: Where it belongs in the content, (H, W) in 0..1; None: everywhere.
    """

    picture: Tensor
    weight: float = 1.0
    mask: Tensor | None = None


@dataclass(frozen=True)
class Schedule:
    """How long to work at which size.

    Attributes:
        steps: Steps at each scale, coarse to fine; the last is the full size, each before it half as long.
        kind: Which statistic of the styles.
    """

    steps: tuple[int, ...]
    kind: StyleKind = "moments"


def optimise(
    vgg: VGG19,
    content: Tensor,
    brushes: Sequence[Brush],
    schedule: Schedule,
    *,
    content_weight: float = 0.1,
    stroke: float = 1.0,
    content_map: Tensor | None = None,
    seed: int = 0,
    start: Tensor | None = None,
    pixels: int = 0,
    callback: Callable[[Step], None] = lambda step: None,
) -> Tensor:
    """Paint `content` with `brushes`.

    Args:
        vgg: On the device to work on.
        content: (1, 3, H, W) in 0..1, and the size of the result.
        brushes: At least one.
        schedule: Steps and statistic.
        content_weight: Weight of the content loss beside the style loss.
        stroke: Longer side of a style beside the content's: 0.5 paints with strokes half as wide.
        content_map: How much the content matters at each place, (H, W).
        seed: Of the directions of the sliced loss.
        start: What to begin with, (1, 3, h, w) in 0..1; None: the content.
        pixels: That the network sees at once, see `Eye`; what it paints does not depend on that.
        callback: Called before every step.

    Returns:
        (1, 3, H, W) in 0..1.
    """
    eye = Eye(vgg, pixels)
    sizes = scales(content.shape[2:], len(schedule.steps))
    picture = resize(content if start is None else start, sizes[0])
    total, taken = sum(schedule.steps), 0
    for size, steps in zip(sizes, schedule.steps, strict=True):

        def goal(size: tuple[int, int] = size) -> Objective:
            styles = _styles(eye, brushes, max(size) * stroke, schedule.kind, seed)
            return Objective(eye, resize(content, size), styles, content_weight, content_map)

        objective = eye.within_memory(goal)
        # The first scale starts from the content or `start`, others from what the one before them painted
        # and the detail of the content that was too fine for it (as Kolkin et al., CVPR 2019, do).
        if tuple(picture.shape[2:]) != tuple(size):
            detail = resize(content, size) - resize(resize(content, picture.shape[2:]), size)
            picture = (resize(picture, size) + detail).clamp_(0, 1)
        solver = LBFGS(size)
        for _ in range(steps):
            gradient, style_error, content_error = eye.within_memory(partial(objective.gradient, picture))
            callback(Step(taken, total, max(size), style_error, content_error, picture))
            picture = solver.step(picture, style_error + content_weight * content_error, gradient)
            taken += 1
    return picture


def scales(size: Sequence[int], count: int) -> list[tuple[int, int]]:
    """`count` sizes (h, w), each half as long as the next; the last is `size`. None is below 32 pixels."""
    found = []
    for index in reversed(range(count)):
        factor = min(1.0, max(0.5**index, 32 / min(size)))
        found.append((max(1, round(size[0] * factor)), max(1, round(size[1] * factor))))
    return found


def _styles(eye: Eye, brushes: Sequence[Brush], longer: float, kind: StyleKind, seed: int) -> list[Style]:
    """The styles at the size that gives their strokes the wished width."""
    found = []
    for brush in brushes:
        generator = torch.Generator(device=brush.picture.device).manual_seed(seed)
        picture = resize(brush.picture, style_size(brush.picture.shape[2:], longer))
        found.append(Style(eye.style(picture, kind, generator), brush.weight, brush.mask))
    return found


def style_size(size: Sequence[int], longer: float) -> tuple[int, int]:
    """(h, w) of a style with its longer side so long; no side is too short for the deepest layer."""
    height, width = (max(16, round(side * longer / max(size))) for side in size)
    return height, width
