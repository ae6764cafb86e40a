"""What it means to look like a photo and to be painted like a painting: losses on VGG19's activations.

Every loss is relative: the squared error of a statistic over the statistic's own square. So each layer counts
the same without a table of weights, and a value reads as a share of what there is to reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"

StyleKind = Literal["moments", "gram", "sliced"]


class LayerStyle(Protocol):
    """What is known of a style in one layer."""

    def loss(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Relative error of activations (1, C, H, W) where `mask` (H, W) counts: a scalar."""
        ...


def weights_of(mask: Tensor | None, features: Tensor) -> Tensor | None:
    """A mask (H0, W0) in 0..1 at the size of `features`, its sum 1: shape (H W, 1)."""
    if mask is None:
        return None
    small = F.interpolate(mask[None, None], features.shape[2:], mode="area").reshape(-1, 1)
    return small / small.sum().clamp(min=1e-8)


def _rows(features: Tensor) -> Tensor:
    """(1, C, H, W) to (H W, C)."""
    return features[0].flatten(1).T


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
    def of(cls, features: Tensor, mask: Tensor | None = None) -> Moments:
        """The moments of activations (1, C, H, W), weighted by `mask` (H, W)."""
        rows, weights = _rows(features), weights_of(mask, features)
        if weights is None:
            variance, mean = torch.var_mean(rows, 0, correction=0)
        else:
            mean = (weights * rows).sum(0)
            variance = (weights * (rows - mean) ** 2).sum(0)
        return cls(mean, (variance + 1e-6).sqrt())

    def loss(self, features: Tensor, mask: Tensor | None) -> Tensor:
        found = Moments.of(features, mask)
        error = (found.mean - self.mean).square().sum() + (found.std - self.std).square().sum()
        return error / (self.mean.square().sum() + self.std.square().sum())


@dataclass(frozen=True)
class Gram:
    """Mean product of every two channels (Gatys et al., CVPR 2016).

    Attributes:
        products: (C, C).
    """

    products: Tensor

    @classmethod
    def of(cls, features: Tensor, mask: Tensor | None = None) -> Gram:
        """The products of activations (1, C, H, W), weighted by `mask` (H, W)."""
        rows, weights = _rows(features), weights_of(mask, features)
        return cls(rows.T @ (rows / len(rows) if weights is None else weights * rows))

    def loss(self, features: Tensor, mask: Tensor | None) -> Tensor:
        found = Gram.of(features, mask).products
        return (found - self.products).square().sum() / self.products.square().sum()


@dataclass(frozen=True)
class Sliced:
    """The whole distribution of activations, by its one-dimensional projections (Heitz et al., CVPR 2021).

    Attributes:
        directions: Unit vectors, (C, K).
        quantiles: Of the style along each direction at evenly spaced shares, (Q, K), rising.
    """

    directions: Tensor
    quantiles: Tensor

    COUNT = 64
    POINTS = 1024

    @classmethod
    def of(cls, features: Tensor, generator: torch.Generator) -> Sliced:
        """The distribution of activations (1, C, H, W) along directions drawn from `generator`."""
        shape = (features.shape[1], cls.COUNT)
        directions = torch.randn(shape, generator=generator, device=features.device)
        directions = directions / directions.norm(dim=0)
        values = (_rows(features) @ directions).sort(0).values
        points = (torch.arange(cls.POINTS, device=features.device) + 0.5) / cls.POINTS
        return cls(directions, _at(values, points[:, None].expand(-1, cls.COUNT)))

    def loss(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Every activation is drawn to the style's quantile at its own rank."""
        values, order = (_rows(features) @ self.directions).sort(0)
        weights = weights_of(mask, features)
        if weights is None:
            weights = torch.full_like(values[:, :1], 1 / len(values))
        ordered = weights.expand_as(values).gather(0, order)
        wanted = _at(self.quantiles, ordered.cumsum(0) - 0.5 * ordered)
        error = (ordered * (values - wanted).square()).sum()
        return error / self.quantiles.square().mean(0).sum()


def _at(rising: Tensor, shares: Tensor) -> Tensor:
    """The values (Q, K) at `shares` (N, K) of their mass, interpolated: (N, K)."""
    place = (shares * len(rising) - 0.5).clamp(0, len(rising) - 1)
    low = place.long().clamp(max=max(0, len(rising) - 2))
    high = (low + 1).clamp(max=len(rising) - 1)
    return torch.lerp(rising.gather(0, low), rising.gather(0, high), place - low)


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
        errors = [style.loss(features[name], self.mask) for name, style in self.layers.items()]
        return torch.stack(errors).mean()


def style_of(
    features: Mapping[str, Tensor], kind: StyleKind, generator: torch.Generator
) -> dict[str, LayerStyle]:
    """The style of a picture's activations in every layer of `STYLE_LAYERS`."""
    if kind == "sliced":
        return {name: Sliced.of(features[name], generator) for name in STYLE_LAYERS}
    statistic = Moments if kind == "moments" else Gram
    return {name: statistic.of(features[name]) for name in STYLE_LAYERS}


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
