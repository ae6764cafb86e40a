"""`style/video`: a film painted frame by frame, steady."""

from __future__ import annotations

import warnings
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from genai_core.errors import BadInput, GenaiError, UsageError
from genai_core.protocols import Context, Model
from genai_core.running.models import load_model
from genai_media.image import Image
from genai_media.opencv import cv2
from genai_media.video import Video
from genai_style.config import FastOptions, OptimiseOptions
from genai_style.models.fast import PaintedStyle
from genai_style.models.optimise import SMALLEST, paint
from genai_style.painting.video import Painter, paint_frames
from genai_style.video_config import VideoOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genai_core.running.models import Loaded
    from genai_style.painting.flow import Pixels

OPTIMISE = "style/optimise"
_KEEP = 0.5  # see `Painter`


class VideoStyle(Model):
    """Paints films (Ruder et al., GCPR 2016, with every pixel's paint kept while it shows the same)."""

    def transform(self, items: Iterable[Video], ctx: Context) -> Iterator[Video]:
        """Paint each film; options as in `VideoOptions`. Frame times stay, and sound where PyAV is there.

        Raises:
            UsageError: No style is given, or a model that does not paint.
            BadInput: A film cannot be read or is too small.
        """
        options = ctx.options if isinstance(ctx.options, VideoOptions) else VideoOptions()
        loaded = None if options.model == OPTIMISE else load_model(options.model, ctx.device)
        painter = painter_of(options, ctx, loaded)
        for done, film in enumerate(items, start=1):
            pictures = (painted.picture for painted in paint_frames(resized(film, options.size), painter))
            made = Video.from_frames(pictures, film.steady_fps, times=film.times)
            try:
                yield made.with_sound(film)
            except GenaiError as error:
                warnings.warn(f"{film.name} is painted without its sound: {error}", stacklevel=2)
                yield made
            ctx.progress(done)


def painter_of(options: VideoOptions, ctx: Context, loaded: Loaded | None) -> Painter:
    """How one frame is painted: by optimising its pixels, or by the network that was loaded."""
    if options.colour == "palette":
        hint = "colour=style, content or luminance"
        raise UsageError("colour=palette repaints the style for each frame, which would flicker", hint=hint)
    if loaded is None:
        values = {name: getattr(options, name) for name in OptimiseOptions.model_fields}
        still = OptimiseOptions(**values | {"size": 0})
        if not still.style:
            raise UsageError("a style is needed", hint="--set style=painting.jpg")

        def optimised(frame: Pixels, start: Pixels | None) -> Pixels:
            begun = None if start is None else Image(start)
            return paint(Image(frame), still, ctx.seed, ctx.device, start=begun, steps=options.steps).pixels

        return Painter(optimised, keep=_KEEP)
    if not isinstance(loaded.model, PaintedStyle):
        raise UsageError(f"{options.model} holds {loaded.spec.id}, which does not paint pictures")
    if options.style or options.colour == "luminance":
        what = f"style={options.style[0]}" if options.style else "colour=luminance"
        raise UsageError(f"{options.model} paints in the style it has learned: {what} is for {OPTIMISE}")
    fast = Context(ctx.seed, ctx.device, FastOptions(colour=options.colour))

    def at_once(frame: Pixels, start: Pixels | None) -> Pixels:
        painted: Image = next(loaded.model.transform([Image(frame)], fast))
        return painted.pixels

    return Painter(at_once)


def size_of(film: Video, longer: int) -> tuple[int, int]:
    """Width and height of the painted film: even, and the longer side as wished (0: as it is)."""
    factor = longer / max(film.width, film.height) if longer else 1.0
    if factor * min(film.width, film.height) < SMALLEST:
        raise BadInput(
            film.name,
            f"{film.width} x {film.height} pixels leave less than {SMALLEST} for the shorter side",
            hint="a larger --set size=, or a film less narrow",
        )
    halves = [factor * side / 2 + (0.5 if longer else 0) for side in (film.width, film.height)]
    return 2 * int(halves[0]), 2 * int(halves[1])


def resized(film: Video, longer: int, start: int = 0, count: int | None = None) -> Iterator[Pixels]:
    """`count` frames from number `start` at `size_of` the film; an odd last row or column is cut off."""
    width, height = size_of(film, longer)
    shrinks = max(film.width, film.height) > longer
    for frame in islice(film.frames(start), count):
        if longer:
            how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            yield np.asarray(cv2.resize(frame, (width, height), interpolation=how), np.uint8)
        else:
            yield frame[:height, :width].copy()
