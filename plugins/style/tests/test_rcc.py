"""The reader of Qt's resource collections, on whole ones and on what is none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput
from genai_style.sets import rcc
from genai_style.sets.rcc import files_in
from support.qt import collection

FILES = {"a/resource/b.webp": b"picture" * 9, "a/resource/README": b"who", "a/x/ü.qml": b"", "z": b"zz"}
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=4096, exclude_characters="/"), min_size=1)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_reads_all_files(version, packed):
    assert dict(files_in(collection(FILES, version, packed), "x.rcc")) == FILES


@given(st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6), st.booleans())
def test_reads_any_names_and_contents(files, packed):
    assert dict(files_in(collection(files, packed=packed), "x.rcc")) == files


@given(st.data())
def test_a_mutated_collection_is_an_error_or_files(data):
    whole = bytearray(collection(FILES, packed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        for path, content in files_in(cut, "x.rcc"):
            assert isinstance(path, str)
            assert isinstance(content, bytes)
    except BadInput:
        pass


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data):
    with pytest.raises(BadInput, match=r"x\.rcc"):
        list(files_in(data, "x.rcc"))


def node(flags, first, second):
    return struct.pack(">IHII", 0, flags, first, second) + bytes(8)


def bare(*nodes):
    """A collection without names and contents."""
    return struct.pack(">4sIIII", b"qres", 2, 26, 20, 20) + bytes(6) + b"".join(nodes)


def test_folders_that_hold_each_other_come_to_an_end():
    with pytest.raises(BadInput, match="folders hold each other"):
        list(files_in(bare(node(2, 1, 1), node(2, 1, 0)), "x.rcc"))
    with pytest.raises(BadInput, match="folders hold each other"):
        list(files_in(bare(node(2, 2**32 - 1, 0)), "x.rcc"))


def test_a_bomb_is_refused_before_it_goes_off(monkeypatch):
    monkeypatch.setattr(rcc, "LARGEST", 1_000)
    bomb = collection({"a": bytes(600), "b": bytes(600)}, packed=True)
    with pytest.raises(BadInput, match="limit of 1000 bytes"):
        list(files_in(bomb, "x.rcc"))


def test_what_is_packed_with_zstd_is_named():
    with pytest.raises(BadInput, match="zstd"):
        list(files_in(bare(node(4, 0, 0)), "x.rcc"))


def test_a_packed_file_that_ends_too_early():
    whole = collection({"a": bytes(range(256))}, packed=True)
    length = struct.unpack_from(">I", whole, 20)[0]
    cut = whole[:20] + struct.pack(">I", length - 8) + whole[24:]
    with pytest.raises(BadInput, match="ends too early"):
        list(files_in(cut, "x.rcc"))
