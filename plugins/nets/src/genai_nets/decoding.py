"""Drawing sequences from an autoregressive network.

Every sequence has a random stream of its own, so a sample does not depend on when its neighbours end; rows
that have ended are dropped from the batch at once, which more than doubles the speed for molecules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from genai_nets.autoregressive import Autoregressive


class TokenMask(Protocol):
    """Says which tokens may come next, for a batch of growing sequences."""

    def allowed(self) -> Tensor:
        """Boolean (B, V); every row allows at least one token."""
        ...

    def push(self, tokens: Tensor) -> None:
        """Append one token to each sequence: int64 (B,)."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with the sequences `rows` (int64 indices) alone."""
        ...


def choose(
    logits: Tensor, uniform: Tensor, *, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> Tensor:
    """Draw one token a row by inverting the cumulative distribution.

    Args:
        logits: (B, V); ``-inf`` where a token is forbidden.
        uniform: (B,) in [0, 1), the row's random number.
        temperature: Divides the logits; below 1 likelier tokens.
        top_k: Keep the k likeliest tokens; 0 keeps all.
        top_p: Keep the likeliest tokens whose mass reaches p (nucleus sampling, Holtzman et al. 2020).

    Returns:
        int64 (B,).
    """
    logits = logits.float() / temperature
    if 0 < top_k < logits.shape[1]:
        least = logits.topk(top_k, dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    probabilities = logits.softmax(1)
    if top_p < 1.0:
        ordered, order = probabilities.sort(dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        probabilities = probabilities.masked_fill((before >= top_p).gather(1, order.argsort(1)), 0.0)
    total = probabilities.cumsum(1)
    # A token of probability zero spans no interval, so `right=True` never draws it.
    drawn = torch.searchsorted(total, uniform[:, None] * total[:, -1:], right=True)[:, 0]
    last = logits.shape[1] - 1 - (probabilities.flip(1) > 0).int().argmax(1)
    return torch.minimum(drawn, last)


def generate(
    net: Autoregressive,
    count: int,
    *,
    begin: int,
    end: int,
    max_length: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    mask: TokenMask | None = None,
) -> Tensor:
    """Draw `count` sequences side by side.

    Args:
        net: The network, in eval mode.
        count: Number of sequences, B.
        begin: Token every sequence starts from.
        end: Token that ends a sequence.
        max_length: Longest sequence in tokens, without `begin` and `end`.
        generator: Source of all random numbers, on the network's device.
        temperature: See `choose`.
        top_k: See `choose`.
        top_p: See `choose`.
        mask: Restricts the tokens; must end every sequence within `max_length`.

    Returns:
        int64 (B, T), `end` after each sequence's last token; a sequence cut off at `max_length` has no end.
    """
    device = generator.device
    drawn = torch.full((count, max_length + 1), end, dtype=torch.int64, device=device)
    rows = torch.arange(count, device=device)
    tokens = torch.full((count,), begin, dtype=torch.int64, device=device)
    cache = None
    with torch.inference_mode():
        for time in range(max_length + 1):
            uniform = torch.rand(count, generator=generator, device=device)[rows]
            logits, cache = net(tokens[:, None], cache)
            logits = logits[:, 0]
            if mask is not None:
                logits = logits.masked_fill(~mask.allowed(), -torch.inf)
            tokens = choose(logits, uniform, temperature=temperature, top_k=top_k, top_p=top_p)
            drawn[rows, time] = tokens
            alive = (tokens != end).nonzero()[:, 0]
            if len(alive) == 0:
                return drawn[:, : time + 1]
            if mask is not None:
                mask.push(tokens)
            if len(alive) < len(tokens):
                rows, tokens, cache = rows[alive], tokens[alive], net.keep(cache, alive)
                if mask is not None:
                    mask.keep(alive)
    return drawn
