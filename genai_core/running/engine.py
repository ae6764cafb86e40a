"""The training loop: plain torch on one device, readable in one sitting.

A step is a pure function of (state, items of the step, seed of the step). Nothing else is random and
nothing else is remembered, so a run that is killed anywhere and resumed from its last checkpoint ends
with the same bits on CPU. The batch of a step never depends on memory: when memory runs out the
batch is worked through in smaller pieces, and because `loss` returns one number an item, the average is
the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genai_core.errors import GenaiError, Interrupted, PluginError, ResourceError
from genai_core.plugins.registry import registry
from genai_core.protocols import Batch, Dataset, HasOptimizers, derive_seed
from genai_core.running.batches import Order, learning_rate, split_batch
from genai_core.running.device import peak_memory_mb, pick_precision, seed_device
from genai_core.running.stopping import StopRequest

if TYPE_CHECKING:
    from genai_core.running.runs import Run
    from genai_core.running.training import TrainConfig

Progress = Callable[[str, int, int, str], None]
_BAD_STEPS = 3
_COUNTERS = ("step", "micro_batch", "lr_scale", "bad_steps", "best", "validations_since_best")


@dataclass(eq=False)
class Trainer:
    """Trains one model on one device.

    Args:
        model: Has the `Trains` capability and was prepared on the data (or loaded).
        data: Training items.
        config: Options of the loop.
        run: Where checkpoints and metrics go; the caller holds its lock.
        seed: Seed of order, batches and steps.
        device: torch device string.
        valid: Items for validation, or None.
        progress: Called after every step with ``"step"``, how many are done, of how many, and the losses.
    """

    model: Any
    data: Dataset[Any]
    config: TrainConfig
    run: Run
    _: KW_ONLY
    seed: int
    device: str = "cpu"
    valid: Dataset[Any] | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        self.order = Order(len(self.data), self.config.batch, self.seed)
        self.precision = pick_precision(self.config.precision, self.device)
        self.loss = torch.compile(self.model.loss) if self.config.compile else self.model.loss
        self._attach()
        self.step = 0
        self.micro_batch = self.config.micro_batch or self.config.batch
        self.lr_scale = 1.0
        self.bad_steps = 0
        self.best: float | None = None
        self.validations_since_best = 0

    def _attach(self) -> None:
        """Take hold of the model's networks as they are now."""
        self.networks = torch.nn.ModuleDict(self.model.modules()).to(self.device).train()
        self.parameters = dict(self.networks.named_parameters())
        self.optimizers = self._make_optimizers()
        averaged = self.parameters if self.config.ema else {}
        self.average = {key: parameter.detach().clone() for key, parameter in averaged.items()}

    def _make_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        lr, decay = self.config.lr, self.config.weight_decay
        if isinstance(self.model, HasOptimizers):
            optimizers = self.model.optimizers(lr)
        else:
            optimizers = {"main": torch.optim.AdamW(self.networks.parameters(), lr, weight_decay=decay)}
        for optimizer in optimizers.values():
            for group in optimizer.param_groups:
                group["peak_lr"] = group["lr"]
        return optimizers

    # State

    def state(self) -> dict[str, Any]:
        """Everything the next step depends on."""
        return {
            "model": self.model.state(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "average": self.average,
            **{name: getattr(self, name) for name in _COUNTERS},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`."""
        self.model.load_state(state["model"])
        self._attach()  # loading may have built new networks
        for key, value in state["average"].items():
            self.average[key].copy_(value)
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name in _COUNTERS:
            setattr(self, name, state[name])

    def save(self) -> None:
        """Write a checkpoint of the current step."""
        self.run.checkpoints.save(self.step, self.state(), keep=self.config.keep)

    def restore(self) -> bool:
        """Load the newest intact checkpoint; False when there is none."""
        found = self.run.checkpoints.latest()
        if found:
            self.load_state(found[1])
        return found is not None

    # One step

    def train_step(self) -> dict[str, float]:
        """Do one step and return the loss and gradient norm of each optimizer."""
        batch = self._batch(self.data, self.order.indices(self.step), "batch", self.step)
        rate = learning_rate(self.config, self.step) * self.lr_scale
        metrics: dict[str, float] = {}
        finite = True
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * rate
            loss = self._accumulate(name, optimizer, batch)
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            norm = float(torch.nn.utils.clip_grad_norm_(parameters, self.config.clip or math.inf))
            metrics |= {self._label("loss", name): loss, self._label("grad_norm", name): norm}
            if math.isfinite(loss) and math.isfinite(norm):
                optimizer.step()
            else:
                finite = False
        self._update_average()
        self.bad_steps = 0 if finite else self.bad_steps + 1
        self.step += 1
        return metrics | {"lr": self.config.lr * rate}

    def _batch(self, data: Dataset[Any], indices: Iterable[int], *purpose: object) -> Batch:
        """The items at `indices` as tensors on the device; their collation draws from `purpose` alone."""
        rng = np.random.default_rng(derive_seed(self.seed, *purpose))
        batch = self.model.collate([data[index] for index in indices], rng)
        return {name: tensor.to(self.device, non_blocking=True) for name, tensor in batch.items()}

    def _label(self, metric: str, optimizer: str) -> str:
        return metric if len(self.optimizers) == 1 else f"{metric}_{optimizer}"

    def _accumulate(self, name: str, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
        """Gradient of the mean loss of `batch`, in pieces that fit the memory; returns the mean loss."""
        size = len(next(iter(batch.values())))
        while True:
            try:
                optimizer.zero_grad(set_to_none=True)
                total = 0.0
                for number, piece in enumerate(split_batch(batch, self.micro_batch)):
                    seed_device(derive_seed(self.seed, "step", self.step, name, number), self.device)
                    losses = self._losses(piece, name)
                    (losses.sum() / size).backward()  # type: ignore[no-untyped-call]
                    total += float(losses.detach().sum())
                return total / size
            except torch.OutOfMemoryError as error:
                self._shrink(min(size, self.micro_batch), error)

    def _losses(self, batch: Batch, name: str) -> torch.Tensor:
        kind = self.device.partition(":")[0]
        with torch.autocast(kind, self.precision or torch.float32, enabled=self.precision is not None):
            try:
                losses: torch.Tensor = self.loss(batch, name)
            except Exception as error:
                # A compiler that fails must not fail the run: the eager function decides.
                if isinstance(error, torch.OutOfMemoryError) or self.loss is self.model.loss:
                    raise
                self.loss = self.model.loss
                losses = self.loss(batch, name)
        if losses.ndim != 1:
            raise PluginError(
                f"{type(self.model).__name__}.loss returned shape {tuple(losses.shape)}, not (batch,)",
                hint="return one loss an item, not their mean",
            )
        return losses.float()

    def _shrink(self, used: int, error: torch.OutOfMemoryError) -> None:
        if used <= 1:
            raise ResourceError(
                f"out of memory on {self.device} with a single item at a time "
                f"(peak {peak_memory_mb(self.device):.0f} MB)",
                hint="choose a smaller model, or a device with more memory",
            ) from error
        self.micro_batch = (used + 1) // 2
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    # Averaged weights

    @torch.no_grad()
    def _update_average(self) -> None:
        if self.average:
            decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
            for key, parameter in self.parameters.items():
                self.average[key].lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def _swap_average(self) -> None:
        """Exchange the weights and their averages (where `ema` is on)."""
        for key, value in self.average.items():
            held = self.parameters[key].clone()
            self.parameters[key].copy_(value)
            value.copy_(held)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the block the model has its averaged weights."""
        self._swap_average()
        try:
            yield
        finally:
            self._swap_average()

    # Validation

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean loss of each optimizer on the first `validate_items` validation items."""
        if self.valid is None or not len(self.valid):
            return {}
        count = min(self.config.validate_items, len(self.valid))
        totals = dict.fromkeys(self.optimizers, 0.0)
        with self.averaged(), torch.random.fork_rng(devices=[]):
            self.networks.eval()
            for start in range(0, count, self.config.batch):
                indices = range(start, min(count, start + self.config.batch))
                batch = self._batch(self.valid, indices, "validate", start)
                seed_device(derive_seed(self.seed, "validate", start), self.device)
                for piece in split_batch(batch, self.micro_batch):
                    for name in totals:
                        totals[name] += float(self._losses(piece, name).sum())
            self.networks.train()
        return {self._label("valid_loss", name): total / count for name, total in totals.items()}

    def _note_validation(self, metrics: Mapping[str, float]) -> bool:
        """Remember the best weights; True when it is time to stop early."""
        loss = next(iter(metrics.values()), None)
        if loss is None or not self.config.patience:
            return False
        if self.best is None or loss < self.best:
            self.best, self.validations_since_best = loss, 0
            with self.averaged():
                self.run.best.save(self.step, self.model.state(), keep=1)
        else:
            self.validations_since_best += 1
        return self.validations_since_best >= self.config.patience

    # The loop

    def train(self) -> dict[str, float]:
        """Train to the last step and return the final metrics; the model then holds its final weights.

        Raises:
            Interrupted: On SIGINT or SIGTERM, after a checkpoint.
            ResourceError: Out of memory with one item, or out of disk.
            GenaiError: The loss is not finite again and again.
        """
        metrics: dict[str, float] = {}
        began, first, stop_early = time.monotonic(), self.step, False
        every = self.config.validate_every
        with StopRequest() as stop:
            while self.step < self.config.steps and not stop_early:
                metrics = self.train_step()
                if self.bad_steps >= _BAD_STEPS:
                    self._recover()
                    continue
                validate = every and self.step % every == 0
                if validate:
                    checked = self.validate()
                    metrics |= checked
                    stop_early = self._note_validation(checked)
                if validate or self.step % self.config.log_every == 0:
                    self._report(metrics, (self.step - first) / (time.monotonic() - began))
                if self.progress:
                    losses = (f"{key} {metrics[key]:.4g}" for key in metrics if key.startswith("loss"))
                    self.progress("step", self.step, self.config.steps, "  ".join(losses))
                if stop.requested and self.step < self.config.steps:
                    self.save()
                    stopped = f"stopped after step {self.step}; the state is saved"
                    raise Interrupted(stopped, hint=f"genai resume {self.run.path}")
                if self.step % self.config.checkpoint_every == 0 and self.step < self.config.steps:
                    self.save()
        return self._finish(metrics)

    def _report(self, metrics: Mapping[str, float], rate: float) -> None:
        self.run.log(self.step, {**metrics, "steps_per_second": round(rate, 3)})
        registry().notify("genai_metrics", run=self.run.info, step=self.step, metrics=dict(metrics))

    def _recover(self) -> None:
        """After several steps without a finite loss: back to the last checkpoint at half the rate, once."""
        where = f"the loss was not finite for {_BAD_STEPS} steps up to step {self.step}"
        if self.lr_scale < 1 or not self.restore():
            raise GenaiError(where, hint="look at the data of these steps, or set a lower training.lr")
        self.lr_scale, self.bad_steps = self.lr_scale / 2, 0
        self.run.log(self.step, {"lr_scale": self.lr_scale})

    def _finish(self, metrics: dict[str, float]) -> dict[str, float]:
        metrics |= self.validate()
        self.run.log(self.step, metrics)
        best = self.run.best.latest() if self.config.patience else None
        if best is not None:
            self.model.load_state(best[1])
        else:
            self._swap_average()
        torch.nn.ModuleDict(self.model.modules()).eval()  # loading may have built new networks
        return {**metrics, "steps": self.step}
