"""What it means to look like a photo and to be painted like a painting: losses on VGG19's activations.

Every loss is relative: the squared error of a statistic over the statistic's own square. So each layer counts
the same without a table of weights, and a value reads as a share of what there is to reach.

A style is a statistic of all activations of a picture, wherever they are. So it can be gathered from parts of
a picture, `part` and `whole`; and once it is known, the derivative of its error by an activation, `slope`,
depends on that activation alone. That lets
`objective` work through a picture tile by tile, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from genai_style.config import StyleKind

    Weights = Tensor | float  # of each position of a layer (H, W), 1 in all; a number: the same everywhere
    Part = tuple[Tensor, ...]  # what one part of a picture says about the whole

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"


class LayerStyle(Protocol):
    """A statistic of one layer's activations, and the value it has for a style."""

    def part(self, features: Tensor, weights: Weights, step: int = 1) -> Part:
        """What activations (1, C, h, w) of a part of the picture, with the weights there, say of it.

        Where a sample will do, every `step`-th row and column is looked at.
        """
        ...

    def whole(self, parts: Sequence[Part]) -> Self:
        """The statistic of the whole picture."""
        ...

    def error(self, found: Self) -> Tensor:
        """Relative squared error of a picture's statistic: a scalar."""
        ...

    def slope(self, found: Self, features: Tensor, weights: Weights) -> Tensor:
        """Derivative of the error by each of the activations (1, C, h, w) of a part: of the same shape."""
        ...


