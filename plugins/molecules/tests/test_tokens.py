"""SMILES to tokens and back."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from genai_core.errors import BadInput
from genai_molecules.tokens import ELEMENTS, END, TOKENS, SmilesVocabulary, split_bracket

VOCABULARY = SmilesVocabulary()
ODD = [
    "[13CH3]C",
    "[Sc+3].Sc1ccccc1",
    "C%12CC%12",
    "N->[Pt]",
    "[NH3]->[Pt@SP1](Cl)(Br)<-[OH2]",
    "[te]1cccc1",
    "[C@@H:12](F)(Cl)Br",
    "F/C=C\\F",
    "[2H]C([3H])[*:1]",
    "[se]1cccc1.[Na+].[Cl-]",
    "C[Si](C)(C)C.[Fe+3].[U]",
]


def test_tokens_are_unique_and_their_order_is_frozen():
    assert len(set(TOKENS)) == len(TOKENS) == 333
    assert TOKENS[:4] == ("<pad>", "<begin>", "<end>", "0")
    assert [TOKENS.index(text) for text in ("C", "c", "[nH]", "%10", "%99")] == [35, 149, 165, 243, 332]


@pytest.mark.parametrize("smiles", ODD)
def test_round_trip_of_odd_smiles(smiles):
    assert VOCABULARY.decode(VOCABULARY.encode(smiles)) == smiles


def test_every_element_has_a_bracket_atom():
    for element in ELEMENTS:
        text = f"[{element}+2]"
        assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


def test_round_trip_of_random_atom_orders():
    molecules = [Chem.MolFromSmiles(text) for text in (*ODD[:3], *ODD[5:], "CC(=O)Oc1ccccc1C(=O)[O-]")]
    for molecule in molecules:
        for text in Chem.MolToRandomSmilesVect(molecule, 20, randomSeed=1):
            assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


def test_flat_is_the_concatenation_with_ends():
    flat = VOCABULARY.flat(["CCO", "c1ccccc1"])
    assert flat.dtype == np.int16
    assert np.flatnonzero(flat == END).tolist() == [3, 12]
    assert VOCABULARY.flat([]).size == 0


@pytest.mark.parametrize("text", ["C C", "Cé", "C\nC", "[Xx]", "C\x00", "Ā", "%1", "CC!"])
def test_what_no_token_writes_is_bad_input(text):
    with pytest.raises(BadInput):
        VOCABULARY.flat(["CC", text])


def test_split_bracket():
    assert split_bracket("[13CH3-]") == ["[", "1", "3", "C", "H", "3", "-", "]"]
    assert split_bracket("[C@@H]") == ["[", "C", "@@", "H", "]"]
