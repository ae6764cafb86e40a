"""A picture that shows the content and is painted like the styles, found by gradient descent on its pixels.

Gatys et al. (CVPR 2016), coarse to fine: a small picture settles composition and colours cheaply, every
further scale adds detail. Adam keeps its state across scales, resized with the picture, and the average of
the last iterates is returned, which is smoother than any one of them (both after K. Crowson's
style-transfer-pytorch).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of

if TYPE_CHECKING:
    from torch import Tensor

    from genai_style.painting.losses import StyleKind
    from genai_style.painting.vgg import VGG19

_LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
_BETAS = (0.9, 0.99)
_AVERAGE = 0.9  # decay of the average of iterates; a scale has few steps


@dataclass(frozen=True)
class Step:
    """Where the optimisation stands.

    Attributes:
        done: Steps taken, of all scales.
        total: Steps in all.
        scale: Longer side of the picture at this scale, pixels.
        style: Mean relative style error before the step.
        content: Relative content error before the step.
        picture: The average of iterates, (1, 3, h, w) in 0..1.
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
        lr: Adam's rate; pixels are in 0..1.
    """

    steps: tuple[int, ...]
    kind: StyleKind = "moments"
    lr: float = 0.04


def optimise(
    vgg: VGG19,
    content: Tensor,
    brushes: Sequence[Brush],
    schedule: Schedule,
    *,
    content_weight: float = 0.15,
    stroke: float = 1.0,
    content_map: Tensor | None = None,
    seed: int = 0,
    start: Tensor | None = None,
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
        callback: Called before every step.

    Returns:
        (1, 3, H, W) in 0..1.
    """
    sizes = scales(content.shape[2:], len(schedule.steps))
    picture = _resize(content if start is None else start, sizes[0])
    state: tuple[Tensor, Tensor] | None = None
    total, taken, age = sum(schedule.steps), 0, 0
    for size, steps in zip(sizes, schedule.steps, strict=True):
        target = _resize(content, size)
        goal = Content(vgg(target, [CONTENT_LAYER])[CONTENT_LAYER], content_map)
        styles = _styles(vgg, brushes, max(size) * stroke, schedule.kind, seed)
        # The first scale starts from the content or `start`, every other one from what the one before it painted.
        picture = _resize(picture, size)
        state = None if state is None else (_resize(state[0], size), _resize(state[1], size).clamp(min=0))
        first, second = state or (torch.zeros_like(picture), torch.zeros_like(picture))
        average, mass = torch.zeros_like(picture), 0.0
        for _ in range(steps):
            gradient, style_error, content_error = _gradient(vgg, picture, styles, goal, content_weight)
            age += 1
            first = torch.lerp(gradient, first, _BETAS[0])
            second = torch.lerp(gradient.square(), second, _BETAS[1])
            step = (first / (1 - _BETAS[0] ** age)) / ((second / (1 - _BETAS[1] ** age)).sqrt() + 1e-8)
            shown = average / mass if mass else picture
            callback(Step(taken, total, max(size), style_error, content_error, shown))
            picture = (picture - schedule.lr * step).clamp(0, 1)
            average, mass = _AVERAGE * average + picture, _AVERAGE * mass + 1
            taken += 1
        state, picture = (first, second), average / mass
    return picture


def scales(size: Sequence[int], count: int) -> list[tuple[int, int]]:
    """`count` sizes (h, w), each half as long as the next; the last is `size`. None is below 32 pixels."""
    found = []
    for index in reversed(range(count)):
        factor = min(1.0, max(0.5**index, 32 / min(size)))
        found.append((max(1, round(size[0] * factor)), max(1, round(size[1] * factor))))
    return found


def _gradient(
    vgg: VGG19, picture: Tensor, styles: Sequence[Style], goal: Content, content_weight: float
) -> tuple[Tensor, float, float]:
    """Gradient of the loss by the pixels, and the two errors."""
    pixels = picture.detach().requires_grad_()
    features = vgg(pixels, _LAYERS)
    share = sum(style.weight for style in styles)
    style_loss = torch.stack([style.weight / share * style.loss(features) for style in styles]).sum()
    content_loss = goal.loss(features)
    (gradient,) = torch.autograd.grad(style_loss + content_weight * content_loss, pixels)
    return gradient, float(style_loss.detach()), float(content_loss.detach())


def _styles(vgg: VGG19, brushes: Sequence[Brush], longer: float, kind: StyleKind, seed: int) -> list[Style]:
    """The styles at the size that gives their strokes the wished width."""
    found = []
    for brush in brushes:
        height, width = brush.picture.shape[2:]
        factor = longer / max(height, width)
        size = (max(16, math.ceil(height * factor)), max(16, math.ceil(width * factor)))
        features = vgg(_resize(brush.picture, size), STYLE_LAYERS)
        generator = torch.Generator(device=brush.picture.device).manual_seed(seed)
        found.append(Style(style_of(features, kind, generator), brush.weight, brush.mask))
    return found


def _resize(picture: Tensor, size: Sequence[int]) -> Tensor:
    """Resampled to (h, w), without aliasing."""
    if tuple(picture.shape[2:]) == tuple(size):
        return picture
    return F.interpolate(picture, tuple(size), mode="bilinear", antialias=True, align_corners=False)
