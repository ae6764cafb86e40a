"""The MOSES metrics as a whole: equal to the published implementation, and sane at the edges."""

from __future__ import annotations

import json
import math
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_core.data import SequenceDataset
from genai_core.errors import BadInput, MissingDependency, UsageError, VerificationError
from genai_core.results.evaluate import run_evaluator
from genai_molecules.artifacts import Molecules
from genai_molecules.data import SmilesData, SmilesLines, sample
from genai_molecules.metrics import chemnet, reference
from genai_molecules.metrics.moses import FEWEST_FCD
from genai_molecules.metrics_spec import MOSES_METRICS

HERE = Path(__file__).parent
ID = "molecules/moses-metrics"
SAMPLE = sample()
TEST = SAMPLE.split("test")
NO_FCD = {"fcd": False, "resamples": 100}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path))


def splits(**parts):
    return SmilesData({name: (lambda lines=lines: SmilesLines.of(lines)) for name, lines in parts.items()})


def measure(items, data, *, config=NO_FCD, floor=False, **options):
    return run_evaluator(ID, items, data, config=config, floor=floor, **options)


class TestAgreement:
    @pytest.mark.slow
    def test_values_are_those_of_molsets(self):
        sys.path.insert(0, str(HERE.parents[2] / "benchmarks"))
        try:
            from moses_metrics import small_sets
        finally:
            sys.path.pop(0)
        sets = small_sets()
        items = sets.pop("gen")
        expected = json.loads((HERE / "moses_metrics.json").read_text())["values"]
        found = measure(items, splits(**sets).split("test"), config={"resamples": 100})
        assert {metric.name for metric in found} == expected.keys()
        for metric in found:
            if metric.name == "unique@10k":  # molsets asks fewer molecules and warns
                assert not metric.available
            elif chemnet.available() or not metric.name.startswith("FCD"):
                assert metric.value == pytest.approx(expected[metric.name], abs=1e-4), metric.name
        assert found["Filters"].value < 1
        assert found["valid"].value < 1

    def test_activations_are_those_of_fcd(self):
        fcd = pytest.importorskip("fcd")
        smiles = [*TEST[:20], "C", "[Na+].[Cl-]", "C[Si](C)(C)[2H]", "C" * 360]
        expected = fcd.get_predictions(fcd.load_ref_model(), smiles[:-1], n_jobs=0, device="cpu")
        found = chemnet.activations(smiles, batch=7)  # the long one must not change the padding of the others
        np.testing.assert_allclose(found[:-1], expected, atol=1e-6)
        assert np.isfinite(found).all()


class TestChemNetFile:
    def test_a_changed_file_is_refused(self, tmp_path, monkeypatch):
        path = tmp_path / "ChemNet_v0.13_pretrained.pt"
        path.write_bytes(b"PK")
        monkeypatch.setattr(chemnet, "_path", lambda: path)
        with pytest.raises(VerificationError, match="not the known file"):
            chemnet.load_chemnet.__wrapped__()

    def test_without_the_extra_the_fcd_is_not_available(self, monkeypatch):
        def missing(name):
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(chemnet.metadata, "distribution", missing)
        with pytest.raises(MissingDependency) as error:
            chemnet.load_chemnet.__wrapped__()
        assert error.value.hint == 'pip install "genai-molecules[fcd]"'
        found = measure(TEST[:60], splits(test=TEST[60:90], train=SAMPLE[:30]), config={"resamples": 100})
        assert not found["FCD/Test"].available
        assert "genai-molecules[fcd]" in found["FCD/Test"].reason
        assert found["SNN/Test"].available


