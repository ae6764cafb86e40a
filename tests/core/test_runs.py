"""Run directories, locks, checkpoints, safe names and atomic files."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput, ResourceError, UsageError
from genai_core.files import atomic
from genai_core.files.atomic import atomic_dir, atomic_write, inside, locked, safe_name
from genai_core.running.runs import Run

BAD_NAMES = (
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "/etc",
    "con",
    "CON",
    "nul.txt",
    "com1",
    "lpt9.csv",
    "a\0b",
    "x" * 101,
    "\u202egpj.exe",
    "a\u200b",
    "ä",
    "a b",
    "-rf",
    ".hidden",
    "a\n",
    "a.",
    "~",
    "$HOME",
    "a:b",
    "a*",
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_could_escape_or_deceive_are_refused(name):
    with pytest.raises(BadInput, match="not a safe file name"):
        safe_name(name)


@given(st.text(max_size=30))
def test_a_safe_name_stays_in_its_folder(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    try:
        path = folder / safe_name(name)
    except BadInput:
        return
    assert path.resolve().parent == folder.resolve()
    assert name.isascii()


@pytest.mark.parametrize("relative", ["../x", "/etc/passwd", "a/../../x", "link/x"])
def test_paths_that_lead_out_are_refused(tmp_path, relative):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="leads out"):
        inside(root, relative)
    assert inside(root, "a/b.txt") == root.resolve() / "a/b.txt"


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path, monkeypatch):
    path = atomic_write(tmp_path / "a.txt", b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(ResourceError, match="disk is full"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_the_old_one_and_no_debris(tmp_path):
    with atomic_dir(tmp_path / "d") as folder:
        (folder / "f").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_dir(tmp_path / "d") as folder:
        (folder / "f").write_text(str(1 / 0))
    assert (tmp_path / "d" / "f").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "d"]


def test_a_run_tells_what_happened(tmp_path):
    run = Run.create(tmp_path, "train", "toys/rnn")
    run.update(seed=7)
    run.log(1, {"loss": 2.0})
    run.log(2, {"loss": 1.0})
    run.log(2, {"loss": 0.5})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')  # a killed process
    again = Run.open(run.path)
    assert again.manifest["seed"] == 7
    assert again.info.spec_id == "toys/rnn"
    assert again.history() == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 0.5}]
    with pytest.raises(UsageError, match="already holds a run"):
        Run.create(tmp_path, "train", "toys/rnn", path=run.path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 2}', "{}", '"x"'])
def test_a_damaged_manifest_is_a_clear_error(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadInput):
        Run.open(tmp_path)


def test_a_folder_without_a_run_is_a_clear_error(tmp_path):
    with pytest.raises(BadInput, match="not a run"):
        Run.open(tmp_path / "nothing")


def test_a_read_only_folder_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(self, **options):  # root may write anywhere, so the system's answer is played back
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ResourceError, match="permission"):
        Run.create(tmp_path, "train", "toys/rnn")


def test_a_file_where_a_folder_should_be_is_a_clear_error(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ResourceError):
        Run.create(tmp_path / "runs", "train", "toys/rnn")


def test_damaged_checkpoints_are_passed_over(tmp_path):
    run = Run.create(tmp_path, "train", "toys/rnn")
    for step in (10, 20, 30):
        run.checkpoints.save(step, {"w": torch.full((2,), float(step))}, keep=3)
    newest = run.checkpoints.folder / "step-00000030" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    (run.checkpoints.folder / ".tmp-half").mkdir()
    (run.checkpoints.folder / "step-abc").mkdir()
    step, state = run.checkpoints.latest()
    assert step == 20
    assert state["w"].tolist() == [20, 20]
    assert "step-00000030" in run.checkpoints.damaged[0]
    run.checkpoints.save(40, {}, keep=2)
    assert run.checkpoints.steps() == [30, 40]
    assert not list(run.checkpoints.folder.glob(".tmp-*"))


def test_no_checkpoint_at_all(tmp_path):
    run = Run.create(tmp_path, "train", "toys/rnn")
    assert run.checkpoints.latest() is None


STARTER = """
import sys, time
from pathlib import Path
from genai_core.errors import ResourceError
from genai_core.running.runs import Run
run = Run.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    with run.lock():
        print("working", flush=True)
        sys.stdin.readline()
except ResourceError as error:
    print("refused", error.exit_code, flush=True)
"""


def test_of_eight_starters_one_works_and_seven_are_refused(tmp_path):
    run = Run.create(tmp_path, "train", "toys/rnn")
    command = [sys.executable, "-c", STARTER, str(run.path)]
    starters = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)
    ]
    try:
        assert all(starter.stdout.readline() == "ready\n" for starter in starters)
        for starter in starters:
            starter.stdin.write("go\n")
            starter.stdin.flush()
        answers = [starter.stdout.readline().strip() for starter in starters]
        assert sorted(answers) == ["refused 4"] * 7 + ["working"]
        starters[answers.index("working")].kill()
        starters[answers.index("working")].wait()
        with run.lock():  # a lock dies with its process
            pass
    finally:
        for starter in starters:
            starter.kill()
            starter.communicate()


def test_the_manifest_is_plain_json(tmp_path):
    run = Run.create(tmp_path, "train", "toys/rnn")
    assert json.loads((run.path / "manifest.json").read_text())["id"] == run.info.id
    assert run.info.id.split("-")[2:4] == ["toys", "rnn"]
    assert isinstance(run.path, Path)
    assert Run.create(tmp_path, "train", "../evil").path.parent == tmp_path


def test_a_system_without_locks_can_still_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    with locked(tmp_path / "lock"), locked(tmp_path / "lock"):
        pass
