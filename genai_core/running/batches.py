"""What a step trains on and how fast: item order, learning rate, pieces of a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from genai_core.protocols import Batch, derive_seed

if TYPE_CHECKING:
    from genai_core.running.training import TrainConfig


class Order:
    """Which items make up a step: one endless stream of seeded permutations, cut into batches."""

    def __init__(self, items: int, batch: int, seed: int) -> None:
        self.items, self.batch, self.seed = items, batch, seed
        self._permutation = lru_cache(maxsize=1)(self._permuted)

    def indices(self, step: int) -> list[int]:
        """The item indices of `step`; a batch may reach over the end of an epoch."""
        start, end, n = step * self.batch, (step + 1) * self.batch, self.items
        epochs = range(start // n, (end - 1) // n + 1)
        pieces = (self._permutation(e)[max(0, start - e * n) : end - e * n].tolist() for e in epochs)
        return list(chain.from_iterable(pieces))

    def _permuted(self, epoch: int) -> Any:
        return np.random.default_rng(derive_seed(self.seed, "order", epoch)).permutation(self.items)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Learning rate at `step` (from 0) as a share of the peak: linear warm-up, then the schedule."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.schedule == "constant":
        return 1.0
    done = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    falling = 1 - done if config.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return config.final_lr + (1 - config.final_lr) * falling


def split_batch(batch: Batch, size: int) -> Iterator[Batch]:
    """Cut every tensor of `batch` along its first dimension into pieces of at most `size` items."""
    total = len(next(iter(batch.values())))
    for start in range(0, total, size):
        yield {name: tensor[start : start + size] for name, tensor in batch.items()}
