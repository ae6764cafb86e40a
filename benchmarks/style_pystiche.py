"""The optimiser beside `pystiche` 1.0.1 on 6 photos in 6 styles: the same VGG19, as many evaluations.

pystiche is no longer maintained and does not import beside a current torchvision; it runs in an environment
of its own, after a module of shims (`--shims`) that puts back what it misses:

    python -m venv peer-env
    peer-env/bin/pip install torch safetensors numpy tqdm requests packaging pillow
    peer-env/bin/pip install --no-deps torchvision pystiche==1.0.1
    python benchmarks/style_pystiche.py --photos PHOTOS --styles PAINTINGS --peer-python peer-env/bin/python \
        --shims shims.py [--size 256] [-o pystiche.json]

Both start from the photo, at the same size, with the style as large as the photo. Ours is preset `standard`
in fp32, which does part of its evaluations on reduced copies. pystiche is what its documentation shows:
content loss on relu4_2 with weight 1, Gram losses on relu1_1 to relu5_1 with equal layer weights, its own
L-BFGS (one evaluation a step), its own Caffe preprocessing, and as many evaluations, all at full size. Its
style weight is swept (`--weights`) on `--sweep` pairs, and the best is taken for all: that with the least
mean of the larger of two log ratios to ours, of the Gram residual, which is its own statistic, and of the
content residual.

The two trade style for content at different places, so they are compared at equal content: where ours keeps
less of a photo than pystiche does, it is painted again with 1.5 times the content weight until it does not,
each time in as many evaluations.

The ruler is neither's: the original VGG19 with zero padding, relative errors of the Gram matrix and of mean
and deviation, each averaged over relu1_1 to relu5_1, and of relu4_2. A pair is won where both style residuals
are lower and the content residual is not higher.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - everybody calls it F

STYLE_LAYERS = tuple(f"relu{block}_1" for block in range(1, 6))
CONTENT_LAYER = "relu4_2"
RULER = ("gram", "moments", "content")
LIGHTEST, HEAVIEST = 0.1, 5.0  # content weights of ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", help="folder of photos")
    parser.add_argument("--styles", help="folder of paintings")
    parser.add_argument("-n", type=int, default=6, help="photos, and styles: n * n pairs")
    parser.add_argument("--size", type=int, default=256, help="longer side in pixels")
    parser.add_argument("--peer-python", type=Path, help="interpreter of the environment with pystiche")
    parser.add_argument("--shims", type=Path, help="module to run before pystiche is imported")
    parser.add_argument("--weights", type=float, nargs="+", default=[1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
    parser.add_argument("--sweep", type=int, default=6, help="pairs that the weights are tried on")
    parser.add_argument("-o", "--out", type=Path, help="write the numbers as JSON")
    parser.add_argument("--peer-job", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer_job:
        paint_with_pystiche(arguments.peer_job, arguments.shims)
    else:
        compare(arguments)


def compare(arguments: argparse.Namespace) -> None:
    from genai_style.files import pictures

    photos, styles = (
        [paths[place * len(paths) // arguments.n] for place in range(arguments.n)]
        for paths in (pictures([arguments.photos]), pictures([arguments.styles]))
    )
    # In the order of diagonals, so that the first n pairs hold every photo and every style once.
    n = arguments.n
    pairs = [(photos[i], styles[(i + shift) % n]) for shift in range(n) for i in range(n)]
    ours = [paint_with_genai(arguments.size, *pair) for pair in pairs]
    steps = ours[0]["evaluations"]
    first = range(min(arguments.sweep, len(pairs)))
    swept = {weight: peer(arguments, [ours[i] for i in first], weight, steps) for weight in arguments.weights}
    scores = {weight: distance([ours[i] for i in first], found) for weight, found in swept.items()}
    best = min(scores, key=lambda weight: scores[weight])
    theirs = swept[best] + peer(arguments, ours[len(first) :], best, steps)
    ours = [at_their_content(arguments.size, *each) for each in zip(pairs, ours, theirs, strict=True)]
    show(pairs, ours, theirs, scores, steps)
    if arguments.out:
        rows = [
            {
                "photo": Path(photo).stem,
                "style": Path(style).stem,
                "genai": plain(own),
                "pystiche": plain(other),
            }
            for (photo, style), own, other in zip(pairs, ours, theirs, strict=True)
        ]
        result = {
            "size": arguments.size, "evaluations": steps, "weight": best, "scores": scores,
            "sweep": {weight: [plain(row) for row in found] for weight, found in swept.items()},
            "pairs": rows, "wins": {name: wins(ours, theirs, name) for name in ("all", *RULER)},
        }  # fmt: skip
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def at_their_content(
    size: int, pair: tuple[str, str], own: dict[str, Any], other: dict[str, Any]
) -> dict[str, Any]:
    """Our picture with the least content weight that keeps as much of the photo as theirs."""
    while own["residuals"]["content"] > other["residuals"]["content"] and own["weight"] < HEAVIEST:
        own = paint_with_genai(size, *pair, 1.5 * own["weight"])
    return own


def paint_with_genai(size: int, photo: str, style: str, weight: float = LIGHTEST) -> dict[str, Any]:
    """Our picture, what both start from, and how far it is from both."""
    from genai_media.image import Image
    from genai_style.config import OptimiseOptions
    from genai_style.models.optimise import paint, sized

    picture, painting = Image.load(photo), Image.load(style)
    content = sized(picture, size)[0]
    look = sized(painting, max(content.shape[:2]))[0]
    counted: list[None] = []
    began = time.process_time()
    options = OptimiseOptions(style=(style,), size=size, content_weight=weight, precision="fp32")
    painted = paint(picture, options, callback=lambda step: counted.append(None)).to_float()
    spent = time.process_time() - began
    found = {"content": content, "style": look, "cpu_s": spent, "evaluations": len(counted)}
    found["weight"] = weight
    return found | {"residuals": residuals(painted, content, look)}


def peer(
    arguments: argparse.Namespace, ours: list[dict[str, Any]], weight: float, steps: int
) -> list[dict[str, Any]]:
    """What pystiche makes of the same pairs with one style weight."""
    from safetensors.torch import save_file

    from genai_style.painting.vgg import load_vgg

    if not ours:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        state = {name: tensor.contiguous() for name, tensor in load_vgg().state_dict().items()}
        state["conv1_1.weight"] = state["conv1_1.weight"].flip(1).contiguous()  # it feeds blue first
        save_file(state, folder / "vgg19.safetensors")
        for place, row in enumerate(ours):
            np.savez(folder / f"{place}.npz", content=row["content"], style=row["style"])
        job = {"pairs": len(ours), "weight": weight, "steps": steps, "threads": torch.get_num_threads()}
        (folder / "job.json").write_text(json.dumps(job))
        command = [str(arguments.peer_python), "-W", "ignore", __file__, "--peer-job", str(folder)]
        command += ["--shims", str(arguments.shims)] if arguments.shims else []
        subprocess.run(command, stdout=sys.stderr, check=True)
        times = json.loads((folder / "times.json").read_text())
        pictures = [np.load(folder / f"{place}.npy") for place in range(len(ours))]
    found = []
    for row, picture, spent in zip(ours, pictures, times, strict=True):
        left = residuals(picture, row["content"], row["style"])
        found.append({"cpu_s": spent, "evaluations": steps, "residuals": left})
    name = " ".join(f"{key} {np.mean([row['residuals'][key] for row in found]):.3f}" for key in RULER)
    print(f"pystiche, style weight {weight:g}, {len(ours)} pairs: {name}", file=sys.stderr, flush=True)
    return found


def paint_with_pystiche(folder: Path, shims: Path | None) -> None:
    """Runs in the peer's environment."""
    if shims:
        found = importlib.util.spec_from_file_location("shims", shims)
        assert found
        assert found.loader
        found.loader.exec_module(importlib.util.module_from_spec(found))
    from pystiche import enc, loss, optim
    from safetensors.torch import load_file

    job = json.loads((folder / "job.json").read_text())
    torch.set_num_threads(job["threads"])
    encoder = enc.vgg19_multi_layer_encoder(pretrained=False, framework="caffe")
    encoder.load_state_dict(load_file(folder / "vgg19.safetensors"), strict=False, map_names=False)
    encoder.requires_grad_(requires_grad=False)
    times = []
    for place in range(job["pairs"]):
        pair = np.load(folder / f"{place}.npz")
        content, style = (batch(pair[name]) for name in ("content", "style"))
        began = time.process_time()
        criterion = loss.PerceptualLoss(
            loss.FeatureReconstructionLoss(encoder.extract_encoder(CONTENT_LAYER)),
            loss.MultiLayerEncodingLoss(
                encoder,
                STYLE_LAYERS,
                lambda each, weight: loss.GramLoss(each, score_weight=weight),
                score_weight=job["weight"],
            ),
        )
        criterion.set_content_image(content)
        criterion.set_style_image(style)
        painted = optim.image_optimization(content.clone(), criterion, num_steps=job["steps"], quiet=True)
        times.append(time.process_time() - began)
        np.save(folder / f"{place}.npy", painted[0].permute(1, 2, 0).clamp(0, 1).numpy())
    (folder / "times.json").write_text(json.dumps(times))


