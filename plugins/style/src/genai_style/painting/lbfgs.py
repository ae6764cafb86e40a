"""The smallest value of a function of a picture, in few evaluations.

Limited-memory BFGS (Nocedal, Math. Comp. 35:773, 1980) with two changes for losses whose every evaluation
takes seconds. The inverse Hessian begins as a smoothing: losses on the statistics of activations are flat
along wide changes of brightness and colour, and steep along fine ones. And there is no line search: a step
that makes the loss larger is taken back, and what was learnt from it about the curvature shapes the next.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import torch

from genai_style.painting.resize import resize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_MEMORY = 1 << 30  # bytes of pairs; a picture of 4096 x 4096 keeps two, one of 1900 x 1900 all
_PAIRS = 12
_FIRST = 0.025  # mean change of a pixel by the first step, over the root of the loss
_LONGEST = 0.2  # mean change by any
_RELAXED = 1.5  # of the step to where the loss would be least if it were what the pairs say
_COARSEST = 8  # pixels, below which nothing is smoothed any more


class LBFGS:
    """Steps towards the least loss; pixels stay in 0..1.

    Args:
        size: (H, W) of the picture.
    """

    def __init__(self, size: Sequence[int]) -> None:
        pairs = _MEMORY // (24 * math.prod(size))  # three colours, twice, in 4 bytes
        self._pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=min(_PAIRS, max(2, pairs)))
        self._at: tuple[Tensor, Tensor] | None = None  # the best picture and its gradient
        self._least = math.inf
        self._share = 1.0  # of a step, after some were taken back

    def step(self, picture: Tensor, loss: float, gradient: Tensor) -> Tensor:
        """The next picture to try.

        Args:
            picture: (1, 3, H, W) in 0..1; after the first, what the last call returned.
            loss: Its loss, not negative.
            gradient: Of the loss by its pixels.
        """
        best, slope = self._at or (picture, gradient)
        change, turn = picture - best, gradient - slope
        if _dot(change, turn) > 0:
            self._pairs.append((change, turn))
        if loss < self._least:
            best, slope, self._least, self._share = picture, gradient, loss, 1.0
        else:
            self._share /= 2
        self._at = best, slope
        way = self._newton(slope)
        length = float(way.abs().mean())
        wished = _RELAXED * length if self._pairs else _FIRST * math.sqrt(self._least)
        scale = self._share * min(wished, _LONGEST) / max(length, 1e-30)
        return torch.sub(best, way, alpha=scale).clamp_(0, 1)

    def _newton(self, gradient: Tensor) -> Tensor:
        """The inverse Hessian times a gradient, by the two-loop recursion."""
        way = gradient.clone()
        shares = []
        for change, turn in reversed(self._pairs):
            share = _dot(change, way) / _dot(change, turn)
            way.sub_(turn, alpha=share)
            shares.append(share)
        way = smoothed(way)
        if self._pairs:
            change, turn = self._pairs[-1]
            way.mul_(_dot(change, turn) / _dot(turn, smoothed(turn)))
        for (change, turn), share in zip(self._pairs, reversed(shares), strict=True):
            way.add_(change, alpha=share - _dot(turn, way) / _dot(change, turn))
        return way


def smoothed(picture: Tensor) -> Tensor:
    """Each octave of spatial frequency twice as strong as the next finer one; symmetric and positive."""
    height, width = picture.shape[2:]
    if min(height, width) < _COARSEST:
        return picture.clone()
    half = smoothed(resize(picture, ((height + 1) // 2, (width + 1) // 2)))
    return torch.add(picture, resize(half, (height, width)), alpha=2)


def _dot(a: Tensor, b: Tensor) -> float:
    return float(torch.dot(a.flatten(), b.flatten()))
