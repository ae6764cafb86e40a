"""Whatever the grammar accepts is a molecule, and real molecules are accepted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from genai_molecules.completion import finish, finish_bound
from genai_molecules.grammar import ENDED, Walk
from genai_molecules.limited import LimitedWalk, safe
from genai_molecules.tokens import END, TOKENS, SmilesVocabulary

VOCABULARY = SmilesVocabulary()
COMMON = (
    "c c c c c c n n [nH] o s C C N O = - ( ( ) ) 1 1 2 2 3 # F [n+] [N+] [O-] [C@H] . [c-] p b [se] / \\ "
    "[H] [n-] [nH+] [o+]"
).split()
SAMPLE = Path(__file__).parents[1] / "src" / "genai_molecules" / "sample"


def accepts(smiles: str) -> bool:
    walk = Walk()
    return all(walk.push(token) for token in [*VOCABULARY.encode(smiles), END])


def wander(rng: random.Random, limit: int, tokens: list[int]) -> str:
    """A random walk; every accepted token is taken, and `END` only now and then."""
    walk, written = LimitedWalk(limit), []
    while walk.walk.phase != ENDED:
        for _ in range(40):
            token = rng.choice(tokens)
            if walk.push(token):
                break
        else:
            token = END if rng.random() < 0.3 and walk.push(END) else walk.sure()
            if token != END:
                assert walk.push(token)
            elif walk.walk.phase != ENDED:
                assert walk.push(END)
        if token != END:
            written.append(token)
    assert 1 <= len(written) <= limit
    return VOCABULARY.decode(written)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 3, 5, 8, 12, 20, 40, 80]))
def test_random_walks_over_common_tokens_are_molecules(seed, limit):
    smiles = wander(random.Random(seed), limit, [TOKENS.index(text) for text in COMMON] + [END])
    assert Chem.MolFromSmiles(smiles) is not None, smiles


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 4, 10, 30, 60]))
def test_random_walks_over_all_tokens_are_molecules(seed, limit):
    smiles = wander(random.Random(seed), limit, list(range(2, len(TOKENS))))
    assert Chem.MolFromSmiles(smiles) is not None, smiles


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_every_prefix_can_be_finished(seed):
    rng = random.Random(seed)
    walk, written = LimitedWalk(60), []
    for _ in range(rng.randrange(1, 25)):
        token = TOKENS.index(rng.choice(COMMON))
        if walk.push(token):
            written.append(token)
    script = finish(walk.walk)
    assert len(script) <= finish_bound(walk.walk)
    smiles = VOCABULARY.decode(written + script)
    assert Chem.MolFromSmiles(smiles) is not None, smiles


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_called_safe_is_accepted(seed):
    rng = random.Random(seed)
    walk = LimitedWalk(60)
    for _ in range(25):
        for token in range(len(TOKENS)):
            if safe(walk.walk, token):
                assert walk.walk.copy().push(token), TOKENS[token]
        walk.push(TOKENS.index(rng.choice(COMMON)))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([3, 8, 20, 60]))
def test_whole_molecules_are_followed_as_far_as_single_tokens(seed, limit):
    rng = random.Random(seed)
    tokens = VOCABULARY.encode(wander(rng, 2 * limit, [TOKENS.index(text) for text in COMMON] + [END]))
    if rng.random() < 0.5:
        tokens[rng.randrange(len(tokens))] = TOKENS.index(rng.choice(COMMON))
    single, whole = LimitedWalk(limit), LimitedWalk(limit)
    accepted = next((n for n, token in enumerate([*tokens, END]) if not single.push(token)), len(tokens) + 1)
    assert whole.follow([*tokens, END]) == accepted
    assert (whole.left, whole.script) == (single.left, single.script)
    assert (whole.walk.phase, whole.walk.free) == (single.walk.phase, single.walk.free)
    assert whole.walk.kekule.mate == single.walk.kekule.mate


def test_real_molecules_are_accepted():
    lines = [line for path in sorted(SAMPLE.glob("*.smi*")) for line in _lines(path)]
    assert len(lines) > 1000
    refused = [line for line in lines[:6000] if not accepts(line)]
    assert len(refused) <= len(lines[:6000]) * 1e-3, refused[:5]


@pytest.mark.parametrize(
    "smiles",
    [
        "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
        "O=c1c2ccccc2[nH]c2ccccc12",
        "c1ccc2c(c1)[nH]c1ccccc12",
        "C[n+]1ccccc1.[I-]",
        "O=C([O-])c1ccc[nH+]c1",
        "c1ccc(-c2ccccc2)cc1",
        "COc1ccccc1-n1c2nc(=O)[nH]c(=O)c-2cc2ccccc21",
        "CC1=NC(=O)C2=CC=CC=C2N1",
        "F/C=C\\F",
        "C12C3C4C1C5C2C3C45",
        "[13CH3][C@@H](N)C(=O)O",
        "[Na+].[O-]S(=O)(=O)c1ccccc1",
        "C#CC1CC1",
    ],
)
def test_known_molecules_are_accepted(smiles):
    assert accepts(smiles)


@pytest.mark.parametrize(
    "smiles",
    [
        "c1cccc1",
        "C1CC",
        "C(C",
        "C)C",
        "F=C",
        "C(C)(C)(C)(C)C",
        "c1ccccc1C=",
        "C11",
        "C1C1",
        "cc",
        "C=1CC#1",
        "[CH5]",
        "n1cccc1",
        "C12CC12",
        "[13]",
        "",
    ],
)
def test_what_is_no_molecule_is_refused(smiles):
    assert not accepts(smiles)


def _lines(path: Path) -> list[str]:
    import gzip

    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("SMILES")]
