"""Records: what is in them, what never is, and what happens to bad ones."""

from __future__ import annotations

import copy
import getpass
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_core.errors import BadInput
from genai_core.files.provenance import (
    MAX_BYTES,
    embedded_record,
    make_record,
    parse_record,
    read_record,
    record_path,
    to_text,
    without_paths,
)
from genai_core.files.versions import packages
from tests.support.records import record, write_record

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "part-00000.txt"
    path.write_bytes(b"abc\n")
    write_record(path, record())
    return path


def test_a_record_comes_back_as_it_was_made(written):
    found = read_record(written)
    made = record()
    assert {key: found[key] for key in made} == made
    assert found["content"]["size"] == 4
    assert found["content"]["suffix"] == ".txt"
    assert found["file"]["sha256"] == found["content"]["sha256"]
    assert read_record(record_path(written)) == found


def test_the_same_call_gives_the_same_bytes_whatever_the_surroundings(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.support.records import record, write_record\n"
        "p = Path(sys.argv[1]); p.write_bytes(b'x'); write_record(p, record())\n"
    )
    texts = set()
    root = Path(__file__).parents[2]
    for number, extra in enumerate(
        [
            {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
            {"TZ": "America/Lima", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "HOME": "/nonexistent"},
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        env = {**os.environ, **extra, "PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-c", program, folder / "a.bin"], cwd=folder, env=env, check=True)
        texts.add((folder / "a.bin.genai.json").read_bytes())
    assert len(texts) == 1


def test_no_record_tells_who_where_or_when(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "wilhelmina"))
    secret = tmp_path / "home" / "wilhelmina" / "data.csv"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"1\n")
    config = {"file": str(secret), "again": Path(secret), "gone": str(secret.with_name("gone.csv"))}
    config |= {"home": "~/notes.txt", "folder": str(tmp_path), "deep": [{"x": str(secret)}]}
    config |= {
        "other": "/" + "home/alan/x.smi",
        "theirs": "C:\\Users\\alan\\x.smi",
        "smarts": "F/C=C/F",
        "n": 3,
    }
    made = record(config=config, options={"prompt": str(secret)})
    path = tmp_path / "out.txt"
    path.write_bytes(b"x")
    write_record(path, made)
    text = record_path(path).read_text()
    for word in (
        "wilhelmina",
        "alan",
        str(tmp_path),
        socket.gethostname(),
        f'"{getpass.getuser()}',
        "20" + "26-",
    ):
        assert word not in text.replace(packages()["python"], "")
    digest = "sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"
    assert made["config"]["file"] == made["config"]["again"] == made["config"]["deep"][0]["x"] == digest
    assert made["config"]["gone"] == made["config"]["home"] == made["config"]["folder"] == "path:unrecorded"
    assert made["config"]["smarts"] == "F/C=C/F"


def test_a_model_folder_is_recorded_by_its_weights(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"w")
    assert without_paths(str(tmp_path)) == without_paths(tmp_path / "model")
    assert without_paths(tmp_path).startswith("sha256:")


def test_packages_are_those_that_matter():
    assert {"python", "genai-core", "torch", "numpy"} <= set(packages())
    assert {"rdkit", "genai-molecules", "genai-nets"} <= set(packages("molecules"))
    assert "click" not in packages("molecules")
    assert packages("no-such-plugin") == packages()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "7"},
        {"seed": True},
        {"seed": 1.0},
        {"model": "../../etc"},
        {"model": "toys/rnn\x1b[2J"},
        {"generator": {"id": "toys/rnn", "version": ""}},
        {"weights_sha256": "zz"},
        {"shard": -1},
        {"config": {"x": float("nan")}},
        {"config": {"x": object()}},
        {"packages": {"a b": "1"}},
        {"digital_source_type": "x/../y"},
        {"recipe": {"kind": "magic"}},
        {"recipe": {}},
        {"recipe": {"kind": "pipeline", "pipeline": "a/b", "config": {}, "seed": 1, "output": "../x"}},
        {"recipe": {"kind": "pipeline", "pipeline": "a/b", "config": {}, "seed": 1}},
    ],
)
def test_what_is_not_a_record_is_refused(change):
    with pytest.raises(BadInput):
        record(**change)


