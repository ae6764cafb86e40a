"""Every deliberate error has a message, perhaps a hint, and the exit code its class promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core import errors
from genai_core.errors import BadInput, GenaiError, did_you_mean

CODES = {
    "GenaiError": 1, "PluginError": 1, "MissingDependency": 1, "UsageError": 2, "UnknownId": 2,
    "ConfigError": 2, "BadInput": 3, "ResourceError": 4, "VerificationError": 5, "Interrupted": 75,
}  # fmt: skip


def test_every_class_has_its_exit_code() -> None:
    classes = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, GenaiError)}
    assert {name: cls.exit_code for name, cls in classes.items()} == CODES
    assert all(f"`{name}`" in (errors.__doc__ or "") for name in CODES)


def test_message_and_hint() -> None:
    error = errors.UsageError("the number is 0", hint="give -n 1")
    assert (str(error), error.message, error.hint) == ("the number is 0", "the number is 0", "give -n 1")


def test_bad_input_says_where() -> None:
    assert str(BadInput("a.smi", "not a molecule", 7)) == "a.smi:7: not a molecule"
    assert str(BadInput("a.smi", "empty")) == "a.smi: empty"
    assert str(BadInput("a.smi", "first byte", 0)) == "a.smi:0: first byte"


@pytest.mark.parametrize(
    ("word", "near"), [("molecule/rnn", 'did you mean "molecules/rnn"?'), ("zzz", None), ("", None)]
)
def test_did_you_mean(word: str, near: str | None) -> None:
    assert did_you_mean(word, ["molecules/rnn", "music/score"]) == near


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=8))
def test_did_you_mean_takes_any_text(word: str, known: list[str]) -> None:
    answer = did_you_mean(word, known)
    if word and word in known:
        assert answer is not None
        assert f'"{word}"' in answer
