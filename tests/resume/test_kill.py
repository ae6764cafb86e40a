"""Training that is killed again and again ends with the bits of training that was not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from genai_core.errors import ResourceError
from genai_core.running import fitting
from genai_core.running.fitting import Request
from genai_core.running.runs import Run
from genai_core.running.training import TrainConfig
from tests.core import toys

STEPS = 120
PAUSE = 0.01  # seconds a step, so that kills land everywhere


@pytest.fixture(autouse=True)
def _toys():
    toys.register_toys()


def request(model):
    training = TrainConfig(
        steps=STEPS, batch=8, warmup=5, checkpoint_every=7, log_every=10, ema=0.9, threads=1
    )
    return Request(model={"id": model}, data={"id": "toys/words"}, training=training, seed=11, device="cpu")


def in_child(work):
    """Run `work` in a forked process of its own and return its pid: no second import of torch."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def attempt(model, path):
    def slow(*progress):
        time.sleep(PAUSE)

    if (path / "manifest.json").exists() and "request" in Run.open(path).manifest:
        fitting.resume(path, progress=slow)
    else:
        shutil.rmtree(path, ignore_errors=True)
        fitting.start(request(model), path=path, progress=slow)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["toys/rnn", "toys/gan"])
def test_twelve_kills_change_nothing(tmp_path, model):
    whole = fitting.start(request(model), path=tmp_path / "whole")
    dice, path, kills = random.Random(f"kill {model}"), tmp_path / "killed", 0
    while kills < 12:
        pid = in_child(lambda: attempt(model, path))
        time.sleep(dice.uniform(0.03, 0.4))
        os.kill(pid, signal.SIGKILL)  # nothing happens to one that has ended
        status = os.waitpid(pid, 0)[1]
        if status == 0:  # it got to the end between two kills: once more from the start
            shutil.rmtree(path)
            continue
        assert status == signal.SIGKILL
        kills += 1
    pid = in_child(lambda: attempt(model, path))
    assert os.waitpid(pid, 0)[1] == 0
    done = Run.open(path)
    assert done.manifest["status"] == "done"
    assert done.manifest["weights_sha256"] == whole.manifest["weights_sha256"]
    weights = "model/weights.safetensors"
    assert (path / weights).read_bytes() == (whole.path / weights).read_bytes()


def interrupted(path):
    class Stop(Exception):
        pass

    def stop(stage, step, *more):
        if step == 30:
            raise Stop

    with pytest.raises(Stop):
        fitting.start(request("toys/rnn"), path=path, progress=stop)
    return Run.open(path)


@pytest.mark.parametrize("spoil", ["truncate", "flip", "half-written"])
def test_a_spoilt_checkpoint_costs_steps_but_no_bits(tmp_path, spoil):
    whole = fitting.start(request("toys/rnn"), path=tmp_path / "whole")
    run = interrupted(tmp_path / "cut")
    assert run.checkpoints.steps() == [21, 28]
    tensors = run.checkpoints.folder / "step-00000028" / "state.safetensors"
    data = bytearray(tensors.read_bytes())
    if spoil == "truncate":
        tensors.write_bytes(data[: len(data) // 2])
    elif spoil == "flip":
        data[len(data) // 2] ^= 4
        tensors.write_bytes(data)
    else:
        tensors.parent.rename(run.checkpoints.folder / ".tmp-0123456789ab")
    done = fitting.resume(run.path)
    assert done.manifest["weights_sha256"] == whole.manifest["weights_sha256"]
    if spoil != "half-written":
        assert "step-00000028" in done.manifest["damaged_checkpoints"][0]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; needs the right to mount, which CI has."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_with_a_clear_error_and_the_last_good_checkpoint(small_disk, tmp_path):
    whole = fitting.start(request("toys/rnn"), path=tmp_path / "whole")
    ballast = small_disk / "ballast"

    def fill(stage, step, *more):
        if step == 25 and not ballast.exists():
            ballast.write_bytes(b"")
            with Path(ballast).open("ab", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * 1024)
                except OSError:
                    pass

    with pytest.raises(ResourceError, match="disk is full") as failure:
        fitting.start(request("toys/rnn"), path=small_disk / "run", progress=fill)
    assert failure.value.exit_code == 4
    run = Run.open(small_disk / "run")
    step, _ = run.checkpoints.latest()
    assert step == 21
    assert not list(run.path.rglob(".tmp-*"))
    ballast.unlink()
    done = fitting.resume(run.path)
    assert done.manifest["weights_sha256"] == whole.manifest["weights_sha256"]
