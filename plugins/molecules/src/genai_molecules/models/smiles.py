"""Language models over SMILES: one code path for every autoregressive network."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from genai_core.protocols import Batch, Context, Dataset, Model, State, derive_seed
from genai_core.running.device import has_bf16
from genai_molecules.config import SamplingConfig, SmilesConfig
from genai_molecules.models.masking import GrammarMask
from genai_molecules.selfies_tokens import SelfiesVocabulary
from genai_molecules.tokens import BEGIN, END, PAD, SPECIALS, SmilesVocabulary
from genai_nets.decoding import generate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genai_molecules.artifacts import Molecules
    from genai_nets.autoregressive import Recurrent
    from genai_nets.transformer import Transformer

SCORE_BATCH = 256


class SmilesModel(Model):
    """Learns the distribution of molecules written as SMILES; draws and scores molecules."""

    config: SmilesConfig

    def __init__(self, config: SmilesConfig) -> None:
        super().__init__(config)
        self.vocabulary: SmilesVocabulary | SelfiesVocabulary = (
            SmilesVocabulary() if config.representation == "smiles" else SelfiesVocabulary()
        )
        with torch.random.fork_rng(devices=[]):  # `prepare` or `load_state` brings the weights that count
            self.net = self.build(len(self.vocabulary))

    @abstractmethod
    def build(self, vocabulary: int) -> Recurrent | Transformer:
        """The network for `vocabulary` tokens."""

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"net": self.net}

    def state(self) -> dict[str, Any]:
        """The weights; with SELFIES also the symbols."""
        if isinstance(self.vocabulary, SmilesVocabulary):
            return super().state()
        return {**super().state(), "symbols": list(self.vocabulary.tokens[len(SPECIALS) :])}

    def load_state(self, state: State) -> None:
        """Inverse of `state`."""
        if isinstance(self.vocabulary, SelfiesVocabulary):
            self.vocabulary = SelfiesVocabulary(state["symbols"])
            self.net = self.build(len(self.vocabulary))
        super().load_state(state)

    def prepare(self, data: Dataset[Any], ctx: Context) -> None:
        """Draw fresh weights from the seed; with SELFIES also collect the symbols."""
        if isinstance(self.vocabulary, SelfiesVocabulary):
            self.vocabulary = SelfiesVocabulary.of(data[index] for index in range(len(data)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(ctx.seed, "weights"))
            self.net = self.build(len(self.vocabulary)).to(ctx.device)

    def collate(self, items: Sequence[str], rng: np.random.Generator) -> Batch:
        """SMILES to ``tokens``: int64 (B, T), from `BEGIN` to `END`, `PAD` on the right."""
        if self.config.augment:
            items = [_respell(item, rng) if rng.random() < self.config.augment else item for item in items]
        return _batch(self.vocabulary.flat(items))

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        """Negative log-likelihood of each molecule in nats, shape (B,); see also `SmilesConfig.validity`."""
        nll = self.net.nll(batch["tokens"])
        if not self.config.validity or not self.net.training:
            return nll
        return nll + self.config.validity * self._refused(len(nll))

    def _refused(self, count: int) -> torch.Tensor:
        """Draw molecules; 1 for each that the grammar refuses at some token and 0 for others, shape (count,).

        The gradient is that of the probability to write one, by the score function (Williams 1992). All
        tokens up to the refused one share the blame: it is often the likeliest after an earlier mistake.
        """
        device = next(self.net.parameters()).device
        generator = torch.Generator(device).manual_seed(int(torch.randint(1 << 62, ())))
        net = _fastest(self.net, str(device)).eval()
        limit = SamplingConfig().max_length
        drawn = generate(net, count, begin=BEGIN, end=END, max_length=limit, generator=generator)
        self.net.train()
        known = GrammarMask(limit).follow(torch.arange(count), drawn.cpu()).to(device)
        rows = (known <= (drawn != END).sum(1)).nonzero()[:, 0]
        written = drawn[rows].masked_fill(
            torch.arange(drawn.shape[1], device=device) > known[rows, None], PAD
        )
        likelihood = -self.net.nll(torch.nn.functional.pad(written, (1, 0), value=BEGIN))
        return torch.zeros(count, device=device).index_add(0, rows, (likelihood - likelihood.detach()).exp())

    def score(self, items: Sequence[str], ctx: Context) -> np.ndarray:
        """Log-likelihood of each molecule in nats, shape (n,) float64."""
        self.net.to(ctx.device).eval()
        scores = [np.empty(0)]
        with torch.inference_mode():
            for start in range(0, len(items), SCORE_BATCH):
                tokens = _batch(self.vocabulary.flat(items[start : start + SCORE_BATCH]))["tokens"]
                scores.append(-self.net.nll(tokens.to(ctx.device)).double().cpu().numpy())
                ctx.progress(min(start + SCORE_BATCH, len(items)))
        return np.concatenate(scores)

    def sample(self, n: int, ctx: Context, given: Any = None) -> Iterator[Molecules]:
        """Draw `n` molecules from left to right; options as in `SamplingConfig`."""
        from genai_molecules.artifacts import Molecules

        options = ctx.options if isinstance(ctx.options, SamplingConfig) else SamplingConfig()
        self.net.to(ctx.device).eval()
        net = _fastest(self.net, ctx.device) if options.precision == "auto" else self.net
        masked = options.mask and isinstance(self.vocabulary, SmilesVocabulary)  # SELFIES are valid anyhow
        generator = ctx.torch_rng("sample")
        for start in range(0, n, options.batch):
            count = min(options.batch, n - start)
            drawn = generate(
                net,
                count,
                begin=BEGIN,
                end=END,
                max_length=options.max_length,
                generator=generator,
                temperature=options.temperature,
                top_k=options.top_k,
                top_p=options.top_p,
                mask=GrammarMask(options.max_length) if masked else None,
            )
            yield Molecules([self.vocabulary.decode(row) for row in drawn.tolist()])
            ctx.progress(start + count)


def _batch(flat: np.ndarray) -> dict[str, torch.Tensor]:
    """Tokens of texts that each end with `END` as one matrix."""
    lengths = np.diff(np.flatnonzero(flat == END), prepend=-1)
    tokens = np.full((len(lengths), int(lengths.max(initial=0)) + 1), PAD, dtype=np.int64)
    tokens[:, 0] = BEGIN
    tokens[:, 1:][np.arange(tokens.shape[1] - 1) < lengths[:, None]] = flat
    return {"tokens": torch.from_numpy(tokens)}


def _respell(smiles: str, rng: np.random.Generator) -> str:
    """The molecule in a random atom order (Arus-Pous et al. 2019); itself where rdkit cannot read it."""
    from rdkit import Chem

    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        return smiles
    order = rng.permutation(molecule.GetNumAtoms()).tolist()
    return str(Chem.MolToSmiles(Chem.RenumberAtoms(molecule, order), canonical=False))


def _fastest(net: torch.nn.Module, device: str) -> Any:
    """The network in bf16 where the chip multiplies bf16 matrices, itself elsewhere."""
    return copy.deepcopy(net).to(torch.bfloat16) if has_bf16(device) else net
