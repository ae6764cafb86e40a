"""Which distribution draws under a mask follow."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from genai_nets.decoding import generate

BEGIN, END, A, B, C = range(5)
LIMIT = 4
LOGITS = torch.tensor([-torch.inf, 0.3, 1.0, 0.5, -0.4])


class Constant:
    """A network whose next token does not depend on those before."""

    def __call__(self, tokens, cache=None):
        return LOGITS.expand(*tokens.shape, 5).clone(), ()

    def keep(self, cache, rows):
        return cache


def accepts(before, token):
    """No end after A, no two equal tokens in a row, and an end within the limit."""
    if token == END:
        return bool(before) and before[-1] != A
    if len(before) == LIMIT - 1 and token == A:
        return False  # could not end any more
    return token > END and len(before) < LIMIT and token not in before[-1:]


class Rules:
    """`accepts` as a mask that rules nothing out before the draw."""

    def __init__(self, count, eager=False):
        self.written = [[] for _ in range(count)]
        self.eager = eager

    def follow(self, rows, drawn):
        counts = []
        for row, tokens in zip(rows.tolist(), drawn.tolist(), strict=True):
            self.written[row] = []
            counts.append(0)
            for token in tokens:
                if not self._push(row, token):
                    break
                counts[-1] += 1
                if token == END:
                    break
        return torch.tensor(counts)

    def allowed(self, rows):
        if not self.eager:
            return torch.ones(len(rows), 5, dtype=torch.bool)
        return torch.tensor([[accepts(self.written[row], t) for t in range(5)] for row in rows.tolist()])

    def push(self, rows, tokens):
        pairs = zip(rows.tolist(), tokens.tolist(), strict=True)
        return torch.tensor([self._push(row, token) for row, token in pairs])

    def sure(self, row):
        return next(token for token in range(5) if accepts(self.written[row], token))

    def _push(self, row, token):
        accepted = accepts(self.written[row], token)
        self.written[row] += [token] * accepted
        return accepted


def stepwise(weights, before=(), probability=1.0):
    """The probability of each sequence when the mask restricts every single draw."""
    allowed = [token for token in range(5) if accepts(list(before), token) and weights[token] > 0]
    total = sum(weights[token] for token in allowed)
    found = {}
    for token in allowed:
        part = probability * weights[token] / total
        if token == END:
            found[before] = part
        else:
            found |= stepwise(weights, (*before, token), part)
    return found


def free(weights, sequence):
    """The probability of an accepted sequence when nothing is restricted but an end at once."""
    probability = sum(weights) / (sum(weights) - weights[END])
    for token in (*sequence, END):
        probability *= weights[token] / sum(weights)
    return probability


def expectation(weights, redraws):
    """Drawn freely and accepted in the first round or after a redraw; else mended in the last round."""
    restricted = stepwise(weights)
    plain = {sequence: free(weights, sequence) for sequence in restricted}
    refused = 1 - sum(plain.values())
    again = sum(refused**k for k in range(redraws))
    return {key: plain[key] * again + refused**redraws * restricted[key] for key in restricted}


def draw(count, **options):
    generator = torch.Generator().manual_seed(0)
    drawn = generate(
        Constant(), count, begin=BEGIN, end=END, max_length=LIMIT, generator=generator, **options
    )
    return drawn.tolist()


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("redraws", [0, 1, 2])
def test_accepted_draws_are_the_networks_own_and_mended_ones_are_restricted(redraws, eager):
    count = 40_000
    drawn = draw(count, mask=Rules(count, eager), redraws=redraws)
    seen = Counter(tuple(token for token in row if token != END) for row in drawn)
    expected = expectation(LOGITS.exp().tolist(), redraws)
    assert sum(expected.values()) == pytest.approx(1)
    assert set(seen) <= set(expected)
    chi_square = sum((seen[key] - count * p) ** 2 / (count * p) for key, p in expected.items())
    freedom = len(expected) - 1
    assert chi_square < freedom + 4 * (2 * freedom) ** 0.5


def test_the_likeliest_allowed_tokens_are_kept():
    assert draw(8, top_k=1, mask=Rules(8, eager=True)) == [[A, B, A, B, END]] * 8
