"""`style/metrics`: how much of the style and of the photo is in painted pictures, beside both themselves."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from genai_core.errors import BadInput
from genai_core.results.evaluate import Metric, Report, bootstrap
from genai_media.image import Image
from genai_style.metrics.origins import origins
from genai_style.metrics.rulers import Look, PhotoRuler, StyleRuler, tensor
from genai_style.metrics_spec import STYLE_METRICS
from genai_style.painting.vgg import load_vgg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_core.protocols import Context, Dataset
    from genai_style.metrics.measures import Doubles
    from genai_style.metrics.origins import Work
    from genai_style.metrics_config import MetricsConfig

ID = f"style/{STYLE_METRICS.name}"
FEWEST_INTERVAL = 6  # pictures; below, a bootstrap says more about its luck than about them
SMALLEST = 32  # pixels of the shorter side that the deepest layer needs
SHAPE = 0.03  # share by which a painted picture may be wider or narrower than its photo

NOTES = (
    "style: the floor is what either half of the painting reaches against the whole, the baseline the photo",
    "content: the floor is the photo, the baseline the painting in the photo's place",
)


class StyleMetrics:
    """Evaluator of painted pictures against the photos and styles they were made from."""

    def __init__(self, config: MetricsConfig) -> None:
        self.config = config

    def evaluate(
        self, items: Sequence[Image] | Image, reference: Dataset[Image] | None, ctx: Context
    ) -> Report:
        """Measure painted pictures; see `origins` for how their photos and styles are found."""
        painted = [items] if isinstance(items, Image) else items
        if not painted:
            raise BadInput("image", f"nothing to evaluate with {ID}")
        measurement = Measurement(self.config, ctx)
        for work in origins(painted, self.config):
            measurement.add(work)
        return measurement.report()


class Measurement:
    """Measures works one after another; those of one photo best in a row, it is then looked at once.

    Args:
        config: At which size, and how intervals are drawn.
        ctx: Device, seed and progress.
    """

    def __init__(self, config: MetricsConfig, ctx: Context) -> None:
        self._config, self._ctx = config, ctx
        self._values: list[Doubles] = []
        self._style = lru_cache(maxsize=64)(StyleRuler)
        self._photo: PhotoRuler | None = None

    @torch.no_grad()
    def add(self, work: Work) -> None:
        """Measure one picture; where styles are blended, against each of them by its share."""
        vgg, size = load_vgg().to(self._ctx.device), _size(work, self._config.size)
        photo = self._photo
        if photo is None or photo.photo is not work.photo or photo.size != size:
            photo = self._photo = PhotoRuler(vgg, work.photo, size)
        seen = Look(vgg, tensor(work.painted, size, vgg))
        values = np.full((3, 5), math.nan)  # value, floor and baseline of each metric
        values[:2, 3:] = photo.measure(seen), photo.floor
        if work.styles:
            values[:, :3] = values[2, 3:] = 0
        for style, share in work.styles:
            ruler = self._style(vgg, style, max(size) * work.stroke)
            values[:, :3] += share * np.stack([ruler.measure(seen), ruler.floor, ruler.measure(photo.seen)])
            values[2, 3:] += share * photo.in_place(style)
        self._values.append(values)
        self._ctx.progress(1)

    def report(self) -> Report:
        """Means over all pictures, with intervals from 6 pictures on."""
        return _report(np.stack(self._values), self._config, self._ctx)


def _size(work: Work, longer: int) -> tuple[int, int]:
    """(h, w) at which a painted picture and its photo are compared."""
    (width, height), photo = (work.painted.width, work.painted.height), work.photo
    if not math.isclose(width * photo.height, height * photo.width, rel_tol=SHAPE + 1 / min(width, height)):
        raise BadInput(
            work.name,
            f"{width} x {height} pixels are not of the shape of its photo, {photo.width} x {photo.height}",
            hint="--set photo= is the photo it was painted from",
        )
    factor = min(1.0, longer / max(width, height))
    size = round(height * factor), round(width * factor)
    if min(size) < SMALLEST:
        reason = f"{width} x {height} pixels leave less than {SMALLEST} for the shorter side"
        raise BadInput(work.name, reason)
    return size


def _report(values: Doubles, config: MetricsConfig, ctx: Context) -> Report:
    """The means of (pictures, 3, 5) numbers."""
    n = len(values)
    notes = [f"pictures of no more than {config.size} pixels", *NOTES]
    low = high = np.full(values.shape[2], math.nan)
    if n < FEWEST_INTERVAL:
        pictures = f"{n} picture{'s' if n > 1 else ''}"
        notes.append(f"no intervals: {pictures}, and a bootstrap over pictures needs {FEWEST_INTERVAL}")
    else:
        low, high = bootstrap(values[:, 0], rng=ctx.rng("bootstrap"), resamples=config.resamples)
    metrics = []
    for spec, row in zip(STYLE_METRICS.metrics, np.stack([*values.mean(0), low, high], axis=1), strict=True):
        value = float(row[0])
        floor, baseline, bottom, top = (None if math.isnan(end) else float(end) for end in row[1:])
        metrics.append(
            Metric(
                name=spec.name,
                value=value,
                direction=spec.direction,
                low=bottom,
                high=top,
                floor=floor,
                baseline=baseline,
                unit=spec.unit,
                summary=spec.summary,
                n=n,
                reason="a style is not at hand: --set style=painting.jpg" if math.isnan(value) else "",
            )
        )
    return Report(ID, tuple(metrics), tuple(notes))
