"""Specs check themselves when they are made, so that a mistake shows in the plugin that made it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.plugins.specs import ArtifactSpec, CheckSpec, DatasetSpec, ModelSpec, Spec

PLAIN: dict[str, Any] = {"name": "x", "summary": "An x", "factory": "package.module:attribute"}
MODEL: dict[str, Any] = PLAIN | {"modality": "text", "family": "vae", "capabilities": frozenset({"sample"})}


def test_the_id_is_plugin_and_name() -> None:
    assert replace(DatasetSpec(**PLAIN, modality="text"), plugin="music").id == "music/x"


def test_specs_are_frozen_and_have_no_room_for_more() -> None:
    spec = DatasetSpec(**PLAIN, modality="text")
    with pytest.raises(FrozenInstanceError):
        spec.name = "y"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(spec, "extra", 1)


@pytest.mark.parametrize(
    "name", ["", "Upper", "two words", "a--b", "-a", "a-", "ä", "a/b", "a_b", "a\n", None, 3]
)
def test_names_are_lower_case_words(name: Any) -> None:
    with pytest.raises(ValueError, match="lower-case words"):
        DatasetSpec(**PLAIN | {"name": name}, modality="text")


@given(st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,3}", fullmatch=True))
def test_sound_names_are_taken(name: str) -> None:
    assert DatasetSpec(**PLAIN | {"name": name}, modality="text").name == name


@pytest.mark.parametrize("summary", ["", " ", "one\ntwo", None, 3])
def test_the_summary_is_one_line(summary: Any) -> None:
    with pytest.raises(ValueError, match="summary must be one non-empty line"):
        DatasetSpec(**PLAIN | {"summary": summary}, modality="text")


@pytest.mark.parametrize(
    "reference", ["", "module", "module:", ":x", "a.b.c", "a b:c", "a:b:c", "a/b:c", "a:b\n", 3, len]
)
@pytest.mark.parametrize("field", ["factory", "config", "options"])
def test_references_are_module_and_attribute(field: str, reference: Any) -> None:
    with pytest.raises(ValueError, match=field):
        ModelSpec(**MODEL | {field: reference})


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("requires", "numpy", "not a tuple"),
        ("requires", ["numpy"], "not a tuple"),
        ("tags", {"a"}, "not a frozenset"),
        ("tags", "a", "not a frozenset"),
        ("capabilities", ["sample"], "not a frozenset"),
        ("capabilities", frozenset({"fly"}), "unknown capabilities"),
        ("family", "magic", "none of"),
        ("licence", 3, "not a str"),
        ("modality", None, "not a str"),
        ("weights", b"x", "not a str"),
    ],
)
def test_wrong_types_are_refused(field: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelSpec(**MODEL | {field: value})


@given(st.text(max_size=30))
def test_no_text_breaks_the_checks(text: str) -> None:
    for field in ("name", "summary", "factory", "config"):
        try:
            spec = CheckSpec(**PLAIN | {field: text})
        except ValueError:
            continue
        assert "\n" not in spec.name + spec.summary + spec.factory


def test_kinds_differ() -> None:
    kinds = {cls.kind for cls in Spec.__subclasses__()}  # a set: slots make each class twice
    assert sorted(kinds) == ["artifact", "check", "command", "dataset", "evaluator", "model", "pipeline"]
    assert ArtifactSpec(**PLAIN, suffixes=(".x",), media_type="text/plain").kind == "artifact"
