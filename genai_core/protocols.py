"""What the parts of a plugin promise each other.

A model declares capabilities in its `ModelSpec`; each capability is one small Protocol below, and the
contract suite compares the two. `Model` is a convenience base that saves what `modules()` returns.
Nothing here imports torch: a classical model needs none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

    from genai_core.config import Config
    from genai_core.files.artifacts import Artifact
    from genai_core.results.evaluate import Report

T_co = TypeVar("T_co", covariant=True)
Batch = Mapping[str, "torch.Tensor"]
State = Mapping[str, Any]


def derive_seed(seed: int, *purpose: object) -> int:
    """A 63-bit seed for one purpose, independent of every other purpose.

    blake2b over the seed and the words of the purpose, so ``derive_seed(7, "sample", 3)`` never
    collides in practice with ``derive_seed(7, "order", 3)`` and needs no state to be saved.
    """
    text = "\x1f".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a model, dataset or evaluator is told about the call it serves.

    Attributes:
        seed: Seed of this call; every random number must come from it, through `rng` or `torch_rng`.
        device: torch device string, ``"cpu"`` or ``"cuda:0"``.
        options: The model's validated sampling options, or None where its spec names none.
        progress: ``progress(done)``: called now and then with the number of items finished.
        preview: ``preview(artifact)``: called with what an item looks like while it is worked on, by models
            that have something to show; None where nobody looks.
    """

    seed: int = 0
    device: str = "cpu"
    options: Config | None = None
    progress: Callable[[int], None] = field(default=lambda done: None)
    preview: Callable[[Artifact], None] | None = None

    def rng(self, *purpose: object) -> np.random.Generator:
        """A numpy generator for `purpose`."""
        import numpy as np

        return np.random.default_rng(derive_seed(self.seed, *purpose))

    def torch_rng(self, *purpose: object, device: str | None = None) -> torch.Generator:
        """A torch generator for `purpose`, on the context's device unless told otherwise."""
        import torch

        return torch.Generator(device=device or self.device).manual_seed(derive_seed(self.seed, *purpose))


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What event hooks learn about a run."""

    id: str
    kind: str
    spec_id: str
    path: Path


@runtime_checkable
class Dataset(Protocol[T_co]):
    """Map-style and deterministic: the same index gives the same item, in any process.

    The data set itself is its training split: no item of another split is among its items.
    """

    modality: str

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> T_co: ...

    def split(self, name: str) -> Dataset[T_co]:
        """The part called `name`; `UsageError` names the parts there are."""
        ...

    def fingerprint(self) -> str:
        """Hex sha256 of content and configuration."""
        ...


class Model:
    """Base class: holds a config and saves its torch modules. Classical models override `state`.

    Args:
        config: The validated config of the model's spec.
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def modules(self) -> dict[str, torch.nn.Module]:
        """The networks by name; empty for classical models."""
        return {}

    def state(self) -> dict[str, Any]:
        """A tree of dicts and lists over tensors, numpy arrays and JSON values that rebuilds the model."""
        return {name: module.state_dict() for name, module in self.modules().items()}

    def load_state(self, state: State) -> None:
        """Inverse of `state`."""
        for name, module in self.modules().items():
            module.load_state_dict(state[name])


@runtime_checkable
class Trains(Protocol):
    """Capability ``train``: gradient training by the engine.

    The engine calls ``prepare`` once on the training data, then for every step ``collate`` on the items
    of the batch and, for each optimizer in order, ``loss``. Splitting a batch to fit the memory must not
    change the result, so randomness belongs in ``collate``, which sees the whole batch.
    """

    def prepare(self, data: Dataset[Any], ctx: Context) -> None:
        """Build what depends on the data (vocabulary, networks), from (data, ctx.seed) alone."""
        ...

    def modules(self) -> dict[str, torch.nn.Module]: ...

    def collate(self, items: Sequence[Any], rng: np.random.Generator) -> Batch:
        """Items to named CPU tensors, batch dimension first."""
        ...

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        """Loss of each item, shape (batch,), for the optimizer of that name."""
        ...


@runtime_checkable
class HasOptimizers(Protocol):
    """Optional beside `Trains`: more than one optimizer, stepped in this order (a GAN has two)."""

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        """Optimizers by name; without this method the engine makes one AdamW called ``"main"``."""
        ...


@runtime_checkable
class Fits(Protocol):
    """Capability ``fit``: a classical model learns in one call."""

    def fit(self, data: Dataset[Any], ctx: Context) -> None: ...


@runtime_checkable
class Samples(Protocol):
    """Capability ``sample``."""

    def sample(self, n: int, ctx: Context, given: Any = None) -> Iterator[Artifact]:
        """Yield artifacts with `n` items in all, from (weights, n, ctx.seed, ctx.options, given) alone."""
        ...


@runtime_checkable
class Transforms(Protocol):
    """Capability ``transform``: one artifact out for each artifact in (style transfer)."""

    def transform(self, items: Iterable[Artifact], ctx: Context) -> Iterator[Artifact]: ...


@runtime_checkable
class Predicts(Protocol):
    """Capability ``predict``: what comes after `past` (video frames, a continued score)."""

    def predict(self, past: Artifact, horizon: int, ctx: Context) -> Iterator[Artifact]: ...


@runtime_checkable
class Scores(Protocol):
    """Capability ``score``: one number an item (log-likelihood, anomaly score)."""

    def score(self, items: Sequence[Any], ctx: Context) -> np.ndarray: ...


@runtime_checkable
class Encodes(Protocol):
    """Capability ``encode``: to a latent array of shape (n, d) and back."""

    def encode(self, items: Sequence[Any], ctx: Context) -> np.ndarray: ...
    def decode(self, codes: np.ndarray, ctx: Context) -> Iterator[Artifact]: ...


@runtime_checkable
class Evaluator(Protocol):
    """Measures items, against a reference where its spec says so."""

    def evaluate(self, items: Sequence[Any], reference: Dataset[Any] | None, ctx: Context) -> Report: ...


_CAPABLE = (Trains, Fits, Samples, Transforms, Predicts, Scores, Encodes)
# What has the capability "train" is a `Trains`, and so on.
CAPABILITY_PROTOCOLS: dict[str, type] = {kind.__name__.lower()[:-1]: kind for kind in _CAPABLE}
