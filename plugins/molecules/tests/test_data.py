from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput, ResourceError, UsageError
from genai_core.protocols import Dataset
from genai_molecules.data import SmilesLines, from_file, moses, sample, test_part
from genai_molecules.dataset_config import FileConfig

ROOT = Path(__file__).parents[3]
part_of = test_part
del test_part  # pytest would take it for a test


@given(st.lists(st.text("CNO()=1", min_size=1), max_size=30), st.data())
def test_packed_lines_are_a_list(strings, data):
    lines = SmilesLines.of(strings)
    assert len(lines) == len(strings)
    assert list(lines) == strings
    assert [lines[i] for i in range(-len(strings), len(strings))] == strings + strings
    chosen = data.draw(st.slices(len(strings)))
    assert lines[chosen] == strings[chosen]
    for index in (len(strings), -len(strings) - 1):
        with pytest.raises(IndexError):
            lines[index]


def test_a_header_is_left_out():
    lines = SmilesLines(b"SMILES\nCC\nO", skip=7)
    assert list(lines) == ["CC", "O"] == lines[:]
    assert list(SmilesLines(b"SMILES\n", skip=7)) == []


def test_the_shipped_sample():
    data = sample()
    assert isinstance(data, Dataset)
    assert (len(data), len(data.split("test"))) == (10_000, 3_000)
    assert data.split("train") is data
    assert not set(data) & set(data.split("test"))
    prints = {data.fingerprint(), data.split("test").fingerprint()}
    assert len(prints) == 2
    assert sample().fingerprint() == data.fingerprint()
    with pytest.raises(UsageError) as caught:
        data.split("valid")
    assert caught.value.hint == "splits: train, test"


def test_data_files_are_what_the_index_says():
    for entry in tomllib.loads((ROOT / "data/index.toml").read_text())["files"].values():
        found = hashlib.sha256((ROOT / entry["path"]).read_bytes()).hexdigest()
        assert found == entry["sha256"], entry["path"]


def test_moses_must_be_fetched_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    with pytest.raises(ResourceError, match="molecules/moses: train") as caught:
        moses()
    assert caught.value.hint == "genai data fetch molecules/moses"


def test_a_file_of_the_user(tmp_path):
    path = tmp_path / "my.smi"
    path.write_text("".join(f"{text}\n" for text in sample()[:200]))
    data = from_file(FileConfig(path=str(path)))
    train, test, whole = (data.split(name) for name in ("train", "test", "all"))
    assert (len(train), len(test), len(whole)) == (180, 20, 200)
    assert sorted([*train, *test]) == sorted(whole)
    assert list(data) == list(train)
    other = from_file(FileConfig(path=str(path), split_seed=1))
    assert other.split("test").fingerprint() != test.fingerprint()
    assert other.split("all").fingerprint() == whole.fingerprint()
    path.write_text(path.read_text() + "C1CC\n")
    with pytest.raises(BadInput, match=r"my\.smi:201"):
        len(from_file(FileConfig(path=str(path))))
    assert len(from_file(FileConfig(path=str(path), on_error="skip")).split("all")) == 200


@given(st.lists(st.text("CNO", min_size=1), min_size=1, max_size=40), st.floats(0, 0.99), st.integers(0, 9))
def test_the_division_ignores_order_and_keeps_copies_together(strings, fraction, seed):
    chosen = part_of(strings, fraction, seed)
    test = {text for text, here in zip(strings, chosen, strict=True) if here}
    assert not test & {text for text, here in zip(strings, chosen, strict=True) if not here}
    assert bool(test) == (fraction > 0 and len(strings) > 1)
    again = part_of(strings[::-1], fraction, seed)
    assert list(again[::-1]) == list(chosen)