def test_deep_config_is_refused():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput):
        record(config={"x": deep})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"$schema":' * 50_000,
        b'{"$schema":"genai-record/1"}',
        b'{"$schema":"genai-record/2"}',
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b" " * (MAX_BYTES + 1),
    ],
)
def test_malformed_records_are_bad_input(data, tmp_path):
    with pytest.raises(BadInput):
        parse_record(data, "x")
    path = tmp_path / "a.txt"
    record_path(path).write_bytes(data)
    with pytest.raises(BadInput):
        read_record(path)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"seed": 7', '"seed": 8, "seed": 7', "a key stands twice"),
        ('"width": 8', '"width": 9, "width": 8', "a key stands twice"),
        ('"width": 8', '"width": NaN', "not JSON compliant"),
        ('"width": 8', '"width": ' + "[" * 500 + "]" * 500, "recursion limit"),
    ],
)
def test_a_sound_record_with_one_thing_slipped_in_is_refused(written, before, after, reason):
    place = record_path(written)
    text = place.read_text()
    assert before in text
    place.write_text(text.replace(before, after, 1))
    with pytest.raises(BadInput, match=reason):
        read_record(written)


def test_a_folder_or_nothing_in_the_place_of_a_record(tmp_path):
    with pytest.raises(BadInput, match="no record"):
        read_record(tmp_path / "a")
    record_path(tmp_path / "a").mkdir()
    with pytest.raises(BadInput, match="no record"):
        read_record(tmp_path / "a")


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield (*path, key)
            yield from leaves(value[key], (*path, key))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_a_record_goes_unseen(written, data):
    """Any field replaced, removed or added: `read_record` refuses, with `BadInput` and nothing else."""
    original = read_record(written)
    edited = copy.deepcopy(original)
    *parents, leaf = data.draw(st.sampled_from(sorted(leaves(original))))
    node = edited
    for key in parents:
        node = node[key]
    if data.draw(st.booleans()):
        node[leaf] = data.draw(ANY_JSON)
    elif data.draw(st.booleans()):
        del node[leaf]
    else:
        node[data.draw(st.text(max_size=6))] = data.draw(ANY_JSON)
    place = record_path(written)
    intact = place.read_bytes()
    try:
        text = json.dumps(edited)
        place.write_text(text)
        if json.loads(text) == original and text.count("true") == json.dumps(original).count("true"):
            return
        with pytest.raises(BadInput):
            read_record(written)
    finally:
        place.write_bytes(intact)


@settings(max_examples=1000, deadline=None)
@given(data=st.data())
def test_mutated_bytes_of_a_record_never_crash(data):
    raw = bytearray(to_text(record()).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not raw:
            break
    with suppress(BadInput):
        parse_record(bytes(raw), "x")
    found = embedded_record(b"junk" + bytes(raw) + b"\njunk")
    assert found is None or parse_record(to_text(found).encode(), "x") == found


def test_a_record_is_found_inside_any_text():
    made = record(config={"text": 'a  b\n$$$$\n<x> "é" \u202e'})
    text = to_text(made)
    assert text.isascii()
    assert not any(character.isspace() for character in text)
    for before, after in ((b"", b""), (b"head\n>  <X>\n", b"\n\n$$$$\n"), (bytes(range(256)), b"\0\0tail")):
        assert embedded_record(before + text.encode() + after) == made
    assert embedded_record(text.encode()[:-5]) is None


def test_make_record_keeps_to_its_schema():
    assert make_record.__kwdefaults__["source_type"] == "trainedAlgorithmicMedia"
    made = record(source_type="compositeWithTrainedAlgorithmicMedia")
    assert made["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
