"""A molecule being written that ends in time."""

from __future__ import annotations

from genai_molecules.grammar import ENDED, Walk
from genai_molecules.tokens import END


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
        if not self.script and self.walk.finish_bound() + 3 < self.left and self.walk.safe(token):
            self.left -= 1
            return self.walk.push(token)
        walk, left, script = self.walk.copy(), self.left - 1, []
        if not walk.push(token) or (left < 0 and walk.phase != ENDED):
            return False
        if walk.phase != ENDED and walk.finish_bound() > left:
            script = walk.finish()
            if len(script) > left:
                return False
        self.walk, self.left, self.script = walk, left, script
        return True

    def sure(self) -> int:
        """A token that is accepted next, whatever else is."""
        self.script = self.script or self.walk.finish()
        return self.script[0] if self.script else END
