"""The grammar as a token mask over a batch of growing molecules."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import torch

from genai_molecules import grammar as g
from genai_molecules.limited import LimitedWalk
from genai_molecules.tokens import END, TOKENS
from genai_molecules.valence import ATOMS, Bracket, spell

_CACHED_ROWS = 4096
_NO_BRACKET = Bracket()
_CHAIN = (g.ATOM, g.BRANCHED)


class State(NamedTuple):
    """All that decides which tokens syntax and valence allow next."""

    phase: int
    rings: tuple[int, ...] = ()
    bracket: Bracket = _NO_BRACKET
    order: int = 0
    free: int = 0
    aromatic: bool = False
    exo: bool = False
    branch: bool = False
    ends: bool = False


class GrammarMask:
    """Allows only tokens that can lead to a valid molecule (a `genai_nets.decoding.TokenMask`).

    `allowed` looks up what follows from valence and syntax in a table; what needs the whole molecule (can
    its rings still close, is there a Kekule structure) is checked for the drawn tokens alone.

    Args:
        limit: Longest molecule in tokens.
    """

    _rows: dict[tuple[Any, ...], int] = {}  # noqa: RUF012 - shared by all masks: what a state allows never changes
    _table = np.zeros((64, len(TOKENS)), dtype=bool)

    def __init__(self, limit: int) -> None:
        self.walks: defaultdict[int, LimitedWalk] = defaultdict(lambda: LimitedWalk(limit))  # unfinished

    def follow(self, rows: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Begin `rows` anew with molecules, int64 (b, T); int64 (b,): tokens before the first refused."""
        accepted = []
        for row, tokens in zip(rows.tolist(), drawn.tolist(), strict=True):
            self.walks.pop(row, None)
            length = tokens.index(END) + 1 if END in tokens else len(tokens)
            accepted.append(self.walks[row].follow(tokens[:length]))
            if self.walks[row].walk.phase == g.ENDED:
                del self.walks[row]
        return torch.tensor(accepted)

    def allowed(self, rows: torch.Tensor) -> torch.Tensor:
        """Boolean (b, V) on the CPU: tokens that syntax and valence allow."""
        cls = type(self)
        if len(cls._rows) > _CACHED_ROWS:
            cls._rows = {}
        walks = [self.walks[row] for row in rows.tolist()]
        numbers = [self._row(_state(walk.walk)) for walk in walks]  # may enlarge the table
        allowed = torch.from_numpy(cls._table[numbers])
        for row, walk in zip(allowed, walks, strict=True):
            if walk.script:
                row[walk.script[0]] = True
        return allowed

    def push(self, rows: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Append one token to each of `rows`; boolean (b,): False where it was refused, nothing changed."""
        pairs = zip(rows.tolist(), tokens.tolist(), strict=True)
        return torch.tensor([self.walks[row].push(token) for row, token in pairs], dtype=torch.bool)

    def sure(self, row: int) -> int:
        """A token that `push` accepts."""
        return self.walks[row].sure()

    @classmethod
    def _row(cls, state: tuple[Any, ...]) -> int:
        number = cls._rows.get(state)
        if number is None:
            number = cls._rows[state] = len(cls._rows)
            if number >= len(cls._table):
                cls._table = np.concatenate([cls._table, np.zeros_like(cls._table)])
            cls._table[number] = _allowed(State(*state))
        return number


def _state(walk: g.Walk) -> tuple[Any, ...]:
    """The fields of `State`, as a plain tuple because it is made for every token."""
    phase, rings = walk.phase, tuple(walk.rings)
    if phase == g.BRACKET:
        return phase, rings, walk.bracket
    if phase in (g.START, g.MUST_RING):
        return phase, rings
    atom = walk.cur
    kind = walk.kinds[atom]
    exo = kind.mend == "exo" and walk.kekule.needs[atom]
    free = min(walk.free[atom] + walk.prepaid, 3)
    ends = not (walk.stack or rings or walk.loose)
    return phase, rings, _NO_BRACKET, walk.order, free, kind.aromatic, exo, bool(walk.stack), ends


def _allowed(state: State) -> np.ndarray:  # noqa: PLR0912 - one branch a kind of token
    """The mask row of a state: boolean (V,)."""
    row = np.zeros(len(TOKENS), dtype=bool)
    phase, order, free = state.phase, state.order, state.free
    if phase == g.BRACKET:
        for token, text in enumerate(TOKENS):
            longer = spell(state.bracket, text)
            row[token] = longer is not None and longer.kind is not None
        row[g.RIGHT] = bool(state.bracket.symbol) and not state.bracket.unmapped
        return row
    if phase == g.START:
        row[[*ATOMS, g.LEFT]] = True
        return row
    if phase == g.MUST_RING:
        row[[token for number, token in g.RING_TOKENS.items() if number not in state.rings]] = True
        return row
    cost = 1 if state.aromatic else max(order, 1)
    if free >= cost:
        row[g.LEFT] = True
        for token, kind in ATOMS.items():
            if kind.aromatic:
                row[token] = order < 2 or (order == 2 and not state.aromatic and kind.mend == "exo")
            else:
                row[token] = kind.bonds >= max(order, 1)
    opens = len(state.rings) < g.MAX_OPEN_RINGS
    if phase in (g.ATOM, g.BOND) and order < 3:
        for number, token in g.RING_TOKENS.items():
            row[token] = free >= 1 if number in state.rings else free > cost and opens
    if phase in _CHAIN:
        row[g.OPEN] = free >= 1
        row[g.CLOSE] = state.branch
        row[[END, g.DOT]] = state.ends
    if phase in (*_CHAIN, g.OPENED):
        for text, bond in g.ORDERS.items():
            row[TOKENS.index(text)] = free >= (1 if state.exo and bond == 2 else bond) and (
                not state.aromatic or bond == 1 or (bond == 2 and state.exo)
            )
    return row
