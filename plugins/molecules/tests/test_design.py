"""`molecules/design` with the shipped weights: what it keeps, what it writes, and what it says."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from rdkit import Chem

from genai_core.errors import BadInput, ConfigError, UnknownId, UsageError
from genai_core.results.pipelines import PipelineRun, run_pipeline
from genai_molecules.artifacts import Molecules
from genai_molecules.design.known import Known, choose_known, load_data, spread
from genai_molecules.design.select import Selection, best
from genai_molecules.design_config import DesignConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK: dict[str, Any] = {
    "known": "molecules/sample:train",
    "neighbours": 300,
    "evaluate": False,
    "pictures": 4,
}


@pytest.fixture(autouse=True, scope="module")
def small_reference() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genai_molecules.pipelines.REFERENCE", 60)
        yield


def run(out: Path, seed: int = 1, **values: Any) -> PipelineRun:
    return run_pipeline("molecules/design", {**QUICK, **values}, seed=seed, out=out, device="cpu")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    windows = {"logP": [1, 4], "weight": {"max": 400}}
    return run(
        tmp_path_factory.mktemp("design") / "out", n=20, windows=windows, keep=["c1ccccc1"], avoid=["[Cl,Br]"]
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_three_files_hold_the_same_leads(done):
    table = rows(done.path / "leads.csv")
    assert len(table) == 20
    assert [row["rank"] for row in table] == [str(rank) for rank in range(1, 21)]
    for name in ("leads.smi", "leads.sdf"):
        assert list(Molecules.load(done.path / name)) == [row["SMILES"] for row in table]


def test_leads_are_canonical_new_and_different(done):
    smiles = list(Molecules.load(done.path / "leads.smi"))
    assert len(set(smiles)) == 20
    assert all(Chem.CanonSmiles(text) == text for text in smiles)
    assert not set(smiles) & set(load_data("molecules/sample:train"))


def test_windows_and_patterns_hold(done):
    benzene, halogen = Chem.MolFromSmarts("c1ccccc1"), Chem.MolFromSmarts("[Cl,Br]")
    for row in rows(done.path / "leads.csv"):
        molecule = Chem.MolFromSmiles(row["SMILES"])
        assert 1 <= float(row["logP"]) <= 4
        assert float(row["weight"]) <= 400
        assert molecule.HasSubstructMatch(benzene)
        assert not molecule.HasSubstructMatch(halogen)


def test_the_best_come_first_and_every_column_is_filled(done):
    table = rows(done.path / "leads.csv")
    scores = [float(row["score"]) for row in table]
    assert scores == sorted(scores, reverse=True)
    for row in table:
        expected = (float(row["QED"]) * (10 - float(row["SA"])) / 9) ** 0.5
        assert float(row["score"]) == pytest.approx(expected, abs=1e-4)
        assert 0 < float(row["similarity"]) <= 1
        assert float(row["log_likelihood"]) < 0
        assert Chem.MolFromSmiles(row["nearest_known"]) is not None


def test_counts_fall_from_step_to_step_and_end_in_the_leads(done):
    counts = json.loads((done.path / "metrics.json").read_text())["counts"]
    assert list(counts) == [
        "sampled", "valid", "unique", "new", "inside the windows", "right patterns", "no alert", "leads",
    ]  # fmt: skip
    values = list(counts.values())
    assert values == sorted(values, reverse=True)
    assert values[-1] == 20


def test_the_report_shows_structures_windows_and_the_command(done):
    page = done.report.read_text(encoding="utf-8")
    assert page.count('<img src="data:image/svg+xml') == 4
    assert 'class="bound"' in page
    assert "20 new drug-like molecules" in page
    assert "--set windows.logp.min=1" in page
    assert len(page) < 400_000


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        run(tmp_path / name, seed, n=2)
    names = [path.name for path in (tmp_path / "a").iterdir() if path.name != "credentials.zip"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    assert (tmp_path / "a" / "leads.smi").read_bytes() != (tmp_path / "c" / "leads.smi").read_bytes()


def test_an_exhausted_budget_is_told_and_is_no_failure(tmp_path):
    made = run(tmp_path / "o", n=50, budget=64, windows={"qed": [0.9, 1]})
    assert made.counts["sampled"] == 64
    assert 0 < made.counts["leads"] < 50
    assert "of 50 leads were found in 64 samples" in made.warnings[0]
    assert "of 50 leads were found" in made.report.read_text(encoding="utf-8")


def test_nothing_found_still_gives_files_and_a_report(tmp_path):
    made = run(tmp_path / "o", n=3, budget=64, keep=["[U]"])
    assert made.counts["leads"] == 0
    assert rows(made.path / "leads.csv") == []
    assert "0 new drug-like molecules" in made.report.read_text(encoding="utf-8")


def test_coordinates_in_space_on_request(tmp_path):
    made = run(tmp_path / "o", n=2, alerts=[], coordinates="3d")
    supplier = Chem.SDMolSupplier(str(made.path / "leads.sdf"), removeHs=False)
    molecules = list(supplier)
    assert len(molecules) == 2
    for molecule in molecules:
        heights = {
            round(molecule.GetConformer().GetAtomPosition(atom).z, 3)
            for atom in range(molecule.GetNumAtoms())
        }
        assert len(heights) > 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": 0}, "n=0"),
        ({"n": -5}, "n=-5"),
        ({"n": 10**9}, "n=1000000000"),
        ({"windows": {"logq": [1, 2]}}, "logq"),
        ({"windows": {"logp": [4, 1]}}, "the window is empty"),
        ({"windows": {"logp": [1]}}, "a window is"),
        ({"windows": {"logp": ["low", 3]}}, "low"),
        ({"windows": 3}, "windows"),
        ({"keep": ["c1cc("]}, "is not a SMARTS pattern"),
        ({"avoid": [""]}, "is not a SMARTS pattern"),
        ({"alerts": ["PAIN"]}, "no alert catalogue 'PAIN'"),
        ({"rank": {"qed": 0, "sa": 0}}, "at least one weight"),
        ({"coordinates": "4d"}, "coordinates"),
        ({"budget": 0}, "budget"),
    ],
)
def test_wrong_settings_are_explained_and_touch_nothing(tmp_path, values, message):
    with pytest.raises(ConfigError) as caught:
        run(tmp_path / "o", **values)
    assert message in caught.value.message
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"model": "molecules/rn"}, UnknownId),
        ({"model": "."}, BadInput),
        ({"known": "molecules/sampel"}, UnknownId),
        ({"known": "molecules/sample:valid"}, UsageError),
        ({"known": "absent.smi"}, BadInput),
        ({"sampling": {"temprature": 1}}, ConfigError),
    ],
)
def test_wrong_names_leave_the_folder_free(tmp_path, values, error):
    with pytest.raises(error):
        run(tmp_path / "o", n=2, **values)
    assert list((tmp_path / "o").iterdir()) == []


def test_known_molecules_from_a_file_in_any_spelling(tmp_path):
    path = tmp_path / "known.smi"
    path.write_text("C(C)O\nOc1ccccc1\n")
    known = Known(load_data(str(path)), 10)
    assert "CCO" in known
    assert "Oc1ccccc1" in known
    assert "CCN" not in known


def test_the_nearest_known_molecule_is_the_nearest():
    from genai_molecules.metrics.fingerprints import morgan

    known = Known(["CCO", "c1ccccc1O", "CCCCCC"], 10)
    similarity, nearest = known.nearest(morgan([Chem.MolFromSmiles("c1ccccc1O"), Chem.MolFromSmiles("CCCO")]))
    assert (similarity[0], nearest[0]) == (1.0, "c1ccccc1O")
    assert nearest[1] == "CCO"
    assert 0 < similarity[1] < 1


def test_without_the_training_data_the_sample_is_known_and_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))
    about = {"data": {"id": "molecules/moses", "items": 1_584_663}}
    name, warning = choose_known("auto", about)
    assert name == "molecules/sample:train"
    assert warning is not None
    assert "1,584,663" in warning
    assert "genai data fetch molecules/moses" in warning
    assert choose_known("none", about) == ("none", None)
    assert choose_known("auto", {"data": {"id": "molecules/sample"}}) == ("molecules/sample:train", None)


def selection(known: tuple[str, ...] = (), **values: Any) -> Selection:
    config = DesignConfig.parse({"alerts": [], **values})
    return Selection(config, Known(known, 10))


def test_each_filter_counts_what_it_lets_through():
    chosen = selection(("CCO",), windows={"rings": {"min": 1}}, avoid=["Br"])
    chosen.add(["OCC", "c1ccccc1", "C1=CC=CC=C1", "C(", "CCCC", "Brc1ccccc1", ""])
    assert chosen.counts == {
        "sampled": 7, "valid": 5, "unique": 4, "new": 3, "inside the windows": 2, "right patterns": 1,
    }  # fmt: skip
    assert chosen.smiles == ["c1ccccc1"]


def test_samples_may_come_in_any_portions():
    whole, parts = selection(), selection()
    samples = spread(load_data("molecules/sample:test"), 30)
    whole.add(samples)
    for start in range(0, 30, 7):
        parts.add(samples[start : start + 7])
    assert (whole.smiles, whole.counts) == (parts.smiles, parts.counts)


def test_weights_choose_what_is_good():
    import numpy as np

    chosen = selection(rank={"qed": 0, "sa": 0, "novelty": 1})
    chosen.add(["c1ccccc1", "CCCCO"])
    assert list(chosen.desirability(np.array([0.2, 0.9]))) == pytest.approx([0.8, 0.1])
    centred = selection(rank={"qed": 0, "sa": 0, "centre": 1}, windows={"rings": [0, 2]})
    centred.add(["c1ccccc1", "CCCCO"])
    assert centred.desirability(np.zeros(2)) == pytest.approx([1.0, 1e-9])


def test_equal_scores_keep_a_fixed_order():
    import numpy as np

    assert best(np.array([0.5, 0.9, 0.5, np.nan]), ["c", "b", "a", "d"], 3) == [1, 2, 0]


def test_at_even_distances():
    assert spread("abcdefghij", 5) == ["a", "c", "e", "g", "i"]
    assert spread("abc", 5) == ["a", "b", "c"]
