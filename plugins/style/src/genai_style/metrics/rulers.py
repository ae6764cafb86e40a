"""What a painted picture is held against: a style, and a photo.

Residuals are those of `losses`, with which pictures are painted.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from genai_media.image import Image
from genai_media.opencv import cv2
from genai_style.metrics.measures import frechet, normal, palette, palette_distance, ssim
from genai_style.painting.colour import luma
from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from genai_style.metrics.measures import Doubles, Floats, Normal
    from genai_style.painting.vgg import VGG19

TEXTURE_LAYER = "conv2_2"  # just before the second pooling, where SIFID looks


class Look:
    """A picture and what the network sees in it.

    Args:
        vgg: The network.
        pixels: (1, 3, h, w) in 0..1, on the network's device.
    """

    def __init__(self, vgg: VGG19, pixels: Tensor) -> None:
        self.pixels = pixels
        self.features = vgg(pixels, (*STYLE_LAYERS, TEXTURE_LAYER, CONTENT_LAYER))

    @cached_property
    def array(self) -> Floats:
        """(h, w, 3)."""
        return np.ascontiguousarray(self.pixels[0].permute(1, 2, 0).cpu().numpy())

    @cached_property
    def texture(self) -> Normal:
        """The distribution of activations that SIFID compares, in the unit of pixels in 0..1."""
        return normal(self.features[TEXTURE_LAYER][0].cpu().numpy() / 255)

    @cached_property
    def palette(self) -> Floats:
        """The colours, see `palette`."""
        return palette(self.array)


class StyleRuler:
    """A style to compare with, at the size that gives its strokes their width.

    Args:
        vgg: On the device to work on.
        style: The picture.
        longer: Its longer side, pixels.

    Attributes:
        floor: What either half of the picture reaches against the whole, on average.
    """

    def __init__(self, vgg: VGG19, style: Image, longer: float) -> None:
        factor = longer / max(style.width, style.height)
        size = [max(16, round(side * factor)) for side in (style.height, style.width)]
        whole = Look(vgg, tensor(style, size, vgg))
        self._style = Style(style_of(whole.features, "moments", torch.Generator()))
        self._texture, self._palette = whole.texture, whole.palette
        halves = whole.pixels.chunk(2, dim=2 if size[0] > size[1] else 3)
        self.floor = np.mean([self.measure(Look(vgg, half)) for half in halves], axis=0)

    def measure(self, seen: Look) -> Doubles:
        """Style residual, SIFID and palette distance of a picture."""
        residual = float(self._style.loss(seen.features))
        return np.array(
            [residual, frechet(seen.texture, self._texture), palette_distance(seen.palette, self._palette)]
        )


class PhotoRuler:
    """A photo to compare with.

    Args:
        vgg: On the device to work on.
        photo: The picture.
        size: (h, w) of the pictures that are compared with it.

    Attributes:
        seen: The photo at that size.
        floor: What the photo itself reaches.
    """

    floor = np.array([0.0, 1.0])

    def __init__(self, vgg: VGG19, photo: Image, size: tuple[int, int]) -> None:
        self.photo, self.size = photo, size
        self._vgg = vgg
        self.seen = Look(vgg, tensor(photo, size, vgg))
        self._content = Content(self.seen.features[CONTENT_LAYER])
        self._grey = luma(self.seen.array)[..., 0]

    def measure(self, seen: Look) -> Doubles:
        """Content residual and structural similarity of a picture of the same size."""
        residual = float(self._content.loss(seen.features))
        return np.array([residual, ssim(luma(seen.array)[..., 0], self._grey)])

    def in_place(self, other: Image) -> Doubles:
        """The same of another picture in the photo's place, as large as covers it and cut to its shape."""
        height, width = self.size
        factor = max(height / other.height, width / other.width)
        size = [math.ceil(side * factor) for side in (other.height, other.width)]
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        large = tensor(other, size, self._vgg)
        return self.measure(Look(self._vgg, large[..., top : top + height, left : left + width]))


def tensor(picture: Image, size: Sequence[int], vgg: VGG19) -> Tensor:
    """A picture without its alpha as (1, 3, h, w) in 0..1, where the network is.

    It is resampled as painting does it, before it becomes floats, which take four times its memory.
    """
    pixels = np.ascontiguousarray(picture.pixels[..., :3])
    how = cv2.INTER_AREA if size[0] < picture.height else cv2.INTER_CUBIC
    small = Image(cv2.resize(pixels, (size[1], size[0]), interpolation=how)).to_float()
    array = torch.from_numpy(small).permute(2, 0, 1)[None].contiguous()
    return array.to(next(vgg.parameters()).device)
