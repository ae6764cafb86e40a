"""Pipelines of the plugin: `style/stylise`."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genai_core.errors import UsageError
from genai_core.protocols import derive_seed
from genai_core.results.charts import lines
from genai_core.results.report import Charts, Comparison, Gallery
from genai_media.codec import over_white, to_8_bits
from genai_media.image import Image
from genai_style.files import file_word, pictures
from genai_style.metrics.evaluator import Measurement
from genai_style.metrics.origins import Work
from genai_style.metrics_config import MetricsConfig
from genai_style.models.fast import PaintedStyle
from genai_style.models.optimise import paint, sized
from genai_style.painting.sheet import contact_sheet, fitted

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from genai_core.files.artifacts import Preview
    from genai_core.results.evaluate import Report
    from genai_core.results.pipelines import PipelineRun
    from genai_style.config import OptimiseOptions, StyliseConfig
    from genai_style.painting.optimise import Step
    from genai_style.painting.sheet import Pixels

    Curve = list[tuple[float, float]]

OPTIMISE = "style/optimise"
SHOWN = 24  # pictures in the report, and photos on the sheet


class Brush(NamedTuple):
    """A way to paint.

    Attributes:
        name: Of what it paints like.
        paint: A photo, the name of the result and what to say of the progress, to the result and its curve.
        styles: The files it paints like, each with its share; none where they are not at hand.
    """

    name: str
    paint: Callable[[Image, str, str], tuple[Image, Curve]]
    styles: tuple[tuple[str, float], ...]


def stylise(config: StyliseConfig, run: PipelineRun) -> None:
    """Paint every picture in every style, or once in all of them together; save, compare and report.

    Files: ``PHOTO-in-STYLE.png`` for each, and ``sheet.png`` with those of the first photos beside photos and
    styles.
    """
    _check(config)
    config = run.resolve(content=pictures(config.content), style=pictures(config.style))
    brushes = [brush for model in config.model for brush in _brushes(model, config, run)]
    styles = {path: Image.load(path) for path in config.style}
    measured = Measurement(MetricsConfig(), run.context("metrics"))
    top = [_seen(style) for style in styles.values()] if len(styles) == len(brushes) else []
    sheet: list[list[Pixels | None]] = [[None, *top]] if top else []
    pairs: list[tuple[Preview, Preview]] = []
    curves: dict[str, Curve] = {}
    for number, path in enumerate(config.content):
        photo = Image.load(path)
        row: list[Pixels | None] = [_seen(photo)]
        for brush in brushes:
            name = _free_name(Path(path).stem, brush.name, curves)
            done, total = len(curves) + 1, len(config.content) * len(brushes)
            run.progress("painting", done, total)
            painted, curves[name] = brush.paint(photo, name, f"painting {done} of {total}")
            run.save(painted, name + config.format)
            row.append(_seen(painted))
            if done <= SHOWN:
                before = _resized(photo, config.size)
                pairs.append((_captioned(before, Path(path).name), _captioned(painted, name)))
            if done <= config.measure:
                own = ((styles.get(style) or Image.load(style), share) for style, share in brush.styles)
                measured.add(Work(name, painted, photo, tuple(own), config.stroke))
        if number < SHOWN:
            sheet.append(row)
    run.save(Image(contact_sheet(sheet)), "sheet.png")
    _report(config, run, [brush.name for brush in brushes], pairs, len(curves))
    if config.measure:
        _show(measured.report(), len(curves), run)
    run.section(Gallery("Styles", [_captioned(style, Path(path).name) for path, style in styles.items()]))
    drawn = {name: curve for name, curve in curves.items() if curve}
    if drawn:
        chart = lines("style residual", dict(list(drawn.items())[:4]))
        run.section(Charts("Progress", [chart], note="Each further scale starts with new detail to paint."))


def _free_name(photo: str, style: str, taken: Container[str]) -> str:
    """``PHOTO-in-STYLE`` in characters that every file system takes, numbered where it is taken."""
    plain = f"{file_word(photo)}-in-{file_word(style)}"
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in numbered if name not in taken)


def _check(config: StyliseConfig) -> None:
    needed = ["content"] + (["style"] if OPTIMISE in config.model else [])
    for what in needed:
        if not getattr(config, what):
            hint = "genai run style/stylise --set content=photo.jpg --set style=painting.jpg"
            raise UsageError(f"style/stylise needs a picture: {what} is empty", hint=hint)
    if (config.weights or config.masks) and len(config.style) > 1 and not config.blend:
        what = "weights" if config.weights else "masks"
        raise UsageError(f"{what} say how styles share one picture", hint="--set blend=true")
    if OPTIMISE not in config.model and config.style:
        raise UsageError(
            f"{config.model[0]} paints in the style it has learned: style={config.style[0]} is not for it",
            hint=f"leave out style, or model={OPTIMISE}",
        )


def _brushes(model: str, config: StyliseConfig, run: PipelineRun) -> list[Brush]:
    return _optimisers(config, run) if model == OPTIMISE else [_network(model, config, run)]


def _optimisers(config: StyliseConfig, run: PipelineRun) -> list[Brush]:
    """A brush for each style, or one for all of them blended."""
    from genai_style.config import OptimiseOptions

    def brush(name: str, options: OptimiseOptions) -> Brush:
        def work(photo: Image, name: str, what: str) -> tuple[Image, Curve]:
            curve: Curve = []

            def note(step: Step) -> None:
                run.progress(what, step.done, step.total)
                curve.append((step.done, step.style))

            return paint(photo, options, derive_seed(run.seed, name), run.device, note), curve

        shares = options.weights or (1.0,) * len(options.style)
        styles = zip(options.style, shares, strict=True)
        return Brush(name, work, tuple((path, share / sum(shares)) for path, share in styles if share))

    values = {name: getattr(config, name) for name in OptimiseOptions.model_fields}
    if config.blend or len(config.style) == 1:
        return [brush("-".join(Path(path).stem for path in config.style), OptimiseOptions(**values))]
    return [brush(Path(path).stem, OptimiseOptions(**values | {"style": (path,)})) for path in config.style]


def _network(model: str, config: StyliseConfig, run: PipelineRun) -> Brush:
    """A network that has learned a style."""
    from genai_style.config import FastOptions

    loaded = run.load_model(model)
    if not isinstance(loaded.model, PaintedStyle):
        raise UsageError(f"{model} holds {loaded.spec.id}, which does not paint pictures")
    if config.colour not in ("style", "content"):
        raise UsageError(f"colour={config.colour} is for {OPTIMISE}", hint="colour=style or colour=content")
    options = FastOptions(size=config.size, colour=config.colour)

    def work(photo: Image, name: str, what: str) -> tuple[Image, Curve]:
        return next(loaded.model.transform([photo], run.context(name, options=options))), []

    # A network keeps the name of what it has learned, and a file of that name may be another picture.
    return Brush(Path(loaded.model.config.style or "style").stem, work, ())


def _resized(photo: Image, size: int) -> Image:
    """The photo at the size of the result."""
    return Image.from_float(*sized(photo, size), icc=photo.icc) if size else photo


def _seen(picture: Image) -> Pixels:
    """As it looks on the sheet: (H, W, 3) of 8 bits."""
    return fitted(over_white(to_8_bits(picture.pixels)))


def _captioned(picture: Image, caption: str) -> Preview:
    return replace(picture.preview(1)[0], caption=caption, alt=caption)


def _report(
    config: StyliseConfig,
    run: PipelineRun,
    styles: list[str],
    pairs: list[tuple[Preview, Preview]],
    painted: int,
) -> None:
    photos = len(config.content)
    ways = {OPTIMISE: f"preset {config.preset}"}
    how = " and ".join(
        dict.fromkeys(ways.get(model, "one pass of a trained network") for model in config.model)
    )
    run.headline(
        f"{painted:,} picture{'s' if painted != 1 else ''} painted",
        f"{photos:,} photo{'s' if photos != 1 else ''} in the style of {', '.join(styles)}: {how}.",
    )
    run.count("pictures", painted)
    run.fact("pictures", f"{painted:,}")
    note = f"The first {len(pairs)} pictures." if len(pairs) < painted else ""
    run.section(Comparison("Before and after", pairs, note=note))


def _show(report: Report, painted: int, run: PipelineRun) -> None:
    """How much of styles and photos is in the pictures."""
    residual, structure = report[0], report["structure"]
    run.metrics(report, note=f"Of the first {residual.n} pictures." if residual.n < painted else "")
    if residual.available:
        run.fact("style residual", f"{residual.value:.3f}", f"of the photo {residual.baseline:.3f}")
    run.fact("structure kept", f"{structure.value:.2f}", "1: that of the photo")
