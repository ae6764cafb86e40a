"""`style/fast`: one small network a style; a picture takes a fraction of a second."""

from __future__ import annotations

import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

from genai_core.errors import UsageError
from genai_core.protocols import Batch, Context, Dataset, Model, derive_seed
from genai_media.image import Image
from genai_style.config import FastOptions
from genai_style.models.optimise import sized
from genai_style.painting import colour
from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of
from genai_style.painting.nets import Painter
from genai_style.painting.optimise import style_size
from genai_style.painting.resize import resize
from genai_style.painting.soap import SOAP
from genai_style.painting.tiles import paint
from genai_style.painting.vgg import load_vgg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from genai_style.config import FastConfig
    from genai_style.painting.vgg import VGG19

STYLE_SIDE = 512  # longer side of the style picture at stroke 1, pixels
_SHARED = 4  # pictures that share a part of the painting, which is as large as four of theirs


class PaintedStyle(Model):
    """A style that was learned; paints pictures.

    Args:
        config: The style and the shape of the network.
    """

    config: FastConfig

    def __init__(self, config: FastConfig) -> None:
        super().__init__(config)
        with torch.random.fork_rng(devices=[]):  # `prepare` or `load_state` brings the weights that count
            self.net = Painter(config.width, config.blocks)

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"net": self.net}

    def transform(self, items: Iterable[Image], ctx: Context) -> Iterator[Image]:
        """Paint each picture; alpha, bit depth and colour profile stay those of the picture.

        The net works stage by stage with the statistics of the whole picture, whatever its size.
        """
        options = ctx.options if isinstance(ctx.options, FastOptions) else FastOptions()
        for done, photo in enumerate(items, start=1):
            content, alpha = sized(photo, options.size)
            # In half precision, as the net's strips wait in: a large photo is held once, and small.
            pixels = torch.from_numpy(np.ascontiguousarray(content)).permute(2, 0, 1)[None].half()
            if options.colour == "style":
                del content
            painted = paint(self.net.eval(), pixels)[0].permute(1, 2, 0).numpy()
            if options.colour == "content":
                painted = colour.with_chroma_of(painted.astype(np.float32), content)
            yield Image.from_float(painted, alpha, bits=photo.bits, icc=photo.icc)
            ctx.progress(done)


class FastStyle(PaintedStyle):
    """Learns one style on any photos.

    Args:
        config: The style and the shape of the network.
    """

    def __init__(self, config: FastConfig) -> None:
        super().__init__(config)
        self._goal: tuple[VGG19, Style] | None = None

    def prepare(self, data: Dataset[Image], ctx: Context) -> None:
        """Draw fresh weights from the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(ctx.seed, "weights"))
            self.net = Painter(self.config.width, self.config.blocks).to(ctx.device)

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        """Half as many steps as with Adam."""
        return {"main": SOAP(self.net.parameters(), lr)}

    def collate(self, items: Sequence[Image], rng: np.random.Generator) -> Batch:
        """Random parts of each picture, mirrored half the time, and places in the painting.

        Parts of the painting are fewer and larger: by a small one a net cannot tell a flat painting from a
        photo, and would have to leave both as they are. So four pictures share a place.

        Returns:
            ``pictures``, (B, 3, crop, crop) in 0..1, and ``places``, (B, 3): row, column, and 1 to mirror.
        """
        pictures = torch.stack([_crop(item, self.config.crop, rng) for item in items])
        places = torch.tensor([self._place(rng) for _ in items[::_SHARED]])
        return {"pictures": pictures, "places": places.repeat_interleave(_SHARED, 0)[: len(items)]}

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        """Relative error of style, of content and, of the painting itself, of its pixels, shape (B,)."""
        pictures = batch["pictures"].contiguous(memory_format=torch.channels_last)
        vgg, style = self._target(pictures.device)
        painted = self.net(pictures)
        with torch.no_grad():
            shown = vgg(pictures, [CONTENT_LAYER])[CONTENT_LAYER]
        # Split at once: the gradient of a slice is a batch of zeros around it, one for each picture.
        parts = {name: x.split(1) for name, x in vgg(painted, (*STYLE_LAYERS, CONTENT_LAYER)).items()}
        losses = []
        for row, goal in enumerate(shown.split(1)):
            seen = {name: part[row] for name, part in parts.items()}
            losses.append(style.loss(seen) + self.config.content_weight * Content(goal).loss(seen))
        return torch.stack(losses) + self.config.identity * self._changed(batch["places"])

    def _changed(self, places: torch.Tensor) -> torch.Tensor:
        """Squared error of parts of the painting when painted, beside the variance of the whole: (B,)."""
        once, which = torch.unique(places, dim=0, return_inverse=True)
        own = torch.stack([self._part(place) for place in once.tolist()])
        own = own.to(places.device).contiguous(memory_format=torch.channels_last)
        error: torch.Tensor = (self.net(own) - own).square().mean((1, 2, 3))[which]
        return error / float(self._painting.var((1, 2)).mean().clamp(min=1e-4))

    def _target(self, device: torch.device) -> tuple[VGG19, Style]:
        """The network that judges and the style to reach, read when training first needs them."""
        if self._goal is None:
            vgg = copy.deepcopy(load_vgg()).to(device)
            features = vgg(self._painting[None].to(device), STYLE_LAYERS)
            self._goal = vgg, Style(style_of(features, "moments", torch.Generator()))
        return self._goal

    @cached_property
    def _painting(self) -> torch.Tensor:
        """The picture whose style is learned, (3, h, w) in 0..1."""
        if not self.config.style:
            raise UsageError(
                "style/fast learns the style of a picture, and none is given",
                hint="genai train style/fast --style painting.jpg",
            )
        picture = torch.from_numpy(Image.load(self.config.style).to_float()).permute(2, 0, 1)[None]
        # The model that is saved names the picture; where it lay is nobody's business.
        self.config = self.config.model_copy(update={"style": Path(self.config.style).name})
        size = style_size(picture.shape[2:], STYLE_SIDE * self.config.stroke)
        return resize(picture, size)[0]

    def _place(self, rng: np.random.Generator) -> tuple[int, int, int]:
        """Where a part begins, and whether it is mirrored."""
        top, left = (max(0, length - 2 * self.config.crop) for length in self._painting.shape[1:])
        return int(rng.integers(0, top + 1)), int(rng.integers(0, left + 1)), int(rng.random() < 0.5)

    def _part(self, place: Sequence[int]) -> torch.Tensor:
        """A square part of the painting, continued where it is too small: (3, 2 crop, 2 crop)."""
        top, left, mirrored = place
        side = 2 * self.config.crop
        part = self._painting[:, top : top + side, left : left + side]
        lacks = [side - length for length in part.shape[:0:-1]]
        part = F.pad(part[None], (0, lacks[0], 0, lacks[1]), mode="replicate")[0]
        return part.flip(2) if mirrored else part


def _crop(item: Image, side: int, rng: np.random.Generator) -> torch.Tensor:
    """A square part of a picture, between a third of it and all of it, at `side` pixels: (3, side, side)."""
    shorter = min(item.width, item.height)
    part = int(max(min(side, shorter), shorter * rng.uniform(0.33, 1.0)))
    top, left = (int(rng.integers(0, length - part + 1)) for length in (item.height, item.width))
    square = torch.from_numpy(Image(item.pixels[top : top + part, left : left + part]).to_float())
    resized = resize(square.permute(2, 0, 1)[None], (side, side))[0]
    return resized.flip(2) if rng.random() < 0.5 else resized
