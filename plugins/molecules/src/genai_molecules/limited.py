"""A molecule being written that ends in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_molecules.completion import finish, finish_bound
from genai_molecules.grammar import ATOM, BRANCHED, DOUBLE, ENDED, OPEN, OPENED, SINGLE, Walk
from genai_molecules.tokens import END
from genai_molecules.valence import ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterable


def safe(walk: Walk, token: int) -> bool:
    """Whether `Walk.push` will accept `token`, where that is plain to see; most tokens are."""
    last = walk.cur
    if last < 0 or walk.phase not in (ATOM, BRANCHED, OPENED):
        return False
    before, free = walk.kinds[last], walk.free[last] + walk.prepaid
    kind = ATOMS.get(token)
    if before.aromatic:
        # No neighbour loses its double bond by the next bond, and this atom ends with what it needs.
        if kind is None or free < 1 or (before.mend == "third" and free == 1 and not walk.prepaid):
            return False
        needs = walk.kekule.needs[last]
        if (before.mend == "exo" and not needs and free > 1) or (
            needs and walk.kekule.mate[last] < 0 and not (kind.aromatic and kind.double)
        ):
            return False
        return kind.bonds > 1 and not kind.metal and (bool(walk.rings) or not kind.aromatic)
    if kind is not None:
        plain = not kind.metal and (bool(walk.rings) or not kind.aromatic)
        return free >= 1 and kind.bonds > 1 and plain
    if token == OPEN:
        return walk.phase != OPENED and free >= 1
    return token in (SINGLE, DOUBLE) and free > (token == DOUBLE)


class LimitedWalk:
    """A `Walk` that ends within a number of tokens.

    Args:
        limit: Longest molecule in tokens, at least 1.

    Attributes:
        walk: Where the molecule stands.
        left: Tokens that may still be written before `END`.
        script: Near the limit, tokens that finish in time: the first of them is always accepted.
    """

    __slots__ = ("left", "script", "walk")

    def __init__(self, limit: int) -> None:
        self.walk = Walk()
        self.left = limit
        self.script: list[int] = []

    def push(self, token: int) -> bool:
        """Append `token`, or refuse it and stay as before."""
        if self.script and token == self.script[0]:
            self.walk.push(self.script.pop(0))
            self.left -= 1
            return True
        if not self.script and finish_bound(self.walk) + 3 < self.left and safe(self.walk, token):
            self.left -= 1
            return self.walk.push(token)
        walk, left, script = self.walk.copy(), self.left - 1, []
        if not walk.push(token) or (left < 0 and walk.phase != ENDED):
            return False
        if walk.phase != ENDED and finish_bound(walk) > left:
            script = finish(walk)
            if len(script) > left:
                return False
        self.walk, self.left, self.script = walk, left, script
        return True

    def follow(self, tokens: Iterable[int]) -> int:
        """Append `tokens` to nothing, up to the first that is refused; returns how many were accepted.

        The same as `push` for one after the other; as most molecules are accepted whole, nothing is copied
        on the way, and the walk is taken once more to where a token was refused.
        """
        walk, written = self.walk, list[int]()
        for token in tokens:
            if self.script or finish_bound(walk) + 3 >= self.left:
                if not self.push(token):
                    break
                walk = self.walk
            elif walk.push(token):
                self.left -= 1
            else:
                self.walk = Walk()
                for known in written:
                    self.walk.push(known)
                break
            written.append(token)
        return len(written)

    def sure(self) -> int:
        """A token that is accepted next, whatever else is."""
        self.script = self.script or finish(self.walk)
        return self.script[0] if self.script else END
