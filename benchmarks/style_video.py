"""How steady painted films are: `style/video` beside the same painter on each frame alone.

    python benchmarks/style_video.py --clip FILM --model MODEL [--frames 300] [--size 512] [-o video.json]
    python benchmarks/style_video.py --clip FILM --style PAINTING --alone 10 ...       # style/optimise

- warp error: mean squared change from frame to frame of what the film shows moving or still, channels in
  0..1 (`genai_style.painting.flow.warp_error`); of the film itself it is noise, and errors of the flow.
- drift: where nothing ever comes near in these frames (the film, blurred by 1.5 pixels, stays within 5 of
  255 of its first frame there and within a twentieth of its longer side around), mean change of colour from
  the first painted frame to the last, and the most to any, in steps of 255.
- style residual: as `style/metrics` measures it, of the first, the middle and the last frame.
- CPU seconds a frame, of all threads; beside the painter's own what flow and keeping cost.

A clip that packages ship: opencv-doc 4.6.0 of Debian, usr/share/doc/opencv-doc/examples/data/vtest.avi.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.protocols import Context
from genai_core.running.device import pick_device
from genai_core.running.models import load_model
from genai_media.image import Image
from genai_media.opencv import cv2
from genai_media.video import Video
from genai_style.metrics.evaluator import Measurement
from genai_style.metrics.origins import Work
from genai_style.metrics_config import MetricsConfig
from genai_style.models.video import OPTIMISE, painter_of, resized
from genai_style.painting.flow import warp_error
from genai_style.painting.video import Painter, paint_frames
from genai_style.video_config import VideoOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_style.painting.flow import Mask, Pixels

SAME, NOISE, NEAR = 5, 1.5, 0.05  # see drift


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", required=True, help="a film")
    parser.add_argument("--model", default=OPTIMISE, help="style/optimise, or a trained style/fast")
    parser.add_argument("--style", help="the painting: style/optimise needs it, networks are measured by it")
    parser.add_argument("--frames", type=int, default=300, help="how many are painted")
    parser.add_argument("--alone", type=int, default=0, help="how many of them also alone; 0: all")
    parser.add_argument("--size", type=int, default=512, help="longer side in pixels")
    parser.add_argument("--preset", default="standard", help="of style/optimise")
    parser.add_argument("--steps", type=int, default=VideoOptions().steps, help="of style/optimise, a frame")
    parser.add_argument("--device", default="auto")
    parser.add_argument("-o", "--out", type=Path, help="the numbers as JSON")
    given = parser.parse_args()

    device = pick_device(given.device)
    loaded = None if given.model == OPTIMISE else load_model(given.model, device)
    options = VideoOptions(
        model=given.model, style=given.style if given.model == OPTIMISE else (), size=given.size,
        preset=given.preset, steps=given.steps,
    )  # fmt: skip
    painter = Clocked(painter_of(options, Context(seed=1, device=device), loaded))
    style = given.style or (loaded and loaded.model.config.style)
    sources = list(resized(Video.load(given.clip), given.size, 0, given.frames))
    some = sources[: given.alone or len(sources)]

    began = time.process_time()
    steady = [painted.picture for painted in paint_frames(sources, painter.painter)]
    whole, inside = time.process_time() - began, painter.seconds
    painter.seconds = 0.0
    alone = [painter.painter.paint(source, None) for source in some]
    numbers = {
        "frames": len(sources),
        "size": f"{sources[0].shape[1]} x {sources[0].shape[0]}",
        "seconds alone": painter.seconds / len(some),
        "seconds steady": whole / len(sources),
        "seconds of flow and keeping": (whole - inside) / len(sources),
        "warp error of the film": warp_error(some, some),
        "warp error alone": warp_error(alone, some),
        "warp error steady": warp_error(steady[: len(some)], some),
        **still(sources, steady, some, alone),
        **residuals(some, alone, steady, style),
    }
    numbers["ratio"] = numbers["warp error steady"] / numbers["warp error alone"]
    show(numbers)
    if given.out:
        given.out.write_text(json.dumps(numbers, indent=1) + "\n")


class Clocked:
    """A painter whose CPU seconds are counted."""

    def __init__(self, inner: Painter) -> None:
        self.seconds = 0.0

        def paint(frame: Pixels, start: Pixels | None) -> Pixels:
            began = time.process_time()
            painted = inner.paint(frame, start)
            self.seconds += time.process_time() - began
            return painted

        self.painter = Painter(paint, inner.keep)


def still(
    sources: Sequence[Pixels], steady: Sequence[Pixels], some: Sequence[Pixels], alone: Sequence[Pixels]
) -> dict[str, Any]:
    """Share of the picture where nothing ever comes near, and how far its paint drifts."""
    found: dict[str, Any] = {}
    for what, films, painted in (("steady", sources, steady), ("alone", some, alone)):
        mask = background(films)
        found[f"still share, {what}"] = float(mask.mean())
        changes = [
            np.abs(frame.astype(int) - painted[0])[mask].mean() if mask.any() else 0 for frame in painted
        ]
        found[f"drift {what}"] = float(changes[-1])
        found[f"most drift {what}"] = float(max(changes))
    return found


def background(sources: Sequence[Pixels]) -> Mask:
    """Where nothing ever changes nor comes near, (H, W)."""
    first, moved = sources[0].astype(np.float32), np.zeros(sources[0].shape[:2], np.uint8)
    for source in sources[1:]:
        change = np.abs(cv2.GaussianBlur(source - first, (0, 0), NOISE)).max(2)
        moved |= cv2.medianBlur((change >= SAME).astype(np.uint8), 5)
    side = 2 * round(NEAR * max(moved.shape)) + 1
    near = cv2.dilate(moved, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(near == 0)


def residuals(
    sources: Sequence[Pixels], alone: Sequence[Pixels], steady: Sequence[Pixels], style: str | None
) -> dict[str, float]:
    """Style residual of frames of both, where the style is at hand."""
    if not style or not Path(style).is_file():
        return {}
    found, painting = {}, Image.load(style)
    for what, frames in (("alone", alone), ("steady", steady)):
        measured = Measurement(MetricsConfig(resamples=100), Context())
        for number in sorted({0, len(sources) // 2, len(sources) - 1}):
            measured.add(Work("frame", Image(frames[number]), Image(sources[number]), ((painting, 1.0),)))
        found[f"style residual {what}"] = float(measured.report()[0].value)
    return found


def show(numbers: dict[str, Any]) -> None:
    """The table."""
    print(f"{numbers['frames']} frames of {numbers['size']}\n")
    print("| | film itself | each frame alone | steady | ratio |\n|---|---|---|---|---|")
    errors = [f"{numbers[f'warp error {what}']:.5f}" for what in ("of the film", "alone", "steady")]
    print(f"| warp error | {' | '.join(errors)} | {numbers['ratio']:.2f} |")
    for what, unit in (("drift", "steps of 255"), ("most drift", "steps of 255"), ("style residual", "")):
        if f"{what} alone" in numbers:
            alone, steady = numbers[f"{what} alone"], numbers[f"{what} steady"]
            ratio = f"{steady / alone:.2f}" if alone else ""
            print(f"| {what}{unit and ', '}{unit} | | {alone:.3f} | {steady:.3f} | {ratio} |")
    alone, steady = numbers["seconds alone"], numbers["seconds steady"]
    print(f"| CPU seconds a frame | | {alone:.2f} | {steady:.2f} | {steady / alone:.2f} |")
    print(f"\nNothing comes near {numbers['still share, steady']:.0%} of the picture.")
    print(f"Flow and keeping take {numbers['seconds of flow and keeping']:.3f} CPU seconds a frame.")


if __name__ == "__main__":
    main()
