"""Promises of configurations: of a spec, and of a model's sampling options."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genai_core.config import Config, to_toml
from genai_core.errors import ConfigError, GenaiError
from genai_core.testing.promises import NotApplicable, expect, expect_error, expect_ok, promise

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

CONFIGURED = ("dataset", "model", "evaluator", "pipeline")
HEAVY = frozenset({"torch", "numpy", "scipy", "rdkit", "cv2", "pandas", "sklearn", "torchaudio", "librosa"})


def has_config(spec: Any) -> bool:
    """Whether the spec names a config or sampling options."""
    return bool(spec.config or getattr(spec, "options", None))


@promise(*CONFIGURED, when=has_config)
def config_is_strict(bench: Bench, spec: Any) -> None:
    """A configuration is a frozen `genai_core.Config` that refuses unknown keys and infinite numbers."""
    for kind, config in _configs(bench, spec):
        expect(isinstance(config, Config), f"{kind.__name__} is not a genai_core.Config")
        settings = kind.model_config
        for name, value in (("frozen", True), ("extra", "forbid"), ("allow_inf_nan", False)):
            expect(settings.get(name) == value, f"{kind.__name__} sets {name}={settings.get(name)!r}")
        for field in kind.model_fields:
            doing = f"setting {field} on a {kind.__name__}"
            expect_error(ValidationError, doing, setattr, config, field, getattr(config, field))


@promise(*CONFIGURED, when=has_config)
def unknown_key_is_named(bench: Bench, spec: Any) -> None:
    """An unknown key is a `ConfigError` that names the key."""
    for kind, config in _configs(bench, spec):
        values = {**config.model_dump(), "no_such_key": 1}
        error = expect_error(ConfigError, "an unknown key", kind.parse, values, where=spec.id)
        expect("no_such_key" in str(error), f"the error does not name the key: {error}")


@promise(*CONFIGURED, when=has_config)
def fields_are_typed(bench: Bench, spec: Any) -> None:
    """Every field has a type: a value that makes no sense is a `ConfigError`."""
    for kind, config in _configs(bench, spec):
        for field in kind.model_fields:
            values = {**config.model_dump(), field: object()}
            expect_error(ConfigError, f"{field}=object()", kind.parse, values, where=spec.id)


@promise(*CONFIGURED, when=has_config)
def fields_are_described(bench: Bench, spec: Any) -> None:
    """The configuration has a JSON Schema in which every field has a description."""
    for kind, _ in _configs(bench, spec):
        schema = expect_ok("its JSON Schema", kind.model_json_schema)
        silent = [
            name for name, field in schema.get("properties", {}).items() if not field.get("description")
        ]
        expect(not silent, f"no description: {', '.join(silent)}; use Field(description=...)")


@promise(*CONFIGURED, when=has_config)
def defaults_are_enough(bench: Bench, spec: Any) -> None:
    """Every option has a default, so that the bare id works (except for the user's own files)."""
    for kind, _ in _configs(bench, spec):
        if getattr(spec, "origin", "") != "user":
            needed = [name for name, field in kind.model_fields.items() if field.is_required()]
            expect(not needed, f"no default: {', '.join(needed)}")
            expect_ok("the defaults", kind.parse, {}, where=spec.id)


@promise(*CONFIGURED, when=has_config)
def config_round_trips(bench: Bench, spec: Any) -> None:
    """A configuration written as JSON or TOML and read again is the same, and so is its hash."""
    for kind, config in _configs(bench, spec):
        values = config.model_dump(mode="json")
        texts = {"JSON": json.loads(json.dumps(values)), "TOML": tomllib.loads(to_toml(values))}
        for name, read in texts.items():
            again = expect_ok(f"reading it back from {name}", kind.parse, read, where=spec.id)
            expect(again == config, f"written as {name} and read again it is {again!r}, it was {config!r}")
            expect(again.hash() == config.hash(), f"written as {name} and read again it has another hash")


@promise(*CONFIGURED, when=has_config)
def factory_keeps_the_config(bench: Bench, spec: Any) -> None:
    """What a factory makes from a config leaves the config as it was."""
    if spec.kind == "pipeline":
        raise NotApplicable("a pipeline's factory is its run")
    if spec.kind == "dataset" and not bench.at_hand(spec):
        raise NotApplicable("its data is not here")
    config = bench.config(spec)
    before = config.model_dump_json()
    built = bench.build(spec, config)
    expect(config.model_dump_json() == before, "the factory changed its config")
    if spec.kind == "model":
        expect(
            getattr(built, "config", None) == config,
            "a model keeps its config as .config; it is saved with it",
        )


@promise(*CONFIGURED, when=has_config, process=True)
def config_module_is_light(bench: Bench, spec: Any) -> None:
    """The module of a configuration imports nothing heavy, so that `genai schema` is quick."""
    from genai_core.testing.probe import modules_after

    for field in ("config", "options"):
        reference = getattr(spec, field, None)
        if reference:
            module = reference.partition(":")[0]
            loaded = bench.keep(("modules", module), modules_after, f"import {module}")
            heavy = sorted(HEAVY & {name.partition(".")[0] for name in loaded})
            expect(not heavy, f"importing {module} imports {', '.join(heavy)}")


def variants(config: Config) -> list[Config]:
    """Other valid configs, each with one field changed."""
    found = []
    for name in type(config).model_fields:
        for value in _others(getattr(config, name)):
            try:
                other = type(config).parse({**config.model_dump(), name: value})
            except GenaiError:
                continue
            found.append(other)
            break
    return found


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value * 0.75 + 0.05, value * 0.5]
    return []


def _configs(bench: Bench, spec: Any) -> list[tuple[type[Config], Config]]:
    """The config class and an instance, and the same for sampling options."""
    found = []
    for field in ("config", "options"):
        if getattr(spec, field, None) is None:
            continue
        kind = bench.registry.config_class(spec, field)
        if field == "options":
            found.append((kind, expect_ok("its default options", kind.parse, {}, where=spec.id)))
        else:
            found.append((kind, _config(bench, spec)))
    return found


def _config(bench: Bench, spec: Any) -> Config:
    try:
        return bench.config(spec)
    except ConfigError as error:
        if getattr(spec, "origin", "") == "user" and spec.name not in bench.configs:
            raise NotApplicable(f"give configs={{{spec.name!r}: {{...}}}}") from None
        raise AssertionError(f"the config it is tried with is refused: {error}") from None
