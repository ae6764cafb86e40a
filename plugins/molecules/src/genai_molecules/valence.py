"""How many bonds an atom may still make, for every atom a SMILES can spell.

The limits hold in rdkit before and after its isoelectronic valence model; where the two differ the smaller
number is taken, so what is allowed here is always sanitised there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from genai_molecules.tokens import AROMATIC, ELEMENTS, TOKENS, split_bracket

METAL_BONDS = 6
"""Bonds allowed to a metal; rdkit sets it no limit."""

_NEUTRAL = {
    **dict.fromkeys(("He", "Ne", "Ar", "Kr", "Xe", "Rn"), 0),
    **dict.fromkeys(("H", "F", "Cl", "Br", "At", "Li", "Na", "K", "Rb", "Cs", "Fr"), 1),
    **dict.fromkeys(("O", "Be", "Mg", "Ca", "Sr", "Ba", "Ra", "Po"), 2),
    **dict.fromkeys(("B", "N", "Al", "Ga", "In", "Tl"), 3),
    **dict.fromkeys(("C", "Si", "Ge", "Sn", "Pb"), 4),
    **dict.fromkeys(("P", "As", "Sb", "Bi", "I"), 5),
    **dict.fromkeys(("S", "Se", "Te"), 6),
}
_CHARGED = {
    ("B", -1): 4,
    ("Al", -1): 4,
    **{("C", charge): 3 for charge in (-1, 1)},
    **{("N", charge): bonds for charge, bonds in ((-2, 1), (-1, 2), (1, 4))},
    **{("O", charge): bonds for charge, bonds in ((-1, 1), (1, 3))},
    **{("P", charge): bonds for charge, bonds in ((-1, 6), (1, 4))},
    **{("S", charge): bonds for charge, bonds in ((-1, 5), (1, 5))},
    **{("Se", charge): bonds for charge, bonds in ((-1, 5), (1, 5))},
    **{(halogen, charge): charge + 1 for halogen in ("Cl", "Br", "I") for charge in (1, 2, 3)},
    ("Si", -1): 5,
    ("As", 1): 4,
    ("Te", 1): 3,
}
_NON_METALS = frozenset(_NEUTRAL) - {"Be", "Li", "Na", "K", "Rb", "Cs", "Fr", "Mg", "Ca", "Sr", "Ba", "Ra"}
_NO_METALS = frozenset("* H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe At Rn".split())
_CHARGES = range(-4, 8)

# Aromatic atoms: (symbol, hydrogens, charge) -> (sigma bonds, needs a double bond, mend).
_AROMATIC = {
    **{("c", 0, 0): (3, True, "exo"), ("c", 1, 0): (2, True, ""), ("c", 0, -1): (2, True, "")},
    **{("c", 1, -1): (2, False, ""), ("c", 1, 1): (2, False, ""), ("c", 0, 1): (3, True, "third")},
    **{("n", 0, 0): (3, True, "third"), ("n", 1, 0): (2, False, ""), ("n", 0, -1): (2, False, "")},
    **{("n", 0, 1): (3, True, ""), ("n", 1, 1): (2, True, "")},
    **{(symbol, 0, 0): (2, False, "") for symbol in ("o", "s", "se", "te")},
    **{(symbol, 0, 1): (2, True, "") for symbol in ("o", "s", "se", "te")},
    **{(symbol, 0, 0): (3, True, "third") for symbol in ("p", "b", "as")},
    **{(symbol, 1, 0): (2, False, "") for symbol in ("p", "b", "as")},
    **{("b", 0, -1): (3, True, ""), ("b", 1, -1): (2, True, "")},
    **{("si", 0, 0): (3, True, ""), ("si", 1, 0): (2, True, "")},
}


@dataclass(frozen=True, slots=True)
class AtomKind:
    """What the grammar must know of an atom.

    Attributes:
        bonds: Total bond order it may have; for aromatic atoms the number of sigma bonds.
        aromatic: Written in lower case.
        double: Aromatic, and one of its ring bonds must be the double bond of a Kekule structure.
        mend: What lifts that need: ``"exo"`` a double bond out of the ring (C=O), ``"third"`` a third
            sigma bond (N-CH3), ``""`` nothing.
        metal: rdkit may read its bonds as dative and then sees no ring through it, so it is in none.
    """

    bonds: int
    aromatic: bool = False
    double: bool = False
    mend: str = ""
    metal: bool = False


@lru_cache(maxsize=4096)
def atom_kind(symbol: str, hydrogens: int = 0, charge: int = 0) -> AtomKind | None:
    """The kind of a bracket atom; None where the grammar does not allow it.

    Args:
        symbol: Element, aromatic symbol or ``*``.
        hydrogens: Explicit hydrogens.
        charge: Formal charge.
    """
    if symbol in AROMATIC:
        found = _AROMATIC.get((symbol, hydrogens, charge))
        return AtomKind(found[0], True, found[1], found[2]) if found else None
    if charge not in _CHARGES:
        return None
    if symbol == "*":
        bonds = 1  # an attachment point; rdkit may not find a Kekule structure around one in a ring
    elif charge == 0:
        bonds = _NEUTRAL.get(symbol, METAL_BONDS)
    elif symbol in _NON_METALS:
        bonds = _CHARGED.get((symbol, charge), 0)
    else:
        bonds = _CHARGED.get((symbol, charge), METAL_BONDS if symbol not in _NEUTRAL else 0)
    return AtomKind(bonds - hydrogens, metal=symbol not in _NO_METALS) if bonds >= hydrogens else None


ORGANIC: dict[str, AtomKind] = {
    **{symbol: AtomKind(_NEUTRAL[symbol]) for symbol in ("B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I")},
    **{symbol: kind for symbol in ("b", "c", "n", "o", "p", "s") if (kind := atom_kind(symbol))},
    "*": AtomKind(1),
}
SYMBOLS = frozenset((*ELEMENTS, *AROMATIC, "*"))


class Bracket(NamedTuple):
    """A bracket atom being spelled.

    Attributes:
        step: 0 isotope, 1 symbol, 2 chirality, 3 hydrogens, 5 charge, 7 atom map.
        digits: Digits written in this step.
        symbol: Element, aromatic symbol or ``*``; empty until written.
        hydrogens: Explicit hydrogens.
        charge: Formal charge.
    """

    step: int = 0
    digits: int = 0
    symbol: str = ""
    hydrogens: int = 0
    charge: int = 0

    @property
    def kind(self) -> AtomKind | None:
        """The atom if the bracket closed here; carbon stands for a symbol not written yet."""
        return atom_kind(self.symbol or "C", self.hydrogens, self.charge)

    @property
    def unmapped(self) -> bool:
        """Whether ``:`` waits for its number."""
        return self.step == 7 and self.digits == 0


def spell(bracket: Bracket, text: str) -> Bracket | None:
    """The bracket after one more token inside it; None where the grammar has no such token."""
    step, digits, symbol, _, charge = bracket
    if text in SYMBOLS and not symbol:
        return Bracket(1, 0, text)
    if text.isdigit():
        if step == 0 and digits < 3 and (digits or text != "0"):
            return bracket._replace(digits=digits + 1)
        if step == 3 and digits == 0 and text > "1":
            return bracket._replace(digits=1, hydrogens=int(text))
        if step == 5 and digits == 0 and text > "1":
            return bracket._replace(digits=1, charge=charge * int(text))
        if step == 7 and digits < 3 and (digits or text != "0"):
            return bracket._replace(digits=digits + 1)
        return None
    if not symbol:
        return None
    if text in ("@", "@@") and step == 1 and symbol[0].isupper() and symbol != "H":
        return bracket._replace(step=2)
    if text == "H" and step <= 2 and symbol != "H":
        return bracket._replace(step=3, digits=0, hydrogens=1)
    if text in "+-" and step <= 3:
        return bracket._replace(step=5, digits=0, charge=1 if text == "+" else -1)
    if text == ":" and step <= 5:
        return bracket._replace(step=7, digits=0)
    return None


def _bracket_kind(text: str) -> AtomKind | None:
    """The kind of a bracket atom that is one token."""
    bracket: Bracket | None = Bracket()
    for part in split_bracket(text)[1:-1]:
        bracket = spell(bracket, part) if bracket else None
    return bracket.kind if bracket else None


ATOMS: dict[int, AtomKind] = {
    token: kind
    for token, text in enumerate(TOKENS)
    if (kind := ORGANIC.get(text) or (_bracket_kind(text) if text[0] == "[" and len(text) > 1 else None))
}
