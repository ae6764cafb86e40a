"""Small models and data for the tests of the engine, registered as plugin "toys"."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field

from genai_core import Config, Context, Model, Text, hookimpl
from genai_core.plugins.specs import DatasetSpec, ModelSpec
from genai_core.protocols import Batch, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GENAI_API = 1
LETTERS = "abcdefgh"


@hookimpl
def genai_models():
    here = __name__
    yield ModelSpec(
        name="rnn",
        summary="A tiny GRU over letters",
        modality="text",
        family="autoregressive",
        licence="MIT",
        capabilities=frozenset({"train", "sample"}),
        factory=f"{here}:ToyRNN",
        config=f"{here}:ToyConfig",
        options=f"{here}:ToyOptions",
    )
    yield ModelSpec(
        name="gan",
        data="toys/words",
        training={"batch": 16, "lr": 0.01},
        summary="Two optimizers on points",
        modality="text",
        family="gan",
        licence="MIT",
        capabilities=frozenset({"train"}),
        factory=f"{here}:ToyGAN",
        config=f"{here}:ToyConfig",
    )


@hookimpl
def genai_datasets():
    yield DatasetSpec(
        name="words",
        summary="Seeded words",
        modality="text",
        licence="MIT",
        origin="synthetic",
        factory=f"{__name__}:Words",
        config=f"{__name__}:WordsConfig",
    )


class ToyConfig(Config):
    width: int = Field(default=8, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)


class ToyOptions(Config):
    length: int = Field(default=6, ge=1)


class WordsConfig(Config):
    items: int = Field(default=200, ge=0)


class Words(Dataset):
    modality = "text"

    def __init__(self, config: WordsConfig, part: str = "train") -> None:
        self.config, self.part = config, part
        rng = np.random.default_rng(len(part))
        self.words = ["".join(rng.choice(list(LETTERS), size=6)) for _ in range(config.items)]

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> str:
        return self.words[index]

    def split(self, name: str) -> Words:
        return Words(self.config, name)

    def fingerprint(self) -> str:
        import hashlib

        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()


class ToyRNN(Model):
    def prepare(self, data: Dataset[str], ctx: Context) -> None:
        torch.manual_seed(ctx.seed)
        self._build()

    def _build(self) -> None:
        width = self.config.width
        self.net = torch.nn.ModuleDict(
            {
                "embed": torch.nn.Embedding(len(LETTERS) + 1, width),
                "gru": torch.nn.GRU(width, width, batch_first=True),
                "drop": torch.nn.Dropout(self.config.dropout),
                "head": torch.nn.Linear(width, len(LETTERS)),
            }
        )

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"net": self.net}

    def load_state(self, state: Any) -> None:
        if not hasattr(self, "net"):
            self._build()
        super().load_state(state)

    def collate(self, items: Sequence[str], rng: np.random.Generator) -> Batch:
        return {"letters": torch.tensor([[LETTERS.index(c) for c in word] for word in items])}

    def logits(self, letters: torch.Tensor) -> torch.Tensor:
        start = torch.full_like(letters[:, :1], len(LETTERS))
        hidden, _ = self.net["gru"](self.net["embed"](torch.cat([start, letters[:, :-1]], 1)))
        return self.net["head"](self.net["drop"](hidden))

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        logits = self.logits(batch["letters"])
        return torch.nn.functional.cross_entropy(logits.mT, batch["letters"], reduction="none").sum(1)

    def sample(self, n: int, ctx: Context, given: Any = None) -> Iterator[Text]:
        rng = ctx.torch_rng("letters")
        letters = torch.zeros(n, ctx.options.length, dtype=torch.long)
        for t in range(ctx.options.length):
            p = self.logits(letters)[:, t].softmax(-1)
            letters[:, t] = torch.multinomial(p, 1, generator=rng)[:, 0]
        yield Text(["".join(LETTERS[i] for i in row) for row in letters.tolist()])


class ToyGAN(Model):
    """Points on a circle; the discriminator and the generator have an optimizer each."""

    def prepare(self, data: Dataset[str], ctx: Context) -> None:
        torch.manual_seed(ctx.seed)
        self._build()

    def _build(self) -> None:
        def mlp(i: int, o: int) -> torch.nn.Module:
            return torch.nn.Sequential(
                torch.nn.Linear(i, 16),
                torch.nn.Tanh(),
                torch.nn.Dropout(self.config.dropout),
                torch.nn.Linear(16, o),
            )

        self.g, self.d = mlp(2, 2), mlp(2, 1)

    def modules(self) -> dict[str, torch.nn.Module]:
        return {"generator": self.g, "discriminator": self.d}

    def load_state(self, state: Any) -> None:
        if not hasattr(self, "g"):
            self._build()
        super().load_state(state)

    def optimizers(self, lr: float) -> dict[str, torch.optim.Optimizer]:
        return {
            "discriminator": torch.optim.AdamW(self.d.parameters(), lr=lr),
            "generator": torch.optim.Adam(self.g.parameters(), lr=lr / 2, betas=(0.5, 0.9)),
        }

    def collate(self, items: Sequence[str], rng: np.random.Generator) -> Batch:
        angle = np.array([sum(map(ord, word)) for word in items], dtype=np.float32)
        real = np.stack([np.cos(angle), np.sin(angle)], 1)
        noise = rng.standard_normal((len(items), 2), dtype=np.float32)
        return {"real": torch.from_numpy(real), "noise": torch.from_numpy(noise)}

    def loss(self, batch: Batch, optimizer: str) -> torch.Tensor:
        softplus = torch.nn.functional.softplus
        if optimizer == "generator":
            return softplus(-self.d(self.g(batch["noise"])))[:, 0]
        fake = self.g(batch["noise"]).detach()
        return (softplus(-self.d(batch["real"])) + softplus(self.d(fake)))[:, 0]


def register_toys() -> None:
    from genai_core.plugins.registry import registry

    if "toys" not in {spec.plugin for spec in registry().specs("model")}:
        from genai_core import register

        register(sys.modules[__name__], name="toys")
