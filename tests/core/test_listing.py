"""``genai list``, ``info`` and ``schema``: for people and as JSON."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import Field

from genai_core.cli.main import main
from genai_core.config import Config
from genai_core.plugins import registry as registry_module
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.registry import Registry
from genai_core.plugins.specs import DataFile, DatasetSpec, EvaluatorSpec, MetricSpec, ModelSpec

CODE = "genai_test_listing_code"


class Inner(Config):
    rate: float = Field(default=0.1, gt=0, le=1, description="learning rate")


class NetConfig(Config):
    """A net."""

    layers: int = Field(default=2, ge=1, le=8, description="how many layers")
    cell: Literal["gru", "lstm"] = "gru"
    path: str = Field(description="where the corpus is")
    note: str | None = None
    inner: Inner = Inner()


class Sampling(Config):
    temperature: float = Field(default=1.0, gt=0, description="below 1 likelier")


class Plugin:
    GENAI_API = 1

    @hookimpl
    def genai_models(self) -> Any:
        yield ModelSpec(
            name="net", summary="A net", modality="sound", family="vae",
            capabilities=frozenset({"train", "sample"}),
            factory=f"{CODE}:build", config=f"{CODE}:NetConfig", options=f"{CODE}:Sampling",
            weights=f"{CODE}:weights/net", licence="MIT", citation="Nobody (2026)",
            requires=("click>=8", "genai-nowhere>=1"),
        )  # fmt: skip

    @hookimpl
    def genai_datasets(self) -> Any:
        file = DataFile(name="a.gz", sha256="ab" * 32, size=12345, sources=("https://example.org/a.gz",))
        yield DatasetSpec(name="big", summary="Big", modality="text", factory=f"{CODE}:build", files=(file,))

    @hookimpl
    def genai_evaluators(self) -> Any:
        metric = MetricSpec(name="novelty", direction="higher", summary="share of new items", low=0, high=1)
        yield EvaluatorSpec(
            name="new", summary="New", modality="sound", factory=f"{CODE}:build", metrics=(metric,)
        )


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    folder = tmp_path / CODE
    (folder / "weights/net").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "weights/net/weights.safetensors").write_bytes(b"12345678")
    (folder / "weights/net/CARD.md").write_text("# The net\nTrained on nothing.\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = import_module(CODE)
    assert isinstance(module, ModuleType)
    module.NetConfig, module.Sampling, module.build = NetConfig, Sampling, print  # type: ignore[attr-defined]
    found = Registry(allow=[]).discover()
    found.register(Plugin(), "planted")
    monkeypatch.setattr(registry_module, "_current", found)
    yield
    del sys.modules[CODE]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(_run(capsys, *arguments, "--json"))


def test_list_is_a_table_by_plugin(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _run(capsys, "list").splitlines()
    start = lines.index("planted 0 (run time)")
    assert [line.split(maxsplit=2) for line in lines[start + 1 :]] == [
        ["dataset", "planted/big", "Big"],
        ["model", "planted/net", "A net"],
        ["evaluator", "planted/new", "New"],
    ]
    assert len({line.index("planted/") for line in lines[start + 1 :]}) == 1
    assert lines[0].startswith("core ")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--kind", "model"], ["planted/net"]),
        (["--modality", "sound"], ["planted/net", "planted/new"]),
        (["--kind", "dataset", "--modality", "text"], ["planted/big"]),
        (["--kind", "pipeline"], []),
    ],
)
def test_list_filters(arguments: list[str], ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, "list", "-q", *arguments).split() == ids
    assert [spec["id"] for spec in _json(capsys, "list", *arguments)] == ids


def test_nothing_found_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--kind", "pipeline"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nothing installed matches" in captured.err


def test_list_json_holds_the_whole_spec(capsys: pytest.CaptureFixture[str]) -> None:
    net = next(spec for spec in _json(capsys, "list") if spec["id"] == "planted/net")
    assert net["kind"] == "model"
    assert net["capabilities"] == ["sample", "train"]
    assert net["distribution"] == "run time"
    assert net["requires"] == ["click>=8", "genai-nowhere>=1"]


def test_info_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    text = _run(capsys, "info", "net")
    for words in (
        "planted/net: A net", "sample, train", "MIT", "Nobody (2026)", "click>=8 (met)",
        "genai-nowhere>=1 (genai-nowhere>=1, which is not installed)", "how many layers", ">= 1, <= 8",
        "gru|lstm", "needed", "inner.rate", "> 0, <= 1", "temperature",
        f"{CODE}:weights/net", "Trained on nothing.",
    ):  # fmt: skip
        assert words in text, words


def test_info_json(capsys: pytest.CaptureFixture[str]) -> None:
    about = _json(capsys, "info", "planted/net")
    assert [option["name"] for option in about["config_options"]] == [
        "layers",
        "cell",
        "path",
        "note",
        "inner.rate",
    ]
    assert about["config_options"][2]["required"]
    assert about["sampling_options"][0] == {
        "name": "temperature", "type": "float", "default": 1.0, "required": False, "range": "> 0",
        "description": "below 1 likelier",
    }  # fmt: skip
    assert about["weights"] == f"{CODE}:weights/net"
    assert about["card"].startswith("# The net")


def test_info_of_a_data_set_and_of_an_evaluator(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"a.gz  12,345 bytes  sha256 {'ab' * 32}" in _run(capsys, "info", "planted/big")
    assert "novelty in [0, 1] (higher): share of new items" in _run(capsys, "info", "planted/new")


def test_info_says_when_weights_are_missing(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    folder = tmp_path / CODE / "weights/net"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert "there is no CARD.md" in _run(capsys, "info", "planted/net")


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(_run(capsys, "schema", "planted/net"))
    assert schema["properties"]["layers"]["maximum"] == 8
    assert schema["required"] == ["path"]
    assert schema["additionalProperties"] is False
    assert "temperature" in json.loads(_run(capsys, "schema", "planted/net", "--sampling"))["properties"]


def test_schema_of_what_has_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(_run(capsys, "schema", "core/text"))["properties"] == {}
    assert main(["schema", "planted/big", "--sampling"]) == 2
    assert "has no sampling options" in capsys.readouterr().err