class TestEdges:
    def test_a_set_is_like_itself(self):
        smiles = TEST[:120]
        data = splits(test=smiles, train=SAMPLE[:50], test_scaffolds=smiles)
        found = measure(smiles, data, config={"resamples": 100, "fcd": chemnet.available()})
        for suffix in ("Test", "TestSF"):
            for name in ("SNN", "Frag", "Scaf"):
                assert found[f"{name}/{suffix}"].value == pytest.approx(1, abs=1e-9)
            if chemnet.available():
                assert found[f"FCD/{suffix}"].value == pytest.approx(0, abs=1e-3)
        for name in ("logP", "SA", "QED", "weight"):
            assert found[name].value == pytest.approx(0, abs=1e-9)
        assert found["Novelty"].value == 1

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.permutations([*TEST[:25], "C(", "CCO"]))
    def test_order_does_not_matter(self, smiles):
        data = splits(test=TEST[100:130], train=SAMPLE[:30])
        one, other = measure([*TEST[:25], "C(", "CCO"], data), measure(smiles, data)
        for metric in one:
            assert other[metric.name].value == pytest.approx(metric.value, nan_ok=True, abs=1e-6), metric.name

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.sampled_from(["C(", "CCO", "c1ccccc1", "[H][H]", "", "x", *TEST[:4]]), min_size=1, max_size=9
        )
    )
    def test_any_strings_give_values_in_range_or_a_reason(self, smiles):
        found = measure(smiles, splits(test=TEST[100:120], train=SAMPLE[:30]))
        declared = {spec.name: spec for spec in MOSES_METRICS.metrics}
        assert [metric.name for metric in found] == list(declared)
        for metric in found:
            spec = declared[metric.name]
            assert metric.available == (not metric.reason), metric
            if metric.available:
                assert (
                    (spec.low or 0) <= metric.value <= (math.inf if spec.high is None else spec.high + 1e-9)
                )
                assert metric.low is None or metric.low <= metric.value <= metric.high

    def test_three_molecules(self):
        found = measure(
            ["CCO", "CCN", "C("], splits(test=TEST[:50], train=SAMPLE[:30]), config={"resamples": 100}
        )
        assert found["valid"].value == pytest.approx(2 / 3)
        assert found["unique@1k"].reason == "needs >= 1,000 valid, there are 2"
        if chemnet.available():
            assert found["FCD/Test"].reason == f"needs >= {FEWEST_FCD} valid molecules, there are 2"
        assert found["FCD/TestSF"].reason == "the reference has no split test_scaffolds"
        assert found["SNN/Test"].available
        assert found["SNN/Test"].low is None
        assert "null" in found.to_json()

    def test_nothing_valid(self):
        found = measure(["C(", "x"], splits(test=TEST[:20], train=SAMPLE[:30]))
        assert found["valid"].value == 0
        assert found["valid"].high > 0.5
        assert [metric.name for metric in found if metric.available] == ["valid"]

    def test_no_items_and_no_reference(self):
        with pytest.raises(BadInput, match="nothing to evaluate"):
            measure([], TEST)
        with pytest.raises(UsageError, match="compares with real data"):
            measure(["CCO"], None)
        with pytest.raises(BadInput, match="no valid molecule"):
            measure(["CCO"], splits(test=["C("]))

    def test_unique_and_novelty_by_hand(self):
        molecules = ["CCO"] * 990 + ["OCC"] * 5 + ["CCN", "CCC", "CC", "CCCC", "C("] + ["CCCO"]
        found = measure(molecules, splits(test=TEST[:20], train=["CCN", "CCC"]))
        assert found["valid"].value == pytest.approx(1000 / 1001)
        assert found["unique@1k"].value == pytest.approx(6 / 1000)
        assert found["Novelty"].value == pytest.approx(4 / 6)
        assert found["Novelty"].n == 6

    def test_novelty_sees_through_other_spellings_of_the_training_set(self):
        found = measure(["CCO", "CCN"], splits(test=TEST[:20], train=["OCC", "C(C)C"]))
        assert found["Novelty"].value == 0.5

    def test_a_reference_without_splits(self):
        class Bare(SequenceDataset):
            def split(self, name):
                raise UsageError(f"no split {name}")

        found = measure(["CCO", "CCN"], Bare(list(TEST[:20]), modality="molecules"), floor=True)
        assert found["Novelty"].reason == "the reference has no split train"
        assert any("no floor" in note for note in found.notes)


