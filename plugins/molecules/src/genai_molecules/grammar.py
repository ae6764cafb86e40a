"""Validity by construction: which tokens keep a partial SMILES completable.

`Walk` follows one molecule from left to right. It keeps the valence left on each atom, the open branches and
rings, the aromatic atoms that are not yet in a ring and a Kekule structure of what is aromatic. A token is
accepted only when the molecule can still be finished, and `completion.finish` writes down how, so no finished
molecule is ever rejected. Rings close towards atoms on the way back to the first atom, as in every SMILES
written by a depth-first search.

Not written: bonds of order four, dative and zero-order bonds, ``:`` as a bond, chirality classes beyond @@.
"""

from __future__ import annotations

from typing import NamedTuple

from genai_molecules.kekule import Kekule
from genai_molecules.tokens import DIGITS, END, RINGS, TOKENS
from genai_molecules.valence import ATOMS, AtomKind, Bracket, spell

START, ATOM, BRANCHED, OPENED, BOND, BRANCH_BOND, MUST_RING, BRACKET, ENDED = range(9)
"""Phases: before a component; after an atom or ring digit; after ``)``; after ``(``; after a bond that
follows an atom, or one that does not; a ring digit is due; inside brackets; after the end."""
TAKES_ATOM = (START, ATOM, BRANCHED, OPENED, BOND, BRANCH_BOND)

MAX_OPEN_RINGS = 10
"""At once; rdkit's ring search may miss a ring of a cage that more would build."""
ORDERS = {"-": 1, "/": 1, "\\": 1, "=": 2, "#": 3}
RING_NUMBERS = {TOKENS.index(text): int(text.lstrip("%")) for text in (*DIGITS, *RINGS)}
RING_TOKENS = {number: token for token, number in RING_NUMBERS.items()}


class Ring(NamedTuple):
    """An open ring digit: its atom and the bond order written there, 0 when none was."""

    atom: int
    order: int


CARBON, OXYGEN, AROMATIC_CARBON, DOUBLE, OPEN, CLOSE, DOT, LEFT, RIGHT, ONE, SINGLE = (
    TOKENS.index(text) for text in ("C", "O", "c", "=", "(", ")", ".", "[", "]", "1", "-")
)


