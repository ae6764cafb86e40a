import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from genai_core import Model
from genai_good.artifact import Words


class Letters(Model):
    """Predicts each letter from the one before it; index 0 starts and ends a word."""

    net = None

    def prepare(self, data, ctx):
        self.alphabet = sorted({letter for word in data for letter in word})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(ctx.torch_rng("init", device="cpu").initial_seed())
            self.build()

    def build(self):
        size, width = len(self.alphabet) + 1, self.config.width
        self.net = nn.Sequential(nn.Embedding(size, width), nn.Tanh(), nn.Linear(width, size))

    def modules(self):
        return {} if self.net is None else {"net": self.net}

    def collate(self, items, rng):
        ids = {letter: index + 1 for index, letter in enumerate(self.alphabet)}
        longest = max(len(item) for item in items)
        rows = torch.zeros(len(items), longest + 2, dtype=torch.long)
        for row, item in zip(rows, items, strict=True):
            row[1 : len(item) + 1] = torch.tensor([ids.get(letter, 0) for letter in item])
        lengths = torch.tensor([len(item) + 1 for item in items])
        return {"rows": rows, "lengths": lengths}

    def loss(self, batch, optimizer):
        rows, lengths = batch["rows"], batch["lengths"]
        logits = self.net(rows[:, :-1])
        each = F.cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none")
        mask = torch.arange(each.shape[1]) < lengths[:, None]
        return (each * mask).sum(1) / lengths

    @torch.no_grad()
    def sample(self, n, ctx, given=None):
        generator = ctx.torch_rng("sample", device="cpu")
        temperature = ctx.options.temperature
        for index in range(n):
            word, last = "", 0
            while len(word) < 20:
                probabilities = torch.softmax(self.net(torch.tensor([last]))[0] / temperature, 0)
                last = int(torch.multinomial(probabilities, 1, generator=generator))
                if last == 0:
                    break
                word += self.alphabet[last - 1]
            ctx.progress(index + 1)
            yield Words([word])

    @torch.no_grad()
    def score(self, items, ctx):
        batch = self.collate(items, None)
        return -self.loss(batch, "main").numpy().astype(np.float64)

    def state(self):
        return {"alphabet": self.alphabet, "net": self.net.state_dict()}

    def load_state(self, state):
        self.alphabet = state["alphabet"]
        with torch.random.fork_rng(devices=[]):
            self.build()
        self.net.load_state_dict(state["net"])
