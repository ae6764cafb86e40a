"""The registry in one process: what it finds, loads, builds, registers and isolates."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from genai_core.config import Config, EmptyConfig
from genai_core.errors import ConfigError, MissingDependency, PluginError, UnknownId
from genai_core.plugins import registry as registry_module
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.registry import Registry, registry
from genai_core.plugins.resolve import unmet
from genai_core.plugins.specs import CommandSpec, DatasetSpec, ModelSpec

HERE = "genai_test_registry_code"
NESTED = "outer.inner"


class Options(Config):
    size: int = 3


class Holder:
    made = staticmethod(lambda config: ("made", config))


def _spec(cls: type = DatasetSpec, **over: Any) -> Any:
    return cls(**{"name": "x", "summary": "An x", "modality": "text", "factory": f"{HERE}:build"} | over)


class Plugin:
    GENAI_API = 1

    def __init__(self, *specs: Any) -> None:
        self.offered = specs

    @hookimpl
    def genai_datasets(self) -> Any:
        return [spec for spec in self.offered if spec.kind == "dataset"]

    @hookimpl
    def genai_models(self) -> Any:
        return [spec for spec in self.offered if spec.kind == "model"]


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType(HERE)
    module.build = lambda config: ("built", config)  # type: ignore[attr-defined]
    module.Options = Options  # type: ignore[attr-defined]
    module.Holder = Holder  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, HERE, module)
    return module


@pytest.fixture
def empty() -> Registry:
    return Registry(allow=[])


@pytest.fixture
def two(empty: Registry) -> Registry:
    empty.discover()
    model = {"family": "vae", "capabilities": frozenset({"sample"}), "tags": frozenset({"small"})}
    empty.register(Plugin(_spec(), _spec(name="set-b", tags=frozenset({"small"}))), "one")
    empty.register(Plugin(_spec(), _spec(ModelSpec, name="net", modality="audio", **model)), "two")
    return empty


def test_specs_are_filtered_and_sorted(two: Registry) -> None:
    assert [spec.id for spec in two.specs("dataset")] == ["one/set-b", "one/x", "two/x"]
    assert [spec.id for spec in two.specs("dataset", tag="small")] == ["one/set-b"]
    assert [spec.id for spec in two.specs("model", capability="sample")] == ["two/net"]
    assert two.specs("model", capability="train") == two.specs("model", modality="text") == []
    assert two.specs("dataset", capability="sample") == []


def test_find_by_id_and_by_bare_name(two: Registry) -> None:
    assert two.find("dataset", "one/x").plugin == "one"
    assert two.find("dataset", "set-b").id == "one/set-b"
    assert two.find(None, "net").kind == "model"


@pytest.mark.parametrize(
    ("kind", "name", "message", "hint"),
    [
        ("dataset", "x", "'x' is in 2 plugins", "write one/x or two/x"),
        ("dataset", "one/y", "there is no dataset 'one/y'", 'did you mean "one/x"'),
        ("dataset", "set-c", "there is no dataset 'set-c'", '"set-b"'),
        ("dataset", "net", "two/net is of kind model, not dataset", "genai list --kind dataset"),
        ("model", "music/compose", "plugin 'music' is not installed", "pip install genai-music"),
        ("model", "zzz", "there is no model 'zzz'", "genai list --kind model"),
        ("model", "", "there is no model ''", "genai list --kind model"),
    ],
)
def test_unknown_ids_say_what_there_is(two: Registry, kind: str, name: str, message: str, hint: str) -> None:
    with pytest.raises(UnknownId) as caught:
        two.find(kind, name)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_name_that_is_switched_off_is_told_so() -> None:
    off = Registry(deny=["molecules"]).discover()
    if "molecules" not in off.off:
        pytest.skip("genai-molecules is not installed")
    with pytest.raises(UnknownId, match="plugin 'molecules' is switched off"):
        off.find("model", "molecules/rnn")


def test_build_validates_first(empty: Registry) -> None:
    empty.register(Plugin(_spec(config=f"{HERE}:Options")))
    spec = empty.find("dataset", "mine/x")
    assert empty.build(spec, {"size": 5}) == ("built", Options(size=5))
    assert empty.build(spec, Options(size=6)) == ("built", Options(size=6))
    assert empty.build(spec) == ("built", Options())
    with pytest.raises(ConfigError, match="mine/x: unknown key 'sise'"):
        empty.build(spec, {"sise": 5})


def test_no_config_means_an_empty_one(empty: Registry) -> None:
    empty.register(Plugin(_spec()))
    spec = empty.find("dataset", "x")
    assert empty.config_class(spec) is EmptyConfig
    with pytest.raises(ConfigError):
        empty.build(spec, {"size": 5})


def test_attributes_of_attributes_are_found(empty: Registry) -> None:
    empty.register(Plugin(_spec(factory=f"{HERE}:Holder.made")))
    assert empty.build(empty.find("dataset", "x"))[0] == "made"


@pytest.mark.parametrize(
    ("over", "error", "says"),
    [
        ({"factory": "genai_nowhere.code:x"}, PluginError, "No module named 'genai_nowhere'"),
        ({"factory": f"{HERE}:nothing"}, PluginError, "has no attribute 'nothing'"),
        ({"requires": ("genai-nowhere>=2",)}, MissingDependency, "genai-nowhere>=2, which is not installed"),
        ({"requires": ("click>=9999",)}, MissingDependency, "click>=9999, and "),
    ],
)
def test_a_bad_reference_names_plugin_id_and_reference(
    empty: Registry, over: dict[str, Any], error: type[Exception], says: str
) -> None:
    empty.register(Plugin(_spec(**over)))
    with pytest.raises(error, match=says) as caught:
        empty.load(empty.find("dataset", "x"))
    assert "mine/x" in str(caught.value)
    assert caught.value.hint  # type: ignore[attr-defined]


def test_what_is_required_is_asked_before_the_import(empty: Registry) -> None:
    empty.register(Plugin(_spec(factory="genai_nowhere:x", requires=("genai-nowhere",))))
    with pytest.raises(MissingDependency) as caught:
        empty.load(empty.find("dataset", "x"))
    assert caught.value.hint == 'pip install "genai-nowhere"'


def test_a_config_that_is_none_is_refused(empty: Registry) -> None:
    empty.register(Plugin(_spec(config=f"{HERE}:number")))
    with pytest.raises(PluginError, match="no subclass of"):
        empty.config_class(empty.find("dataset", "x"))


def test_an_exit_at_import_is_a_plugin_error(empty: Registry, tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "genai_leaving.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    empty.register(Plugin(_spec(factory="genai_leaving:x")))
    with pytest.raises(PluginError, match="SystemExit: 3"):
        empty.load(empty.find("dataset", "x"))


def test_unmet_requirements() -> None:
    assert unmet(["click>=1", "genai-nowhere; python_version < '3'", "genai-nowhere; extra == 'dev'"]) == {}
    assert unmet(["a b"]) == {"'a b', which is no valid requirement": "a b"}


def test_a_build_for_servers_serves_as_well(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "genai_window_headless-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: genai-window-headless\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert unmet(["genai-window>=1"]) == {}
    assert list(unmet(["genai-window>=3"])) == ["genai-window>=3, and 2.0 is installed"]


def test_an_installed_prerelease_counts(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "genai_early-2.0rc1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: genai-early\nVersion: 2.0rc1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert unmet(["genai-early>=1.5"]) == {}
    assert unmet(["genai-early>=2"]) == {"genai-early>=2, and 2.0rc1 is installed": "genai-early>=2"}


def test_registering_again_replaces(empty: Registry) -> None:
    empty.register(Plugin(_spec()))
    empty.register(Plugin(_spec(name="y")))
    assert [spec.id for spec in empty.specs("dataset")] == ["mine/y"]
    assert empty.version("mine") == "0"


def test_a_failed_replacement_keeps_the_old_one(empty: Registry) -> None:
    empty.register(Plugin(_spec()))
    with pytest.raises(PluginError, match="mine"):
        empty.register(SimpleNamespace(GENAI_API=2), "mine")
    assert [spec.id for spec in empty.specs("dataset")] == ["mine/x"]
    assert empty.faults == []


@pytest.mark.parametrize("name", ["molecules", "core", "music"])
def test_official_names_cannot_be_registered(empty: Registry, name: str) -> None:
    with pytest.raises(PluginError, match="taken"):
        empty.register(Plugin(_spec()), name)


def test_a_taken_name_stays_with_its_plugin() -> None:
    found = Registry(allow=[]).discover()
    with pytest.raises(PluginError, match="taken"):
        found.register(Plugin(_spec()), "core")
    assert found.find("artifact", "core/text").plugin == "core"


@pytest.mark.parametrize("name", ["Mine", "a b", "", "x/y"])
def test_bad_names_cannot_be_registered(empty: Registry, name: str) -> None:
    with pytest.raises(PluginError, match="lower-case words"):
        empty.register(Plugin(_spec()), name)


@pytest.mark.parametrize("junk", [None, 3, "text", object(), SimpleNamespace(GENAI_API=1), ModuleType("m")])
def test_junk_cannot_be_registered(empty: Registry, junk: Any) -> None:
    with pytest.raises(PluginError):
        empty.register(junk)
    assert empty.plugins == {}


class Events:
    GENAI_API = 1

    def __init__(self, log: list[Any], error: BaseException | None = None) -> None:
        self.log, self.error = log, error

    @hookimpl
    def genai_metrics(self, step: int, metrics: Any) -> None:
        self.log.append((step, metrics))
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(3), GeneratorExit(), MemoryError()])
def test_a_failing_event_hook_is_isolated_and_then_left_out(
    empty: Registry, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    bad: list[Any] = []
    good: list[Any] = []
    empty.register(Events(bad, error), "a-bad")
    empty.register(Events(good), "b-good")
    for step in range(6):
        empty.notify("genai_metrics", run=None, step=step, metrics={"loss": 1.0})
    assert [step for step, _ in good] == list(range(6))
    assert [step for step, _ in bad] == [0, 1, 2]
    assert [fault.stage for fault in empty.faults] == ["event"] * 3
    assert capsys.readouterr().err.count("genai: plugin 'a-bad'") == 3
    assert "a-bad" in empty.plugins


def test_nothing_of_a_refused_plugin_stays(empty: Registry) -> None:
    class Half(Events):
        @hookimpl
        def genai_models(self) -> Any:
            raise RuntimeError("no models today")

    log: list[Any] = []
    with pytest.raises(PluginError, match="no models today"):
        empty.register(Half(log), "half")
    empty.notify("genai_metrics", run=None, step=0, metrics={})
    assert log == []
    empty.register(Events(log), "half")


def test_ctrl_c_in_an_event_hook_goes_through(empty: Registry) -> None:
    empty.register(Events([], KeyboardInterrupt()), "keen")
    with pytest.raises(KeyboardInterrupt):
        empty.notify("genai_metrics", run=None, step=0, metrics={})


def test_events_nobody_listens_to_cost_nothing(empty: Registry) -> None:
    empty.notify("genai_run_started", run=None)


def test_the_core_is_always_there() -> None:
    for found in (Registry(allow=[]).discover(), Registry(deny=["core"]).discover()):
        assert found.find("artifact", "core/text").suffixes == (".txt",)
    assert found.version("core") != "0"


def test_the_core_needs_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_core.plugins.discovery._metadata_folders", list)
    found = Registry().discover()
    assert list(found.plugins) == ["core"]
    assert found.faults == []


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENAI_PLUGINS", " a, b ,,")
    monkeypatch.setenv("GENAI_DISABLE_PLUGINS", "b")
    found = Registry.from_environment()
    assert [name for name in ("a", "b", "c", "core") if found.wants(name)] == ["a", "core"]
    monkeypatch.delenv("GENAI_PLUGINS")
    assert Registry.from_environment().wants("c")


def test_one_registry_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_current", None)
    first = registry()
    assert registry() is first
    registry_module.reset()
    assert registry() is not first


def test_one_command_in_two_plugins_needs_its_full_id(empty: Registry) -> None:
    class Commands:
        GENAI_API = 1

        @hookimpl
        def genai_commands(self) -> Any:
            yield CommandSpec(name="draw", summary="Draw", factory=f"{HERE}:build")

    empty.register(Commands(), "one")
    empty.register(Commands(), "two")
    with pytest.raises(UnknownId) as caught:
        empty.find("command", "draw")
    assert caught.value.hint == "write one/draw or two/draw"
    assert empty.find("command", "two/draw").plugin == "two"


def test_installed_plugins_have_no_fault() -> None:
    found = Registry().discover()
    assert [json.dumps(fault.line) for fault in found.faults] == []
