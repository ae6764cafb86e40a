"""Language models over SMILES: one code path for every autoregressive network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genai_core.protocols import Batch, Context, Dataset, Model, derive_seed
from genai_molecules.config import SamplingConfig, SmilesConfig
from genai_molecules.tokens import BEGIN, END, PAD, SmilesVocabulary
from genai_nets.decoding import generate

if TYPE_CHECKING:
    from genai_molecules.artifacts import Molecules
    from genai_nets.autoregressive import Recurrent

SCORE_BATCH = 256


class SmilesModel(Model):
    """Learns the distribution of molecules written as SMILES; draws and scores molecules."""

    config: SmilesConfig

    def __init__(self, config: SmilesConfig) -> None:
        super().__init__(config)
        self.vocabulary = SmilesVocabulary()
        with torch.random.fork_rng(devices=[]):  # torch draws first weights from its global generator
            self.net = self.build(len(self.vocabulary))

    @abstractmethod
    def build(self, vocabulary: int) -> Recurrent:
        """The network for `vocabulary` tokens."""

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"net": self.net}

    def prepare(self, data: Dataset[Any], ctx: Context) -> None:
        """Draw fresh weights from the seed; the vocabulary is open and needs no data."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(ctx.seed, "weights"))
            self.net = self.build(len(self.vocabulary)).to(ctx.device)

    def collate(self, items: Sequence[str], rng: np.random.Generator) -> Batch:
        """SMILES to ``tokens``: int64 (B, T), from `BEGIN` to `END`, `PAD` on the right."""
        flat = self.vocabulary.flat(items)
        ends = np.flatnonzero(flat == END)
        lengths = np.diff(ends, prepend=-1)
        tokens = np.full((len(items), int(lengths.max(initial=0)) + 1), PAD, dtype=np.int64)
        tokens[:, 0] = BEGIN
        tokens[:, 1:][np.arange(tokens.shape[1] - 1) < lengths[:, None]] = flat
        return {"tokens": torch.from_numpy(tokens)}

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        """Negative log-likelihood of each molecule in nats, shape (B,)."""
        return self.net.nll(batch["tokens"])

    def score(self, items: Sequence[str], ctx: Context) -> np.ndarray:
        """Log-likelihood of each molecule in nats, shape (n,) float64."""
        self.net.to(ctx.device).eval()
        scores = [np.empty(0)]
        with torch.inference_mode():
            for start in range(0, len(items), SCORE_BATCH):
                batch = self.collate(items[start : start + SCORE_BATCH], ctx.rng())
                scores.append(-self.net.nll(batch["tokens"].to(ctx.device)).double().cpu().numpy())
                ctx.progress(min(start + SCORE_BATCH, len(items)))
        return np.concatenate(scores)

    def sample(self, n: int, ctx: Context, given: Any = None) -> Iterator[Molecules]:
        """Draw `n` molecules from left to right; options as in `SamplingConfig`."""
        from genai_molecules.artifacts import Molecules

        options = ctx.options if isinstance(ctx.options, SamplingConfig) else SamplingConfig()
        self.net.to(ctx.device).eval()
        generator = ctx.torch_rng("sample")
        for start in range(0, n, options.batch):
            drawn = generate(
                self.net,
                min(options.batch, n - start),
                begin=BEGIN,
                end=END,
                max_length=options.max_length,
                generator=generator,
                temperature=options.temperature,
                top_k=options.top_k,
                top_p=options.top_p,
            )
            yield Molecules([self.vocabulary.decode(row) for row in drawn.tolist()])
            ctx.progress(start + len(drawn))
