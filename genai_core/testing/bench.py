"""The bench a plugin is tried on: builds, trains and samples each of its specs once, on little data."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.data import SequenceDataset
from genai_core.errors import MissingDependency
from genai_core.plugins.registry import registry
from genai_core.plugins.resolve import unmet
from genai_core.protocols import Context, Fits, Trains
from genai_core.testing.observe import Effects, observed
from genai_core.testing.promises import NotApplicable, expect, expect_ok

if TYPE_CHECKING:
    from genai_core.config import Config
    from genai_core.files.artifacts import Artifact
    from genai_core.plugins.registry import Registry
    from genai_core.plugins.specs import ModelSpec, Spec

SEED = 7
ITEMS = 48
BATCH = 8
STEPS = 24
MANY = 33


@dataclass
class Learned:
    """A model that has seen the little data, and its losses on it before and after."""

    model: Any
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)


class Bench:
    """Everything the checks of one plugin share. Results are kept, so that each model is trained once.

    Args:
        plugin: Name of a loaded plugin.
        configs: See `genai_core.testing.contract_suite`.
        datasets: See there.
        artifacts: See there.
        options: See there.
    """

    def __init__(
        self,
        plugin: str,
        configs: Mapping[str, Mapping[str, Any]] | None = None,
        datasets: Mapping[str, str] | None = None,
        artifacts: Mapping[str, Any] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.plugin = plugin
        self.configs = configs or {}
        self.datasets = datasets or {}
        self.examples = artifacts or {}
        self.options = options or {}
        self.registry: Registry = registry()
        self.effects: dict[str, Effects] = {}
        self.probed: Mapping[str, str] | None = None
        self._kept: dict[object, Any] = {}
        self._temporary = tempfile.TemporaryDirectory(prefix="genai-contract-")

    @property
    def module(self) -> Any:
        """The plugin's module."""
        if self.plugin not in self.registry.plugins:
            raise NotApplicable("the plugin is not loaded")
        return self.registry.plugins[self.plugin].module

    def specs(self, kind: str) -> list[Any]:
        """The specs of `kind` that this plugin offers."""
        return [spec for spec in self.registry.specs(kind) if spec.plugin == self.plugin]

    def folder(self, name: str) -> Path:
        """A new empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._temporary.name))

    @contextmanager
    def watched(self, spec: Spec, doing: str) -> Iterator[None]:
        """Run plugin code of `spec` under observation; what is seen is noted with what was being done."""
        found: Effects = {}
        try:
            with observed(found):
                yield
        finally:
            noted = self.effects.setdefault(spec.id, {})
            for kind, what in found.items():
                noted.setdefault(kind, f"{doing}: {what}")

    def keep(self, key: object, make: Callable[..., Any], *args: Any) -> Any:
        """The result of ``make(*args)``, made once; an error it raises is kept and raised again."""
        if key not in self._kept:
            try:
                self._kept[key] = (make(*args), None)
            except Exception as error:
                self._kept[key] = (None, error)
        value, failure = self._kept[key]
        if failure is not None:
            raise failure
        return value

    # Building

    def load(self, spec: Spec, field: str = "factory") -> Any:
        """What the spec's import string names; a missing optional distribution is no fault of the plugin."""
        try:
            return self.registry.load(spec, field)
        except MissingDependency as error:
            if not unmet(spec.requires):
                raise  # it imports what it does not require
            raise NotApplicable(error.message) from None

    def config(self, spec: Spec, values: Mapping[str, Any] | None = None) -> Config:
        """The small test config of `spec`, or its default."""
        if values is None:
            values = self.configs.get(spec.id, self.configs.get(spec.name, {}))
        parsed: Config = self.registry.config_class(spec).parse(values, where=spec.id)
        return parsed

    def build(self, spec: Spec, config: Config | None = None) -> Any:
        """A new object from the spec's factory."""
        factory = self.load(spec)
        config = config or self.config(spec)
        with self.watched(spec, "building it"):
            return expect_ok(f"{spec.factory}({type(config).__name__})", factory, config)

    # Data

    def data(self, spec: Any) -> Any:
        """The built data set of a spec."""
        if not self.at_hand(spec):
            raise NotApplicable(f"{spec.origin} data that is not here; give configs or fetch it")
        return self.keep(("data", spec.id), self.build, spec)

    def at_hand(self, spec: Any) -> bool:
        """Whether the data can be built here: not when it is still to be fetched or the user's own."""
        if spec.origin == "user":
            return spec.name in self.configs or spec.id in self.configs
        if spec.files:
            from genai_core.files.sources import is_cached

            return all(is_cached(file) for file in spec.files)
        return True

    def data_for(self, spec: Any) -> Any:
        """The spec of the data set that a model or evaluator is tried on."""
        wanted = self.datasets.get(spec.id, self.datasets.get(spec.name))
        if wanted is not None:
            return self.registry.find("dataset", wanted)
        own = [
            found
            for found in self.specs("dataset")
            if found.modality == spec.modality and self.at_hand(found)
        ]
        if not own:
            raise NotApplicable(
                f"no data set of modality {spec.modality!r} is at hand; give datasets={{...}}"
            )
        return own[0]

    def items(self, spec: Any, split: str = "train", count: int = ITEMS) -> list[Any]:
        """The first items of a split of the data that `spec` is tried on; of all, where it has no splits."""
        source = self.data_for(spec)
        data = self.data(source)
        part = data.split(split) if split in source.splits else data
        return [part[index] for index in range(min(count, len(part)))]

    def little(self, spec: Any) -> SequenceDataset[Any]:
        """The little training set for a model."""
        return SequenceDataset({"train": self.items(spec)}, modality=spec.modality)

    # Models

    def context(self, spec: Any = None, seed: int = SEED, device: str = "cpu") -> Context:
        """A context with the sampling options that `spec` is tried with."""
        options = None
        if spec is not None and getattr(spec, "options", None):
            kind = self.registry.config_class(spec, "options")
            options = kind.parse(self.sampling(spec), where=spec.id)
        return Context(seed=seed, device=device, options=options)

    def sampling(self, spec: ModelSpec) -> Mapping[str, Any]:
        """The sampling options that a model is tried with; empty for its defaults."""
        return self.options.get(spec.id, self.options.get(spec.name, {}))

    def prepared(self, spec: ModelSpec, seed: int = SEED, device: str = "cpu") -> Any:
        """A new model whose networks stand but have learned nothing."""
        model = self.build(spec)
        data, ctx = self.little(spec), self.context(spec, seed, device)
        with self.watched(spec, "prepare"):
            expect_ok("prepare(data, ctx)", model.prepare, data, ctx)
        return model

    def learned(self, spec: ModelSpec) -> Learned:
        """The model after a few steps (or its fit, or with its shipped weights); made once."""
        return self.keep(("learned", spec.id), self._learn, spec)  # type: ignore[no-any-return]

    def model(self, spec: ModelSpec) -> Any:
        """The model of `learned`."""
        return self.learned(spec).model

    def _learn(self, spec: ModelSpec) -> Learned:
        if "train" in spec.capabilities:
            model = self.prepared(spec)
            expect(isinstance(model, Trains), "it declares train but lacks prepare, modules, collate or loss")
            before = self.losses(spec, model)
            self.trainer(spec, model, STEPS).train()
            return Learned(model, before, self.losses(spec, model))
        model = self.build(spec)
        if "fit" in spec.capabilities:
            expect(isinstance(model, Fits), "it declares fit but lacks it")
            data, ctx = self.little(spec), self.context(spec)
            with self.watched(spec, "fit"):
                expect_ok("fit(data, ctx)", model.fit, data, ctx)
        elif spec.weights:
            from genai_core.running.models import load_model

            model = expect_ok("loading the shipped weights", load_model, spec.id).model
        return Learned(model)

    def trainer(self, spec: ModelSpec, model: Any, steps: int) -> Any:
        """The engine around `model`, with a run directory of its own."""
        from genai_core.running.engine import Trainer
        from genai_core.running.runs import Run
        from genai_core.running.training import TrainConfig

        options = TrainConfig(
            steps=steps, batch=BATCH, lr=3e-3, schedule="constant", warmup=0, precision="fp32",
            checkpoint_every=10_000, log_every=10_000,
        )  # fmt: skip
        run = Run.create(self.folder("run"), "train", spec.id)
        return expect_ok("the engine", Trainer, model, self.little(spec), options, run, seed=SEED)

    def batch(self, spec: ModelSpec, model: Any, items: Sequence[Any] | None = None, seed: int = SEED) -> Any:
        """A collated batch of the little data."""
        import numpy as np

        items = self.items(spec, count=BATCH) if items is None else items
        return expect_ok("collate(items, rng)", model.collate, items, np.random.default_rng(seed))

    def optimizers(self, model: Any) -> list[str]:
        """The names of the optimizers of a model."""
        from genai_core.protocols import HasOptimizers

        return list(model.optimizers(1e-3)) if isinstance(model, HasOptimizers) else ["main"]

    def losses(self, spec: ModelSpec, model: Any) -> dict[str, float]:
        """Mean loss on all little data, by optimizer."""
        import torch

        batch = self.batch(spec, model, self.items(spec))
        means = {}
        for name in self.optimizers(model):
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(SEED)
                means[name] = float(expect_ok(f"loss(batch, {name!r})", model.loss, batch, name).mean())
        return means

    # Samples

    def sample(self, spec: ModelSpec, n: int, seed: int = SEED, model: Any = None) -> list[Artifact]:
        """Artifacts with `n` items in all, as the sampler asks for them."""
        import torch

        model = self.model(spec) if model is None else model
        ctx = self.context(spec, seed)
        for module in model.modules().values():
            module.eval()

        def draw() -> list[Artifact]:
            # A sampler that never ends must not hang the suite.
            return list(islice(model.sample(n, ctx), n + 1000))

        with self.watched(spec, "sample"), torch.inference_mode():
            found: list[Artifact] = expect_ok(f"sample({n})", draw)
        return found

    def drawn(self, spec: ModelSpec, seed: int = SEED) -> list[Artifact]:
        """A sample of `MANY` items, drawn once for each seed."""
        return self.keep(("drawn", spec.id, seed), self.sample, spec, MANY, seed)  # type: ignore[no-any-return]
