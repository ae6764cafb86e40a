"""`style/fast`: one small network a style; a picture takes a fraction of a second."""

from __future__ import annotations

import copy
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
from genai_style.painting.tiles import paint
from genai_style.painting.vgg import load_vgg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from genai_style.config import FastConfig
    from genai_style.painting.vgg import VGG19

STYLE_SIDE = 512  # longer side of the style picture at stroke 1, pixels


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
            pixels = torch.from_numpy(np.ascontiguousarray(content)).permute(2, 0, 1)[None]
            painted = paint(self.net.cpu().eval(), pixels)[0].permute(1, 2, 0).float().numpy()
            if options.colour == "content":
                painted = colour.with_chroma_of(painted, content)
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

    def collate(self, items: Sequence[Image], rng: np.random.Generator) -> Batch:
        """A random crop of each picture, mirrored half the time: ``pictures``, (B, 3, crop, crop) in 0..1."""
        return {"pictures": torch.stack([_crop(item, self.config.crop, rng) for item in items])}

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        """Relative error of style and, weighted, of content, shape (B,)."""
        pictures = batch["pictures"].contiguous(memory_format=torch.channels_last)
        vgg, style = self._target(pictures.device)
        painted = self.net(pictures)
        with torch.no_grad():
            shown = vgg(pictures, [CONTENT_LAYER])[CONTENT_LAYER]
        features = vgg(painted, (*STYLE_LAYERS, CONTENT_LAYER))
        losses = []
        for row in range(len(pictures)):
            own = {name: found[row : row + 1] for name, found in features.items()}
            content = Content(shown[row : row + 1])
            losses.append(style.loss(own) + self.config.content_weight * content.loss(own))
        return torch.stack(losses)

    def _target(self, device: torch.device) -> tuple[VGG19, Style]:
        """The network that judges and the style to reach, read when training first needs them."""
        if self._goal is None:
            if not self.config.style:
                raise UsageError(
                    "style/fast learns the style of a picture, and none is given",
                    hint="genai train style/fast --style painting.jpg",
                )
            # A copy, as channels-last saves a tenth of the time and is not for others to find.
            vgg = copy.deepcopy(load_vgg()).to(device)
            vgg.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks it
            picture = torch.from_numpy(Image.load(self.config.style).to_float()).permute(2, 0, 1)[None]
            size = style_size(picture.shape[2:], STYLE_SIDE * self.config.stroke)
            picture = F.interpolate(picture, size, mode="bilinear", antialias=True)
            generator = torch.Generator().manual_seed(0)
            layers = style_of(vgg(picture.to(device), STYLE_LAYERS), "moments", generator)
            self._goal = vgg, Style(layers)
            # The model that is saved names the picture; where it lay is nobody's business.
            self.config = self.config.model_copy(update={"style": Path(self.config.style).name})
        return self._goal


def _crop(item: Image, side: int, rng: np.random.Generator) -> torch.Tensor:
    """A square part of a picture, between a third of it and all of it, at `side` pixels: (3, side, side)."""
    shorter = min(item.width, item.height)
    part = int(max(min(side, shorter), shorter * rng.uniform(0.33, 1.0)))
    top, left = (int(rng.integers(0, length - part + 1)) for length in (item.height, item.width))
    square = torch.from_numpy(Image(item.pixels[top : top + part, left : left + part]).to_float())
    resized = F.interpolate(square.permute(2, 0, 1)[None], (side, side), mode="bilinear", antialias=True)[0]
    return resized.flip(2) if rng.random() < 0.5 else resized
