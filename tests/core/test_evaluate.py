"""Reports, intervals and floors, with an evaluator of plain numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from genai_core.data import SequenceDataset
from genai_core.errors import BadInput, ConfigError, UnknownId, UsageError
from genai_core.plugins import registry as registry_module
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import EvaluatorSpec, MetricSpec
from genai_core.results.evaluate import Metric, Report, bootstrap, run_evaluator, share_interval

CALLS: list[int] = []


class Lengths:
    """Mean length of lines, and the share of lines that the reference has."""

    def __init__(self, config=None):
        pass

    def evaluate(self, items, reference, ctx):
        CALLS.append(len(items))
        lengths = [float(len(item)) for item in items]
        low, high = bootstrap(lengths, rng=ctx.rng("bootstrap"), resamples=100)
        known = {reference[i] for i in range(len(reference))}
        mean = Metric("length", sum(lengths) / len(items), "target", low, high, n=len(items))
        shared = sum(item in known for item in items) / len(items) if len(items) > 3 else math.nan
        reason = "" if len(items) > 3 else "needs >= 4 lines"
        return Report("lines/lengths", (mean, Metric("known", shared, "lower", reason=reason)))


class Plugin:
    GENAI_API = 1

    @staticmethod
    @hookimpl
    def genai_evaluators():
        yield EvaluatorSpec(
            name="lengths", summary="Lengths of lines", modality="text", factory=f"{__name__}:Lengths",
            metrics=(
                MetricSpec(name="length", direction="target", summary="mean length"),
                MetricSpec(name="known", direction="lower", low=0, high=1, summary="share known"),
            ),
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _lines(tmp_path, monkeypatch):
    import sys

    monkeypatch.setenv("GENAI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _module())
    registry_module.reset()
    registry_module.register(Plugin, name="lines")
    CALLS.clear()
    yield
    registry_module.reset()


def _module():
    import types

    module = types.ModuleType(__name__)
    module.Lengths = Lengths
    return module


def lines(first, count):
    return [f"line {number}" for number in range(first, first + count)]


class Parts(SequenceDataset):
    """A split knows its siblings."""

    def __init__(self, parts, name="test"):
        super().__init__({name: parts[name]}, modality="text")
        self.parts = parts

    def split(self, name):
        if name not in self.parts:
            raise UsageError(f"no split {name}")
        return Parts(self.parts, name)


REFERENCE = Parts({"test": lines(0, 50), "train": [*lines(0, 10), *lines(1000, 90)]})


class TestFloors:
    def test_each_value_stands_beside_what_real_items_reach(self):
        report = run_evaluator("lines/lengths", lines(500, 20), REFERENCE)
        assert report["length"].floor == pytest.approx(9)  # "line 1000" and its like
        assert report["known"].floor == 0  # the ten training lines that the reference has are not drawn
        assert report.notes == ("floor: 20 real items",)

    def test_the_floor_is_measured_once(self):
        for seed in (1, 2, 3):
            run_evaluator("lines/lengths", lines(500, 20), REFERENCE, seed=seed)
        assert CALLS == [20, 20, 20, 20]
        run_evaluator("lines/lengths", lines(500, 21), REFERENCE)
        assert CALLS[4:] == [21, 21]

    def test_a_damaged_cache_is_made_anew(self, tmp_path):
        first = run_evaluator("lines/lengths", lines(500, 20), REFERENCE)
        (file,) = (tmp_path / "cache" / "floors").iterdir()
        for content in (b"{", b"[1]", b'{"length": null}', b"\xff"):
            file.write_bytes(content)
            assert run_evaluator("lines/lengths", lines(500, 20), REFERENCE) == first

    def test_fewer_real_items_than_asked_are_told(self):
        report = run_evaluator("lines/lengths", lines(500, 200), REFERENCE)
        assert report.notes == ("floor: 90 real items, all there are",)

    def test_without_a_source_the_report_says_so(self):
        data = Parts({"test": lines(0, 5)})
        report = run_evaluator("lines/lengths", lines(7, 5), data)
        assert report["length"].floor is None
        assert "no split 'train'" in report.notes[0]
        everything_known = run_evaluator("lines/lengths", lines(7, 5), data, floor_items=lines(0, 5))
        assert "every real item is in the reference" in everything_known.notes[0]

    def test_given_items_and_no_floor(self):
        report = run_evaluator("lines/lengths", lines(0, 5), REFERENCE, floor_items=["a", "b", "c", "d", "e"])
        assert report["length"].floor == 1
        assert run_evaluator("lines/lengths", lines(0, 5), REFERENCE, floor=False).notes == ()


class TestRefusals:
    def test_what_cannot_be_measured(self):
        with pytest.raises(BadInput, match="nothing to evaluate"):
            run_evaluator("lines/lengths", [], REFERENCE)
        with pytest.raises(UsageError, match="compares with real data"):
            run_evaluator("lines/lengths", ["a"])
        with pytest.raises(UsageError, match="measures text, not digits"):
            run_evaluator("lines/lengths", ["a"], SequenceDataset([1, 2], modality="digits"))
        with pytest.raises(UnknownId):
            run_evaluator("lines/length", ["a"], REFERENCE)
        with pytest.raises(ConfigError, match="lines/lengths: unknown key 'speed'"):
            run_evaluator("lines/lengths", ["a"], REFERENCE, config={"speed": 1})


class TestReport:
    def test_json_has_null_for_what_is_missing(self):
        report = run_evaluator("lines/lengths", lines(500, 3), REFERENCE)
        assert not report["known"].available
        plain = json.loads(report.to_json())
        assert plain["metrics"][1]["value"] is None
        assert plain["metrics"][1]["reason"] == "needs >= 4 lines"

    def test_access_by_name_and_place(self):
        report = Report("e/x", (Metric("a", 1.0, "higher"), Metric("b", 2.0, "lower", unit="s")))
        assert (report["b"], report[0], len(report)) == (report.metrics[1], report.metrics[0], 2)
        assert [metric.name for metric in report] == ["a", "b"]
        with pytest.raises(KeyError, match="metrics: a, b"):
            report["c"]
        assert "2.0000 s" in report.table()

    def test_a_floor_that_the_evaluator_knows_stays_and_a_baseline_is_a_column(self, monkeypatch):
        known = Metric("length", 3.0, "lower", floor=1.0, baseline=9.5)
        monkeypatch.setattr(Lengths, "evaluate", lambda *_: Report("lines/lengths", (known,)))
        report = run_evaluator("lines/lengths", lines(0, 3), REFERENCE)
        assert report.metrics == (known,)
        head, row = (line.split() for line in report.table().splitlines())
        assert dict(zip(head, row, strict=True)) == {
            "metric": "length", "value": "3.0000", "floor": "1.0000", "baseline": "9.5000", "better": "down",
        }  # fmt: skip

    def test_the_table_says_why(self):
        table = run_evaluator("lines/lengths", lines(500, 3), REFERENCE).table()
        assert "not available: known: needs >= 4 lines" in table
        assert "note: floor: 3 real items" in table


class TestIntervals:
    def test_bootstrap_covers_the_mean(self):
        """Of 95 % intervals about 95 % hold the truth; skewed data of 80 lose a little."""
        rng = np.random.default_rng(0)
        hits = 0
        for _ in range(300):
            low, high = bootstrap(rng.exponential(size=80), rng=rng, resamples=200)
            hits += low <= 1 <= high
        assert 0.88 <= hits / 300 <= 0.98

    def test_share_interval_covers(self):
        rng = np.random.default_rng(1)
        for p, n in ((0.5, 40), (0.97, 200), (0.999, 1000)):
            hits = sum(
                low <= p <= high for low, high in (share_interval(h, n) for h in rng.binomial(n, p, 800))
            )
            assert 0.91 <= hits / 800 <= 1

    def test_columns_are_resampled_together(self):
        values = np.random.default_rng(2).normal(size=(50, 3))
        low, high = bootstrap(values, rng=np.random.default_rng(3))
        first = bootstrap(values[:, 0], rng=np.random.default_rng(3))
        assert (low[0], high[0]) == pytest.approx(first)
        assert ((low < values.mean(axis=0)) & (values.mean(axis=0) < high)).all()

    def test_the_same_seed(self):
        values = [1.0, 2.0, 3.0, 4.0, 100.0]
        one, two = (bootstrap(values, rng=np.random.default_rng(4)) for _ in range(2))
        assert one == two
        assert 1 <= one[0] <= 22 <= one[1] <= 100
        with pytest.raises(UsageError):
            bootstrap([], rng=np.random.default_rng(0))

    @given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    def test_share_interval_holds_the_share(self, case):
        hits, n = case
        low, high = share_interval(hits, n)
        assert 0 <= low <= hits / n <= high <= 1
        assert low < high

    def test_share_interval_by_hand(self):
        assert share_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
        for hits, n in ((1, 0), (3, 2), (-1, 2)):
            with pytest.raises(UsageError):
                share_interval(hits, n)


class TestCommand:
    def run(self, *arguments, stdin=None):
        from genai_core.cli.main import cli

        return CliRunner().invoke(
            cli, ["evaluate", *map(str, arguments)], input=stdin, catch_exceptions=False
        )

    def test_json_file_and_stdin(self, tmp_path):
        (tmp_path / "mine.txt").write_text("a\nbb\n")
        (tmp_path / "real.txt").write_text("ccc\n")
        options = ["--with", "lines/lengths", "--against", tmp_path / "real.txt"]
        result = self.run(tmp_path / "mine.txt", *options, "--json", "-o", tmp_path / "report.json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["metrics"][0]["value"] == 1.5
        assert json.loads((tmp_path / "report.json").read_text()) == json.loads(result.stdout)
        assert "1.5000" in self.run("-", *options, stdin="a\nbb\n").stdout
        both = self.run(tmp_path / "mine.txt", tmp_path / "real.txt", *options, "--no-floor", "--json")
        assert json.loads(both.stdout)["metrics"][0]["value"] == 2

    def test_mistakes(self, tmp_path):
        from genai_core.cli.main import main

        (tmp_path / "mine.txt").write_text("a\n")
        mine = str(tmp_path / "mine.txt")
        base = ["evaluate", mine, "--with", "lines/lengths"]
        assert main(base) == 2
        assert main([*base, "--against", "no/such"]) == 2
        assert main(["evaluate", str(tmp_path), "--with", "lines/lengths", "--against", mine]) == 3
        assert main(["evaluate", str(tmp_path / "no.txt"), "--with", "lines/lengths", "--against", mine]) == 3
        assert main(["evaluate", mine, "--with", "lines/lengts", "--against", mine]) == 2
