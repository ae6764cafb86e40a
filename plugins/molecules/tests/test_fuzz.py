"""Ten thousand damaged files, and configurations: a value or its own error; no other error, no crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_core.config import parse_settings
from genai_core.errors import BadInput, ConfigError, UsageError
from genai_core.files.safeio import limits_for
from genai_molecules.artifacts import Molecules
from genai_molecules.dataset_config import FileConfig
from genai_molecules.parsing import check_smiles, quiet, to_mol

CHILD = Path(__file__).with_name("fuzz_child.py")
LIMITS = limits_for("molecules")
TOKENS = "C c N n O ( ) 1 2 %10 [ ] = # / \\ @ + - H . Cl Br [nH] [C@@H] * : $ %(123) 9 ~ [U]".split()
NAMES = st.text(max_size=12) | st.sampled_from(list(FileConfig.model_fields))
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.integers())
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "count"), [(".smi", 3_000), (".csv", 3_000), (".tsv", 1_000), (".sdf", 3_000)]
)
def test_damaged_files(suffix, count):
    run = subprocess.run(
        [sys.executable, str(CHILD), suffix, "1", str(count)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    last = run.stdout.rsplit("\n", 2)[-2:-1]
    assert run.returncode == 0, f"input {last}, exit {run.returncode}: {run.stderr[-3000:]}"
    assert last == [str(count - 1)]


@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=60).map("".join))
@settings(max_examples=1_000)
def test_any_tokens_are_a_molecule_or_none(text):
    with quiet():
        mol = to_mol(text, LIMITS)
    assert mol is None or mol.GetNumAtoms() <= LIMITS.atoms


@given(st.binary(max_size=400), st.sampled_from(Molecules.suffixes))
@settings(max_examples=500)
def test_any_bytes_are_molecules_or_bad_input(data, suffix):
    try:
        molecules = Molecules.decode(data, suffix, name="x", limits=LIMITS)
    except BadInput:
        return
    molecules.validate()
    assert all(check_smiles(text, LIMITS) is None for text in molecules)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@settings(max_examples=500)
def test_any_values_are_a_config_or_a_config_error(values):
    try:
        config = FileConfig.parse(values)
    except ConfigError:
        return
    assert len(config.hash()) == 16


@given(st.lists(st.text(max_size=20), max_size=4))
@settings(max_examples=300)
def test_any_settings_are_values_or_a_usage_error(texts):
    try:
        values = parse_settings(texts)
    except UsageError:
        return
    assert isinstance(values, dict)
