"""`genai reproduce`: the same bytes from the record alone, for every kind of file, or what differs."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from pydantic import Field

from genai_core import Artifact, Config, Model, Text, hookimpl, register
from genai_core.cli.main import main
from genai_core.errors import BadInput, UsageError, VerificationError
from genai_core.files.provenance import (
    checksum,
    read_record,
    record_path,
    to_text,
)
from genai_core.plugins.registry import registry
from genai_core.plugins.specs import ArtifactSpec, ModelSpec, PipelineSpec
from genai_core.results.reproduce import reproduce
from genai_core.running.models import load_model, save_model
from genai_core.running.shards import make_plan, sample_all, sample_to_folder

GENAI_API = 1
ABOUT = {"data": {"id": "mine/none", "fingerprint": "ef" * 32}, "training": {}}


class Dye(Artifact):
    """One grey picture, written without any library; its record goes into a text chunk."""

    modality = "dye"
    suffixes = (".png",)

    def __init__(self, grey: int = 0) -> None:
        self.grey = grey

    def validate(self) -> None:
        assert 0 <= self.grey < 256

    def encode(self, suffix, record):
        def chunk(name, data):
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

        header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
        text = chunk(b"tEXt", b"genai\0" + to_text(record).encode()) if record else b""
        pixels = zlib.compress((b"\0" + bytes([self.grey]) * 4) * 4)
        return b"\x89PNG\r\n\x1a\n" + header + text + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")

    @classmethod
    def decode(cls, data, suffix, *, name, limits):
        raise NotImplementedError


class BinsConfig(Config):
    bias: int = 0


class Options(Config):
    length: int = Field(default=5, ge=1)


class Lines(Model):
    """A model whose whole state is a number."""

    def state(self):
        return {"bias": self.config.bias}

    def load_state(self, state):
        assert state == {"bias": self.config.bias}

    def sample(self, n, ctx, given=None):
        draws = ctx.rng("letters").integers(0, 26, (n, ctx.options.length)) + 97
        yield Text(["".join(map(chr, (row + self.config.bias - 97) % 26 + 97)) for row in draws])


class Dyes(Lines):
    def sample(self, n, ctx, given=None):
        for grey in ctx.rng("grey").integers(0, 256, n).tolist():
            yield Dye(grey)


class WriteConfig(Config):
    n: int = 3
    model: str = ""
    words: str = ""


def write(config, run):
    lines = ["none"]
    if config.model:
        loaded = run.load_model(config.model)
        lines = list(sample_all(loaded, make_plan(loaded, config.n, seed=run.seed)))
    if config.words:
        lines += Path(config.words).read_text().split()
    lines.append(str(run.context("x").rng().integers(1000)))
    run.save(Text(lines), "names.txt")
    run.save(Dye(run.seed), "dye.png")


def draw(config, run):
    loaded = run.load_model("molecules/rnn")
    leads = sample_all(loaded, make_plan(loaded, 4, seed=run.seed))
    for suffix in (".smi", ".csv", ".sdf"):
        run.save(leads, f"leads{suffix}")


@hookimpl
def genai_artifacts():
    yield ArtifactSpec(
        name="dye", summary="x", suffixes=(".png",), media_type="image/png", factory=f"{__name__}:Dye"
    )


@hookimpl
def genai_models():
    for name, modality in (("lines", "text"), ("dyes", "dye")):
        yield ModelSpec(
            name=name,
            summary="x",
            modality=modality,
            family="classical",
            capabilities=frozenset({"sample"}),
            factory=f"{__name__}:{name.title()}",
            config=f"{__name__}:BinsConfig",
            options=f"{__name__}:Options",
        )


@hookimpl
def genai_pipelines():
    yield PipelineSpec(
        name="write",
        summary="x",
        modality="text",
        factory=f"{__name__}:write",
        config=f"{__name__}:WriteConfig",
    )
    yield PipelineSpec(name="draw", summary="x", modality="molecules", factory=f"{__name__}:draw")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    if "remade" not in {spec.plugin for spec in registry().specs("model")}:
        register(sys.modules[__name__], name="remade")


@pytest.fixture
def model(tmp_path):
    return make_model("lines").absolute()


def make_model(name, folder="runs/r1", bias=0):
    spec = registry().find("model", f"remade/{name}")
    Path(folder).mkdir(parents=True)
    save_model(Path(folder) / "model", registry().build(spec, {"bias": bias}), spec.id, about=ABOUT)
    return Path(folder)


def sampled(model, n=7, **options):
    loaded = load_model(model)
    return sample_all(loaded, make_plan(loaded, n, seed=4, shard_size=3, options=options))


def genai(*args):
    return main([str(arg) for arg in args])


def test_a_file_saved_from_python(model, tmp_path, capsys):
    path = sampled(model, length=9).save(tmp_path / "a.txt")
    assert genai("reproduce", path) == 0
    out, err = capsys.readouterr()
    assert "the same 70 bytes again" in out
    assert err == ""
    assert genai("reproduce", path, "-o", tmp_path / "b.txt") == 0
    assert (tmp_path / "b.txt").read_bytes() == path.read_bytes()
    assert read_record(tmp_path / "b.txt") == read_record(path)
    assert genai("reproduce", path, "-o", tmp_path / "b.txt") == 2  # nothing is overwritten


def test_every_shard_and_a_packed_file(model, tmp_path):
    plan = make_plan(load_model(model), 7, seed=4, shard_size=3)
    files = sample_to_folder(str(model), plan, tmp_path / "out")
    assert len(files) == 3
    for path in files:
        assert reproduce(path).same
    packed = sampled(model).save(tmp_path / "a.txt.gz")
    assert packed.read_bytes()[:2] == b"\x1f\x8b"
    assert reproduce(packed).same


def test_the_record_is_enough(model, tmp_path):
    path = sampled(model).save(tmp_path / "a.txt")
    data = path.read_bytes()
    path.unlink()
    outcome = reproduce(path, out=tmp_path / "again.txt")
    assert (outcome.same, outcome.intact) == (True, None)
    assert (tmp_path / "again.txt").read_bytes() == data


def test_signed_pictures_one_a_file(tmp_path):
    model = make_model("dyes")
    plan = make_plan(load_model(model), 5, seed=4, shard_size=3)
    files = sample_to_folder(str(model), plan, tmp_path / "out")
    assert len(files) == 5
    assert len({reproduce(path).sha256 for path in files}) == 5
    for path in files:
        outcome = reproduce(path)
        assert (outcome.same, outcome.intact) == (True, True)
        assert outcome.size < path.stat().st_size  # signed
        record_path(path).unlink()
        assert reproduce(path).same  # from the record inside the signature


def test_a_shard_of_pictures_killed_in_the_middle_is_done_again(tmp_path):
    model = make_model("dyes")
    plan = make_plan(load_model(model), 5, seed=4, shard_size=3)
    files = sample_to_folder(str(model), plan, tmp_path / "out")
    whole = {path.name: read_record(path)["content"] for path in files}
    for path in files[1:3]:
        path.unlink()
        record_path(path).unlink()
    again = sample_to_folder(str(model), plan, tmp_path / "out")
    assert {path.name: read_record(path)["content"] for path in again} == whole


def test_a_record_inside_is_enough_too(tmp_path, monkeypatch):
    from genai_core.files import signing

    monkeypatch.setattr(signing, "find_spec", lambda name: None)
    (picture,) = sampled(make_model("dyes"), n=1)
    path = picture.save(tmp_path / "a.png")
    record_path(path).unlink()
    assert reproduce(path).same
    path.write_bytes(path.read_bytes() + b"\0")
    assert not reproduce(path).same


def test_weights_are_found_by_hash(model, tmp_path, monkeypatch, capsys):
    other = make_model("lines", "runs/r0", bias=3)
    path = sampled(model).save(tmp_path / "a.txt")
    assert reproduce(path).same  # r0 is looked at first and passed over
    assert reproduce(path, where=model / "model").same
    assert genai("reproduce", path, "--run", other) == 5
    assert "other weights" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "config" if (tmp_path / "config").exists() else "/")
    assert genai("reproduce", path) == 2
    assert "--run" in capsys.readouterr().err
    assert genai("reproduce", path, "--run", model) == 0


def rewrite(path, change):
    """An edit made with care, its checksum made to fit."""
    record = read_record(path)
    change(record)
    record["record_sha256"] = checksum(record)
    record_path(path).write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda r: r["recipe"].update(seed=5), "all that the record names is the same"),
        (lambda r: r["recipe"].update(options={"length": 6}), "all that the record names is the same"),
        (lambda r: (r["recipe"].update(seed=5), r["packages"].update(torch="1.0")), "torch: 1.0 there"),
        (lambda r: (r["recipe"].update(seed=5), r.update(data_fingerprint="a" * 64)), "training data: aaaa"),
        (lambda r: (r["recipe"].update(seed=5), r.update(config_hash="b" * 16)), "config: bbbb"),
    ],
)
def test_what_differs_is_named(model, tmp_path, change, named, capsys):
    path = sampled(model).save(tmp_path / "a.txt")
    rewrite(path, change)
    assert genai("reproduce", path) == 5
    assert named in capsys.readouterr().err


def test_other_versions_are_told_even_when_the_bytes_agree(model, tmp_path, capsys):
    path = sampled(model).save(tmp_path / "a.txt")
    rewrite(path, lambda r: r["packages"].update(numpy="0.1"))
    assert genai("reproduce", path) == 0
    assert "although numpy: 0.1 there" in capsys.readouterr().err
    assert genai("reproduce", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is True
    assert found["differences"][0].startswith("numpy")


def test_a_changed_file_is_told_and_can_be_had_again(model, tmp_path, capsys):
    path = sampled(model).save(tmp_path / "a.txt")
    data = path.read_bytes()
    path.write_bytes(b"forged\n")
    assert genai("reproduce", path, "-o", tmp_path / "true.txt") == 5
    assert "was changed since" in capsys.readouterr().err
    assert (tmp_path / "true.txt").read_bytes() == data


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["recipe"].update(shard=99),
        lambda r: r["recipe"].update(n=10**8),
        lambda r: r["recipe"].update(n=10**15),
        lambda r: r["recipe"].update(model="nobody/nothing", weights_sha256="0" * 64),
        lambda r: r["recipe"].update(options={"length": "long"}),
        lambda r: r["recipe"].update(options={"wrong": 1}),
        lambda r: r["content"].update(suffix=".exe"),
        lambda r: r.update(
            recipe={"kind": "pipeline", "pipeline": "a/b", "config": {}, "seed": 1, "output": "x"}
        ),
    ],
)
def test_impossible_records_are_refused_at_once(model, tmp_path, change):
    path = sampled(model).save(tmp_path / "a.txt")
    rewrite(path, change)
    with pytest.raises((BadInput, UsageError, VerificationError)):
        reproduce(path)


def test_no_record_edited_record_or_no_file(tmp_path, model, capsys):
    (tmp_path / "x.txt").write_text("x")
    assert genai("reproduce", tmp_path / "x.txt") == 3
    assert genai("reproduce", tmp_path / "none") == 3
    path = sampled(model).save(tmp_path / "a.txt")
    place = record_path(path)
    place.write_text(place.read_text().replace('"seed": 4', '"seed": 5'))
    assert genai("reproduce", path) == 3
    assert "edited" in capsys.readouterr().err


def test_every_file_of_a_pipeline(model, tmp_path):
    from genai_core.results.pipelines import run_pipeline

    words = tmp_path / "words.lst"
    words.write_text("one two")  # recorded by its hash
    settings = {"n": 4, "model": str(model), "words": str(words)}
    run = run_pipeline("remade/write", settings, seed=9, out=tmp_path / "out", device="cpu")
    assert {"names.txt", "dye.png"} <= set(run.files)
    path = tmp_path / "out" / "names.txt"
    text = record_path(path).read_text()
    assert str(tmp_path) not in text
    assert read_record(path)["config"]["words"].startswith("sha256:")
    assert reproduce(path, inputs=[words]).same
    assert reproduce(tmp_path / "out" / "dye.png", inputs=[words]).same
    with pytest.raises((UsageError, VerificationError)):
        reproduce(path)  # the words are not to be found


def test_a_pipeline_without_inputs_in_full(tmp_path):
    from genai_core.results.pipelines import run_pipeline

    run = run_pipeline("remade/write", {}, seed=9, out=tmp_path / "out", device="cpu")
    for name in run.files:
        outcome = reproduce(tmp_path / "out" / name)
        assert outcome.same, name
    assert genai("verify", tmp_path / "out") == 0


def molecules():
    """Twenty molecules of the shipped model, in three shards."""
    loaded = load_model("molecules/rnn")
    return sample_all(loaded, make_plan(loaded, 20, seed=2, shard_size=8))


def surroundings(number):
    """Other locale, time zone, hash seed and threads."""
    return {
        "TZ": ("Asia/Kathmandu", "America/Lima")[number],
        "LC_ALL": ("C", "C.UTF-8")[number],
        "PYTHONHASHSEED": str(number),
        "OMP_NUM_THREADS": str(number + 1),
    }


@pytest.mark.parametrize("suffix", [".smi", ".csv", ".sdf", ".smi.gz"])
def test_molecules_in_every_format(tmp_path, suffix):
    path = molecules().save(tmp_path / f"a{suffix}")
    assert reproduce(path).same
    assert genai("verify", path) == 0
    if suffix == ".sdf":
        record_path(path).unlink()
        assert reproduce(path).same  # from the record inside


@pytest.mark.slow
def test_molecules_elsewhere(tmp_path):
    """Another process, folder, locale, time zone, hash seed and number of threads."""
    path = molecules().save(tmp_path / "a.sdf")
    program = "import sys; from genai_core.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-c", program, "reproduce", str(path)]
        env = {**os.environ, **surroundings(number)}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_molecule_format_of_a_pipeline(tmp_path):
    from genai_core.results.pipelines import run_pipeline

    run_pipeline("remade/draw", {}, seed=9, out=tmp_path / "out", device="cpu")
    for suffix in (".smi", ".csv", ".sdf"):
        assert reproduce(tmp_path / "out" / f"leads{suffix}").same, suffix


@pytest.mark.slow
def test_molecule_design(tmp_path, capsys):
    from genai_core.results.pipelines import run_pipeline

    settings = {"n": 5, "evaluate": False, "known": "none"}
    run_pipeline("molecules/design", settings, seed=3, out=tmp_path / "out", device="cpu")
    assert genai("reproduce", tmp_path / "out" / "leads.sdf", "-o", tmp_path / "again.sdf") == 0
    assert (tmp_path / "again.sdf").read_bytes() == (tmp_path / "out" / "leads.sdf").read_bytes()
    assert genai("verify", tmp_path / "out") == 0
