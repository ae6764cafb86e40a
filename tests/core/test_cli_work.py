"""train, resume and sample through the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genai_core.cli.main import main
from tests.core import toys

QUICK = [
    "--steps",
    "6",
    "--seed",
    "3",
    "--device",
    "cpu",
    "--set",
    "training.batch=8",
    "--set",
    "training.threads=1",
]


@pytest.fixture(autouse=True)
def _toys():
    toys.register_toys()


def run(*args):
    return main([str(arg) for arg in args])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    toys.register_toys()
    path = tmp_path_factory.mktemp("cli") / "run"
    assert run("train", "toys/rnn", "--data", "toys/words", "-q", "-o", path, *QUICK) == 0
    return path


def test_train_prints_where_the_run_is_and_what_comes_next(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        run("train", "toys/rnn", "--data", "words", "--set", "width=4", "--set", "data.items=30", *QUICK) == 0
    )
    out, err = capsys.readouterr()
    path = Path(out.split()[0])
    assert path.parent == Path("runs")
    assert "step 6/6" in err
    assert f"genai sample {path}" in err
    page = (path / "report.html").read_text()
    assert "Training of toys/rnn" in page
    assert "genai train toys/rnn --data toys/words --seed 3" in page
    config = json.loads((path / "manifest.json").read_text())["request"]
    assert config["model"]["config"]["width"] == 4
    assert config["data"]["config"] == {"items": 30}


def test_a_model_brings_its_own_data_and_engine_options(tmp_path, capsys):
    path = tmp_path / "r"
    assert run("train", "toys/gan", "--width=4", "--training.threads", "1", "--steps", "2", "-o", path) == 0
    asked = json.loads((path / "manifest.json").read_text())["request"]
    assert asked["data"]["id"] == "toys/words"
    assert asked["model"]["config"]["width"] == 4
    found = {name: asked["training"][name] for name in ("batch", "lr", "threads", "steps")}
    assert found == {"batch": 16, "lr": 0.01, "threads": 1, "steps": 2}
    page = (path / "report.html").read_text()
    assert "training.threads=1" in page
    assert "training.batch=" not in page, "the command leaves out what the model asks for itself"


def test_train_json(tmp_path, capsys):
    assert run("train", "toys/rnn", "--data", "toys/words", "--json", "-q", "-o", tmp_path / "r", *QUICK) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "done"
    assert document["run"] == str(tmp_path / "r")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["train", "toys/rnm", "--data", "toys/words"], 2, "toys/rnn"),
        (["train", "toys/rnn", "--data", "toys/wrods"], 2, "toys/words"),
        (["train", "toys/rnn", "--data", "toys/words", "--set", "widht=3"], 2, "width"),
        (["train", "toys/rnn", "--data", "toys/words", "--widht", "3"], 2, "width"),
        (["train", "toys/rnn", "--data", "toys/words", "--sed"], 2, "--seed"),
        (["train", "toys/rnn"], 2, "needs --data"),
        (["train", "toys/rnn", "--data", "toys/words", "--set", "width=abc"], 2, "width"),
        (["train", "toys/rnn", "--data", "toys/words", "--set", "width"], 2, "key=value"),
        (
            ["train", "toys/rnn", "--data", "toys/words", "--set", "training=3"],
            2,
            "training=3: Input should be a valid dict",
        ),
        (["train", "toys/rnn", "--data", "toys/words", "--set", "training.stepz=3"], 2, "steps"),
        (["train", "toys/rnn", "--data", "toys/words", "--set", "data.items=0"], 3, "empty"),
        (["train", "toys/rnn", "--data", "toys/words", "--config", "nothing.toml"], 3, "No such file"),
        (["train", "toys/rnn", "--data", "toys/words", "--device", "tpu"], 2, "not one of auto"),
        (["resume", "nowhere"], 3, "not a run"),
        (["sample", "nowhere", "-o", "out"], 2, "nowhere"),
        (["sample", "toys/rnn", "-o", "out"], 2, "ships no weights"),
        (["sample", "RUN", "-o", "out", "-n", "0"], 2, "1 to"),
        (["sample", "RUN", "-o", "out", "-n", "-5"], 2, "1 to"),
        (["sample", "RUN", "-o", "out", "-n", "99999999999"], 2, "1 to"),
        (["sample", "RUN", "-o", "out", "--shard", "3/2"], 2, "from 1 to k"),
        (["sample", "RUN", "-o", "out", "--shard", "a/b"], 2, "'a/b' is not I/K"),
        (["sample", "RUN", "-o", "out", "--shard-size", "0"], 2, "shard size"),
        (["sample", "RUN", "-o", "out", "--set", "length=0"], 2, "length"),
        (["sample", "RUN", "-o", "out", "--format", ".docx"], 2, ".docx"),
        (["resume", "RUN"], 2, "is finished"),
    ],
)
def test_mistakes_have_a_code_and_a_sentence(trained, tmp_path, monkeypatch, capsys, args, code, message):
    monkeypatch.chdir(tmp_path)
    assert run(*[trained if arg == "RUN" else arg for arg in args]) == code
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_sample_writes_parts_that_python_reads(trained, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        run("sample", trained, "-n", "20", "--seed", "1", "--shard-size", "8", "-o", out, "--set", "length=4")
        == 0
    )
    files = capsys.readouterr().out.split()
    assert files == [str(out / f"part-{i:05d}.txt") for i in range(3)]
    lines = [line for file in files for line in Path(file).read_text().splitlines()]
    assert len(lines) == 20
    assert {len(line) for line in lines} == {4}
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part*")}
    assert (
        run("sample", trained, "-n", "20", "--seed", "1", "--shard-size", "8", "-o", out, "--set", "length=4")
        == 0
    )
    assert before == {path.name: path.stat().st_mtime_ns for path in out.glob("part*")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder for PYTHONPATH in which the toys are an installed distribution."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(toys.__file__, folder / "toys.py")
    info = folder / "toys-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[genai_core.plugins]\ntoys = toys\n")
    return folder


def start(site, *args, **options):
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", "from genai_core.cli.main import entry; entry()", *map(str, args)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def wait_for(path, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_exits_75_and_resume_goes_on(site, tmp_path, number):
    options = ["--steps", "1200", "--set", "training.batch=8", "--set", "training.checkpoint_every=40", "-q"]
    process = start(site, "train", "toys/rnn", "--data", "toys/words", "-o", tmp_path / "run", *options)
    wait_for(tmp_path / "run" / "checkpoints" / "step-00000040")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    assert "genai resume" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "interrupted"
    again = start(site, "resume", tmp_path / "run", "-q")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "done" in out


@pytest.mark.slow
def test_pool_kills_and_parts_give_the_bytes_of_the_whole(site, tmp_path):
    run_dir = tmp_path / "run"
    process = start(site, "train", "toys/rnn", "--data", "toys/words", "-o", run_dir, *QUICK)
    assert process.wait(120) == 0, process.stderr.read()

    def sample(out, *extra):
        count = ["-n", "800", "--seed", "4", "--shard-size", "16"]
        return start(
            site, "sample", run_dir, *count, "-o", tmp_path / out, *extra, "-q", start_new_session=True
        )

    def tree(out):
        return {p.name: p.read_bytes() for p in (tmp_path / out).iterdir() if p.suffix not in ("", ".zip")}

    assert sample("whole").wait(120) == 0
    assert sample("pool", "--workers", "2").wait(120) == 0
    assert tree("pool") == tree("whole")
    for part in ("1/2", "2/2", "1/2"):
        killed = sample("parts", "--shard", part)
        wait_for(tmp_path / "parts" / "plan.json")
        time.sleep(0.15)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    parts = [sample("parts", "--shard", f"{i}/3") for i in (1, 2, 3)]
    assert [part.wait(120) for part in parts] == [0, 0, 0]
    assert tree("parts") == tree("whole")
    assert len(tree("whole")) == 2 * 50 + 2
