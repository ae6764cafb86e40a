"""The whole distribution of activations as a style: the sliced Wasserstein distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from genai_style.painting.statistics import columns, flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from genai_style.painting.statistics import Part, Weights


@dataclass(frozen=True)
class Sliced:
    """The whole distribution of activations, by its one-dimensional projections (Heitz et al., CVPR 2021).

    Each projection is described by its quantiles. Along each direction an activation is drawn to where the
    map that takes the picture's quantiles to the style's takes it: optimal transport in one dimension.

    Attributes:
        directions: Unit vectors, (C, K).
        quantiles: Along each direction at evenly spaced shares, (K, Q), rising.
    """

    directions: Tensor
    quantiles: Tensor

    COUNT = 64
    POINTS = 1024
    CHUNK = 1 << 16  # positions at once

    @classmethod
    def along(cls, channels: int, generator: torch.Generator) -> Sliced:
        """Random directions, and no quantiles yet."""
        directions = torch.randn((channels, cls.COUNT), generator=generator, device=generator.device)
        return cls(directions / directions.norm(dim=0), directions.new_empty(cls.COUNT, 0))

    def part(self, features: Tensor, weights: Weights, step: int = 1) -> Part:
        """Projections (K, n) and their weights (n,)."""
        if not isinstance(weights, float):
            weights = weights[::step, ::step].flatten()
        x = columns(features[..., ::step, ::step])
        return self.directions.T @ x, x.new_ones(x.shape[1]) * weights

    def whole(self, parts: Sequence[Part]) -> Sliced:
        values, weights = (torch.cat(each, -1) for each in zip(*parts, strict=True))
        # A mask may be thinner than the sample is dense.
        counted = weights > 0 if weights.any() else weights == 0
        weights = torch.where(counted, weights.clamp(min=1e-12), 0)
        values, order = values[:, counted].sort(1)
        mass = weights[counted].expand_as(values).gather(1, order)
        below = mass.cumsum(1)
        centres = (below - 0.5 * mass) / below[:, -1:]
        points = (torch.arange(self.POINTS, device=values.device) + 0.5) / self.POINTS
        quantiles = _interpolate(points.expand(len(values), -1).contiguous(), centres, values, beyond=1)
        return Sliced(self.directions, quantiles)

    @property
    def _scale(self) -> Tensor:
        return self.quantiles.square().mean(1).sum()

    def error(self, found: Sliced) -> Tensor:
        return (found.quantiles - self.quantiles).square().mean(1).sum() / self._scale

    def slope(self, found: Sliced, features: Tensor, weights: Weights) -> Tensor:
        x = columns(features)
        slope = torch.empty_like(x)
        shift = (-2 / self._scale) * (self.quantiles - found.quantiles)
        for at in range(0, x.shape[1], self.CHUNK):
            values = self.directions.T @ x[:, at : at + self.CHUNK]
            torch.matmul(
                self.directions,
                _interpolate(values, found.quantiles, shift),
                out=slope[:, at : at + self.CHUNK],
            )
        return slope.view_as(features).mul_(weights)

    def transport(self, features: Tensor, weights: Weights) -> Tensor:
        """Relative squared length of the way of all activations to the style's distribution: a scalar."""
        found = self.whole([self.part(features.detach(), weights)])
        values = self.directions.T @ columns(features)
        way = _interpolate(values.detach(), found.quantiles, self.quantiles - found.quantiles)
        return ((values - (values + way).detach()).square() * flat(weights)).sum() / self._scale


def _interpolate(x: Tensor, knots: Tensor, values: Tensor, beyond: float = 0) -> Tensor:
    """Row by row the line through (`knots`, `values`), both (K, Q), at `x` (K, N).

    At its ends it goes on for `beyond` times its last piece, and then level.
    """
    # Where many knots are equal, the middle one answers.
    right = torch.searchsorted(knots, x) + torch.searchsorted(knots, x, right=True)
    right = right.div_(2, rounding_mode="floor").clamp_(min=1).clamp_(max=knots.shape[1] - 1)
    left = (right - 1).clamp_(min=0)
    start, stop = knots.gather(1, left), knots.gather(1, right)
    share = ((x - start) / (stop - start).clamp(min=1e-12)).clamp_(-beyond, 1 + beyond)
    return torch.lerp(values.gather(1, left), values.gather(1, right), share)
