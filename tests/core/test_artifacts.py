from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput, UsageError
from genai_core.files.artifacts import Artifact, Preview, Text, artifact_for, pack, split_suffix
from genai_core.files.safeio import limits_for


class Note(Artifact):
    """One item, one number: the smallest artifact that is no collection."""

    modality = "note"
    suffixes = (".note",)

    def __init__(self, pitch):
        self.pitch = pitch

    def validate(self):
        if not 0 <= self.pitch < 128:
            raise BadInput("note", f"pitch {self.pitch}", 1)

    def encode(self, suffix, record):
        return bytes([self.pitch])

    @classmethod
    def decode(cls, data, suffix, *, name, limits):
        if len(data) != 1:
            raise BadInput(name, "not one byte")
        return cls(data[0])


def test_text_goes_to_disk_and_back(tmp_path):
    text = Text(["iron", "gold", "über"])
    for name in ("a.txt", "b.TXT", "c.txt.gz"):
        path = text.save(tmp_path / name)
        assert Text.load(path) == text
        assert sorted(tmp_path.iterdir())[-1] == path, "a file beside it"
    assert len(text) == 3
    assert list(text) == ["iron", "gold", "über"]
    assert text[1] == "gold"


def test_equality_is_by_content_and_class(tmp_path):
    one, other = Text(["a", "b"]), Text(("a", "b"))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Text(["a"])
    assert one != ["a", "b"]
    assert Note(7) == Note(7) != Note(8)
    other.record = {"seed": 1}
    assert one == other, "where it came from is not what it is"


def test_packed_files_have_no_time_in_them(tmp_path, monkeypatch):
    text = Text(["iron"])
    first = text.save(tmp_path / "one.txt.gz").read_bytes()
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert text.save(tmp_path / "two.txt.gz").read_bytes() == first == pack(b"iron\n")
    assert gzip.decompress(first) == b"iron\n"


@pytest.mark.parametrize("name", ["a.csv", "a", "a.txt.zip", ".txt", "a.gz"])
def test_a_foreign_suffix_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(UsageError, match="Text is not written or read as") as caught:
        Text(["x"]).save(tmp_path / name)
    assert ".txt" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["a\nb", "a\rb", "a\0b", "\ud800", 3])
def test_what_cannot_be_written_is_refused_with_its_number(tmp_path, line):
    with pytest.raises(BadInput) as caught:
        Text(["fine", line]).save(tmp_path / "a.txt")
    assert caught.value.offset == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_keeps_the_file_that_was_there(tmp_path):
    path = Note(60).save(tmp_path / "a.note")
    with pytest.raises(BadInput):
        Note(200).save(path)
    assert Note.load(path) == Note(60)


def test_collections_are_joined_and_single_items_are_not():
    assert Text.concat([Text(["a"]), Text([]), Text(["b", "c"])]) == Text(["a", "b", "c"])
    assert len(Note(1)) == 1
    assert Note.concat([Note(1), Note(2)]) is None


def test_loading_keeps_the_limits_and_names_the_file(tmp_path):
    path = Text(["a"] * 100).save(tmp_path / "a.txt")
    with pytest.raises(BadInput, match="limit of 99"):
        Text.load(path, limits_for("text", items=99))
    with pytest.raises(BadInput, match="larger than"):
        Text.load(path, limits_for("text", bytes=10))
    with pytest.raises(BadInput, match=r"none\.txt: cannot be read"):
        Text.load(tmp_path / "none.txt")


def test_preview():
    shown = Text(["a", "b", "c"]).preview(limit=2)
    assert shown == [Preview(kind="text", data=line, alt=line) for line in ("a", "b")]
    assert Note(1).preview() == []


def test_a_record_is_written_beside_the_file(tmp_path):
    from genai_core.files.provenance import make_record

    text = Text(["a"])
    recipe = {"kind": "sample", "model": "x/y", "weights_sha256": None, "n": 1, "seed": 1, "shard_size": 1}
    text.record = make_record({**recipe, "shard": None, "options": {}}, config={}, modality="text")
    path = text.save(tmp_path / "a.txt")
    record = json.loads((tmp_path / "a.txt.genai.json").read_text())
    assert record["generator"]["id"] == "x/y"
    assert Text.load(path).record is None, "what is read was not generated here"


def test_artifact_for_a_suffix_or_a_modality():
    assert artifact_for("text") is Text
    assert artifact_for("a/b.TXT") is Text
    assert artifact_for(Path("b.txt.gz")) is Text
    with pytest.raises(UsageError, match="no installed plugin reads or writes"):
        artifact_for("a.nope")
    with pytest.raises(UsageError, match="smells"):
        artifact_for("smells")
    with pytest.raises(UsageError, match="files without a suffix"):
        artifact_for(Path("README"))


def test_a_suffix_of_two_modalities_needs_a_word(monkeypatch):
    import sys
    import types

    from genai_core.plugins.hookspecs import hookimpl
    from genai_core.plugins.registry import register, reset
    from genai_core.plugins.specs import ArtifactSpec

    plugin = types.ModuleType("verses")
    plugin.GENAI_API = 1
    plugin.genai_artifacts = hookimpl(
        lambda: [
            ArtifactSpec(
                name="verse",
                summary="Verse",
                suffixes=(".txt",),
                media_type="text/plain",
                factory="verses:Verse",
            )
        ]
    )
    plugin.Verse = type("Verse", (Text,), {"modality": "verse"})
    monkeypatch.setitem(sys.modules, "verses", plugin)
    register(plugin, name="verses")
    try:
        with pytest.raises(UsageError, match="several plugins read this: core/text, verses/verse"):
            artifact_for("a.txt")
        assert artifact_for("verse") is plugin.Verse
    finally:
        reset()


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a.smi", (".smi", False)), ("a.SMI.GZ", (".smi", True)), ("a.b.csv", (".csv", False)), 
     ("x/.smi", ("", False)), ("a", ("", False)), ("a.gz", ("", True)), ("molecules", ("", False))],
)  # fmt: skip
def test_split_suffix(path, expected):
    assert split_suffix(path) == expected


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=30),
        max_size=20,
    )
)
def test_any_lines_survive(lines):
    text = Text(lines)
    try:
        text.validate()
    except BadInput:
        assert lines[0].startswith("\ufeff")
        return
    again = Text.decode(text.encode(".txt", None), ".txt", name="x", limits=limits_for("text"))
    assert again == text
