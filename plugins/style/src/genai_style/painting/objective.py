"""What a picture of one size is to show and how it is to be painted: the loss, and its exact gradient.

A first pass over the tiles of the picture gathers each layer's statistics. With these known, so is the
derivative of the loss by every activation, and a second pass takes it back to the pixels; where tiles see the
same pixels, their gradients add up. A picture that fits the memory is one tile and takes one pass.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

from genai_style.painting.eye import size_in, step_in, stride_of
from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS
from genai_style.painting.statistics import weights_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from genai_style.painting.eye import Eye, Tile
    from genai_style.painting.losses import Style
    from genai_style.painting.statistics import LayerStyle, Part, Weights


@dataclass(frozen=True)
class Term:
    """One style in one layer.

    Attributes:
        layer: Its name.
        style: The statistic to reach.
        weights: Of each position of the layer.
        share: Of the style loss.
        step: See `LayerStyle.part`.
    """

    layer: str
    style: LayerStyle
    weights: Weights
    share: float
    step: int

    def at(self, tile: Tile, features: dict[str, Tensor]) -> tuple[Tensor, Weights]:
        """Activations of a tile's own part, and their weights."""
        stride = stride_of(self.layer)
        weights = self.weights if isinstance(self.weights, float) else tile.part(self.weights, stride)
        return tile.inner(features[self.layer].detach(), stride), weights


class Objective:
    """The loss of pictures of one size.

    Args:
        eye: The network.
        target: The picture to show, (1, 3, H, W) in 0..1.
        styles: How to paint, at least one.
        content_weight: Weight of the content loss beside the style loss.
        content_map: How much the content matters at each place, (H0, W0).
    """

    def __init__(
        self,
        eye: Eye,
        target: Tensor,
        styles: Sequence[Style],
        content_weight: float,
        content_map: Tensor | None = None,
    ) -> None:
        self.eye, self.content_weight = eye, content_weight
        size = target.shape[2:]
        total = sum(style.weight for style in styles)
        self.terms = [
            Term(
                name,
                statistic,
                weights_of(style.mask, size_in(name, size)),
                style.weight / total / len(style.layers),
                step_in(name, size),
            )
            for style in styles
            for name, statistic in style.layers.items()
        ]
        shown = size_in(CONTENT_LAYER, size)
        self.goal = target.new_empty((1, 512, *shown), dtype=eye.dtype)  # exact: it is the network's own
        scale = 0.0
        for tile, features in eye.look(target, [CONTENT_LAYER]):
            tile.part(self.goal, stride_of(CONTENT_LAYER)).copy_(features[CONTENT_LAYER])
            scale += float(features[CONTENT_LAYER].square().sum())
        self.counts = target.new_full((1, 1), 1 / scale).expand(shown)
        if content_map is not None:
            self.counts = F.interpolate(content_map[None, None], shown, mode="area")[0, 0] / scale

    def gradient(self, picture: Tensor) -> tuple[Tensor, float, float]:
        """Gradient of the loss by the pixels of (1, 3, H, W), and the errors of style and content."""
        cut = self.eye.tiles(picture)
        parts: dict[int, list[Part]] = defaultdict(list)
        for tile in cut:
            with torch.set_grad_enabled(len(cut) == 1):
                seen, features = self._see(tile, picture)
            for index, term in enumerate(self.terms):
                parts[index].append(term.style.part(*term.at(tile, features), term.step))
        found = [term.style.whole(parts[index]) for index, term in enumerate(self.terms)]
        errors = [term.share * term.style.error(whole) for term, whole in zip(self.terms, found, strict=True)]
        gradient, content_error = torch.zeros_like(picture), 0.0
        for tile in cut:
            if len(cut) > 1:
                seen, features = self._see(tile, picture)
            slopes = {name: torch.zeros_like(x) for name, x in features.items()}
            for term, whole in zip(self.terms, found, strict=True):
                slope = term.style.slope(whole, *term.at(tile, features))
                tile.inner(slopes[term.layer], stride_of(term.layer)).add_(slope, alpha=term.share)
            content_error += self._draw_to_goal(tile, features, slopes)
            (part,) = torch.autograd.grad(list(features.values()), seen, list(slopes.values()))
            tile.around(gradient).add_(part)
        return gradient, float(sum(errors)), content_error

    def _see(self, tile: Tile, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The pixels of a tile and what is around it, to be differentiated by, and their activations."""
        seen = tile.around(picture).detach().requires_grad_()
        return seen, self.eye.vgg(seen, (*STYLE_LAYERS, CONTENT_LAYER))

    def _draw_to_goal(self, tile: Tile, features: dict[str, Tensor], slopes: dict[str, Tensor]) -> float:
        """Add the derivative of the content loss in a tile to `slopes`; return its error."""
        stride = stride_of(CONTENT_LAYER)
        apart = tile.inner(features[CONTENT_LAYER].detach(), stride) - tile.part(self.goal, stride)
        counted = apart * tile.part(self.counts, stride)
        tile.inner(slopes[CONTENT_LAYER], stride).add_(counted, alpha=2 * self.content_weight)
        return float((apart * counted).sum())
