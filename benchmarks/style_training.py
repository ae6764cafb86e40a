"""How fast a network learns a style: SOAP, which `style/fast` learns by, beside AdamW.

    python benchmarks/style_training.py --style painting.jpg [--steps 150] [-o training.json]

Both start from the same weights and see the same batches of `style/sample`, in bf16 where the chip has it.
SOAP takes `--steps`, AdamW as many and twice as many, each with the schedule that suits so many. Learning
rates are the default of `style/fast` and, for AdamW, the best of those tried by hand (0.003; 0.006 is worse).
The loss is the mean of the last 25 steps.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import genai_core as genai
from genai_core.protocols import Context
from genai_core.running.batches import learning_rate
from genai_core.running.device import has_bf16
from genai_core.running.training import TrainConfig
from genai_style.painting.soap import SOAP
from genai_style.plugin import FAST

KINDS: dict[str, tuple[Any, float]] = {
    "SOAP": (SOAP, FAST.training["lr"]),
    "AdamW": (torch.optim.AdamW, 0.003),
}
LAST = 25  # steps whose loss counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--style", required=True, help="painting to learn")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("-o", "--out", type=Path, help="write the numbers as JSON")
    arguments = parser.parse_args()
    rows = []
    print("| optimizer | steps | loss | CPU s |\n|---|---|---|---|")
    for name, steps in (("SOAP", 1), ("AdamW", 1), ("AdamW", 2)):
        rows.append(learned(arguments.style, name, steps * arguments.steps))
        print("| {optimizer} | {steps} | {loss:.4f} | {cpu_s:.0f} |".format_map(rows[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n")


def learned(style: str, name: str, steps: int) -> dict[str, Any]:
    """The loss after so many steps, and what they cost."""
    kind, lr = KINDS[name]
    config = TrainConfig(**{**FAST.training, "lr": lr, "steps": steps})
    photos = genai.dataset("style/sample").split("train")
    model = genai.model("style/fast", style=style)
    model.prepare(photos, Context(seed=0))
    optimizer = kind(model.net.parameters(), lr=lr)
    generator = np.random.default_rng(0)
    losses, began = [], time.process_time()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * learning_rate(config, step)
        items = [photos[i] for i in generator.choice(len(photos), config.batch, replace=False)]
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16("cpu")):
            loss = model.loss(model.collate(items, generator), "main").mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.net.parameters(), config.clip or torch.inf)
        optimizer.step()
        losses.append(float(loss.detach()))
    spent = time.process_time() - began
    return {"optimizer": name, "steps": steps, "loss": float(np.mean(losses[-LAST:])), "cpu_s": spent}


if __name__ == "__main__":
    main()
