"""The autoregressive networks and decoding on their own."""

from __future__ import annotations

import pytest
import torch

from genai_nets.autoregressive import Recurrent
from genai_nets.decoding import choose
from genai_nets.transformer import Transformer

NETS = {
    "gru": lambda: Recurrent(11, width=16, embedding=8),
    "lstm": lambda: Recurrent(11, width=16, embedding=16, cell="lstm", tied=True),
    "transformer": lambda: Transformer(11, layers=2, width=16, heads=2),
}


@pytest.mark.parametrize("name", NETS)
def test_cache_equals_the_full_forward(name):
    torch.manual_seed(0)
    net = NETS[name]().eval()
    tokens = torch.randint(3, 11, (4, 9))
    full, _ = net(tokens)
    start, cache = net(tokens[:, :4])
    middle, cache = net(tokens[:, 4:7], cache)
    last, _ = net(tokens[:, 7:8], cache)
    assert torch.allclose(torch.cat((start, middle, last), 1), full[:, :8], atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_kept_rows_go_on_as_before(name):
    torch.manual_seed(0)
    net = NETS[name]().eval()
    tokens = torch.randint(3, 11, (4, 6))
    _, cache = net(tokens[:, :5])
    rows = torch.tensor([2, 0])
    kept, _ = net(tokens[rows, 5:], net.keep(cache, rows))
    whole, _ = net(tokens[:, 5:], cache)
    assert torch.allclose(kept, whole[rows], atol=1e-6)


def test_bad_widths_are_refused():
    with pytest.raises(ValueError, match="width"):
        Transformer(11, width=10, heads=4)
    with pytest.raises(ValueError, match="tied"):
        Recurrent(11, tied=True)


def test_choose_follows_the_distribution_also_when_drawn_again():
    logits = torch.tensor([0.5, 0.2, 0.2, 0.1]).log().expand(40_000, 4)
    uniform = torch.rand(40_000, generator=torch.Generator().manual_seed(0))
    tokens, rest = choose(logits, uniform)
    assert torch.allclose(tokens.bincount(minlength=4) / 40_000, logits[0].exp(), atol=0.01)
    refused = logits.clone()
    refused[:, 0] = -torch.inf
    again = torch.where(tokens == 0, choose(refused, rest)[0], tokens)
    expected = torch.tensor([0.0, 0.4, 0.4, 0.2])
    assert torch.allclose(again.bincount(minlength=4) / 40_000, expected, atol=0.01)


def test_choose_never_draws_what_is_forbidden():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]]).expand(5, 5)
    uniform = torch.tensor([0.0, 1e-9, 0.5, 0.9999999, 1 - 2**-24])
    assert set(choose(logits, uniform)[0].tolist()) <= {1, 3}


def test_top_k_and_top_p():
    logits = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log().expand(1000, 4)
    uniform = torch.linspace(0, 0.999, 1000)
    assert set(choose(logits, uniform, top_k=2)[0].tolist()) == {0, 1}
    assert set(choose(logits, uniform, top_p=0.65)[0].tolist()) == {0, 1}
    assert set(choose(logits, uniform, top_p=0.35)[0].tolist()) == {0}
    assert set(choose(logits, uniform, temperature=0.05)[0].tolist()) <= {0, 1}