class Walk:
    """A molecule being written; `push` takes one token and says whether it can still be finished.

    After a refused token the walk is spoilt: push to a copy where refusal is possible.
    """

    __slots__ = (
        "bonded", "bracket", "cur", "depth", "free", "kekule", "kinds", "loose", "order", "parent", "phase",
        "prepaid", "rings", "stack",
    )  # fmt: skip

    def __init__(self) -> None:
        self.phase = START
        self.cur = -1  # the atom the next one is bonded to
        self.order = 0  # of the bond written before the next atom; 0 when none is
        self.prepaid = 0  # 1 after "(": that bond has been taken from the branching atom already
        self.bracket = Bracket()
        self.stack: list[int] = []  # atoms with an open branch
        self.rings: dict[int, Ring] = {}
        self.kinds: list[AtomKind] = []
        self.free: list[int] = []  # bonds (aromatic atoms: sigma bonds) still to give
        self.depth: list[int] = []  # distance from the component's first atom
        self.parent: list[int] = []
        self.bonded: tuple[tuple[int, int], ...] = ()  # by ring digits
        # Aromatic atoms not yet in a ring, outermost first: (opener's greatest depth that helps, own depth).
        self.loose: tuple[tuple[int, int], ...] = ()
        self.kekule = Kekule()

    def copy(self) -> Walk:
        """An independent copy."""
        other = Walk.__new__(Walk)
        other.phase, other.cur, other.order, other.prepaid = self.phase, self.cur, self.order, self.prepaid
        other.bracket, other.bonded, other.loose = self.bracket, self.bonded, self.loose
        other.stack, other.rings = self.stack[:], self.rings.copy()
        other.kinds, other.free, other.depth = self.kinds[:], self.free[:], self.depth[:]
        other.parent, other.kekule = self.parent[:], self.kekule.copy()
        return other

    def push(self, token: int) -> bool:
        """Append `token`; False when it is no SMILES or could not be finished."""
        if self.phase == BRACKET:
            return self._spell(token)
        kind = ATOMS.get(token)
        if kind is not None:
            return self._atom(kind)
        number = RING_NUMBERS.get(token)
        if number is not None:
            return self._close_ring(number) if number in self.rings else self._open_ring(number)
        if token == OPEN:
            return self._open_branch()
        if token == CLOSE:
            return self._close_branch()
        if token == LEFT:
            return self._open_bracket()
        if token in (DOT, END):
            return self._end(token)
        return self._bond(TOKENS[token])

    def may_wait(self, atom: int) -> bool:
        """Whether an aromatic atom without a double bond can still get one, or stop needing it."""
        for ring in self.rings.values():
            if ring.atom == atom and ring.order == 0:
                return True
        if self.free[atom] < 1:
            return False
        if atom == self.cur:
            return bool(self.kinds[atom].mend or self.rings)
        return bool(self.kinds[atom].mend) and atom in self.stack

    def short(self, atom: int) -> bool:
        """Whether an atom with a double bond out of its ring still lacks its third neighbour."""
        kind = self.kinds[atom]
        return kind.mend == "exo" and self.free[atom] > 0 and not self.kekule.needs[atom]

    def _alive(self, *suspects: int) -> bool:
        """Whether the molecule can be finished, where only `suspects` may newly lack a double bond."""
        if not self._matched(*suspects):
            return False
        if not self.rings and not self.loose:
            return True
        loose, depth = self.loose, self.depth
        if loose and not any(depth[ring.atom] <= loose[0][0] for ring in self.rings.values()):
            return False
        if self.extends(self.cur):
            return True
        inmost = max([depth[ring.atom] for ring in self.rings.values()], default=0)
        if loose:
            inmost = max(inmost, loose[-1][1])
        return any(self.depth[atom] >= inmost and self.extends(atom) for atom in self.stack)

    def extends(self, atom: int) -> bool:
        """Whether one more bond at `atom` leaves all others their double bonds."""
        if self.free[atom] != 1 or self.kinds[atom].mend != "third" or self.kekule.mate[atom] < 0:
            return self.free[atom] >= 1
        walk = self.copy()
        return walk._matched(walk.kekule.waive(atom))

    def _matched(self, *suspects: int) -> bool:
        """Whether each of `suspects` has its double bond, gets one now or can wait for it."""
        kekule = self.kekule
        for atom in suspects:
            if not self.kinds[atom].aromatic:
                continue
            if kekule.single(atom) and not self.may_wait(atom) and not kekule.settle(atom, self.may_wait):
                return False
            if self.short(atom) and atom != self.cur and atom not in self.stack:
                return False
        return True

    def _alive_with(self, *tokens: int) -> bool:
        """Whether the molecule can be finished when `tokens` come next."""
        walk = self.copy()
        return all(walk.push(token) for token in tokens)

    def filler(self) -> int:
        """A token that fills the open place: carbon, or else a ring digit; -1 when there is none."""
        fillers = [CARBON, *(RING_TOKENS[number] for number in self.rings)]
        return next((token for token in fillers if self._alive_with(token)), -1)

    def _spend(self, atom: int, bonds: int) -> int:
        """Take bonds from `atom`; returns the atom that thereby lost its double bond, or itself."""
        self.free[atom] -= bonds
        if self.free[atom] == 0 and self.kinds[atom].mend == "third" and self.kekule.needs[atom]:
            left = self.kekule.waive(atom)
            return left if left >= 0 else atom
        return atom

    def _atom(self, kind: AtomKind) -> bool:
        if self.phase not in TAKES_ATOM and self.phase != BRACKET:
            return False
        if kind.metal and (self.rings or self.loose):
            return False
        last, atom, order = self.cur, len(self.kinds), self.order or 1
        shared = False  # an aromatic bond to the last atom
        suspect = atom
        depth = 0
        if last >= 0:
            before = self.kinds[last]
            if order > 1 and kind.aromatic and (before.aromatic or order > 2 or kind.mend != "exo"):
                return False
            cost = (1 if before.aromatic else order) - self.prepaid
            if self.free[last] < cost:
                return False
            suspect = self._spend(last, cost) if cost else last
            shared = kind.aromatic and before.aromatic and self.order == 0
            depth = self.depth[last] + 1
        left = kind.bonds if last < 0 else kind.bonds - (1 if kind.aromatic else order)
        if left < 0:
            return False
        self.kinds.append(kind)
        self.free.append(left)
        self.depth.append(depth)
        self.parent.append(last)
        self.kekule.add(kind.double and order == 1)
        if shared:
            self.kekule.join(last, atom)
        self.cur, self.order, self.prepaid, self.phase = atom, 0, 0, ATOM
        if not kind.aromatic:
            return self._alive(suspect, last) if last >= 0 else True
        if (
            not (shared or self.loose)
            and left >= 2
            and not any(self.depth[ring.atom] <= depth for ring in self.rings.values())
        ):
            self.phase = MUST_RING  # the only way into a ring is to open one here
            self.loose = ((depth, depth),)
            return last < 0 or self._matched(suspect, last)
        self.loose += ((depth - shared, depth),)
        return self._alive(suspect, last, atom) if last >= 0 else False

    def _bond(self, text: str) -> bool:
        order = ORDERS.get(text)
        if order is None or self.phase not in (ATOM, BRANCHED, OPENED):
            return False
        atom, kind = self.cur, self.kinds[self.cur]
        if self.free[atom] < (1 if kind.aromatic else order) - self.prepaid:
            return False
        suspect = atom
        if kind.aromatic and order > 1:
            if order > 2 or kind.mend != "exo" or not self.kekule.needs[atom]:
                return False
            suspect = max(self.kekule.waive(atom), 0)
        self.phase, self.order = BOND if self.phase == ATOM else BRANCH_BOND, order
        return not kind.aromatic or (self._matched(suspect) and self.filler() >= 0)

    def _open_branch(self) -> bool:
        if self.phase not in (ATOM, BRANCHED) or self.free[self.cur] < 1:
            return False
        self.stack.append(self.cur)
        suspect = self._spend(self.cur, 1)
        self.prepaid, self.phase = 1, OPENED
        if not self.kinds[self.cur].aromatic:
            return True
        return self._matched(suspect) and self._alive_with(CARBON)

    def _close_branch(self) -> bool:
        if self.phase not in (ATOM, BRANCHED) or not self.stack:
            return False
        leaf, self.cur = self.cur, self.stack.pop()
        depth = self.depth[self.cur]
        if self.loose and self.loose[-1][1] > depth:
            return False
        if any(self.depth[ring.atom] > depth for ring in self.rings.values()):
            return False
        self.phase = BRANCHED
        return self._alive(leaf)

    def _open_ring(self, number: int) -> bool:
        atom, order = self.cur, self.order
        if self.phase not in (ATOM, BOND, MUST_RING) or order > 2 or len(self.rings) >= MAX_OPEN_RINGS:
            return False
        cost = 1 if self.kinds[atom].aromatic else max(order, 1)
        if self.free[atom] <= cost or self.kinds[atom].metal:
            return False
        suspect = self._spend(atom, cost)
        self.rings[number] = Ring(atom, order)
        self.order, self.phase = 0, ATOM
        return self._alive(suspect, atom)

    def _close_ring(self, number: int) -> bool:
        atom, (start, written) = self.cur, self.rings[number]
        order = max(self.order, written)
        if self.phase not in (ATOM, BOND) or order > 2 or (self.order and written and self.order != written):
            return False
        if start in (atom, self.parent[atom]) or (start, atom) in self.bonded:
            return False
        costs = [0, 0]  # here, and there beyond what the digit took
        suspects = [start, atom]
        for side, (end, known) in enumerate(((atom, self.order), (start, written))):
            kind = self.kinds[end]
            if kind.aromatic and order > max(known, 1):  # a double bond out of the ring, known only now
                if kind.mend != "exo" or not self.kekule.needs[end]:
                    return False
                suspects.append(max(self.kekule.waive(end), 0))
            costs[side] = 1 if kind.aromatic else max(order, 1)
        costs[1] -= 1 if self.kinds[start].aromatic else max(written, 1)
        both = self.kinds[atom].aromatic and self.kinds[start].aromatic
        if (both and order > 1) or self.free[atom] < costs[0] or self.free[start] < costs[1]:
            return False
        del self.rings[number]
        self.bonded += ((start, atom),)
        suspects.append(self._spend(atom, costs[0]))
        self.free[start] -= costs[1]
        if both and order == 0:
            self.kekule.join(start, atom)
        while self.loose and self.loose[-1][0] >= self.depth[start]:
            self.loose = self.loose[:-1]
        self.order, self.phase = 0, ATOM
        return self._alive(*suspects)

    def _end(self, token: int) -> bool:
        if self.phase not in (ATOM, BRANCHED) or self.stack or self.rings or self.loose:
            return False
        if self.short(self.cur):
            return False
        if self.kekule.single(self.cur) and not self.kekule.settle(self.cur, lambda atom: False):
            return False
        self.cur, self.phase = -1, START if token == DOT else ENDED
        return True

    def _open_bracket(self) -> bool:
        if self.phase not in TAKES_ATOM or not self._alive_with(CARBON):
            return False
        self.phase, self.bracket = BRACKET, Bracket()
        return True

    def _spell(self, token: int) -> bool:
        if token == RIGHT:
            kind = self.bracket.kind
            complete = self.bracket.symbol and not self.bracket.unmapped
            return bool(complete) and kind is not None and self._atom(kind)
        bracket = spell(self.bracket, TOKENS[token])
        if bracket is None or bracket.kind is None:
            return False
        self.bracket = bracket
        return not bracket.symbol or self._alive_with(*([ONE] if bracket.unmapped else []), RIGHT)