def batch(picture: np.ndarray) -> torch.Tensor:
    """(H, W, 3) to (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))


@torch.no_grad()
def residuals(painted: np.ndarray, content: np.ndarray, style: np.ndarray) -> dict[str, float]:
    """Relative errors on the original VGG19, of pictures rounded to 8 bits."""
    seen, shown, look = (features(np.rint(each * 255) / 255) for each in (painted, content, style))

    def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
        return float((found - wanted).square().sum() / wanted.square().sum())

    def gram(x: torch.Tensor) -> torch.Tensor:
        rows = x[0].flatten(1)
        return rows @ rows.T / rows.shape[1]

    def moments(x: torch.Tensor) -> torch.Tensor:
        rows = x[0].flatten(1)
        return torch.cat([rows.mean(1), rows.std(1, correction=0)])

    def over_layers(statistic: Callable[[torch.Tensor], torch.Tensor]) -> float:
        errors = [relative(statistic(seen[name]), statistic(look[name])) for name in STYLE_LAYERS]
        return float(np.mean(errors))

    content_error = relative(seen[CONTENT_LAYER], shown[CONTENT_LAYER])
    return {"gram": over_layers(gram), "moments": over_layers(moments), "content": content_error}


def features(picture: np.ndarray) -> dict[str, torch.Tensor]:
    """Activations of VGG19 as published: zero padding, red, green and blue in 0..1 in."""
    from genai_style.painting.vgg import MEAN, layer_names, load_vgg

    vgg, found = load_vgg(), {}
    x = batch(picture.astype(np.float32)) * 255 - torch.tensor(MEAN).view(1, 3, 1, 1)
    for name in layer_names():
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2)
        layer = vgg.get_submodule(name)
        x = F.relu(F.conv2d(x, layer.weight, layer.bias, padding=1))
        found[name.replace("conv", "relu")] = x
        if name == "conv5_1":
            break
    return found


def distance(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float:
    """How far pystiche is from us at one weight: the mean of the larger of two log ratios."""
    return float(
        np.mean([
            max(math.log(b["residuals"][key] / a["residuals"][key]) for key in ("gram", "content"))
            for a, b in zip(ours, theirs, strict=True)
        ])
    )  # fmt: skip


def wins(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], name: str) -> int:
    """Pairs where our residual is lower, or not higher for the content; ``all``: all three."""
    won = 0
    for own, other in zip(ours, theirs, strict=True):
        a, b = own["residuals"], other["residuals"]
        lower = {key: a[key] < b[key] or (key == "content" and a[key] == b[key]) for key in RULER}
        won += all(lower.values()) if name == "all" else lower[name]
    return won


def show(
    pairs: list[tuple[str, str]],
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]],
    scores: dict[float, float],
    steps: int,
) -> None:
    print("| photo | style | Gram | | moments | | content | | CPU s | |\n" + "|---" * 10 + "|")
    print("| | " + "| genai | pystiche " * 4 + "|")
    for (photo, style), own, other in zip(pairs, ours, theirs, strict=True):
        cells = [Path(photo).stem, Path(style).stem]
        cells += [f"{row['residuals'][key]:.3f}" for key in RULER for row in (own, other)]
        cells += [f"{row['cpu_s']:.1f}" for row in (own, other)]
        print("| " + " | ".join(cells) + " |")
    print(f"\n{steps} evaluations each; log distance of pystiche by style weight: ", end="")
    print(", ".join(f"{weight:g}: {score:.2f}" for weight, score in scores.items()))
    lower = ", ".join(f"{key} {wins(ours, theirs, key)}" for key in RULER)
    print(f"won {wins(ours, theirs, 'all')} of {len(pairs)}; residual lower: {lower}")


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("cpu_s", "evaluations", "residuals", "weight") if key in row}


if __name__ == "__main__":
    main()
