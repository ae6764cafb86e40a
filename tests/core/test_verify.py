"""`genai verify`: every kind of change told apart, through the command line."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

from genai_core.cli.main import main
from genai_core.errors import BadInput
from genai_core.files import signing
from genai_core.files.provenance import (
    checksum,
    read_record,
    record_path,
    sign_folder,
    to_text,
)
from genai_core.files.verify import verify
from tests.support.media import samples
from tests.support.records import record, write_record


@pytest.fixture(autouse=True)
def _keys(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GENAI_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def run(tmp_path):
    """A folder of three shards of different length."""
    folder = tmp_path / "out"
    folder.mkdir()
    for shard in range(3):
        path = folder / f"part-{shard:05d}.txt"
        path.write_text("abcdef\n" * (shard + 2))
        write_record(path, record(shard=shard))
    return folder


def verdict(path):
    (found,) = verify(path)
    return found


def by_name(folder):
    return {found.file.name: found for found in verify(folder)}


def genai(*args):
    return main([str(arg) for arg in args])


def test_untouched_files_pass(run, capsys):
    assert genai("verify", run) == 0
    out, err = capsys.readouterr()
    assert out.count("toys/rnn") == out.count("  ok") == 3
    assert "3 ok" in err
    found = verdict(run / "part-00001.txt")
    assert (found.status, found.generator, found.seed, found.layers) == ("ok", "toys/rnn", 7, ("beside",))
    assert verdict(run / "part-00001.txt.genai.json") == found


def flip(path):
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def grow(path):
    path.write_bytes(path.read_bytes() + b"x\n")


def empty(path):
    path.write_bytes(b"")


def swap_records(path):
    one, other = record_path(path), record_path(path.with_name("part-00002.txt"))
    texts = one.read_bytes(), other.read_bytes()
    one.write_bytes(texts[1])
    other.write_bytes(texts[0])


def edit_record(path):
    place = record_path(path)
    place.write_text(place.read_text().replace('"seed": 7', '"seed": 8', 1))


def cut_record(path):
    place = record_path(path)
    place.write_bytes(place.read_bytes()[:200])


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        (flip, "changed", "its content was changed"),
        (cut, "changed", "truncated: 17 instead of 21 bytes"),
        (empty, "changed", "truncated: 0 instead of 21 bytes"),
        (grow, "changed", "grown: 23 instead of 21 bytes"),
        (swap_records, "changed", "truncated: 21 instead of 28 bytes"),
        (edit_record, "changed", "record was edited"),
        (cut_record, "changed", "not a record"),
        (remove, "missing", "only its record is left"),
    ],
)
def test_each_kind_of_change_is_told(run, change, status, why, capsys):
    path = run / "part-00001.txt"
    change(path)
    assert genai("verify", path) == 5
    assert genai("verify", run, "-q") == 5
    assert why in capsys.readouterr().out
    found = verdict(path)
    assert found.status == status
    assert why in found.detail
    statuses = {name: other.status for name, other in by_name(run).items() if name != path.name}
    touched = {"part-00002.txt"} if change is swap_records else set()
    assert statuses == {
        name: "changed" if name in touched else "ok" for name in ("part-00000.txt", "part-00002.txt")
    }


def test_nothing_there_is_exit_3(tmp_path, capsys):
    assert genai("verify", tmp_path / "none") == 3
    assert "no such file" in capsys.readouterr().err
    with pytest.raises(BadInput):
        list(verify(tmp_path / "none"))


def test_files_without_a_record_are_only_strictly_wrong(tmp_path, capsys):
    (tmp_path / "photo.jpg").write_bytes(b"not even a picture")
    (tmp_path / "empty").write_bytes(b"")
    assert genai("verify", tmp_path) == 0
    assert capsys.readouterr().out.count("no record") == 2
    assert genai("verify", tmp_path, "--strict") == 5


def test_json_holds_it_all(run, capsys):
    flip(run / "part-00000.txt")
    assert genai("verify", run, "--json") == 5
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"changed": 1, "ok": 2}
    assert found["files"][1] == {
        "file": str(run / "part-00001.txt"),
        "status": "ok",
        "generator": "toys/rnn",
        "seed": 7,
        "layers": ["beside"],
        "detail": "",
    }


def test_a_record_inside_the_file_speaks_too(tmp_path):
    path = tmp_path / "a.sdf"
    path.write_text(f"molecule\n>  <GENAI_RECORD>\n{to_text(record())}\n\n$$$$\n")
    found = verdict(path)
    assert (found.status, found.generator, found.layers) == ("record only", "toys/rnn", ("inside",))
    write_record(path, record())
    assert verdict(path).layers == ("beside", "inside")
    assert verdict(path).status == "ok"
    write_record(path, record(seed=8))
    assert verdict(path).status == "changed"
    assert "its records differ: beside and inside" in verdict(path).detail


def test_a_record_at_the_end_of_a_long_file_is_found(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(3 << 20) + to_text(record()).encode())
    assert verdict(path).layers == ("inside",)


def forge(path):
    """A change made with care: content and record rewritten so that both checksums fit."""
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    found = read_record(path)
    import hashlib

    for field in ("content", "file"):
        found[field]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    found["record_sha256"] = checksum(found)
    record_path(path).write_text(json.dumps(found))


def test_a_careful_forgery_is_seen_by_the_signed_list_only(run):
    names = [f"part-{shard:05d}.txt" for shard in range(3)]
    forge(run / names[0])
    assert verdict(run / names[0]).status == "ok"
    (run / names[0]).write_text("abcdef\n" * 2)
    write_record(run / names[0], record(shard=0))
    sign_folder(run, names)
    found = by_name(run)
    assert {name: v.status for name, v in found.items()} == dict.fromkeys([*names, "credentials.zip"], "ok")
    assert found[names[0]].layers == ("beside", "run")
    forge(run / names[0])
    assert verdict(run / names[0]).status == "changed"
    assert "credentials.zip" in verdict(run / names[0]).detail
    for path in (run / names[1], record_path(run / names[1])):
        path.unlink()
    assert by_name(run)[names[1]].status == "missing"
    record_path(run / names[2]).unlink()
    assert verdict(run / names[2]).status == "ok"  # the signed list still vouches for it


def test_a_damaged_list_is_told_and_trusted_no_more(run):
    sign_folder(run, ["part-00000.txt"])
    place = run / signing.CREDENTIALS
    place.write_bytes(place.read_bytes()[:-50])
    assert by_name(run)["credentials.zip"].status == "changed"
    assert verdict(run / "part-00000.txt").layers == ("beside",)


def test_signed_media(tmp_path, monkeypatch):
    for suffix, data in samples().items():
        path = tmp_path / f"a{suffix}"
        path.write_bytes(data)
        write_record(path, record())
        found = verdict(path)
        assert (found.status, found.detail) == ("ok", ""), suffix
        assert "signed" in found.layers
        record_path(path).unlink()
        assert verdict(path).status == "ok", suffix  # the signature alone is enough
        assert verdict(path).generator == "toys/rnn"
    path = tmp_path / "a.png"
    monkeypatch.setenv("GENAI_CONFIG_HOME", str(tmp_path / "elsewhere"))
    assert verdict(path).status == "record only"
    assert "not trusted here" in verdict(path).detail


def test_mutated_signed_files_are_never_ok(tmp_path):
    """With the record beside it, a single byte anywhere counts."""
    rng = random.Random(5)
    for suffix, data in samples().items():
        path = tmp_path / f"a{suffix}"
        path.write_bytes(data)
        write_record(path, record())
        whole = path.read_bytes()
        for _ in range(60):
            changed = bytearray(whole)
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            path.write_bytes(changed)
            assert verdict(path).status == "changed"
        path.write_bytes(whole)
        assert verdict(path).status == "ok"


def test_a_file_under_another_name_is_still_ok(run):
    for path in (run / "part-00001.txt", run / "part-00001.txt.genai.json"):
        shutil.copy(path, run / path.name.replace("part-00001", "best"))
    assert verdict(run / "best.txt").status == "ok"


def test_odd_things_in_a_folder(run, capsys):
    os.mkfifo(run / "pipe.txt")
    (run / "gone.txt").symlink_to(run / "nowhere")
    (run / "deep").mkdir()
    (run / "deep" / "x\u202e\x1b[31m.txt").write_text("x")
    (run / ".tmp-1234").write_text("half")
    (run / "loop").symlink_to(run)
    found = by_name(run)
    assert found["pipe.txt"].status == "unreadable"
    assert found["gone.txt"].status == "unreadable"
    assert ".tmp-1234" not in found
    assert genai("verify", run) == 3
    assert "\x1b" not in capsys.readouterr().out


def test_verify_needs_no_torch_and_no_plugin(run):
    program = (
        "import sys; from genai_core.cli.main import main; code = main(['verify', sys.argv[1]])\n"
        "heavy = {'torch', 'numpy', 'rdkit', 'genai_molecules'} & set(sys.modules)\n"
        "assert not heavy, heavy; sys.exit(code)"
    )
    (run / "a.png").write_bytes(samples()[".png"])
    write_record(run / "a.png", record())
    assert subprocess.run([sys.executable, "-c", program, str(run)], check=False).returncode == 0


def test_without_the_extra_verify_says_so(run, capsys, monkeypatch):
    (run / "a.png").write_bytes(samples()[".png"])
    write_record(run / "a.png", record())
    sign_folder(run, ["a.png"])
    monkeypatch.setattr(signing, "find_spec", lambda name: None)
    assert genai("verify", run) == 0
    assert "signatures not checked" in capsys.readouterr().err
    assert verdict(run / "a.png").status == "ok"
    assert "genai-core[provenance]" in verdict(run / "a.png").detail


@pytest.mark.slow
def test_thousands_of_files(tmp_path):
    path = tmp_path / "seed.txt"
    path.write_text("abc\n")
    write_record(path, record())
    text = record_path(path).read_bytes()
    for number in range(4_000):
        (tmp_path / f"p{number}.txt").write_bytes(b"abc\n")
        (tmp_path / f"p{number}.txt.genai.json").write_bytes(text)
    flip(tmp_path / "p77.txt")
    statuses = [found.status for found in verify(tmp_path)]
    assert statuses.count("ok") == 4_000
    assert statuses.count("changed") == 1
