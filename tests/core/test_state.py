"""Checkpoint state: exact round trips, damage is seen, nothing is pickled."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput, PluginError
from genai_core.running.state import TENSORS, TREE, pack, read_state, unpack, write_state

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.floats(width=32, allow_nan=False), max_size=4).map(torch.tensor)
    | st.lists(st.integers(-9, 9), max_size=4).map(lambda v: np.array(v, dtype=np.int16))
)
trees = st.recursive(
    leaves,
    lambda below: (
        st.lists(below, max_size=4)
        | st.tuples(below, below)
        | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), below, max_size=4)
    ),
    max_leaves=12,
)


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@given(tree=trees)
def test_a_tree_comes_back_as_it_was(tree):
    value, tensors = pack(tree)
    assert equal(unpack(json.loads(json.dumps(value)), tensors), tree)


@given(tree=trees)
def test_a_tree_comes_back_from_disk(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("state")
    write_state(folder, {"tree": tree})
    assert equal(read_state(folder), {"tree": tree})


def test_optimizer_state_comes_back(tmp_path):
    parameter = torch.nn.Parameter(torch.randn(3))
    optimizer = torch.optim.AdamW([parameter], betas=(0.8, 0.9))
    parameter.sum().backward()
    optimizer.step()
    write_state(tmp_path, optimizer.state_dict())
    again = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(3))])
    again.load_state_dict(read_state(tmp_path))
    assert again.param_groups[0]["betas"] == (0.8, 0.9)
    assert torch.equal(*(next(iter(o.state.values()))["exp_avg"] for o in (optimizer, again)))


def test_views_and_shared_memory_are_saved_as_they_look(tmp_path):
    base = torch.arange(6.0)
    write_state(tmp_path, {"a": base[::2], "b": base, "c": base})
    back = read_state(tmp_path)
    assert back["a"].tolist() == [0, 2, 4]
    assert torch.equal(back["b"], back["c"])


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: None, b"bytes", 1j])
def test_what_only_pickle_could_save_is_refused_with_its_place(value):
    with pytest.raises(PluginError, match=r"state\.a\.1"):
        pack({"a": [0, value]})


@pytest.mark.parametrize("name", [TENSORS, TREE])
def test_every_flipped_bit_is_seen(tmp_path, name):
    write_state(tmp_path, {"w": torch.arange(4.0), "step": 7, "words": ["x", None]})
    path = tmp_path / name
    good = path.read_bytes()
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            back = read_state(tmp_path)
        except BadInput:
            continue
        # A flip between quotes of a digest's key or in white space may be harmless, never wrong.
        assert torch.equal(back["w"], torch.arange(4.0))
        assert back["step"] == 7


@pytest.mark.parametrize("name", [TENSORS, TREE])
def test_truncation_and_absence_are_seen(tmp_path, name):
    write_state(tmp_path, {"w": torch.arange(100.0)})
    path = tmp_path / name
    good = path.read_bytes()
    for cut in (0, 1, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(BadInput, match="damaged"):
            read_state(tmp_path)
    path.unlink()
    with pytest.raises(BadInput):
        read_state(tmp_path)
