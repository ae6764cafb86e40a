"""A picture at another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def resize(picture: Tensor, size: Sequence[int]) -> Tensor:
    """(N, C, H, W) resampled to (h, w), without aliasing."""
    if tuple(picture.shape[2:]) == tuple(size):
        return picture
    return interpolate(picture, tuple(size), mode="bilinear", antialias=True, align_corners=False)
