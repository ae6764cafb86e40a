import torch
from torch import nn

from genai_core import Model
from genai_good.artifact import Words


class Pair(Model):
    """A maker and a judge of word lengths, each with an optimizer of its own."""

    def __init__(self, config):
        super().__init__(config)
        with torch.random.fork_rng(devices=[]):
            self.maker, self.judge = nn.Linear(1, 1), nn.Linear(1, 1)

    def prepare(self, data, ctx):
        generator = ctx.torch_rng("init", device="cpu")
        with torch.no_grad():
            for module in (self.maker, self.judge):
                for parameter in module.parameters():
                    parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def modules(self):
        return {"maker": self.maker, "judge": self.judge}

    def optimizers(self, lr):
        return {
            "judge": torch.optim.Adam(self.judge.parameters(), lr=lr),
            "maker": torch.optim.Adam(self.maker.parameters(), lr=lr),
        }

    def collate(self, items, rng):
        lengths = torch.tensor([[float(len(item))] for item in items])
        noise = torch.from_numpy(rng.standard_normal((len(items), 1))).float()
        return {"lengths": lengths, "noise": noise}

    def loss(self, batch, optimizer):
        made = self.maker(batch["noise"])
        if optimizer == "judge":
            return (self.judge(made.detach()) - self.judge(batch["lengths"])).sigmoid()[:, 0]
        return (-self.judge(made)).sigmoid()[:, 0]

    def encode(self, items, ctx):
        lengths = torch.tensor([[float(len(item))] for item in items])
        return self.judge(lengths).detach().numpy()

    def decode(self, codes, ctx):
        for code in codes:
            yield Words(["a" * (1 + abs(round(float(code[0]))) % 9)])
