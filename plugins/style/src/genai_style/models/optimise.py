"""`style/optimise`: any picture in the style of any others, without training."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genai_core.errors import BadInput, UsageError
from genai_core.protocols import Context, Model
from genai_core.running.device import has_bf16
from genai_media.image import Image
from genai_media.opencv import cv2
from genai_style.config import OptimiseOptions
from genai_style.painting import colour
from genai_style.painting.eye import CPU_PIXELS
from genai_style.painting.masks import masks_of
from genai_style.painting.memory import kept_memory
from genai_style.painting.optimise import Brush, Schedule, optimise
from genai_style.painting.vgg import load_vgg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from genai_style.painting.optimise import Step
    from genai_style.painting.vgg import VGG19

    Floats = np.ndarray[Any, np.dtype[np.float32]]

SMALLEST = 32  # pixels of the shorter side that the deepest layer needs


class OptimiseStyle(Model):
    """Paints by optimising the pixels (Gatys et al., CVPR 2016)."""

    def transform(self, items: Iterable[Image], ctx: Context) -> Iterator[Image]:
        """Paint each picture; options as in `OptimiseOptions`.

        Alpha, bit depth and colour profile stay those of the picture. `ctx.preview` is shown the picture
        before every step, small at first.

        Raises:
            UsageError: No style is given.
            BadInput: A picture cannot be read or is too small.
        """
        options = ctx.options if isinstance(ctx.options, OptimiseOptions) else OptimiseOptions()
        for done, item in enumerate(items, start=1):
            yield paint(item, options, ctx.seed, ctx.device, partial(_preview, ctx))
            ctx.progress(done)


def _preview(ctx: Context, step: Step) -> None:
    if ctx.preview is not None:
        ctx.preview(Image.from_float(_array(step.picture)))


def paint(
    photo: Image,
    options: OptimiseOptions,
    seed: int = 0,
    device: str = "cpu",
    callback: Callable[[Step], None] = lambda step: None,
    *,
    start: Image | None = None,
    steps: int = 6,
) -> Image:
    """One picture in the style of others.

    Args:
        photo: What to show.
        options: Styles and how to paint.
        seed: Of the sliced loss and the palette.
        device: torch device.
        callback: See `optimise`.
        start: A picture of the size of the result, nearly painted, to go on with for `steps` steps at full
            size; None: paint from the photo, coarse to fine.
        steps: Only with `start`.
    """
    if not options.style:
        raise UsageError("a style is needed", hint="--set style=painting.jpg")
    content, alpha = sized(photo, options.size)
    longer = max(content.shape[:2]) * options.stroke
    styles = [fitted(Image.load(path), longer) for path in options.style]
    shown, styles = _colours_before(content, styles, options, seed)
    weights = options.weights or (1.0,) * len(styles)
    masks: Sequence[Floats | None] = _masks(options, content) or [None] * len(styles)
    brushes = [
        Brush(_tensor(style, device), weight, _plane(mask, device))
        for style, weight, mask in zip(styles, weights, masks, strict=True)
        if weight
    ]
    schedule = schedule_of(options, max(content.shape[:2]))
    if start is not None:
        schedule = Schedule((steps,), schedule.kind)
    whole = content.shape[0] * content.shape[1] <= CPU_PIXELS
    with kept_memory() if whole else nullcontext():
        painted = optimise(
            _vgg(device, options.precision),
            _tensor(shown, device),
            brushes,
            schedule,
            content_weight=options.content_weight,
            stroke=options.stroke,
            content_map=_plane(_grey(options.content_map) if options.content_map else None, device),
            seed=seed,
            start=None if start is None else _tensor(start.to_float(), device),
            callback=callback,
        )
    result = _array(painted)
    if options.colour in ("content", "luminance"):
        result = colour.with_chroma_of(result, content)
    return Image.from_float(result, alpha, bits=photo.bits, icc=photo.icc)


def schedule_of(options: OptimiseOptions, longer: int) -> Schedule:
    """Steps at 128, 256 and 512 pixels, and at every further scale; a small picture has the last of these."""
    presets = {"draft": (10, 8, 8, 3), "standard": (12, 10, 17, 6), "quality": (40, 30, 40, 20)}
    steps = presets[options.preset]
    scales = 1 + max(0, round(np.log2(longer / 128)))
    steps = steps[max(0, 3 - scales) : 3] + steps[3:] * max(0, scales - 3)
    return Schedule(steps, options.statistic or ("sliced" if options.preset == "quality" else "moments"))


def _colours_before(
    content: Floats, styles: list[Floats], options: OptimiseOptions, seed: int
) -> tuple[Floats, list[Floats]]:
    """What the optimisation sees of photo and styles."""
    if options.colour == "luminance":
        grey = colour.luma(content)
        return grey, [colour.with_luma_like(colour.luma(style), grey) for style in styles]
    if options.colour == "palette":
        return content, [colour.with_palette_of(style, content, seed) for style in styles]
    return content, styles


def sized(photo: Image, size: int) -> tuple[Floats, Floats | None]:
    """Colours and alpha at the size of the result; transparent pixels are painted like all others."""
    pixels, alpha = photo.to_float(), photo.alpha
    longer, shorter = max(photo.width, photo.height), min(photo.width, photo.height)
    factor = size / longer if size else 1.0
    if factor * shorter < SMALLEST:
        raise BadInput(
            "picture",
            f"{photo.width} x {photo.height} pixels leave less than {SMALLEST} for the shorter side",
            hint="a larger --set size=, or a picture less narrow",
        )
    if factor == 1.0:
        return pixels, alpha
    target = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC

    def resized(array: Floats) -> Floats:
        return np.clip(cv2.resize(array, target, interpolation=how), 0, 1).astype(np.float32, copy=False)

    return resized(pixels), None if alpha is None else resized(alpha)


def fitted(style: Image, longer: float) -> Floats:
    """The colours of a style with its longer side so long, resampled as a photo is: its own looks like it."""
    factor = longer / max(style.width, style.height)
    size = (max(1, round(style.width * factor)), max(1, round(style.height * factor)))
    if factor < 1:  # before it becomes floats, which take four times its memory
        return Image(cv2.resize(style.pixels, size, interpolation=cv2.INTER_AREA)).to_float()
    enlarged = cv2.resize(style.to_float(), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(enlarged, 0, 1).astype(np.float32, copy=False)


def _masks(options: OptimiseOptions, content: Floats) -> list[Floats]:
    """Where each style belongs, (H, W) in 0..1 each; none where every style belongs everywhere."""
    made = masks_of(options.masks, content, len(options.style))
    return [mask for word in options.masks for mask in made.get(word) or [_grey(word)]]


def _grey(path: str) -> Floats:
    """A mask (H, W) in 0..1; `BadInput` where it is black all over."""
    mask: Floats = colour.luma(Image.load(path).to_float())[..., 0]
    if mask.max() < 1 / 255:
        raise BadInput(path, "a mask that is black everywhere leaves nothing to paint")
    return mask


def _plane(mask: Floats | None, device: str) -> torch.Tensor | None:
    return None if mask is None else torch.from_numpy(np.ascontiguousarray(mask)).to(device)


def _tensor(pixels: Floats, device: str) -> torch.Tensor:
    """(H, W, 3) to (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].contiguous().to(device)


def _array(picture: torch.Tensor) -> Floats:
    """(1, 3, H, W) to (H, W, 3)."""
    return np.asarray(picture[0].permute(1, 2, 0).cpu().numpy(), np.float32)


def _vgg(device: str, precision: str) -> VGG19:
    """The network on the device, in bf16 where the chip multiplies bf16 matrices."""
    vgg = load_vgg()
    if precision == "auto" and has_bf16(device):
        vgg = copy.deepcopy(vgg).to(torch.bfloat16)
    return vgg.to(device)