def layer_loss(style: LayerStyle, features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Relative error of activations (1, C, H, W) where `mask` (H0, W0) counts: a scalar to differentiate."""
    weights = weights_of(mask, features.shape[2:])
    if isinstance(style, Sliced):
        return style.transport(features, weights)
    return style.error(style.whole([style.part(features, weights)]))


def weights_of(mask: Tensor | None, size: Sequence[int]) -> Weights:
    """What each position of a layer of `size` (H, W) counts under a mask (H0, W0) in 0..1; 1 in all."""
    if mask is None:
        return 1 / (size[0] * size[1])
    small = F.interpolate(mask[None, None], tuple(size), mode="area")[0, 0]
    return small / small.sum().clamp(min=1e-8)


def _columns(features: Tensor) -> Tensor:
    """(1, C, h, w) to (C, n)."""
    return features[0].flatten(1)


def _flat(weights: Weights) -> Weights:
    """(h, w) to (n,); a number stays one."""
    return weights if isinstance(weights, float) else weights.flatten()


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each channel (Huang and Belongie, ICCV 2017).

    Attributes:
        mean: (C,).
        std: (C,).
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def part(cls, features: Tensor, weights: Weights, step: int = 1) -> Part:
        """Mass, mean (C,) and variance (C,)."""
        x, weights = _columns(features), _flat(weights)
        if isinstance(weights, float):
            mean = x.mean(1)
            variance = (x - mean[:, None]).square().mean(1)  # a tenth of the time of `torch.var_mean`
            return mean.new_tensor(weights * x.shape[1]), mean, variance
        mass = weights.sum()
        mean = x @ weights / mass.clamp(min=1e-8)
        variance = (x - mean[:, None]).square() @ weights / mass.clamp(min=1e-8)
        return mass, mean, variance

    @classmethod
    def whole(cls, parts: Sequence[Part]) -> Moments:
        mass, means, variances = (torch.stack(each) for each in zip(*parts, strict=True))
        shares = (mass / mass.sum())[:, None]
        mean = (shares * means).sum(0)
        # The spread within the parts and that between them (Chan et al., 1979): nothing cancels.
        variance = (shares * (variances + (means - mean).square())).sum(0)
        return cls(mean, (variance + 1e-6).sqrt())

    @property
    def _scale(self) -> Tensor:
        return self.mean.square().sum() + self.std.square().sum()

    def error(self, found: Moments) -> Tensor:
        return ((found.mean - self.mean).square().sum() + (found.std - self.std).square().sum()) / self._scale

    def slope(self, found: Moments, features: Tensor, weights: Weights) -> Tensor:
        by_mean = 2 * (found.mean - self.mean) / self._scale
        by_variance = (found.std - self.std) / (found.std * self._scale)
        # Per channel a line, offset + rise * x.
        rise = 2 * by_variance
        offset = by_mean - rise * found.mean
        return torch.addcmul(offset.view(1, -1, 1, 1), features, rise.view(1, -1, 1, 1)).mul_(weights)


@dataclass(frozen=True)
class Gram:
    """Mean product of every two channels (Gatys et al., CVPR 2016).

    Attributes:
        products: (C, C).
    """

    products: Tensor

    @classmethod
    def part(cls, features: Tensor, weights: Weights, step: int = 1) -> Part:
        """The part's share of the products."""
        x = _columns(features)
        return ((x * _flat(weights)) @ x.T,)

    @classmethod
    def whole(cls, parts: Sequence[Part]) -> Gram:
        return cls(torch.stack([products for (products,) in parts]).sum(0))

    def error(self, found: Gram) -> Tensor:
        return (found.products - self.products).square().sum() / self.products.square().sum()

    def slope(self, found: Gram, features: Tensor, weights: Weights) -> Tensor:
        by_products = 4 * (found.products - self.products) / self.products.square().sum()
        return (by_products @ _columns(features)).view_as(features).mul_(weights)


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
        x = _columns(features[..., ::step, ::step])
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
        x = _columns(features)
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
        values = self.directions.T @ _columns(features)
        way = _interpolate(values.detach(), found.quantiles, self.quantiles - found.quantiles)
        return ((values - (values + way).detach()).square() * _flat(weights)).sum() / self._scale


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


@dataclass(frozen=True)
class Style:
    """A style in all layers, and where in the picture it belongs.

    Attributes:
        layers: One `LayerStyle` a layer of `STYLE_LAYERS`.
        weight: Its share beside other styles.
        mask: Where it belongs, (H, W) in 0..1 at any size; None: everywhere.
    """

    layers: Mapping[str, LayerStyle]
    weight: float = 1.0
    mask: Tensor | None = None

    def loss(self, features: Mapping[str, Tensor]) -> Tensor:
        """Mean relative error over the layers: a scalar."""
        errors = [layer_loss(style, features[name], self.mask) for name, style in self.layers.items()]
        return torch.stack(errors).mean()


def statistic_of(kind: StyleKind, channels: int, generator: torch.Generator) -> LayerStyle:
    """The statistic of a layer of `channels`, with the value of no style yet."""
    if kind == "sliced":
        return Sliced.along(channels, generator)
    nothing = torch.empty(0)
    return Moments(nothing, nothing) if kind == "moments" else Gram(nothing)


def style_of(
    features: Mapping[str, Tensor], kind: StyleKind, generator: torch.Generator
) -> dict[str, LayerStyle]:
    """The style of a picture's activations in every layer of `STYLE_LAYERS`."""
    found: dict[str, LayerStyle] = {}
    for name in STYLE_LAYERS:
        x = features[name]
        statistic = statistic_of(kind, x.shape[1], generator)
        found[name] = statistic.whole([statistic.part(x, weights_of(None, x.shape[2:]))])
    return found


@dataclass(frozen=True)
class Content:
    """What a picture shows: its activations in a deep layer (Gatys et al., CVPR 2016).

    Attributes:
        features: (1, C, H, W) of `CONTENT_LAYER`.
        weight: How much each place matters, (H0, W0) at any size; None: all the same.
    """

    features: Tensor
    weight: Tensor | None = None

    def loss(self, features: Mapping[str, Tensor]) -> Tensor:
        """Relative squared error: a scalar."""
        error = (features[CONTENT_LAYER] - self.features).square().sum(1)
        scale = self.features.square().sum()
        if self.weight is not None:
            error = error * F.interpolate(self.weight[None, None], error.shape[1:], mode="area")[0]
        return error.sum() / scale
