"""What it means to look like a photo and to be painted like a painting: losses on VGG19's activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import interpolate

from genai_style.painting.sliced import Sliced
from genai_style.painting.statistics import Gram, Moments, weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from genai_style.config import StyleKind
    from genai_style.painting.statistics import LayerStyle

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER = "conv4_2"


def layer_loss(style: LayerStyle, features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Relative error of activations (1, C, H, W) where `mask` (H0, W0) counts: a scalar to differentiate."""
    weights = weights_of(mask, features.shape[2:])
    if isinstance(style, Sliced):
        return style.transport(features, weights)
    return style.error(style.whole([style.part(features, weights)]))


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
            error = error * interpolate(self.weight[None, None], error.shape[1:], mode="area")[0]
        return error.sum() / scale
