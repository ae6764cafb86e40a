"""Autoregressive networks over tokens: recurrent and Transformer, behind one small interface.

``logits, cache = net(tokens, cache)`` reads tokens of shape (B, T) and says at each position what comes next,
shape (B, T, V). Without a cache it starts afresh; with the cache of the call before it goes on from there, so
training is one call and sampling a call a token. ``keep(cache, rows)`` drops sequences that have ended.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from torch import Tensor, nn

PAD = 0
Cache: TypeAlias = tuple[Tensor, ...]


class Autoregressive(Protocol):
    """What a network offers to train on and to sample from."""

    def __call__(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Logits of what follows each token: (B, T) -> (B, T, V), and the cache to go on from."""
        ...

    def keep(self, cache: Cache, rows: Tensor) -> Cache:
        """The cache of the sequences `rows` (int64 indices) alone."""
        ...

    def nll(self, tokens: Tensor) -> Tensor:
        """Negative log-likelihood of whole sequences in nats: (B, T + 1) -> (B,).

        The first token of each row is given, not scored; PAD (0) fills rows up on the right.
        """
        ...


def sequence_nll(head: nn.Module, hidden: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of whole sequences; the head reads only the positions that are no padding.

    Args:
        head: From H to V.
        hidden: (B, T, H).
        targets: (B, T) int64, PAD on the right.

    Returns:
        (B,) float32, nats.
    """
    real = targets != PAD
    logits = head(hidden[real]).float()  # (N, V)
    nll = nn.functional.cross_entropy(logits, targets[real], reduction="none")
    rows = real.nonzero()[:, 0]
    return nll.new_zeros(len(targets)).index_add(0, rows, nll)


class Recurrent(nn.Module):
    """Stacked GRU or LSTM.

    Args:
        vocabulary: Number of tokens, V.
        cell: ``"gru"`` (Cho et al. 2014) or ``"lstm"`` (Hochreiter & Schmidhuber 1997).
        layers: Stacked layers, L.
        width: Units a layer, H.
        embedding: Width of a token's embedding, E.
        dropout: Dropout between layers while training.
        tied: Use the embedding as output weights (Press & Wolf 2017); E must equal H.

    Raises:
        ValueError: `tied` with different widths.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        layers: int = 2,
        width: int = 256,
        embedding: int = 64,
        dropout: float = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__()
        if tied and embedding != width:
            raise ValueError(f"tied weights need embedding = width, not {embedding} and {width}")
        self.embed = nn.Embedding(vocabulary, embedding)
        kind = nn.GRU if cell == "gru" else nn.LSTM
        between = dropout if layers > 1 else 0.0
        self.cells: nn.GRU | nn.LSTM = kind(embedding, width, layers, batch_first=True, dropout=between)
        self.head = nn.Linear(width, vocabulary)
        if tied:
            self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """See `Autoregressive`; the cache holds one (L, B, H) tensor for a GRU and two for an LSTM."""
        hidden, cache = self._read(tokens, cache)  # (B, T, H)
        return self.head(hidden), cache

    def _read(self, tokens: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        state = None if cache is None else cache[0] if len(cache) == 1 else cache
        hidden, state = self.cells(self.embed(tokens), state)
        return hidden, state if isinstance(state, tuple) else (state,)

    def nll(self, tokens: Tensor) -> Tensor:
        """See `Autoregressive`."""
        hidden, _ = self._read(tokens[:, :-1], None)
        return sequence_nll(self.head, hidden, tokens[:, 1:])

    def keep(self, cache: Cache, rows: Tensor) -> Cache:
        """See `Autoregressive`."""
        return tuple(state.index_select(1, rows) for state in cache)
