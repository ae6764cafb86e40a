"""Configuration: strict, explained, and the same after a trip through TOML or --set."""

from __future__ import annotations

import json
import math
import string
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import Field

from genai_core.config import Config, EmptyConfig, merge, parse_settings, read_toml, to_settings, to_toml
from genai_core.errors import BadInput, ConfigError, UsageError


class Inner(Config):
    rate: float = Field(default=0.1, ge=0, le=1)
    kind: Literal["a", "b"] = "a"


class Outer(Config):
    layers: int = Field(default=2, ge=1, le=8)
    name: str = "x"
    sizes: tuple[int, ...] = (1, 2)
    note: str | None = None
    inner: Inner = Inner()


class Needs(Config):
    path: str


words = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=8)
scalars = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner | st.dictionaries(words, inner, max_size=2), max_size=3),
    max_leaves=5,
)
tables = st.recursive(
    st.dictionaries(words, values, max_size=4),
    lambda inner: st.dictionaries(words, values | inner, max_size=4),
    max_leaves=8,
)


@given(tables)
def test_toml_round_trip(table: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(table)) == table


@given(st.dictionaries(st.text(min_size=1, max_size=8), scalars, max_size=4))
def test_any_key_survives_toml(table: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(table)) == table
    assert tomllib.loads(to_toml({"deep": table})) == {"deep": table}


def test_toml_leaves_none_out() -> None:
    assert tomllib.loads(to_toml({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


def test_a_resolved_config_comes_back_from_toml() -> None:
    config = Outer(layers=3, inner=Inner(rate=0.5, kind="b"), sizes=(4,))
    again = Outer.parse(tomllib.loads(to_toml(config.model_dump(mode="json"))))
    assert again == config
    assert again.hash() == config.hash()


@given(words, words, scalars)
def test_set_round_trip(key: str, leaf: str, value: Any) -> None:
    text = (
        json.dumps(value, ensure_ascii=False) if isinstance(value, str) else to_toml({"v": value})[4:].strip()
    )
    if isinstance(value, str):
        text = to_toml({"v": value})[4:].rstrip("\n")
    assert parse_settings([f"{key}.{leaf}={text}"]) == {key: {leaf: value}}


@given(st.lists(st.text(max_size=30), max_size=4))
def test_set_never_fails_in_another_way(settings: list[str]) -> None:
    try:
        parsed = parse_settings(settings)
    except UsageError:
        return
    assert isinstance(parsed, dict)


@given(tables)
def test_parse_never_fails_in_another_way(table: dict[str, Any]) -> None:
    for config in (Outer, Needs, EmptyConfig):
        try:
            parsed = config.parse(table, where="some/id")
        except ConfigError:
            continue
        assert set(table) <= set(type(parsed).model_fields)


@given(tables)
@example({"n": 3, "word": "3", "truth": "true", "quoted": '"x"', "smarts": "[#6]=O & N", "none": {}})
def test_a_command_line_sets_what_it_was_made_from(table: dict[str, Any]) -> None:
    words = list(to_settings(table))
    assert set(words[::2]) <= {"--set"}
    assert parse_settings(words[1::2]) == table


def test_a_command_line_leaves_none_out_and_plain_text_plain() -> None:
    assert list(to_settings({"a": None, "b": {"c": "d e"}})) == ["--set", "b.c=d e"]


def test_plain_text_needs_no_quotes() -> None:
    assert parse_settings(["name=x y", "path=/a=b", "n=3", "flag=true", 'q="3"', "e="]) == {
        "name": "x y", "path": "/a=b", "n": 3, "flag": True, "q": "3", "e": "",
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["", "novalue", "=3", " =3"])
def test_set_needs_a_key_and_a_value(setting: str) -> None:
    with pytest.raises(UsageError, match="key=value"):
        parse_settings([setting])


def test_of_two_settings_of_one_key_the_last_one_counts() -> None:
    assert parse_settings(["a=1", "a.b=2"]) == {"a": {"b": 2}}
    assert parse_settings(["a.b=2", "a=1", "a.c=3", "a.d=4"]) == {"a": {"c": 3, "d": 4}}


@pytest.mark.parametrize("setting", ["a..b=1", ".a=1", "a.=1"])
def test_empty_words_in_a_key_are_refused(setting: str) -> None:
    with pytest.raises(UsageError, match="key"):
        parse_settings([setting])


def test_unknown_key_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"layer": 3}, where="molecules/rnn")
    assert caught.value.message == "molecules/rnn: unknown key 'layer'"
    assert caught.value.hint == 'did you mean "layers"?'


def test_unknown_nested_key_is_compared_with_its_own_level() -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"inner": {"rat": 0.5}})
    assert "unknown key 'inner.rat'" in caught.value.message
    assert caught.value.hint == 'did you mean "rate"?'
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"inner": {"zzzz": 0.5}})
    assert caught.value.hint == "known keys: kind, rate"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"layers": 99, "inner": {"kind": "c"}, "sizes": "x", "extra": 1})
    for words_ in ("layers=99", "inner.kind='c'", "sizes='x'", "unknown key 'extra'"):
        assert words_ in caught.value.message


def test_missing_value_is_named() -> None:
    with pytest.raises(ConfigError, match="'path' is needed"):
        Needs.parse({})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_are_finite(value: float) -> None:
    with pytest.raises(ConfigError):
        Outer.parse({"inner": {"rate": value}})


def test_long_values_are_shown_short() -> None:
    with pytest.raises(ConfigError) as caught:
        Outer.parse({"layers": "9" * 100_000, "name": ["x" * 100_000]})
    assert len(caught.value.message) < 500


def test_the_hash_follows_the_values_alone() -> None:
    assert Outer().hash() == Outer(layers=2).hash() == Outer.parse({}).hash()
    assert Outer().hash() != Outer(layers=3).hash()
    assert len(Outer().hash()) == 16


def test_config_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Outer().layers = 3  # type: ignore[misc]


@given(tables, tables)
def test_merge_prefers_the_second(base: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(base, over)
    assert merge(base, {}) == base
    assert merge({}, over) == over
    assert set(merged) == set(base) | set(over)
    for key, value in over.items():
        if not isinstance(value, dict):
            assert merged[key] == value
    assert merge(merged, over) == merged


@given(st.binary(max_size=200))
def test_a_broken_file_is_bad_input(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("toml") / "c.toml"
    path.write_bytes(data)
    try:
        values = read_toml(path)
    except BadInput:
        return
    assert isinstance(values, dict)


def test_absent_file_and_folder_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(BadInput):
        read_toml(tmp_path)


def test_deep_nesting_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(BadInput):
        read_toml(path)
