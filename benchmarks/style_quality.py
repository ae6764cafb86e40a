"""What style transfer costs and reaches: the optimiser beside 500 steps of L-BFGS, and trained networks.

    python benchmarks/style_quality.py --photos PHOTOS --styles PAINTINGS [--pairs 3] [-o quality.json]
    python benchmarks/style_quality.py ... --only fast --model RUN_OR_MODEL [--model ...]

PHOTOS and PAINTINGS are folders of pictures; `--pairs` of them, evenly spread, are painted. Parts:

- optimise: preset `standard` beside L-BFGS on the same loss (moments, content weight 0.1), which works at
  full size from the photo on, with strong Wolfe line search in fp32: CPU seconds, residuals and structure as
  `style/metrics` measures them.
- identity: a painting in its own style, which should change nothing: SSIM of the result.
- seed: the same seed twice, at a quarter of the size, preset `quality`, whose loss is drawn: equal or not.
- fast: each `--model` at `--size` and at 3,840 x 2,160 pixels: CPU seconds of the pass, peak memory of the
  process; and its identity, where PAINTINGS holds the picture it has learned.
- own: `genai train style/fast` on the first painting, with the photos of the package, in bf16 where the chip
  has it: CPU minutes, and its residual beside the optimiser's on the pairs' photos.

CPU seconds are those of all threads of a process. Ratios are of numbers of one run on one machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from genai_core.protocols import Context
from genai_core.running.device import has_bf16
from genai_media.image import Image
from genai_style.config import FastOptions, OptimiseOptions
from genai_style.files import pictures
from genai_style.metrics.evaluator import Measurement
from genai_style.metrics.measures import ssim
from genai_style.metrics.origins import Work
from genai_style.metrics_config import MetricsConfig
from genai_style.models.optimise import paint, sized
from genai_style.painting.colour import luma
from genai_style.painting.losses import CONTENT_LAYER, STYLE_LAYERS, Content, Style, style_of
from genai_style.painting.vgg import load_vgg

PARTS = ("optimise", "identity", "seed", "fast", "own")
LARGE = 3840  # pixels, the longer side of 4K
CONTENT_WEIGHT = OptimiseOptions().content_weight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="folder of photos")
    parser.add_argument("--styles", required=True, help="folder of paintings")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of photo and painting")
    parser.add_argument("--size", type=int, default=512, help="longer side in pixels")
    parser.add_argument("--lbfgs", type=int, default=500, help="steps of L-BFGS; 0 leaves it out")
    parser.add_argument("--model", action="append", default=[], help="trained style/fast: run, folder or id")
    parser.add_argument("--steps", type=int, default=300, help="training steps of the own style")
    parser.add_argument("--only", action="append", choices=PARTS, help="these parts alone")
    parser.add_argument("-o", "--out", type=Path, help="write the numbers as JSON")
    parser.add_argument("--role", choices=["pass"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        print(json.dumps(one_pass(arguments)))
        return
    chosen = spread(pictures([arguments.photos]), arguments.pairs)
    pairs = list(zip(chosen, spread(pictures([arguments.styles]), arguments.pairs), strict=True))
    parts = {part.__name__: part for part in (optimise, identity, seed, fast, own)}
    found: dict[str, Any] = {"settings": settings(arguments)}
    for part in arguments.only or PARTS:
        if part != "fast" or arguments.model:
            found[part] = parts[part](arguments, pairs)
            if arguments.out:
                arguments.out.write_text(json.dumps(found, indent=2) + "\n")


def optimise(arguments: argparse.Namespace, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The preset beside many steps of L-BFGS on the same loss."""
    load_vgg()  # reading the network is not painting
    print("\n| photo | style | by | CPU s | evaluations | style residual | content residual | SSIM |")
    print("|---" * 8 + "|")
    rows = []
    for photo, style in pairs:
        for paint_by in (by_preset, by_lbfgs) if arguments.lbfgs else (by_preset,):
            name = {"photo": Path(photo).stem, "style": Path(style).stem}
            row = paint_by(arguments, photo, style)
            rows.append(name | row)
            numbers = [f"{row[key]:.4f}" for key in ("style_residual", "content_residual", "structure")]
            cells = [*name.values(), row["by"], f"{row['cpu_s']:.1f}", row["evaluations"], *numbers]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    if arguments.lbfgs:
        ratios = [
            mine["style_residual"] / other["style_residual"]
            for mine, other in zip(rows[::2], rows[1::2], strict=True)
        ]
        print(f"\nstyle residual, preset / L-BFGS: median {statistics.median(ratios):.2f}, {shown(ratios)}")
    return rows


