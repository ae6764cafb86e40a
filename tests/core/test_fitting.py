"""Whole training runs, their models, and sampling from them in shards."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

import genai_core as genai
from genai_core.errors import BadInput, PluginError, UsageError
from genai_core.files.atomic import sha256_file
from genai_core.running import fitting, shards
from genai_core.running.fitting import Request
from genai_core.running.models import load_model, save_model
from genai_core.running.training import TrainConfig
from tests.core import toys

TRAINING = TrainConfig(steps=8, batch=16, warmup=2, checkpoint_every=3, threads=1)


@pytest.fixture(autouse=True)
def _toys():
    toys.register_toys()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    toys.register_toys()
    return fitting.start(request(), path=tmp_path_factory.mktemp("fit") / "run")


def request(model="toys/rnn", data="toys/words", model_config=None, data_config=None, **changes):
    parts = {
        "model": {"id": model, "config": model_config or {}},
        "data": {"id": data, "config": data_config or {}},
    }
    return Request(**parts, **{"training": TRAINING, "seed": 5, "device": "cpu", **changes})


def test_a_run_holds_what_is_needed_to_know_and_to_go_on(run):
    manifest = run.manifest
    assert manifest["status"] == "done"
    assert manifest["metrics"]["steps"] == 8
    assert manifest["request"]["model"]["config"] == {"width": 8, "dropout": 0.1}
    assert len(manifest["data_fingerprint"]) == 64
    assert "torch" in manifest["packages"]
    assert manifest["peak_memory_mb"] > 0
    assert "[training]" in (run.path / "config.toml").read_text()
    assert "toys/rnn" in (run.path / "model" / "CARD.md").read_text()
    assert sha256_file(run.path / "model" / "weights.safetensors") == manifest["weights_sha256"]


def test_the_command_of_a_request_asks_for_what_is_not_the_default():
    asked = request(
        model_config={"width": 4, "dropout": 0.1}, data_config={"items": 9}, training=TrainConfig(lr=2)
    )
    assert asked.command() == (
        "genai train toys/rnn --data toys/words --seed 5 --device cpu"
        " --set width=4 --set data.items=9 --set training.lr=2.0"
    )
    assert "--set data" not in request().command()


def test_the_same_request_gives_the_same_weights(run, tmp_path):
    again = fitting.start(request(), path=tmp_path / "again")
    other = fitting.start(request(seed=6), path=tmp_path / "other")
    assert again.manifest["weights_sha256"] == run.manifest["weights_sha256"]
    assert other.manifest["weights_sha256"] != run.manifest["weights_sha256"]


def test_a_finished_run_is_not_resumed(run):
    with pytest.raises(UsageError, match="is finished"):
        fitting.resume(run.path)


def test_resume_refuses_other_data(tmp_path):
    run = fitting.start(request(), path=tmp_path / "run")
    run.update(status="interrupted", data_fingerprint="0" * 64)
    with pytest.raises(BadInput, match="fingerprint"):
        fitting.resume(run.path)


def test_an_interrupted_run_goes_on_to_the_same_weights(run, tmp_path):
    class Stop(Exception):
        pass

    def stop_at(stage, step, *more):
        if step == 5:
            raise Stop

    with pytest.raises(Stop):
        fitting.start(request(), path=tmp_path / "cut", progress=stop_at)
    done = fitting.resume(tmp_path / "cut")
    assert done.manifest["weights_sha256"] == run.manifest["weights_sha256"]
    assert done.manifest["status"] == "done"


def test_empty_data_is_refused(tmp_path):
    with pytest.raises(BadInput, match="empty"):
        fitting.start(request(data_config={"items": 0}), path=tmp_path / "run")


def test_data_of_another_modality_is_refused(tmp_path):
    with pytest.raises(UsageError, match="learns text, not molecules"):
        fitting.start(request(data="molecules/sample"), path=tmp_path / "run")


def test_half_precision_weights_load_as_fp32_and_are_half_the_size(run, tmp_path):
    loaded = load_model(run.path)
    save_model(tmp_path / "half", loaded.model, "toys/rnn", about={}, half=True)
    half = load_model(tmp_path / "half")
    assert {p.dtype for p in half.model.net.parameters()} == {torch.float32}
    full_size = (run.path / "model" / "weights.safetensors").stat().st_size
    assert (tmp_path / "half" / "weights.safetensors").stat().st_size < 0.7 * full_size


def edit(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "weights.safetensors").write_bytes(b"x"), "damaged"),
        (lambda d: (d / "weights.safetensors").unlink(), "cannot be read"),
        (lambda d: (d / "model.json").write_text("{"), "cannot be read"),
        (lambda d: (d / "model.json").write_text("[]"), "cannot be read"),
        (lambda d: edit(d, format=99), "another version"),
        (lambda d: edit(d, config={"width": 16}), "does not fit"),
        (lambda d: edit(d, config={"depth": 16}), "unknown key"),
        (lambda d: edit(d, state={}), "does not fit"),
    ],
)
def test_damaged_models_are_clear_errors(run, tmp_path, damage, message):
    folder = shutil.copytree(run.path / "model", tmp_path / "model")
    damage(folder)
    with pytest.raises(genai.GenaiError, match=message):
        load_model(folder)


def test_what_is_no_model_is_a_clear_error(tmp_path):
    with pytest.raises(genai.UnknownId):
        load_model("toys/nothing")
    with pytest.raises(UsageError, match="ships no weights"):
        load_model("toys/rnn")
    with pytest.raises(BadInput, match="neither a run nor a model folder"):
        load_model(tmp_path)


# Shards


def tree(folder):
    return {
        path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix not in ("", ".zip")
    }


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    plan = shards.make_plan(load_model(run.path), 50, seed=2, shard_size=8)
    out = tmp_path_factory.mktemp("whole") / "out"
    shards.sample_to_folder(str(run.path), plan, out)
    return plan, tree(out)


def test_a_plan_writes_one_file_a_shard_with_its_record(whole):
    plan, files = whole
    assert plan.shards == 7
    assert sorted(files) == sorted(
        ["plan.json", "index.jsonl"]
        + [f"part-{i:05d}.txt{end}" for i in range(7) for end in ("", ".genai.json")]
    )
    assert sum(len(files[f"part-{i:05d}.txt"].splitlines()) for i in range(7)) == 50


@pytest.mark.parametrize("parts", [[(3, 3), (1, 3), (2, 3)], [(2, 2), (1, 2)]])
def test_the_union_of_parts_is_the_whole(run, whole, tmp_path, parts):
    for part in parts:
        shards.sample_to_folder(str(run.path), whole[0], tmp_path / "out", part=part)
    assert tree(tmp_path / "out") == whole[1]


def test_lost_and_damaged_shards_are_made_again(run, whole, tmp_path):
    out = tmp_path / "out"
    shards.sample_to_folder(str(run.path), whole[0], out)
    (out / "part-00001.txt").unlink()
    (out / "part-00002.txt").write_text("spoilt\n")
    (out / "part-00003.txt.genai.json").unlink()
    (out / "index.jsonl").unlink()
    shards.sample_to_folder(str(run.path), whole[0], out)
    assert tree(out) == whole[1]


def test_another_plan_in_the_same_folder_is_refused(run, whole, tmp_path):
    shards.sample_to_folder(str(run.path), whole[0], tmp_path / "out", part=(1, 7))
    other = shards.make_plan(load_model(run.path), 50, seed=3, shard_size=8)
    with pytest.raises(UsageError, match="it differs in"):
        shards.sample_to_folder(str(run.path), other, tmp_path / "out")
    with pytest.raises(UsageError, match="it differs in format"):
        shards.sample_to_folder(str(run.path), whole[0], tmp_path / "out", suffix=".md")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        shards.sample_to_folder(str(run.path), other, tmp_path / "mine")


@pytest.mark.parametrize("n", [0, -1, 10**12])
def test_counts_out_of_range_are_refused(run, n):
    with pytest.raises(UsageError, match="1 to"):
        shards.make_plan(load_model(run.path), n)


def test_options_are_checked(run):
    with pytest.raises(genai.ConfigError, match="lenght"):
        shards.make_plan(load_model(run.path), 5, options={"lenght": 3})


def test_a_model_that_yields_too_few_is_found_out(run, monkeypatch):
    loaded = load_model(run.path)
    monkeypatch.setattr(toys.ToyRNN, "sample", lambda self, n, ctx, given=None: iter([genai.Text(["a"])]))
    with pytest.raises(PluginError, match="1 items where 5"):
        shards.sample_shard(loaded, shards.make_plan(loaded, 5), 0)


def test_a_model_that_never_ends_is_found_out(run, monkeypatch):
    loaded = load_model(run.path)
    endless = lambda self, n, ctx, given=None: iter(lambda: genai.Text(["a"]), None)  # noqa: E731
    monkeypatch.setattr(toys.ToyRNN, "sample", endless)
    with pytest.raises(PluginError, match="6 items where 5"):
        shards.sample_shard(loaded, shards.make_plan(loaded, 5), 0)


def test_python_gives_what_the_files_hold(run, whole):
    trained = genai.load_model(run.path)
    plan = whole[0]
    text = shards.sample_all(trained, plan)
    assert "\n".join(text) + "\n" == b"".join(whole[1][f"part-{i:05d}.txt"] for i in range(7)).decode()
    again = trained.sample(50, seed=9)
    assert again == genai.load_model(run.path).sample(50, seed=9)
    assert again != trained.sample(50, seed=10)
    assert again.record["recipe"]["seed"] == 9


def test_fit_from_python(tmp_path):
    data = genai.dataset("toys/words", items=40)
    trained = genai.fit(
        genai.model("toys/rnn", width=4), data, steps=4, seed=1, out=tmp_path / "run", batch=8, threads=1
    )
    assert trained.path.parent == tmp_path
    assert len(trained.sample(3)) == 3
    with pytest.raises(UsageError, match="was not built by genai"):
        genai.fit(toys.ToyRNN(toys.ToyConfig()), data, out=tmp_path / "no")


def test_fine_tuning_starts_from_the_given_weights(run, tmp_path):
    small = TrainConfig(steps=1, lr=1e-9, warmup=0, checkpoint_every=100)
    tuned = fitting.start(request(initial=str(run.path), training=small, seed=9), path=tmp_path / "tuned")
    before, after = load_model(run.path), load_model(tuned.path)
    for key, tensor in before.model.modules()["net"].state_dict().items():
        assert torch.allclose(tensor, after.model.modules()["net"].state_dict()[key], atol=1e-6)
    assert tuned.manifest["initial_sha256"] == run.manifest["weights_sha256"]
    assert after.about["training"]["initial_sha256"] == run.manifest["weights_sha256"]
    assert f"--from {run.path}" in request(initial=str(run.path)).command()


def test_fine_tuning_keeps_the_shape_of_the_network(run, tmp_path):
    with pytest.raises(UsageError, match="do not fit toys/rnn with width changed"):
        fitting.start(request(initial=str(run.path), model_config={"width": 16}), path=tmp_path / "no")
    with pytest.raises(UsageError, match="holds toys/rnn, not toys/gan"):
        fitting.start(request(initial=str(run.path), model="toys/gan"), path=tmp_path / "no")


def test_a_run_whose_initial_weights_changed_is_not_resumed(run, tmp_path):
    folder = tmp_path / "base"
    shutil.copytree(run.path / "model", folder)
    stopped = fitting.start(request(initial=str(folder)), path=tmp_path / "tuned")
    stopped.update(status="interrupted")
    other = fitting.start(request(seed=6), path=tmp_path / "other")
    shutil.rmtree(folder)
    shutil.copytree(other.path / "model", folder)
    with pytest.raises(BadInput, match="other weights"):
        fitting.resume(stopped.path)


def test_fine_tuning_from_python(run, tmp_path):
    trained = genai.load_model(run.path)
    tuned = genai.fit(trained, genai.dataset("toys/words"), steps=1, batch=8, out=tmp_path / "tuned")
    assert tuned.about["training"]["initial_sha256"] == run.manifest["weights_sha256"]
