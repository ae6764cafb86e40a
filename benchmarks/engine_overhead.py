"""What the training loop costs beside a bare torch loop on the same model, batches and seeds.

    python benchmarks/engine_overhead.py

Both loops take turns in one process, block by block, on one thread, and CPU time is counted. The model is a
GRU sized so that a bare step takes about 5 ms. The engine does what the bare loop does not: seeds every
step, checks for non-finite numbers, clips, schedules, and splits batches when memory runs out.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from genai_core.config import EmptyConfig
from genai_core.protocols import Context, Model
from genai_core.running.batches import Order
from genai_core.running.engine import Trainer
from genai_core.running.runs import Run
from genai_core.running.training import TrainConfig

BATCH, LENGTH, VOCABULARY, WIDTH = 16, 24, 64, 64
BLOCK, BLOCKS = 40, 15


class Words:
    """Random sequences of tokens, made once."""

    modality = "text"

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.words = list(rng.integers(0, VOCABULARY, (4096, LENGTH)))

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.words[index]

    def split(self, name: str) -> Words:
        return self

    def fingerprint(self) -> str:
        return "0" * 64


class Net(torch.nn.Module):
    """Embedding, two GRU layers, output."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.gru = torch.nn.GRU(WIDTH, WIDTH, 2, batch_first=True)
        self.head = torch.nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(self.embed(tokens))[0])


class Language(Model):
    """Next-token loss."""

    def prepare(self, data: Words, ctx: Context) -> None:
        torch.manual_seed(ctx.seed)
        self.net = Net()

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"net": self.net}

    def collate(self, items: list[np.ndarray], rng: np.random.Generator) -> dict[str, torch.Tensor]:
        return {"tokens": torch.from_numpy(np.stack(items))}

    def loss(self, batch: dict[str, torch.Tensor], optimizer: str) -> torch.Tensor:
        tokens = batch["tokens"]
        logits = self.net(tokens[:, :-1])
        return torch.nn.functional.cross_entropy(logits.mT, tokens[:, 1:], reduction="none").sum(1)


def main() -> None:
    """Print CPU milliseconds a step of both loops and the overhead."""
    torch.set_num_threads(1)
    data, context = Words(), Context(seed=0)
    ours, bare = Language(EmptyConfig()), Language(EmptyConfig())
    for model in (ours, bare):
        model.prepare(data, context)
    optimizer = torch.optim.AdamW(bare.net.parameters(), lr=1e-3, weight_decay=0.0)
    order, rng, position = Order(len(data), BATCH, 0), np.random.default_rng(0), 0

    def bare_block() -> None:
        nonlocal position
        for position in range(position, position + BLOCK):  # noqa: B020  # goes on where the last block ended
            batch = bare.collate([data[i] for i in order.indices(position)], rng)
            optimizer.zero_grad(set_to_none=True)
            loss = bare.loss(batch, "main").mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(bare.net.parameters(), 1.0)
            optimizer.step()
            loss.item()
        position += 1

    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(Path(folder), "train", "bench/language")
        config = TrainConfig(steps=10**6, batch=BATCH, checkpoint_every=10**6, log_every=BLOCK, warmup=0)
        trainer = Trainer(ours, data, config, run, seed=0)

        def our_block() -> None:
            for _ in range(BLOCK):
                metrics = trainer.train_step()
            trainer._report(metrics, 0.0)

        times: dict[str, list[float]] = {"bare": [], "engine": []}
        for block in range(BLOCKS + 2):
            for name, work in (("bare", bare_block), ("engine", our_block))[:: 1 if block % 2 else -1]:
                began = time.process_time()
                work()
                if block >= 2:  # the first blocks warm up
                    times[name].append((time.process_time() - began) / BLOCK * 1e3)
    ratios = [ours / theirs for ours, theirs in zip(times["engine"], times["bare"], strict=True)]
    for name, values in times.items():
        print(f"{name:8} {statistics.median(values):6.2f} ms CPU a step  (min {min(values):.2f})")
    print(f"overhead {100 * (statistics.median(ratios) - 1):+.1f} % (median of {BLOCKS} paired blocks)")


if __name__ == "__main__":
    main()
