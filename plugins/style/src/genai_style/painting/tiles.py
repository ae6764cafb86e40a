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

from genai_style.painting.nets import Painter, Residual, Stage, moments

if TYPE_CHECKING:
    from torch import Tensor

STRIP = 1 << 20  # numbers in a strip of activations in full precision: 4 MiB, which the allocator keeps
IN_MEMORY = 600_000_000  # bytes of activations kept in memory at once


class Canvas:
    """Gives out half-precision tensors (1, C, H, W), in memory while `limit` lasts, then in files.

    A pixel's channels lie side by side: convolutions like that, and a strip is one piece of a file.
    """

    def __init__(self, folder: Path, limit: int = IN_MEMORY) -> None:
        self.folder, self.limit, self.files = folder, limit, 0

    def new(self, channels: int, height: int, width: int) -> Tensor:
        """A tensor with arbitrary content."""
        shape = (1, height, width, channels)
        if 2 * math.prod(shape) <= self.limit // 2:
            return torch.empty(shape, dtype=torch.float16).permute(0, 3, 1, 2)
        self.files += 1
        path = self.folder / f"{self.files}.f16"
        held = np.memmap(path, np.float16, "w+", shape=shape)
        path.unlink()  # the mapping keeps the file alive, and nothing is left behind when the process dies
        return torch.from_numpy(held).permute(0, 3, 1, 2)


def paint(net: Painter, picture: Tensor, *, strip: int = STRIP, limit: int = IN_MEMORY) -> Tensor:
    """`net(picture)` stage by stage.

    Args:
        net: On any device; it holds a few strips at once, and the rest waits in the memory of the machine.
        picture: (1, 3, H, W) in 0..1, of any size, on the CPU.
        strip: Numbers in a strip.
        limit: Bytes of activations kept in memory.

    Returns:
        (1, 3, H, W) in 0..1, float16.
    """
    height, width = picture.shape[2:]
    with torch.inference_mode(), ExitStack() as stack:
        canvas = Canvas(Path(stack.enter_context(tempfile.TemporaryDirectory())), limit)
        x = centred = canvas.new(3, height + -height % 4, width + -width % 4)
        centred[:, :, :height, :width] = picture - 0.5
        centred[:, :, height:] = centred[:, :, height - 1 : height]
        centred[..., width:] = centred[..., width - 1 : width]
        for part in net.stages:
            work = _residual if isinstance(part, Residual) else _stage
            x = work(part, x, canvas, strip)
        x = _stage(net.detail, x, canvas, strip, centred)
        del centred
        x = _stage(net.colours, x, canvas, strip)
        for rows in _strips(x, strip):
            x[:, :, rows] = torch.sigmoid(x[:, :, rows].float())
        return x[:, :, :height, :width].clone()


def _residual(block: Any, x: Tensor, canvas: Canvas, strip: int) -> Tensor:
    y = _stage(block.second, _stage(block.first, x, canvas, strip), canvas, strip)
    for rows in _strips(y, strip):
        y[:, :, rows] += x[:, :, rows]
    return y


def _stage(stage: Any, x: Tensor, canvas: Canvas, strip: int, beside: Tensor | None = None) -> Tensor:
    """One stage over all strips: convolve and add up, then normalise in place."""
    factor = 2 if stage.enlarge else 1
    stride, halo = stage.conv.stride[0], stage.halo
    height, width = x.shape[2] * factor, x.shape[3] * factor
    y = canvas.new(stage.conv.out_channels, height // stride, width // stride)
    device = stage.conv.weight.device
    sums = torch.zeros(2, y.shape[1], dtype=torch.float64)
    for rows in _strips(y, strip):
        top, bottom = rows.start * stride - halo, (rows.stop - 1) * stride + halo + 1
        seen = _rows(stage, x, beside, top, bottom).to(device)
        part = stage.convolve(seen)
        y[:, :, rows] = part
        mean, variance = (each.flatten().double().cpu() for each in moments(part))
        sums += part[0, 0].numel() * torch.stack([mean, mean.square() + variance])
    mean, square = sums / (y.shape[2] * y.shape[3])
    variance, mean = (each.float().view(1, -1, 1, 1).to(device) for each in (square - mean.square(), mean))
    for rows in _strips(y, strip):
        y[:, :, rows] = stage.activate(y[:, :, rows].to(device).float(), mean, variance)
    return y


def _rows(stage: Stage, x: Tensor, beside: Tensor | None, top: int, bottom: int) -> Tensor:
    """Rows `top` to `bottom` of what the stage convolves, in full precision, borders continued."""
    factor = 2 if stage.enlarge else 1
    first, last = max(top, 0), min(bottom, x.shape[2] * factor)
    part = stage.enlarged(x[:, :, first // factor : -(-last // factor)].float())
    part = part[:, :, first % factor :][:, :, : last - first]
    if beside is not None:
        part = torch.cat([part, beside[:, :, first:last].float()], 1)
    return F.pad(part, (stage.halo, stage.halo, first - top, bottom - last), mode="replicate")


def _strips(x: Tensor, strip: int) -> list[slice]:
    """Row ranges of `x` with about `strip` numbers each."""
    rows = max(4, strip // (x.shape[1] * x.shape[3]))
    return [slice(start, min(start + rows, x.shape[2])) for start in range(0, x.shape[2], rows)]
