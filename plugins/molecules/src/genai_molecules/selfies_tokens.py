"""SELFIES as token numbers: the same interface as `SmilesVocabulary`, with symbols taken from the data.

SELFIES (Krenn et al. 2020) decode to a valid molecule whatever the model writes; the vocabulary is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput, MissingDependency
from genai_molecules.tokens import END, SPECIALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np


def _selfies() -> Any:
    try:
        import selfies
    except ImportError:
        raise MissingDependency(
            "representation='selfies' needs the selfies package",
            hint="pip install 'genai-molecules[selfies]'",
        ) from None
    return selfies


class SelfiesVocabulary:
    """SMILES to SELFIES symbols and back; the molecule survives, its spelling may change.

    Args:
        symbols: The symbols there are, without specials.
    """

    def __init__(self, symbols: Iterable[str] = ()) -> None:
        self.tokens: tuple[str, ...] = (*SPECIALS, *sorted(set(symbols)))
        self._index = {token: number for number, token in enumerate(self.tokens)}

    @classmethod
    def of(cls, texts: Iterable[str]) -> SelfiesVocabulary:
        """The vocabulary of some SMILES."""
        selfies = _selfies()
        return cls({symbol for text in texts for symbol in selfies.split_selfies(_encode(text))})

    def __len__(self) -> int:
        return len(self.tokens)

    def flat(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens of all `texts` in one int16 array, each text followed by `END`; see `SmilesVocabulary`."""
        import numpy as np

        selfies = _selfies()
        tokens: list[int] = []
        for text in texts:
            try:
                tokens += [self._index[symbol] for symbol in selfies.split_selfies(_encode(text))]
            except KeyError as error:
                raise BadInput("SMILES", f"{text!r} needs {error}, which the training data has not") from None
            tokens.append(END)
        return np.array(tokens, dtype=np.int16)

    def decode(self, tokens: Iterable[int]) -> str:
        """The SMILES of `tokens` up to the first `END`; methane where they say nothing."""
        symbols = []
        for token in tokens:
            if token == END:
                break
            if token >= len(SPECIALS):
                symbols.append(self.tokens[token])
        return str(_selfies().decoder("".join(symbols))) or "C"


def _encode(text: str) -> str:
    selfies = _selfies()
    try:
        return str(selfies.encoder(text))
    except selfies.EncoderError as error:
        reason = str(error).strip().splitlines()[0]
        raise BadInput("SMILES", f"{text!r} cannot be written as SELFIES: {reason}") from None
