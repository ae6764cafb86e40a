"""Pipelines: files with their records, the same bytes again, and a folder in which nothing else is lost."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import Field

from genai_core.cli.main import main
from genai_core.config import Config, read_toml
from genai_core.errors import BadInput, ConfigError, ResourceError, UsageError
from genai_core.files.artifacts import Text
from genai_core.files.provenance import read_record
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.registry import register, registry, reset
from genai_core.plugins.specs import PipelineSpec
from genai_core.results.evaluate import Metric, Report
from genai_core.results.pipelines import PipelineRun, run_pipeline
from genai_core.results.report import Gallery


class Deep(Config):
    low: float = 0.0


class WriteConfig(Config):
    n: int = Field(default=3, ge=1, le=100)
    word: str = "auto"
    fail: str = ""
    deep: Deep = Deep()


def write(config: WriteConfig, run: PipelineRun) -> None:
    word = config.word if config.word != "auto" else "settled"
    config = run.resolve(word=word)
    rng = run.context("names").rng()
    names = Text([f"{word}-{int(rng.integers(1_000_000))}" for _ in range(config.n)])
    run.progress("writing", 1, config.n)
    (run.scratch("work") / "note").write_text(word)
    if config.fail == "early":
        raise BadInput("names", "there are none")
    run.save(names, "names.txt")
    if config.fail == "late":
        raise KeyboardInterrupt
    run.write("table.csv", "a,b\n1,2\n")
    run.count("names", config.n)
    run.fact("names", str(config.n))
    run.headline("Names", "Some names.")
    run.section(Gallery("Names", names.preview()))
    run.metrics(Report("mine/all", (Metric("share", 1 / 3, "higher"),)))
    run.warn("made for a test")


class Plugin:
    GENAI_API = 1

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    @hookimpl
    def genai_pipelines(self):
        here = "tests_pipelines_toy"
        yield PipelineSpec(
            name="write",
            summary="Write names",
            modality="text",
            factory=f"{here}:write",
            config=f"{here}:WriteConfig",
        )

    @hookimpl
    def genai_run_started(self, run):
        self.events.append(("started", run.spec_id))

    @hookimpl
    def genai_run_finished(self, run, status, error):
        self.events.append((status, type(error).__name__))


@pytest.fixture
def plugin(monkeypatch):
    import sys

    module = SimpleNamespace(write=write, WriteConfig=WriteConfig)
    monkeypatch.setitem(sys.modules, "tests_pipelines_toy", module)
    reset()
    made = Plugin()
    register(made, name="mine")
    yield made
    reset()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "credentials.zip"}


def test_every_file_has_its_record_and_the_report_names_them(plugin, tmp_path):
    run = run_pipeline("mine/write", {"word": "x", "n": 4}, seed=5, out=tmp_path / "o")
    assert (tmp_path / "o" / "names.txt").read_text().count("x-") == 4
    for name in ("names.txt", "table.csv", "config.toml", "metrics.json", "report.html"):
        recipe = read_record(run.path / name)["recipe"]
        assert recipe["output"] == name
        assert recipe["config"]["n"] == 4
        assert recipe["seed"] == 5
    page = run.report.read_text(encoding="utf-8")
    for shown in ("names.txt", "made for a test", "Some names.", "--seed 5", "--set n=4", "--set word=x"):
        assert shown in page
    assert plugin.events == [("started", "mine/write"), ("done", "NoneType")]


def test_metrics_json_holds_counts_warnings_and_reports(plugin, tmp_path):
    run_pipeline("mine/write", {}, out=tmp_path / "o")
    numbers = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert numbers["counts"] == {"names": 3}
    assert numbers["warnings"] == ["made for a test"]
    assert numbers["reports"][0]["metrics"][0]["value"] == 0.333333333


def test_the_same_again_is_the_same_bytes_wherever_it_is_written(plugin, tmp_path):
    for name in ("a", "b"):
        run_pipeline("mine/write", {"n": 5}, seed=9, out=tmp_path / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    run_pipeline("mine/write", {"n": 5}, seed=10, out=tmp_path / "c")
    assert (tmp_path / "c" / "names.txt").read_bytes() != (tmp_path / "a" / "names.txt").read_bytes()


def test_a_finished_folder_may_be_run_into_again_and_keeps_what_is_beside(plugin, tmp_path):
    run_pipeline("mine/write", {}, seed=1, out=tmp_path / "o")
    (tmp_path / "o" / "notes.md").write_text("mine")
    before = contents(tmp_path / "o")
    run_pipeline("mine/write", {}, seed=1, out=tmp_path / "o")
    assert contents(tmp_path / "o") == before


@pytest.mark.parametrize(("values", "seed", "what"), [({"n": 4}, 1, "settings"), ({}, 2, "seed")])
def test_other_settings_or_another_seed_are_refused(plugin, tmp_path, values, seed, what):
    run_pipeline("mine/write", {}, seed=1, out=tmp_path / "o")
    before = contents(tmp_path / "o")
    with pytest.raises(UsageError, match=f"it differs in {what}$"):
        run_pipeline("mine/write", values, seed=seed, out=tmp_path / "o")
    assert contents(tmp_path / "o") == before


def test_an_edited_file_is_not_overwritten(plugin, tmp_path):
    run_pipeline("mine/write", {}, out=tmp_path / "o")
    (tmp_path / "o" / "table.csv").write_text("my own numbers")
    with pytest.raises(UsageError, match="was changed since"):
        run_pipeline("mine/write", {}, out=tmp_path / "o")
    assert (tmp_path / "o" / "table.csv").read_text() == "my own numbers"


@pytest.mark.parametrize("name", ["thesis.tex", "manifest.json", ".hidden"])
def test_a_folder_of_something_else_is_refused_untouched(plugin, tmp_path, name):
    (tmp_path / name).write_text('{"format": 1}')
    with pytest.raises(UsageError):
        run_pipeline("mine/write", {}, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_appeared_in_between_is_not_overwritten(plugin, tmp_path):
    run = PipelineRun(tmp_path, registry().find("pipeline", "mine/write"), WriteConfig(), 0)
    (tmp_path / "names.txt").write_text("theirs")
    with pytest.raises(UsageError, match="not made by this run"):
        run.write("names.txt", "ours")
    assert (tmp_path / "names.txt").read_text() == "theirs"


def test_a_kill_between_a_record_and_its_file_can_be_run_again(plugin, tmp_path):
    run_pipeline("mine/write", {}, out=tmp_path / "o")
    whole = contents(tmp_path / "o")
    (tmp_path / "o" / "names.txt").unlink()
    run_pipeline("mine/write", {}, out=tmp_path / "o")
    assert contents(tmp_path / "o") == whole


def test_a_mistake_leaves_the_folder_free_for_other_settings(plugin, tmp_path):
    with pytest.raises(BadInput):
        run_pipeline("mine/write", {"fail": "early"}, out=tmp_path / "o")
    assert plugin.events[-1] == ("failed", "BadInput")
    run_pipeline("mine/write", {}, out=tmp_path / "o")


def test_scratch_outlives_a_failure_and_goes_in_the_end(plugin, tmp_path):
    with pytest.raises(BadInput):
        run_pipeline("mine/write", {"fail": "early"}, out=tmp_path)
    assert (tmp_path / ".tmp-work" / "note").read_text() == "settled"
    run_pipeline("mine/write", {}, out=tmp_path)
    assert not (tmp_path / ".tmp-work").exists()


def test_a_stop_leaves_what_was_made(plugin, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_pipeline("mine/write", {"fail": "late"}, out=tmp_path / "o")
    assert plugin.events[-1] == ("interrupted", "KeyboardInterrupt")
    assert not (tmp_path / "o" / "report.html").exists()
    read_record(tmp_path / "o" / "names.txt")


def test_two_at_once_are_refused(plugin, tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(ResourceError, match="another process"):
            run_pipeline("mine/write", {}, out=tmp_path)
    finally:
        os.close(descriptor)


def test_what_the_machine_settled_is_what_the_records_say(plugin, tmp_path):
    run = run_pipeline("mine/write", {}, out=tmp_path / "o")
    assert read_record(run.path / "names.txt")["recipe"]["config"]["word"] == "settled"
    assert read_toml(run.path / "config.toml")["word"] == "settled"
    assert "--set word=settled" in run.report.read_text(encoding="utf-8")
    again = run_pipeline("mine/write", {"word": "settled"}, out=tmp_path / "p")
    assert (again.path / "names.txt").read_bytes() == (run.path / "names.txt").read_bytes()


@pytest.mark.parametrize("n", [0, -1, 101])
def test_n_out_of_range_is_a_config_error_and_makes_no_folder(plugin, tmp_path, n):
    with pytest.raises(ConfigError, match="n="):
        run_pipeline("mine/write", {"n": n}, out=tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("name", ["../out.txt", "manifest.json", "a.genai.json", "CON"])
def test_names_a_pipeline_may_not_write(plugin, tmp_path, name):
    spec = registry().find("pipeline", "mine/write")
    run = PipelineRun(tmp_path, spec, WriteConfig(), 0)
    with pytest.raises((BadInput, UsageError)):
        run.write(name, "x")
    assert list(tmp_path.iterdir()) == []


def test_the_default_folder_is_named_by_what_is_in_it(plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = run_pipeline("mine/write", {}, seed=3)
    assert first.path == run_pipeline("mine/write", {}, seed=3).path
    assert first.path.parent == Path("runs")
    assert first.path != run_pipeline("mine/write", {"n": 1}, seed=3).path


def test_a_settings_table_reaches_the_command(plugin, tmp_path):
    run = run_pipeline("mine/write", {"deep": {"low": 1.5}}, out=tmp_path / "o")
    assert "--set deep.low=1.5" in run.report.read_text(encoding="utf-8")


def test_the_command_prints_files_and_ends_with_the_report(plugin, tmp_path, capsys):
    assert main(["run", "mine/write", "-n", "2", "--seed", "1", "-o", str(tmp_path / "o")]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == str(tmp_path / "o" / "names.txt")
    assert lines[-1] == f"report: {tmp_path / 'o' / 'report.html'}"
    assert "made for a test" in err
    assert "writing" in err


def test_the_command_speaks_json_and_keeps_quiet(plugin, tmp_path, capsys):
    assert main(["run", "mine/write", "-q", "--json", "-o", str(tmp_path / "o"), "--set", "word=y"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["counts"] == {"names": 3}
    assert answer["report"].endswith("report.html")
    assert "writing" not in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-n", "0"], 2, "n=0"),
        (["--set", "wrod=x"], 2, 'did you mean "word"'),
        (["--set", "fail=early"], 3, "none"),
    ],
)
def test_the_command_explains_mistakes(plugin, tmp_path, capsys, arguments, code, message):
    assert main(["run", "mine/write", "-o", str(tmp_path / "o"), *arguments]) == code
    assert message in capsys.readouterr().err


def test_opening_shows_the_report(plugin, tmp_path, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    assert main(["run", "mine/write", "--open", "-o", str(tmp_path / "o")]) == 0
    assert shown == [(tmp_path / "o" / "report.html").resolve().as_uri()]
