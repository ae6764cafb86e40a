"""Keeps a growing aromatic system kekulisable: a matching of double bonds, repaired as atoms arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Kekule:
    """Aromatic atoms that need a double bond, and a matching that gives it to as many as it can.

    Atoms are numbered as they are added, other atoms included. A search for an alternating path (without
    contraction of odd cycles) repairs the matching, so it may miss one in a cage of odd rings: then a token
    is forbidden that need not be, and never the other way round.
    """

    __slots__ = ("mate", "near", "needs")

    def __init__(self) -> None:
        self.needs: list[bool] = []
        self.mate: list[int] = []
        self.near: list[tuple[int, ...]] = []

    def copy(self) -> Kekule:
        """An independent copy."""
        other = Kekule.__new__(Kekule)
        other.needs, other.mate, other.near = self.needs[:], self.mate[:], self.near[:]
        return other

    def add(self, needs: bool) -> None:
        """One more atom."""
        self.needs.append(needs)
        self.mate.append(-1)
        self.near.append(())

    def single(self, atom: int) -> bool:
        """Whether `atom` needs a double bond and has none."""
        return self.needs[atom] and self.mate[atom] < 0

    def join(self, a: int, b: int) -> None:
        """An aromatic bond between `a` and `b`; it is the double bond when both lack one."""
        if self.needs[a] and self.needs[b]:
            self.near[a] += (b,)
            self.near[b] += (a,)
            if self.mate[a] < 0 and self.mate[b] < 0:
                self.mate[a], self.mate[b] = b, a

    def waive(self, atom: int) -> int:
        """`atom` needs no double bond any more; returns the atom that thereby lost its own, or -1."""
        self.needs[atom] = False
        left = self.mate[atom]
        self.mate[atom] = -1
        if left >= 0:
            self.mate[left] = -1
        return left

    def settle(self, atom: int, may_wait: Callable[[int], bool]) -> bool:
        """Give `atom` a double bond along an alternating path.

        Args:
            atom: An atom that lacks one.
            may_wait: Whether an atom may lack one for now; the path can end at such an atom.

        Returns:
            Whether it worked; the matching is unchanged when not.
        """
        return self._search(atom, may_wait, {atom})

    def _search(self, atom: int, may_wait: Callable[[int], bool], seen: set[int]) -> bool:
        for next_atom in self.near[atom]:
            if next_atom in seen or not self.needs[next_atom]:
                continue
            seen.add(next_atom)
            other = self.mate[next_atom]
            if other >= 0:
                if other in seen:
                    continue
                seen.add(other)
                if may_wait(other):
                    self.mate[other] = -1
                elif not self._search(other, may_wait, seen):
                    continue
            self.mate[atom], self.mate[next_atom] = next_atom, atom
            return True
        return False