class TestCaches:
    def test_reference_statistics_are_kept_and_a_damaged_file_is_made_anew(self, tmp_path, monkeypatch):
        calls = []
        original = reference.features
        monkeypatch.setattr(reference, "features", lambda *a, **k: calls.append(1) or original(*a, **k))
        data = splits(test=TEST[:30])
        first = reference.reference_of(data, activations=False)
        again = reference.reference_of(data, activations=False)
        assert len(calls) == 1
        assert (first.fragments, first.scaffolds) == (again.fragments, again.scaffolds)
        np.testing.assert_array_equal(first.fingerprints, again.fingerprints)
        np.testing.assert_array_equal(first.properties, again.properties)
        (file,) = (tmp_path / "references").iterdir()
        file.write_bytes(file.read_bytes()[:1000])
        assert reference.reference_of(data, activations=False).fragments == first.fragments
        assert len(calls) == 2
        reference.reference_of(splits(test=TEST[:31]), activations=False)
        assert len(calls) == 3

    def test_a_reference_without_scaffolds_survives_the_cache(self):
        data = splits(test=["CCO", "CCN"])
        assert reference.reference_of(data, activations=False).scaffolds == {}
        assert reference.reference_of(data, activations=False).scaffolds == {}

    def test_an_unwritable_cache_costs_only_time(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("GENAI_CACHE", str(tmp_path / "file"))
        assert measure(["CCO"], splits(test=TEST[:20], train=SAMPLE[:30]), floor=True)["valid"].floor == 1

    def test_floors_are_what_real_molecules_reach(self):
        data = splits(test=TEST[:60], train=SAMPLE[:200])
        found = measure(["CCO"] * 40, data, floor=True)
        assert found["Novelty"].floor == 0
        assert found["SNN/Test"].floor > found["SNN/Test"].value
        assert found["valid"].floor == found["Filters"].floor == 1
        assert "floor: 40 real items" in found.notes


class TestCommand:
    def run(self, *arguments, stdin=None):
        from genai_core.cli.main import cli

        return CliRunner().invoke(
            cli, ["evaluate", *map(str, arguments)], input=stdin, catch_exceptions=False
        )

    def test_a_file_of_any_origin(self, tmp_path):
        file, ref = tmp_path / "my.smi", tmp_path / "ref.smi"
        Molecules(["CCO", "C(", *TEST[:20]]).save(file)
        Molecules(TEST[20:50]).save(ref)
        out = tmp_path / "report.json"
        result = self.run(
            file, "--with", ID, "--against", ref, "--set", "fcd=false", "--json", "-q", "-o", out
        )
        assert result.exit_code == 0
        values = {row["name"]: row for row in json.loads(result.stdout)["metrics"]}
        assert values["valid"]["value"] == pytest.approx(21 / 22)
        assert values["FCD/Test"]["value"] is None
        assert values["FCD/Test"]["reason"]
        assert json.loads(out.read_text()) == json.loads(result.stdout)

    def test_a_folder_of_parts_a_table_and_stdin(self, tmp_path):
        Molecules(["CCO", "CCN"]).save(tmp_path / "part-00000.smi")
        Molecules(["CCC"]).save(tmp_path / "part-00001.smi")
        (tmp_path / "part-00000.smi.genai.json").write_text("{}")
        (tmp_path / "table.csv").write_text("id,smiles\n1,CCO\n2,C(\n")
        options = [
            "--with",
            ID,
            "--against",
            "molecules/sample:test",
            "--set",
            "fcd=false",
            "--no-floor",
            "--json",
        ]
        found = {}
        for name, text in ((tmp_path, None), (tmp_path / "table.csv", None), ("-", "CCO\nC(\nC(\n")):
            result = self.run(name, *options, stdin=text)
            found[str(name)] = json.loads(result.stdout)["metrics"][0]
        assert [(row["value"], row["n"]) for row in found.values()] == [
            (1, 3),
            (0.5, 2),
            (pytest.approx(1 / 3), 3),
        ]


def test_a_split_of_a_file_is_a_reference(tmp_path, capsys):
    from genai_core.cli.main import main

    file = tmp_path / "mine.smi"
    file.write_text("".join(f"{'C' * n}O\n" for n in range(1, 41)))
    counts = {}
    for against in (str(file), f"{file}:test"):
        words = ["evaluate", str(file), "--with", "molecules/moses-metrics", "--against", against]
        assert main([*words, "--set", "fcd=false", "--no-floor", "--json"]) == 0
        metrics = {each["name"]: each["value"] for each in json.loads(capsys.readouterr().out)["metrics"]}
        counts[against.removeprefix(str(file))] = metrics["Novelty"]
    assert counts[""] is None  # a whole file has no training split
    assert 0 < counts[":test"] < 1
