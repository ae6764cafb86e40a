"""A feed-forward net over a picture of any size, in bounded memory and without seams.

Instance normalisation looks at the whole picture, so tiles worked one after the other would each get their
own contrast. Here the net is worked stage by stage instead: each stage passes over the picture in strips of
rows with the halo its kernel needs, gathers the exact statistics of the whole on the way, and applies them in
a second pass in place. Between stages the activations wait in half precision, in memory or, where they are
large, in a file. The result is that of the whole picture at once, up to the rounding of half precision.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

from genai_style.painting.nets import Painter, Residual, Stage

if TYPE_CHECKING:
    from torch import Tensor

STRIP = 1 << 20  # numbers in a strip of activations in full precision: 4 MiB, which the allocator keeps
IN_MEMORY = 600_000_000  # bytes of activations kept in memory at once


class Canvas:
    """Gives out half-precision tensors (1, C, H, W), in memory while `limit` lasts, then in files."""

    def __init__(self, folder: Path, limit: int = IN_MEMORY) -> None:
        self.folder, self.limit, self.files = folder, limit, 0

    def new(self, channels: int, height: int, width: int) -> Tensor:
        """A tensor with arbitrary content."""
        shape = (1, channels, height, width)
        if 2 * math.prod(shape) <= self.limit // 2:
            return torch.empty(shape, dtype=torch.float16)
        self.files += 1
        path = self.folder / f"{self.files}.f16"
        held = np.memmap(path, np.float16, "w+", shape=shape)
        path.unlink()  # the mapping keeps the file alive, and nothing is left behind when the process dies
        return torch.from_numpy(held)


def paint(net: Painter, picture: Tensor, *, strip: int = STRIP, limit: int = IN_MEMORY) -> Tensor:
    """`net(picture)` stage by stage.

    Args:
        net: On the CPU.
        picture: (1, 3, H, W) in 0..1, of any size.
        strip: Numbers in a strip.
        limit: Bytes of activations kept in memory.

    Returns:
        (1, 3, H, W) in 0..1, float16.
    """
    height, width = picture.shape[2:]
    padded = F.pad(picture, (0, -width % 4, 0, -height % 4), mode="replicate")
    with torch.inference_mode(), ExitStack() as stack:
        canvas = Canvas(Path(stack.enter_context(tempfile.TemporaryDirectory())), limit)
        x = canvas.new(*padded.shape[1:])
        x.copy_(padded).sub_(0.5)
        del padded
        for part in net.stages:
            x = (
                _residual(part, x, canvas, strip)
                if isinstance(part, Residual)
                else _stage(part, x, canvas, strip)
            )
        for rows in _strips(x, strip):
            x[:, :, rows] = torch.sigmoid(x[:, :, rows].float())
        return x[:, :, :height, :width].clone()


def _residual(block: Any, x: Tensor, canvas: Canvas, strip: int) -> Tensor:
    y = _stage(block.second, _stage(block.first, x, canvas, strip), canvas, strip)
    for rows in _strips(y, strip):
        y[:, :, rows] += x[:, :, rows]
    return y


def _stage(stage: Any, x: Tensor, canvas: Canvas, strip: int) -> Tensor:
    """One stage over all strips: convolve and add up, then normalise in place."""
    factor = 2 if stage.enlarge else 1
    stride, halo = stage.conv.stride[0], stage.halo
    height, width = x.shape[2] * factor, x.shape[3] * factor
    y = canvas.new(stage.conv.out_channels, height // stride, width // stride)
    sums = torch.zeros(2, y.shape[1], dtype=torch.float64)
    for rows in _strips(y, strip):
        top, bottom = rows.start * stride - halo, (rows.stop - 1) * stride + halo + 1
        part = stage.convolve(_rows(stage, x, top, bottom, factor))
        y[:, :, rows] = part
        variance, mean = torch.var_mean(part[0], (1, 2), correction=0)
        mean = mean.double()
        sums += part[0, 0].numel() * torch.stack([mean, mean.square() + variance])
    mean, square = sums / (y.shape[2] * y.shape[3])
    variance, mean = ((each.float().view(1, -1, 1, 1)) for each in (square - mean.square(), mean))
    for rows in _strips(y, strip):
        y[:, :, rows] = stage.activate(y[:, :, rows].float(), mean, variance)
    return y


def _rows(stage: Stage, x: Tensor, top: int, bottom: int, factor: int) -> Tensor:
    """Rows `top` to `bottom` of the enlarged `x` in full precision, borders continued on all sides."""
    height = x.shape[2] * factor
    first, last = max(top, 0), min(bottom, height)
    part = stage.enlarged(x[:, :, first // factor : -(-last // factor)].float())
    part = part[:, :, first % factor :][:, :, : last - first]
    return F.pad(part, (stage.halo, stage.halo, first - top, bottom - last), mode="replicate")


def _strips(x: Tensor, strip: int) -> list[slice]:
    """Row ranges of `x` with about `strip` numbers each."""
    rows = max(4, strip // (x.shape[1] * x.shape[3]))
    return [slice(start, min(start + rows, x.shape[2])) for start in range(0, x.shape[2], rows)]
