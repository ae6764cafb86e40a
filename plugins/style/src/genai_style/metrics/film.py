"""`style/film-metrics`: how steady a painted film is, and how much of style and film is in its frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from genai_core.errors import BadInput, UsageError
from genai_core.results.evaluate import Metric, Report
from genai_media.image import Image
from genai_media.opencv import cv2
from genai_media.video import Video
from genai_style.metrics.evaluator import Measurement
from genai_style.metrics.origins import Work
from genai_style.metrics_config import MetricsConfig
from genai_style.metrics_spec import FILM_METRICS
from genai_style.painting.flow import flows, pair_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_core.protocols import Context, Dataset
    from genai_style.metrics_config import FilmMetricsConfig
    from genai_style.painting.flow import Pixels

ID = f"style/{FILM_METRICS.name}"
_WARP = FILM_METRICS.metrics[0]


class FilmMetrics:
    """Evaluator of one painted film against the film and the style it was made from."""

    def __init__(self, config: FilmMetricsConfig) -> None:
        self.config = config

    def evaluate(
        self, items: Sequence[Video] | Video, reference: Dataset[Video] | None, ctx: Context
    ) -> Report:
        """Measure a painted film; `BadInput` where it has not the frames of its source."""
        films = [items] if isinstance(items, Video) else list(items)
        if len(films) != 1:
            raise UsageError(f"{ID} measures one film, not {len(films)}")
        if not self.config.film:
            hint = "--set film=clip.mp4 --set style=painting.jpg"
            raise UsageError(f"{ID} compares with the film that was painted", hint=hint)
        style = Image.load(self.config.style) if self.config.style else None
        return measure(films[0], Video.load(self.config.film), style, self.config, ctx)


def measure(
    painted: Video, source: Video, style: Image | None, config: FilmMetricsConfig, ctx: Context
) -> Report:
    """Report on a painted film.

    Args:
        painted: The film.
        source: What it was painted from, of as many frames.
        style: What it is painted like; None: unknown.
        config: How many frames are held against film and style, and how.
        ctx: Device and progress.
    """
    count = len(painted.times)
    if count < 2 or count != len(source.times):
        reason = f"{count} frames of {len(source.times)}: two are the least, and none may be missing"
        hint = "--set film= is the film it was painted from"
        raise BadInput(painted.source or painted.name, reason, hint=hint)
    chosen = set(np.linspace(0, count - 1, min(config.frames, count)).astype(int).tolist())
    styles = () if style is None else ((style, 1.0),)
    stills = Measurement(MetricsConfig(size=config.size), ctx)
    errors: list[tuple[float, ...]] = []
    before: tuple[Pixels, Pixels] | None = None
    for number, both in enumerate(_both(painted, source)):
        if number in chosen:
            stills.add(Work(f"frame {number}", Image(both[0]), Image(both[1]), styles, config.stroke))
        if before:
            move = flows(both[1], before[1])
            errors.append(tuple(pair_error(now, then, *move) for now, then in zip(both, before, strict=True)))
        before = both
    value, floor = (float(mean) for mean in np.mean(errors, axis=0))
    warp = Metric(_WARP.name, value, _WARP.direction, floor=floor, summary=_WARP.summary, n=len(errors))
    report = stills.report()
    notes = ("warp error: over all frames, its floor the film itself; the others: over some frames",)
    return Report(ID, (warp, *report), (*notes, *report.notes))


def _both(painted: Video, source: Video) -> Iterator[tuple[Pixels, Pixels]]:
    """Frames of both films at the size of the painted one."""
    size = painted.width, painted.height
    for work, frame in zip(painted.frames(), source.frames(), strict=False):
        film = frame
        same = film.shape == work.shape
        yield (
            work,
            film if same else np.asarray(cv2.resize(film, size, interpolation=cv2.INTER_AREA), np.uint8),
        )
