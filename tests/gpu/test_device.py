"""Devices: what can be checked anywhere, and what needs an accelerator."""

from __future__ import annotations

import pytest
import torch

from genai_core.errors import ResourceError, UsageError
from genai_core.protocols import Context
from genai_core.running.device import peak_memory_mb, pick_device, pick_precision, seed_device, set_threads
from genai_core.running.engine import Trainer
from genai_core.running.runs import Run
from genai_core.running.training import TrainConfig
from tests.core.toys import ToyConfig, ToyRNN, Words, WordsConfig

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator here")


def test_auto_picks_a_device_that_computes():
    assert torch.ones(1, device=pick_device("auto")).item() == 1


@pytest.mark.parametrize("name", ["", "tpu", "cuda:x", "CPU", "cpu:1:2"])
def test_what_is_no_device_is_refused(name):
    with pytest.raises(UsageError, match="not one of auto"):
        pick_device(name)


def test_a_device_that_is_not_there_is_a_clear_error():
    with pytest.raises(ResourceError, match="does not work here"):
        pick_device("cuda:77")


def test_precision():
    assert pick_precision("fp32", "cpu") is None
    assert pick_precision("auto", "cpu") is None
    assert pick_precision("bf16", "cpu") is torch.bfloat16


def test_seeding_a_device_is_seeding_torch():
    torch.manual_seed(12)
    expected = torch.rand(3)
    seed_device(12, "cpu")
    assert torch.equal(torch.rand(3), expected)


def test_threads(monkeypatch):
    before = torch.get_num_threads()
    try:
        assert set_threads(1) == 1
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert set_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_peak_memory_is_that_of_this_process():
    assert 50 < peak_memory_mb("cpu") < 100_000


@gpu
@pytest.mark.gpu
def test_training_on_an_accelerator_agrees_with_the_cpu(tmp_path):
    words, losses = Words(WordsConfig(items=100)), {}
    for device in ("cpu", pick_device("auto")):
        model = ToyRNN(ToyConfig(dropout=0.0))
        model.prepare(words, Context(seed=1))
        run = Run.create(tmp_path, "train", "toys/rnn", path=tmp_path / device.partition(":")[0])
        config = TrainConfig(steps=20, batch=16, precision="fp32")
        trainer = Trainer(model, words, config, run, seed=1, device=device)
        losses[device] = [trainer.train_step()["loss"] for _ in range(20)]
    cpu, other = losses.values()
    assert other == pytest.approx(cpu, rel=1e-3)


@gpu
@pytest.mark.gpu
def test_auto_precision_on_an_accelerator():
    expected = torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else None
    assert pick_precision("auto", "cuda") is expected
