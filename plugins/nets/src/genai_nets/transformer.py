"""A decoder-only Transformer: pre-norm, rotary positions and a key-value cache.

Vaswani et al. 2017; RMSNorm of Zhang & Sennrich 2019; rotary positions of Su et al. 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genai_nets.autoregressive import Cache, sequence_nll

ROTARY_BASE = 10_000.0


class Transformer(nn.Module):
    """Decoder-only Transformer behind the `Autoregressive` interface.

    The cache holds keys and values of all layers, (B, L, 2, heads, T, width / heads): one tensor, rows first.

    Args:
        vocabulary: Number of tokens, V.
        layers: Blocks, L.
        width: Width of the residual stream, D.
        heads: Attention heads; D / heads is even.
        dropout: Dropout after attention and feed-forward while training.
        tied: Use the embedding as output weights (Press & Wolf 2017).

    Raises:
        ValueError: `width` does not split into `heads` even parts.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        layers: int = 4,
        width: int = 192,
        heads: int = 6,
        dropout: float = 0.0,
        tied: bool = True,
    ) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"width {width} does not split into {heads} heads of even width")
        self.embed = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.RMSNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """See `genai_nets.autoregressive.Autoregressive`."""
        hidden, cache = self._read(tokens, cache)
        return self.head(hidden), cache

    def nll(self, tokens: Tensor) -> Tensor:
        """See `genai_nets.autoregressive.Autoregressive`."""
        hidden, _ = self._read(tokens[:, :-1], None)
        return sequence_nll(self.head, hidden, tokens[:, 1:])

    def keep(self, cache: Cache, rows: Tensor) -> Cache:
        """See `genai_nets.autoregressive.Autoregressive`."""
        return tuple(state.index_select(0, rows) for state in cache)

    def _read(self, tokens: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        past = None if cache is None else cache[0]
        start = 0 if past is None else past.shape[4]
        hidden = self.embed(tokens)  # (B, T, D)
        memory = []
        for layer, block in enumerate(self.blocks):
            hidden, pair = block(hidden, start, None if past is None else past[:, layer])
            memory.append(pair)
        return self.norm(hidden), (torch.stack(memory, 1),)


class _Block(nn.Module):
    """Attention and feed-forward, each behind a norm and added to the stream."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList((nn.RMSNorm(width), nn.RMSNorm(width)))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.feed = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, start: int, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, T, D), past keys and values (B, 2, heads, P, d) -> (B, T, D), keys and values with P + T."""
        count, length, width = hidden.shape
        qkv = self.qkv(self.norms[0](hidden)).view(count, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, d)
        query, key = rotate(query, start), rotate(key, start)
        if past is not None:
            key, value = torch.cat((past[:, 0], key), 2), torch.cat((past[:, 1], value), 2)
        # Row t of this call sees everything up to position start + t.
        seen = None
        if past is not None and length > 1:
            seen = torch.ones(length, start + length, dtype=torch.bool, device=hidden.device).tril(start)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, is_causal=past is None and length > 1
        )
        mixed = mixed.transpose(1, 2).reshape(count, length, width)
        hidden = hidden + self.dropout(self.out(mixed))
        return hidden + self.feed(self.norms[1](hidden)), torch.stack((key, value), 1)


def rotate(states: Tensor, start: int) -> Tensor:
    """Turn each pair of channels of (..., T, d) by an angle that grows with the position, from `start`."""
    length, width = states.shape[-2:]
    rates = ROTARY_BASE ** (-torch.arange(0, width, 2, device=states.device, dtype=torch.float32) / width)
    positions = torch.arange(start, start + length, device=states.device, dtype=torch.float32)
    angles = positions[:, None] * rates  # (T, d / 2)
    cos, sin = angles.cos().to(states.dtype), angles.sin().to(states.dtype)
    left, right = states.chunk(2, -1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), -1)
