"""The training loop: exact resume, equal batches whatever the memory, guards."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import GenaiError, Interrupted, PluginError, ResourceError
from genai_core.protocols import Context
from genai_core.running.batches import Order, learning_rate, split_batch
from genai_core.running.engine import Trainer
from genai_core.running.runs import Run
from genai_core.running.training import TrainConfig
from tests.core.toys import ToyConfig, ToyGAN, ToyRNN, Words, WordsConfig

WORDS = Words(WordsConfig(items=150))
FAST = {"steps": 12, "batch": 16, "warmup": 2, "checkpoint_every": 5, "log_every": 3, "threads": 1}


def make(tmp_path, kind=ToyRNN, name="run", dropout=0.1, **training):
    model = kind(ToyConfig(dropout=dropout))
    model.prepare(WORDS, Context(seed=3))
    run = Run.create(tmp_path, "train", "toys/rnn", path=tmp_path / name)
    config = TrainConfig(**{**FAST, **training})
    return Trainer(model, WORDS, config, run, seed=3, valid=WORDS.split("test"))


def weights(trainer):
    return {key: value.clone() for key, value in trainer.parameters.items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@given(items=st.integers(1, 40), batch=st.integers(1, 50), seed=st.integers(0, 5))
def test_order_is_a_stream_of_permutations(items, batch, seed):
    order = Order(items, batch, seed)
    steps = math.ceil(3 * items / batch)
    stream = [index for step in range(steps) for index in order.indices(step)]
    assert len(stream) == steps * batch
    for epoch in range(len(stream) // items):
        assert sorted(stream[epoch * items : (epoch + 1) * items]) == list(range(items))


def test_order_does_not_depend_on_what_was_asked_before():
    once = Order(17, 5, 1)
    seen = [once.indices(step) for step in range(20)]
    assert Order(17, 5, 1).indices(13) == seen[13]
    assert Order(17, 5, 2).indices(13) != seen[13]


@given(step=st.integers(0, 2000), schedule=st.sampled_from(["constant", "cosine", "linear"]))
def test_learning_rate_is_a_share_of_the_peak(step, schedule):
    config = TrainConfig(steps=1000, warmup=10, schedule=schedule, final_lr=0.1)
    rate = learning_rate(config, step)
    assert 0 < rate <= 1
    if step < 10:
        assert rate == (step + 1) / 10
    if step >= 1000 and schedule != "constant":
        assert rate == pytest.approx(0.1)


@given(total=st.integers(1, 30), size=st.integers(1, 40))
def test_pieces_of_a_batch_are_the_batch(total, size):
    batch = {"a": torch.arange(total), "b": torch.arange(2 * total).reshape(total, 2)}
    pieces = list(split_batch(batch, size))
    assert all(len(piece["a"]) <= size for piece in pieces)
    assert torch.equal(torch.cat([piece["b"] for piece in pieces]), batch["b"])


@pytest.mark.parametrize("kind", [ToyRNN, ToyGAN])
@pytest.mark.parametrize("options", [{}, {"ema": 0.9, "precision": "bf16", "clip": 0.1}])
def test_a_restored_run_ends_with_the_same_bits(tmp_path, kind, options):
    whole = make(tmp_path, kind, "whole", **options)
    whole.train()
    first = make(tmp_path, kind, "cut", **options)
    for _ in range(7):
        first.train_step()
        if first.step == 5:
            first.save()
    again = make(tmp_path, kind, "other", **options)  # other weights until it restores
    again.run = first.run
    assert again.restore()
    assert again.step == 5
    again.train()
    assert same(weights(whole), weights(again))


def test_training_lowers_the_loss(tmp_path):
    trainer = make(tmp_path, steps=80, lr=0.02, dropout=0.0)
    before = trainer.validate()["valid_loss"]
    metrics = trainer.train()
    assert metrics["valid_loss"] < before
    assert metrics["steps"] == 80
    assert trainer.run.history()[-1]["step"] == 80


@pytest.mark.parametrize("kind", [ToyRNN, ToyGAN])
def test_out_of_memory_keeps_the_batch_and_the_loss(tmp_path, kind):
    plain, tight = make(tmp_path, kind, "plain", dropout=0.0), make(tmp_path, kind, "tight", dropout=0.0)
    original, failed = tight.loss, []

    def scarce(batch, optimizer):
        size = len(next(iter(batch.values())))
        if tight.step >= 4 and size > 5:
            failed.append((tight.step, size))
            raise torch.OutOfMemoryError("injected")
        return original(batch, optimizer)

    tight.loss = tight.model.loss = scarce
    for _ in range(FAST["steps"]):
        a, b = plain.train_step(), tight.train_step()
        for key in a:
            assert b[key] == pytest.approx(a[key], abs=1e-5)
    assert tight.micro_batch == 4
    assert failed == [(4, 16), (4, 8)]  # found once, remembered after
    for key, value in plain.parameters.items():
        torch.testing.assert_close(tight.parameters[key], value, atol=1e-5, rtol=0)


@pytest.mark.parametrize("step", range(0, 12, 3))
def test_out_of_memory_in_the_backward_pass_at_any_step(tmp_path, step):
    plain, tight = make(tmp_path, name="plain", dropout=0.0), make(tmp_path, name="tight", dropout=0.0)
    original = tight.loss

    class Explode(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            if tight.step == step and len(grad) > 8:
                raise torch.OutOfMemoryError("injected")
            return grad

    tight.loss = tight.model.loss = lambda batch, name: Explode.apply(original(batch, name))
    losses = [(plain.train_step()["loss"], tight.train_step()["loss"]) for _ in range(FAST["steps"])]
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in losses)
    assert tight.micro_batch == 8


def test_out_of_memory_with_one_item_is_a_clear_error(tmp_path):
    trainer = make(tmp_path)

    def never(batch, optimizer):
        raise torch.OutOfMemoryError("injected")

    trainer.loss = trainer.model.loss = never
    with pytest.raises(ResourceError, match="single item"):
        trainer.train()


def test_a_mean_instead_of_a_loss_an_item_is_refused(tmp_path):
    trainer = make(tmp_path)
    original = trainer.loss
    trainer.loss = trainer.model.loss = lambda batch, name: original(batch, name).mean()
    with pytest.raises(PluginError, match=r"not \(batch,\)"):
        trainer.train_step()


def test_a_single_nan_is_stepped_over(tmp_path):
    trainer = make(tmp_path)
    original = trainer.loss

    def spoiled(batch, name):
        return original(batch, name) * (math.nan if trainer.step == 4 else 1)

    trainer.loss = trainer.model.loss = spoiled
    before = None
    for _ in range(6):
        if trainer.step == 4:
            before = weights(trainer)
        trainer.train_step()
        if trainer.step == 5:
            assert same(before, weights(trainer))
    assert all(torch.isfinite(value).all() for value in trainer.parameters.values())


def test_nan_for_ever_goes_back_once_and_then_stops(tmp_path):
    trainer = make(tmp_path)
    original = trainer.loss
    rates = []

    def spoiled(batch, name):
        rates.append(trainer.lr_scale)
        return original(batch, name) * (math.nan if trainer.step >= 7 else 1)

    trainer.loss = trainer.model.loss = spoiled
    with pytest.raises(GenaiError, match="not finite"):
        trainer.train()
    assert rates == [1.0] * 10 + [0.5] * 5
    assert trainer.run.checkpoints.steps() == [5]


def test_early_stop_keeps_the_best_weights(tmp_path):
    trainer = make(tmp_path, steps=60, lr=0.02, validate_every=2, patience=2, schedule="constant")
    values = iter([3.0, 2.0, 2.5, 2.4, 9.0])
    trainer.validate = lambda: {"valid_loss": next(values)}
    seen = {}
    trainer.progress = lambda stage, step, *more: seen.update({step: weights(trainer)})
    metrics = trainer.train()
    assert metrics["steps"] == 8
    assert same(dict(trainer.model.net.named_parameters()), {k[4:]: v for k, v in seen[4].items()})


def test_average_weights_are_the_ones_that_stay(tmp_path):
    trainer = make(tmp_path, ema=0.9)
    last, mean = {}, {}

    def note(*progress):
        last.update(weights(trainer))
        mean.update({name: value.clone() for name, value in trainer.average.items()})

    trainer.progress = note
    trainer.train()
    assert not same(last, weights(trainer))
    assert same(mean, weights(trainer))


def test_validation_leaves_no_trace(tmp_path):
    a, b = make(tmp_path, name="a", validate_every=3), make(tmp_path, name="b")
    a.train()
    b.train()
    assert same(weights(a), weights(b))


def test_a_failing_compiler_does_not_fail_the_run(tmp_path):
    plain, other = make(tmp_path, name="plain"), make(tmp_path, name="other")

    def compiled(batch, name):
        raise RuntimeError("no compiler here")

    other.loss = compiled
    assert plain.train_step() == other.train_step()
    assert other.loss == other.model.loss


def test_a_stop_request_saves_and_says_how_to_go_on(tmp_path):
    import os
    import signal

    trainer = make(tmp_path)
    trainer.progress = lambda stage, step, *more: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None
    with pytest.raises(Interrupted, match="after step 7") as stopped:
        trainer.train()
    assert stopped.value.exit_code == 75
    assert "genai resume" in stopped.value.hint
    assert trainer.run.checkpoints.steps()[-1] == 7
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
