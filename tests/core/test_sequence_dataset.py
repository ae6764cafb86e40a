"""The in-memory data set and the content hash under it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genai_core.data import SequenceDataset, digest
from genai_core.errors import PluginError, UsageError
from genai_core.protocols import Dataset

WORDS = ["iron", "gold", "zinc", "lead", "tin"]
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=6,
)


def test_is_a_dataset() -> None:
    assert isinstance(SequenceDataset(WORDS, modality="text"), Dataset)


@given(st.lists(st.integers(), unique=True, max_size=60))
def test_hold_out_is_a_partition(items: list[int]) -> None:
    data = SequenceDataset(items, modality="digits")
    train, test = list(data.split("train")), list(data.split("test"))
    assert sorted([*train, *test]) == sorted(items)
    assert list(data) == train
    assert len(data) == len(train)
    assert bool(test) == (len(items) > 1)
    assert len(test) <= max(1, (len(items) + 9) // 10)


def test_given_splits_are_kept_and_the_first_is_trained_on() -> None:
    data = SequenceDataset({"learn": [1, 2], "valid": [3], "test": [4]}, modality="digits")
    assert list(data) == [1, 2]
    assert [list(data.split(name)) for name in ("learn", "valid", "test")] == [[1, 2], [3], [4]]
    assert list(data.split("valid").split("valid")) == [3]


def test_unknown_split_is_explained() -> None:
    data = SequenceDataset(WORDS, modality="text")
    with pytest.raises(UsageError) as error:
        data.split("tset")
    assert error.value.hint == 'did you mean "test"?'
    with pytest.raises(UsageError) as error:
        data.split("dev")
    assert error.value.hint == "splits: train, test"


def test_items_and_their_source_cannot_be_changed() -> None:
    source = [[1], [2], [3]]
    data = SequenceDataset(source, modality="rows")
    data[0].append(9)
    assert data[0] == [2]
    source.append([4])
    assert len(data) == 2


def test_index_errors() -> None:
    data = SequenceDataset(WORDS, modality="text")
    assert data[-1] == "tin"
    with pytest.raises(IndexError):
        data[4]


@pytest.mark.parametrize(
    "other",
    [
        SequenceDataset(WORDS[::-1], modality="text"),
        SequenceDataset(WORDS[:4], modality="text"),
        SequenceDataset(WORDS, modality="words"),
        SequenceDataset({"train": WORDS}, modality="text"),
        SequenceDataset({"train": WORDS[1:], "valid": WORDS[:1]}, modality="text"),
    ],
)
def test_fingerprint_knows_content_order_splits_and_modality(other: SequenceDataset[str]) -> None:
    data = SequenceDataset(WORDS, modality="text")
    assert data.fingerprint() == SequenceDataset(tuple(WORDS), modality="text").fingerprint()
    assert data.fingerprint() != other.fingerprint()
    assert data.split("train").fingerprint() != data.split("test").fingerprint()


@given(plain, plain)
def test_digest_tells_values_apart(a: object, b: object) -> None:
    assert (digest(a) == digest(b)) == (repr(a) == repr(b))


def test_digest_of_arrays_is_that_of_their_content() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert digest(array) == digest(torch.from_numpy(array))
    assert digest(array) == digest(np.asfortranarray(array))
    assert digest(array) != digest(array.reshape(3, 2))
    assert digest(array) != digest(array.astype(np.float64))
    assert digest(["ab"]) != digest(["a", "b"])
    assert digest([["a"], "b"]) != digest([["a", "b"]])


def test_digest_refuses_what_has_no_content() -> None:
    with pytest.raises(PluginError, match="object"):
        digest([object()])
