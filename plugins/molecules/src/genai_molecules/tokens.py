"""SMILES as token numbers: an open vocabulary that writes any molecule.

Atoms of the organic subset and the bracket atoms that medicinal chemistry is full of are one token each, so
that ordinary molecules are short. Every other bracket atom is spelled out: ``[``, isotope digits, element,
chirality, hydrogens, charge, atom map, ``]``. All elements and all ring numbers to 99 are there from the
start, so a vocabulary never depends on the data it was first trained on. The order of the tokens is part of
the format of the weights: append, never insert.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from genai_core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

PAD, BEGIN, END = 0, 1, 2
SPECIALS = ("<pad>", "<begin>", "<end>")

ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
    "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()
AROMATIC = ("b", "c", "n", "o", "p", "s", "as", "se", "te", "si")
BONDS = ("-", "=", "#", "$", ":", "/", "\\", "~", "->", "<-")
DIGITS = tuple("0123456789")
RINGS = tuple(f"%{number}" for number in range(10, 100))
CHIRAL = ("@", "@@", "@TH", "@AL", "@SP", "@TB", "@OH")

WHOLE_BRACKETS = tuple(
    f"[{body}]"
    for body in (
        "nH n+ nH+ n- o+ s+ c- se H 2H 3H "
        "C@H C@@H C@ C@@ C- CH- CH2- CH C "
        "N+ NH+ NH2+ NH3+ N- NH- N@+ N@@+ N@H+ N@@H+ NH4+ "
        "O- O+ OH+ OH- OH2 S- S+ SH+ S@ S@@ S@+ S@@+ SH "
        "P+ P@ P@@ PH P- B- BH- BH3- Si SiH SiH2 Se SeH As "
        "Na+ K+ Li+ Ca+2 Mg+2 Zn+2 F- Cl- Br- I- I+ Cl+3 "
        "*:1 *:2 *:3 *:4 1* 2* 3* 4*"
    ).split()
)
TOKENS: tuple[str, ...] = (
    *SPECIALS,
    *DIGITS,
    *BONDS,
    *("(", ")", ".", "*", "[", "]", "+"),
    *ELEMENTS,
    *AROMATIC,
    *CHIRAL,
    *WHOLE_BRACKETS,
    *RINGS,
)

_FIRST_CODE = 0x100
_LONG = re.compile(r"\[[^\[\]\n]*\]|%[0-9][0-9]|Cl|Br|->|<-")
_INSIDE = re.compile(r"@(?:TH|AL|SP|TB|OH|@)?|[A-Z][a-z]?|as|se|te|si|.")


def split_bracket(atom: str) -> list[str]:
    """The tokens that spell a bracket atom: ``[13CH3]`` -> ``[ 1 3 C H 3 ]``."""
    return _INSIDE.findall(atom)


class SmilesVocabulary:
    """Text to token numbers and back; the round trip is exact for every SMILES string rdkit writes."""

    tokens: tuple[str, ...] = TOKENS

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def index(self) -> dict[str, int]:
        """Number of each token."""
        return {token: number for number, token in enumerate(self.tokens)}

    @cached_property
    def _codes(self) -> dict[str, str]:
        """One private character for each token of several characters."""
        return {
            token: chr(_FIRST_CODE + number) for number, token in enumerate(self.tokens) if len(token) > 1
        }

    @cached_property
    def _lookup(self) -> np.ndarray:
        """Token number of each 16-bit character, PAD where there is none; newline ends a molecule."""
        import numpy as np

        table = np.zeros(1 << 16, dtype=np.int16)
        for number, token in enumerate(self.tokens[len(SPECIALS) :], start=len(SPECIALS)):
            table[ord(token) if len(token) == 1 else _FIRST_CODE + number] = number
        table[ord("\n")] = END
        return table

    def flat(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens of all `texts` in one array, each text followed by `END`.

        Args:
            texts: SMILES strings.

        Returns:
            int16 array of shape (sum of lengths + number of texts,).

        Raises:
            BadInput: A text holds a character that no SMILES has.
        """
        import numpy as np

        joined = "\n".join(texts) + "\n" if texts else ""
        if not joined.isascii():
            self._complain(texts)
        coded = _LONG.sub(self._shorten, joined).encode("utf-16-le")
        tokens: np.ndarray = self._lookup[np.frombuffer(coded, dtype="<u2")]
        if tokens.size and (tokens.min() == PAD or np.count_nonzero(tokens == END) != len(texts)):
            self._complain(texts)
        return tokens

    def encode(self, text: str) -> list[int]:
        """Token numbers of one text, without specials."""
        return [int(token) for token in self.flat([text])[:-1]]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of `tokens` up to the first `END`; other specials are left out."""
        parts = []
        for token in tokens:
            if token == END:
                break
            if token >= len(SPECIALS):
                parts.append(self.tokens[token])
        return "".join(parts)

    def _shorten(self, match: re.Match[str]) -> str:
        """One private character for a long token; a bracket atom that is no token is spelled out."""
        text = match.group()
        return self._codes.get(text) or _INSIDE.sub(lambda part: self._codes.get(part[0], part[0]), text)

    def _complain(self, texts: Sequence[str]) -> NoReturn:
        for text in texts:
            coded = _LONG.sub(self._shorten, text) if text.isascii() else "\n"
            if any(self._lookup[ord(character)] in (PAD, END) for character in coded):
                shown = text if len(text) <= 60 else text[:57] + "..."
                raise BadInput("SMILES", f"{shown!r} cannot be written in tokens")
        raise AssertionError("a token was missing, but not from any one text")
