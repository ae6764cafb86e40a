"""Turn a finished run into the weights a plugin ships: fp16, with a card that says how they came about.

    python tools/ship_weights.py runs/NAME plugins/molecules/src/genai_molecules/weights/rnn \
        --licence Apache-2.0 --hardware "one core of an AMD EPYC server" --quality quality.json

The card's numbers come from the run's manifest and from the JSON that the quality benchmark wrote. Where the
run started from other weights (`genai train --from`), ``--first CARD.md`` says how those were made: the card
of what was shipped before, for example. ``--share`` then goes only a part of the way from those weights to
the run's, which keeps more of what the first were good at (WiSE-FT, Wortsman et al., CVPR 2022).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_core.files.atomic import atomic_write
from genai_core.running.fitting import Request
from genai_core.running.models import CARD, WEIGHTS, load_model, save_model
from genai_core.running.runs import Run


def card(run: Run, request: Request, size: int, digest: str, args: argparse.Namespace) -> str:
    """CARD.md."""
    manifest = run.manifest
    items, steps = manifest["items"], manifest["metrics"]["steps"]
    epochs, fingerprint = steps * request.training.batch / items, manifest["data_fingerprint"]
    lines = [
        f"# {args.name or request.model.id}",
        "",
        "| | |",
        "|---|---|",
        f"| trained on | {request.data.id}, train split, {items:,} items, fingerprint `{fingerprint}` |",
        f"| licence of the weights | {args.licence} |",
        f"| steps | {steps:,} of {request.training.batch} items, {epochs:.2f} epochs |",
        f"| seed | {request.seed} |",
        f"| hardware | {args.hardware} |",
        f"| time | {manifest['seconds'] / 60:.0f} minutes |",
        f"| packages | {', '.join(f'{k} {v}' for k, v in manifest['packages'].items())} |",
        f"| validation loss of the run | {manifest['metrics']['valid_loss']:.4f} |",
        f"| file | {WEIGHTS}, fp16, {size:,} bytes, sha256 `{digest}` |",
        "",
        "Trained with",
        "",
        "```console",
        *(commands(args.first) if args.first else ()),
        f"$ {request.command()}",
        "```",
        "",
    ]
    if args.first:
        origin = manifest["initial_sha256"]
        end = (
            "these"
            if args.share == 1
            else f"others; these are {args.share:g} of the way from the first to them"
        )
        lines += [f"The first command made the weights `{origin}`, the last one {end}.", ""]
    if args.quality:
        lines += quality(json.loads(args.quality.read_text(encoding="utf-8")))
    return "\n".join(lines) + "\n"


def go_back(tuned: Mapping[str, Any], first: Mapping[str, Any], share: float) -> None:
    """Move tuned networks a share of the way back to what they started from."""
    for name, network in tuned.items():
        for parameter, before in zip(network.parameters(), first[name].parameters(), strict=True):
            parameter.data.lerp_(before.data, share)


def commands(card: Path) -> list[str]:
    """The command lines in a card."""
    return [line for line in card.read_text(encoding="utf-8").splitlines() if line.startswith("$ ")]


def quality(document: dict[str, Any]) -> list[str]:
    """The measured metrics as a table."""
    reports = document["reports"]
    names = [metric["name"] for metric in next(iter(reports.values()))["metrics"]]
    lines = [
        f"Measured on {document['n']:,} samples of seed {document['seed']} by `benchmarks/moses_quality.py`:",
        "",
    ]
    lines += ["| metric | " + " | ".join(reports) + " | floor |", "|---" * (len(reports) + 2) + "|"]
    for place, name in enumerate(names):
        found = [report["metrics"][place] for report in reports.values()]
        numbers = [metric["value"] for metric in found] + [found[0]["floor"]]
        cells = ("–" if value is None else f"{value:.4f}" for value in numbers)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Write the folder and print what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", help="id under which they ship; default: that of the model")
    parser.add_argument("--licence", required=True)
    parser.add_argument("--hardware", required=True)
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the way from the weights it started from"
    )
    parser.add_argument("--quality", type=Path, help="JSON of the quality benchmark")
    parser.add_argument("--first", type=Path, help="card of the weights that the run started from")
    args = parser.parse_args()
    run = Run.open(args.run)
    request = Request.parse(run.manifest["request"], where=str(args.run))
    loaded = load_model(args.run)
    if args.share != 1:
        go_back(loaded.model.modules(), load_model(request.initial).model.modules(), 1 - args.share)
    about = {key: loaded.about[key] for key in ("data", "training")} | {"licence": args.licence}
    digest = save_model(args.folder, loaded.model, args.name or request.model.id, about=about, half=True)
    size = (args.folder / WEIGHTS).stat().st_size
    atomic_write(args.folder / CARD, card(run, request, size, digest, args).encode())
    print(f"{args.folder}: {size:,} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
