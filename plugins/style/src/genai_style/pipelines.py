"""Pipelines of the plugin: `style/stylise`."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from genai_core.errors import BadInput, UsageError
from genai_core.protocols import derive_seed
from genai_core.results.charts import lines
from genai_core.results.report import Charts, Comparison, Gallery
from genai_media.codec import over_white, to_8_bits
from genai_media.image import Image
from genai_style.models.optimise import paint, sized
from genai_style.painting.sheet import contact_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from genai_core.files.artifacts import Preview
    from genai_core.results.pipelines import PipelineRun
    from genai_style.config import OptimiseOptions, StyliseConfig
    from genai_style.painting.optimise import Step
    from genai_style.painting.sheet import Pixels

    Curve = list[tuple[float, float]]
    Brush = Callable[[Image, str, str], tuple[Image, Curve]]


OPTIMISE = "style/optimise"


def stylise(config: StyliseConfig, run: PipelineRun) -> None:
    """Paint every picture in every style, or once in all of them together; save, compare and report.

    Files: ``PHOTO-in-STYLE.png`` for each, and ``sheet.png`` with all of them beside photos and styles.
    """
    _check(config)
    config = run.resolve(content=pictures(config.content), style=pictures(config.style))
    brushes = _optimisers(config, run) if config.model == OPTIMISE else [_network(config, run)]
    styles = [Image.load(path) for path in config.style]
    top = [_seen(style) for style in styles] if len(styles) == len(brushes) else []
    sheet: list[list[Pixels | None]] = [[None, *top]] if top else []
    pairs: list[tuple[Preview, Preview]] = []
    curves: dict[str, Curve] = {}
    for path in config.content:
        photo = Image.load(path)
        before = Image.from_float(*sized(photo, config.size), icc=photo.icc)
        sheet.append([_seen(photo)])
        for style, brush in brushes:
            name = _free_name(Path(path).stem, style, curves)
            done, total = len(pairs) + 1, len(config.content) * len(brushes)
            run.progress("painting", done, total)
            painted, curves[name] = brush(photo, name, f"painting {done} of {total}")
            run.save(painted, name + config.format)
            sheet[-1].append(_seen(painted))
            pairs.append((_captioned(before, Path(path).name), _captioned(painted, name)))
    run.save(Image(contact_sheet(sheet)), "sheet.png")
    _report(config, run, [name for name, _ in brushes], pairs, curves)
    named = zip(styles, config.style, strict=True)
    run.section(Gallery("Styles", [_captioned(style, Path(path).name) for style, path in named]))
    measured = {name: curve for name, curve in curves.items() if curve}
    if measured:
        chart = lines("style residual", dict(list(measured.items())[:4]))
        run.section(Charts("Progress", [chart], "Each further scale starts with new detail to paint."))


def _free_name(photo: str, style: str, taken: Container[str]) -> str:
    """``PHOTO-in-STYLE`` in characters that every file system takes, numbered where it is taken."""
    words = (re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-_")[:40] or "picture" for word in (photo, style))
    plain = "-in-".join(words)
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in numbered if name not in taken)


def _check(config: StyliseConfig) -> None:
    needed = ["content"] + (["style"] if config.model == OPTIMISE else [])
    for what in needed:
        if not getattr(config, what):
            hint = "genai run style/stylise --set content=photo.jpg --set style=painting.jpg"
            raise UsageError(f"style/stylise needs a picture: {what} is empty", hint=hint)
    if config.model != OPTIMISE and config.style:
        raise UsageError(
            f"{config.model} paints in the style it has learned: style={config.style[0]} is not for it",
            hint=f"leave out style, or model={OPTIMISE}",
        )


def _optimisers(config: StyliseConfig, run: PipelineRun) -> list[tuple[str, Brush]]:
    """A name and a way to paint for each style, or for all of them blended."""
    from genai_style.config import OptimiseOptions

    def brush(options: OptimiseOptions) -> Brush:
        def work(photo: Image, name: str, what: str) -> tuple[Image, Curve]:
            curve: Curve = []

            def note(step: Step) -> None:
                run.progress(what, step.done, step.total)
                curve.append((step.done, step.style))

            return paint(photo, options, derive_seed(run.seed, name), run.device, note), curve

        return work

    values = {name: getattr(config, name) for name in OptimiseOptions.model_fields}
    if config.blend:
        return [("-".join(Path(path).stem for path in config.style), brush(OptimiseOptions(**values)))]
    # Weights and masks say how styles share one picture.
    alone = values | {"weights": (), "masks": ()}
    return [(Path(path).stem, brush(OptimiseOptions(**alone | {"style": (path,)}))) for path in config.style]


def _network(config: StyliseConfig, run: PipelineRun) -> tuple[str, Brush]:
    """The name of the style that a network has learned, and how it paints."""
    from genai_style.config import FastOptions

    loaded = run.load_model(config.model)
    if loaded.spec.id != "style/fast":
        raise UsageError(f"{config.model} holds {loaded.spec.id}, which does not paint pictures")
    if config.colour not in ("style", "content"):
        raise UsageError(f"colour={config.colour} is for {OPTIMISE}", hint="colour=style or colour=content")
    options = FastOptions(size=config.size, colour=config.colour)

    def work(photo: Image, name: str, what: str) -> tuple[Image, Curve]:
        return next(loaded.model.transform([photo], run.context(name, options=options))), []

    return Path(loaded.model.config.style or "style").stem, work


def pictures(paths: Iterable[str]) -> tuple[str, ...]:
    """The files, and the pictures in the folders among them, in the order of their names.

    Raises:
        BadInput: A folder without pictures.
    """
    found: list[str] = []
    for path in paths:
        place = Path(path)
        if place.is_dir():
            inside = sorted(str(each) for each in place.iterdir() if each.suffix.lower() in Image.suffixes)
            if not inside:
                raise BadInput(
                    path, "no picture in this folder", hint=f"with one of {', '.join(Image.suffixes)}"
                )
            found += inside
        else:
            found.append(path)
    return tuple(found)


def _seen(picture: Image) -> Pixels:
    """As it looks on white: (H, W, 3) of 8 bits."""
    seen: Pixels = over_white(to_8_bits(picture.pixels))
    return seen


def _captioned(picture: Image, caption: str) -> Preview:
    return replace(picture.preview(1)[0], caption=caption, alt=caption)


def _report(
    config: StyliseConfig,
    run: PipelineRun,
    styles: list[str],
    pairs: list[tuple[Preview, Preview]],
    curves: dict[str, Curve],
) -> None:
    painted, photos = len(pairs), len(config.content)
    how = f"preset {config.preset}" if config.model == OPTIMISE else "one pass of a trained network"
    run.headline(
        f"{painted:,} picture{'s' if painted != 1 else ''} painted",
        f"{photos:,} photo{'s' if photos != 1 else ''} in the style of {', '.join(styles)}: {how}.",
    )
    run.count("pictures", painted)
    run.fact("pictures", f"{painted:,}")
    left = [curve[-1][1] for curve in curves.values() if curve]
    if left:
        run.count("style_residual", fmean(left))
        run.fact("style residual", f"{fmean(left):.3f}", "0: the painting's own statistics")
    run.section(Comparison("Before and after", pairs))
