"""Typed configuration: a TOML file, then ``--set key=value``, then a frozen pydantic model.

Unknown keys are errors with a suggestion; the resolved configuration and its hash go into every manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Self

try:
    entry_points(group="pydantic")
except Exception:
    # pydantic looks for plugins of its own and would stop at any distribution with broken entry points.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"

from pydantic import BaseModel, ConfigDict, ValidationError

from genai_core.errors import BadInput, ConfigError, UsageError, did_you_mean

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Config(BaseModel):
    """Base of every configuration: frozen, no unknown keys, every field documented and bounded.

    Example:
        >>> class RNNConfig(Config):
        ...     layers: int = Field(default=2, ge=1, le=8, description="stacked recurrent layers")
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, protected_namespaces=()
    )

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, where: str = "config") -> Self:
        """Validate `values`; every problem is named in one `ConfigError`.

        Args:
            values: Field values, nested as the model is.
            where: What the values configure, for the message (``"molecules/rnn"``).
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise _explain(cls, error, where) from None

    def hash(self) -> str:
        """16 hex digits of the sha256 of the canonical JSON of all resolved values."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class EmptyConfig(Config):
    """For specs that have nothing to configure."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; `BadInput` says where it is malformed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(path, f"cannot be read as TOML: {error}") from None


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Turn ``["a.b=3", "name=x"]`` into ``{"a": {"b": 3}, "name": "x"}``.

    A value is read as TOML where that succeeds (numbers, booleans, lists, quoted strings) and is the
    plain text otherwise. Of two settings of one key the last one counts.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        words = key.strip().split(".")
        if not (separator and all(words)):
            raise UsageError(f"--set {setting!r} is not of the form key=value", hint="e.g. --set width=256")
        value = _parse_value(text)
        for word in reversed(words):
            value = {word: value}
        values = merge(values, value)
    return values


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each plain value (or empty table) with its key in full: ``("a.b", 3)``."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def to_settings(values: Mapping[str, Any]) -> Iterator[str]:
    """The words of a command line that set `values`: the inverse of `parse_settings`; None is left out."""
    for key, value in flatten(values):
        plain = isinstance(value, str) and _parse_value(value) == value
        if value is not None:
            yield from ("--set", f"{key}={value if plain else _toml_value(value)}")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`, nested mappings merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
        )
    return merged


def to_toml(values: Mapping[str, Any], prefix: str = "") -> str:
    """Write JSON-like values as TOML; None is left out (TOML has no null)."""
    lines: list[str] = []
    tables: list[str] = []
    for key, value in values.items():
        name = key if _BARE.fullmatch(key) else _toml_value(key)
        if isinstance(value, Mapping):
            tables.append(f"\n[{prefix}{name}]\n{to_toml(value, f'{prefix}{name}.')}")
        elif value is not None:
            lines.append(f"{name} = {_toml_value(value)}\n")
    return "".join(lines + tables)


def _toml_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, Mapping):  # inside a list, where a table has no line of its own
        return f"{{{', '.join(f'{_toml_value(str(k))} = {_toml_value(v)}' for k, v in value.items())}}}"
    # TOML's numbers, booleans and strings are JSON's, but for the one control character JSON leaves alone.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError, RecursionError):
        return text


def _explain(cls: type[BaseModel], error: ValidationError, where: str) -> ConfigError:
    """Every problem in one sentence; the hint is about the first key that is unknown."""
    problems: list[str] = []
    hint = None
    for item in error.errors(include_url=False):
        key = ".".join(map(str, item["loc"])) or "(whole)"
        if item["type"] == "extra_forbidden":
            problems.append(f"unknown key {key!r}")
            *parents, wrong = item["loc"]
            known = sorted(_fields_at(cls, parents))
            hint = hint or did_you_mean(str(wrong), known) or "known keys: " + (", ".join(known) or "none")
        elif item["type"] == "missing":
            problems.append(f"{key!r} is needed")
        else:
            given = repr(item["input"])
            shown = given if len(given) <= 80 else f"{given[:77]}..."
            problems.append(f"{key}={shown}: {item['msg']}")
    return ConfigError(f"{where}: " + "; ".join(problems), hint=hint)


def _fields_at(model: type[BaseModel], path: Iterable[int | str]) -> Iterable[str]:
    """Names of the fields of the nested model at `path`; of `model` where that cannot be told."""
    inner = model
    for step in path:
        field = inner.model_fields.get(str(step))
        below = field.annotation if field else None
        if not (isinstance(below, type) and issubclass(below, BaseModel)):
            return model.model_fields
        inner = below
    return inner.model_fields