def by_preset(arguments: argparse.Namespace, photo: str, style: str) -> dict[str, Any]:
    counted: list[None] = []
    began = time.process_time()
    painted = paint(
        Image.load(photo),
        OptimiseOptions(style=(style,), size=arguments.size),
        callback=lambda step: counted.append(None),
    )
    spent = time.process_time() - began
    row = {"by": "standard", "cpu_s": spent, "evaluations": len(counted)}
    return row | measured(arguments, painted, photo, style)


def by_lbfgs(arguments: argparse.Namespace, photo: str, style: str) -> dict[str, Any]:
    vgg, content = load_vgg(), tensor(Image.load(photo), arguments.size)
    painting = tensor(Image.load(style), max(content.shape[2:]))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        goal = Content(vgg(content, [CONTENT_LAYER])[CONTENT_LAYER])
        look = Style(style_of(vgg(painting, STYLE_LAYERS), "moments", generator))
    began, evaluations = time.process_time(), 0
    pixels = content.clone().requires_grad_()
    solver = torch.optim.LBFGS(
        [pixels], max_iter=arguments.lbfgs, max_eval=2 * arguments.lbfgs, history_size=20,
        tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> torch.Tensor:
        nonlocal evaluations
        evaluations += 1
        solver.zero_grad()
        features = vgg(pixels, (*STYLE_LAYERS, CONTENT_LAYER))
        loss = look.loss(features) + CONTENT_WEIGHT * goal.loss(features)
        loss.backward()
        if evaluations % 50 == 0:
            print(
                f"L-BFGS: {evaluations} evaluations, loss {float(loss.detach()):.4f}",
                file=sys.stderr,
                flush=True,
            )
        return loss

    solver.step(closure)
    painted = Image.from_float(pixels.detach()[0].permute(1, 2, 0).clamp(0, 1).numpy())
    spent, steps = time.process_time() - began, solver.state[pixels]["n_iter"]
    row = {"by": f"L-BFGS, {steps} steps", "cpu_s": spent, "evaluations": evaluations, "steps": steps}
    return row | measured(arguments, painted, photo, style)


def identity(arguments: argparse.Namespace, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """A painting in its own style."""
    rows = []
    print("\n| identity | SSIM |\n|---|---|")
    for _, style in pairs:
        own = Image.load(style)
        painted = paint(own, OptimiseOptions(style=(style,), size=arguments.size))
        rows.append({"style": Path(style).stem, "ssim": structure(painted, own)})
        print(f"| optimise, {Path(style).stem} | {rows[-1]['ssim']:.4f} |", flush=True)
    return rows


def seed(arguments: argparse.Namespace, pairs: list[tuple[str, str]]) -> dict[str, bool]:
    """The same seed twice, and another one."""
    photo, style = pairs[0]
    options = OptimiseOptions(style=(style,), size=max(128, arguments.size // 4), preset="quality")
    first, second, other = (paint(Image.load(photo), options, number) for number in (1, 1, 2))
    found = {"same seed, same pixels": first == second, "other seed, other pixels": first != other}
    print("\n" + "; ".join(f"{name}: {value}" for name, value in found.items()), flush=True)
    return found


def fast(arguments: argparse.Namespace, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Time and memory of a pass of each network, and what it makes of the picture it has learned."""
    rows = []
    print("\n| model | size | CPU s | peak MiB | identity SSIM |\n|---|---|---|---|---|")
    for model in arguments.model:
        for size in (arguments.size, LARGE):
            command = [sys.executable, __file__, "--role", "pass", "--photos", pairs[0][0]]
            command += ["--styles", arguments.styles, "--model", model, "--size", str(size)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append({"model": Path(model).name, **json.loads(done.stdout.splitlines()[-1])})
            row = rows[-1]
            same = "" if row["identity"] is None else f"{row['identity']:.4f}"
            cells = (row["model"], row["size"], f"{row['cpu_s']:.2f}", f"{row['peak_mib']:.0f}", same)
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return rows


def one_pass(arguments: argparse.Namespace) -> dict[str, Any]:
    """One picture through one network, in a process of its own."""
    loaded = load_fast(arguments.model[0])
    photo = Image.load(arguments.photos)
    if arguments.size == LARGE:
        above = max(0, photo.height - photo.width * 9 // 16) // 2
        photo = Image(photo.pixels[above : photo.height - above])
    photo = Image(_at(photo, arguments.size))
    began = time.process_time()
    painted = through(loaded, photo)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    learned = Path(loaded.config.style or "").stem
    own = next((path for path in pictures([arguments.styles]) if Path(path).stem == learned), None)
    same = None
    if own and arguments.size != LARGE:
        picture = Image(_at(Image.load(own), arguments.size))
        same = structure(through(loaded, picture), picture)
    size = f"{painted.width} x {painted.height}"
    return {"size": size, "cpu_s": spent, "peak_mib": peak, "identity": same}


def own(arguments: argparse.Namespace, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A style learned from one picture, beside the optimiser."""
    style = pairs[0][1]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        words = ["train", "style/fast", "--style", style, "--steps", str(arguments.steps)]
        words += ["--set", f"training.precision={'bf16' if has_bf16('cpu') else 'fp32'}"]
        call = "from genai_core.cli.main import entry; entry()"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", call, *words, "-o", str(folder), "-q"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        minutes = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60
        network = load_fast(str(folder))
        rows = []
        for photo, _ in pairs:
            picture = Image.load(photo)
            painted = through(network, Image(_at(picture, arguments.size)))
            optimised = paint(picture, OptimiseOptions(style=(style,), size=arguments.size))
            mine, other = (measured(arguments, each, photo, style) for each in (painted, optimised))
            rows.append({"photo": Path(photo).stem, "fast": mine, "optimise": other})
    ratios = [row["fast"]["style_residual"] / row["optimise"]["style_residual"] for row in rows]
    trained = f"{minutes:.1f} CPU min, {arguments.steps} steps"
    print(f"\nown style ({Path(style).stem}): {trained}")
    print(f"style residual, network / optimiser: median {statistics.median(ratios):.2f}, {shown(ratios)}")
    return {"style": Path(style).stem, "cpu_min": minutes, "photos": rows}


def measured(arguments: argparse.Namespace, painted: Image, photo: str, style: str) -> dict[str, float]:
    """What `style/metrics` says of a picture."""
    measurement = Measurement(MetricsConfig(size=min(2048, arguments.size)), Context())
    measurement.add(Work("painted", painted, Image.load(photo), ((Image.load(style), 1.0),)))
    report = measurement.report()
    named = {metric.name.partition("[")[0].replace("-", "_"): metric for metric in report}
    values = {name: metric.value for name, metric in named.items()}
    return values | {f"{name}_floor": metric.floor for name, metric in named.items()}


def structure(painted: Image, original: Image) -> float:
    """SSIM of brightness at the size of the result."""
    same, _ = sized(original, max(painted.width, painted.height))
    return ssim(luma(painted.to_float())[..., 0], luma(same)[..., 0])


def load_fast(where: str) -> Any:
    from genai_core.running.models import load_model

    return load_model(where, "cpu").model


def through(model: Any, photo: Image) -> Image:
    with torch.inference_mode():
        return next(model.transform([photo], Context(options=FastOptions())))


def tensor(picture: Image, longer: float) -> torch.Tensor:
    """(1, 3, h, w) in 0..1."""
    return torch.from_numpy(sized(picture, int(longer))[0]).permute(2, 0, 1)[None].contiguous()


def _at(picture: Image, longer: int) -> Any:
    """8-bit pixels at another size."""
    return Image.from_float(sized(picture, longer)[0]).pixels


def spread(paths: tuple[str, ...], count: int) -> list[str]:
    """`count` of the paths at even distances; fewer paths come again."""
    return [paths[place * len(paths) // count] for place in range(count)]


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "size": arguments.size, "pairs": arguments.pairs, "threads": torch.get_num_threads(),
        "cores": os.cpu_count(), "torch": torch.__version__,
    }  # fmt: skip


def shown(values: list[float]) -> str:
    return "each " + " ".join(f"{value:.2f}" for value in values)


if __name__ == "__main__":
    main()
