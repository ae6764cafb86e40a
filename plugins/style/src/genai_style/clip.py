"""The pipeline `style/clip`: a film in the style of pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from genai_core.errors import GenaiError, Interrupted, UsageError
from genai_core.files.atomic import sha256_bytes
from genai_core.files.provenance import without_paths
from genai_core.results.charts import lines
from genai_core.results.report import Charts, Comparison, Gallery
from genai_core.running.stopping import StopRequest
from genai_media.image import Image
from genai_media.video import Video
from genai_style.files import file_word
from genai_style.models.video import OPTIMISE, painter_of, resized, size_of
from genai_style.painting.flow import flows, pair_error
from genai_style.painting.sheet import contact_sheet
from genai_style.painting.store import FrameStore
from genai_style.painting.video import paint_next

if TYPE_CHECKING:
    from genai_core.files.artifacts import Preview
    from genai_core.results.pipelines import PipelineRun
    from genai_style.painting.flow import Pixels
    from genai_style.painting.video import Painter
    from genai_style.video_config import ClipConfig

    Rows = list[tuple[float, Pixels, Pixels]]
    Curves = dict[str, list[tuple[float, float]]]

_SHOWN = 6  # frames in the sheet


def clip(config: ClipConfig, run: PipelineRun) -> None:
    """Paint a film; save it with a sheet of its frames, and say how steady it is.

    Painted frames are kept until all is done: killed at any moment and run again, it goes on where it was.
    """
    if not config.content:
        hint = "genai run style/clip --set content=film.mp4 --set style=painting.jpg"
        raise UsageError("style/clip needs a film: content is empty", hint=hint)
    film = Video.load(config.content)
    size_of(film, config.size)
    loaded = None if config.model == OPTIMISE else run.load_model(config.model)
    painter = painter_of(config, run.context("paint"), loaded)
    key = {"film": sha256_bytes(film.data), "settings": without_paths(config.model_dump(mode="json"))}
    key |= {"seed": run.seed, "device": run.device, "weights": loaded.weights_sha256 if loaded else None}
    store = FrameStore(run.scratch("frames"), key)
    _paint(film, config, painter, store, run)
    run.progress("writing the film")
    made = Video.from_frames(store, film.steady_fps, times=film.times, suffix=config.format)
    try:
        made = made.with_sound(film, config.format)
    except GenaiError as error:
        run.warn(f"the painted film is without sound: {error.message}; {error.hint}")
    style = loaded.model.config.style or "style" if loaded else config.style[0]
    name = f"{file_word(Path(config.content).stem)}-in-{file_word(Path(style).stem)}{config.format}"
    run.save(made, name)
    _report(film, made, name, store, config, run)


def _paint(film: Video, config: ClipConfig, painter: Painter, store: FrameStore, run: PipelineRun) -> None:
    """Paint the frames that are not in the store yet."""
    total = min(len(film.times), config.frames or len(film.times))
    first = max(0, len(store) - 1)
    sources = resized(film, config.size, first, total - first)
    before = (next(sources), store.last()) if len(store) else None
    with StopRequest() as stop:
        run.progress("painting frames", len(store), total)
        for source in sources:
            if stop.requested:
                raise Interrupted(
                    f"stopped after {len(store):,} of {total:,} frames", hint="run the same again to go on"
                )
            painted = paint_next(source, painter, before)
            store.add(painted)
            before = source, painted
            run.progress("painting frames", len(store), total)


def _measure(film: Video, store: FrameStore, config: ClipConfig, run: PipelineRun) -> tuple[Rows, Curves]:
    """Some frames before and after with their seconds, and how much each flickers beside the film."""
    count = len(store)
    shown = {round(place * (count - 1) / (_SHOWN - 1)) for place in range(_SHOWN)}
    rows: Rows = []
    curves: Curves = {"painted": [], "film": []}
    last = None
    for number, pair in enumerate(zip(resized(film, config.size, 0, count), store, strict=True)):
        run.progress("measuring", number + 1, count)
        if number in shown:
            rows.append((film.times[number], *pair))
        if last is not None and number not in store.cuts:
            moved = flows(pair[0], last[0])
            for curve, now, before in zip(("film", "painted"), pair, last, strict=True):
                curves[curve].append((film.times[number], 1000 * pair_error(now, before, *moved)))
        last = pair
    return rows, curves


def _report(
    film: Video, made: Video, name: str, store: FrameStore, config: ClipConfig, run: PipelineRun
) -> None:
    """Sheet and report: what it looks like, and how steady it is."""
    rows, curves = _measure(film, store, config, run)
    run.save(Image(contact_sheet([[row[1] for row in rows], [row[2] for row in rows]])), "sheet.png")
    count, cuts = len(store), len(store.cuts) - 1
    run.headline(f"{count:,} frames painted", f"{Path(config.content).name}: {made.seconds:.1f} seconds.")
    run.count("frames", count)
    run.count("cuts", cuts)
    run.fact("frames", f"{count:,}", f"{made.width} x {made.height}, {made.fps:.4g} a second")
    run.fact("cuts", f"{cuts:,}", "painted anew from there")
    if curves["painted"]:
        errors = {what: fmean(value for _, value in curve) / 1000 for what, curve in curves.items()}
        run.count("warp_error", errors["painted"])
        run.count("warp_error_of_film", errors["film"])
        run.fact("warp error", f"{errors['painted']:.2g}", f"of the film itself {errors['film']:.2g}")
    run.section(Gallery("Film", [_captioned(made, name), _captioned(film, Path(config.content).name)]))
    pairs = [
        (_captioned(Image(source), "film"), _captioned(Image(painted), f"second {second:.1f}"))
        for second, source, painted in rows
    ]
    run.section(Comparison("Before and after", pairs))
    if len(curves["painted"]) > 1:
        note = "Squared change, frame by frame, of what only stands or moves: flicker, and errors of flow."
        run.section(
            Charts("Steadiness", [lines("warp error, thousandths", curves, x_label="seconds")], note=note)
        )


def _captioned(artifact: Image | Video, caption: str) -> Preview:
    return replace(artifact.preview(1)[0], caption=caption)
