"""VGG19's view of a picture of any size, tile by tile where the whole does not fit the memory.

Each tile is seen with as much around it as its deepest activations depend on, and begins where the network's
poolings do, so the activations of its own part are those of the whole picture.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from genai_core.errors import ResourceError, is_out_of_memory
from genai_style.painting.losses import STYLE_LAYERS, statistic_of
from genai_style.painting.statistics import weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from genai_style.config import StyleKind
    from genai_style.painting.statistics import LayerStyle, Part
    from genai_style.painting.vgg import VGG19

T = TypeVar("T")

GRID = 16  # pixels from one position of conv5_1 to the next
HALO = 80  # pixels; conv5_1 sees 70 around those a position stands for
SAMPLE = 1 << 18  # positions of a layer that show its distribution
BYTES = 4096  # memory that a pixel takes on its way through the network and back, measured
CPU_PIXELS = 1 << 19


@dataclass(frozen=True)
class Tile:
    """A rectangle of a picture, as rows and columns in pixels.

    Attributes:
        own: Its pixels; tiles share none.
        seen: What the network must see to know them.
    """

    own: tuple[slice, slice]
    seen: tuple[slice, slice]

    def around(self, picture: Tensor) -> Tensor:
        """What is seen of a picture (..., H, W)."""
        return picture[..., self.seen[0], self.seen[1]]

    def inner(self, view: Tensor, stride: int) -> Tensor:
        """The tile's own part of activations of what is seen."""
        return _cropped(view, self.own, [side.start for side in self.seen], stride)

    def part(self, layer: Tensor, stride: int) -> Tensor:
        """The tile's own part of a layer of the whole picture."""
        return _cropped(layer, self.own, (0, 0), stride)


def _cropped(layer: Tensor, area: Sequence[slice], origin: Sequence[int], stride: int) -> Tensor:
    """The positions of a layer that stand for an area, where the layer begins at the pixel `origin`."""
    rows, columns = (
        slice((side.start - start) // stride, math.ceil((side.stop - start) / stride))
        for side, start in zip(area, origin, strict=True)
    )
    return layer[..., rows, columns]


def tiles(size: Sequence[int], pixels: int) -> list[Tile]:
    """Cut a picture of `size` (H, W) into tiles that see at most `pixels`, or as few as can be."""
    counts = [1, 1]
    while True:
        sides = [math.ceil(length / count / GRID) * GRID for length, count in zip(size, counts, strict=True)]
        halos = [HALO * min(count - 1, 2) for count in counts]
        seen = [min(each) for each in zip(size, map(sum, zip(sides, halos, strict=True)), strict=True)]
        if math.prod(seen) <= pixels or max(sides) == GRID:
            break
        counts[sides.index(max(sides))] += 1
    rows, columns = (_cut(length, side) for length, side in zip(size, sides, strict=True))
    return [Tile((row[0], column[0]), (row[1], column[1])) for row in rows for column in columns]


def _cut(length: int, side: int) -> list[tuple[slice, slice]]:
    """Pieces of a length, each without and with its halo."""
    return [
        (slice(at, min(at + side, length)), slice(max(0, at - HALO), min(at + side + HALO, length)))
        for at in range(0, length, side)
    ]


def stride_of(layer: str) -> int:
    """Pixels from one position of a layer to the next."""
    return 1 << (int(layer[4]) - 1)


def size_in(layer: str, size: Sequence[int]) -> tuple[int, int]:
    """(H, W) of a layer over a picture of `size`."""
    return math.ceil(size[0] / stride_of(layer)), math.ceil(size[1] / stride_of(layer))


def step_in(layer: str, size: Sequence[int]) -> int:
    """Every how many rows and columns show the distribution of a layer well enough: a power of 2.

    So the sample is the same however the picture is cut, as long as it has less than 8192 x 8192 pixels.
    """
    return 1 << max(0, math.ceil(math.log2(math.prod(size_in(layer, size)) / SAMPLE) / 2))


class Eye:
    """The network, and how much of a picture it sees at once.

    Args:
        vgg: On the device to work on.
        pixels: That are seen at once; 0: what suits the device.
    """

    def __init__(self, vgg: VGG19, pixels: int = 0) -> None:
        self.vgg = vgg
        weight = next(vgg.parameters())
        self.dtype = weight.dtype
        self.pixels = pixels or CPU_PIXELS
        if not pixels and weight.device.type == "cuda":
            # Half of what the device has, not of what is free now: the same picture, the same tiles.
            self.pixels = torch.cuda.get_device_properties(weight.device).total_memory // (2 * BYTES)

    def within_memory(self, work: Callable[[], T]) -> T:
        """The result of `work`, with smaller tiles from now on where the memory does not last.

        Raises:
            ResourceError: It does not last for the smallest tiles either.
        """
        while True:
            try:
                return work()
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Here, where no traceback holds the memory any more.
            if self.pixels < GRID**2:
                raise ResourceError(
                    "not enough memory for a picture of this size", hint="a smaller --set size="
                )
            self.pixels //= 2

    def tiles(self, picture: Tensor) -> list[Tile]:
        """How a picture (1, 3, H, W) is cut."""
        return tiles(picture.shape[2:], self.pixels)

    def look(self, picture: Tensor, layers: Sequence[str]) -> Iterator[tuple[Tile, dict[str, Tensor]]]:
        """Each tile of a picture with the activations of its own part."""
        for tile in self.tiles(picture):
            features = self.vgg(tile.around(picture), layers)
            yield tile, {name: tile.inner(x, stride_of(name)) for name, x in features.items()}

    def style(self, picture: Tensor, kind: StyleKind, generator: torch.Generator) -> dict[str, LayerStyle]:
        """The style of a picture (1, 3, H, W)."""
        statistics: dict[str, LayerStyle] = {}
        parts: dict[str, list[Part]] = defaultdict(list)
        size = picture.shape[2:]
        for _, features in self.look(picture, STYLE_LAYERS):
            for name, x in features.items():
                if name not in statistics:
                    statistics[name] = statistic_of(kind, x.shape[1], generator)
                weights = weights_of(None, size_in(name, size))
                parts[name].append(statistics[name].part(x, weights, step_in(name, size)))
        return {name: statistic.whole(parts[name]) for name, statistic in statistics.items()}
