"""What is said of the activations of a picture, wherever they are: the statistics that make a style.

A statistic can be gathered from parts of a picture, `part` and `whole`; and once it is known, the derivative
of its error by an activation, `slope`, depends on that activation alone. That lets `objective` work through a
picture tile by tile, exactly. Every error is relative: the squared error over the statistic's own square. So
each layer counts the same without a table of weights, and a value reads as a share of what there is to reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    Weights = Tensor | float  # of each position of a layer (H, W), 1 in all; a number: the same everywhere
    Part = tuple[Tensor, ...]  # what one part of a picture says about the whole


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


def weights_of(mask: Tensor | None, size: Sequence[int]) -> Weights:
    """What each position of a layer of `size` (H, W) counts under a mask (H0, W0) in 0..1; 1 in all."""
    if mask is None:
        return 1 / (size[0] * size[1])
    small = interpolate(mask[None, None], tuple(size), mode="area")[0, 0]
    return small / small.sum().clamp(min=1e-8)


def columns(features: Tensor) -> Tensor:
    """(1, C, h, w) to (C, n)."""
    return features[0].flatten(1)


def flat(weights: Weights) -> Weights:
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
        x, weights = columns(features), flat(weights)
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
        x = columns(features)
        return ((x * flat(weights)) @ x.T,)

    @classmethod
    def whole(cls, parts: Sequence[Part]) -> Gram:
        return cls(torch.stack([products for (products,) in parts]).sum(0))

    def error(self, found: Gram) -> Tensor:
        return (found.products - self.products).square().sum() / self.products.square().sum()

    def slope(self, found: Gram, features: Tensor, weights: Weights) -> Tensor:
        by_products = 4 * (found.products - self.products) / self.products.square().sum()
        return (by_products @ columns(features)).view_as(features).mul_(weights)
