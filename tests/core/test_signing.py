"""Content credentials: trusted only when unchanged and ours, never a crash."""

from __future__ import annotations

import io
import os
import random
import stat
import subprocess
import sys
import zipfile
from collections import Counter

import pytest

from genai_core.errors import BadInput, ResourceError
from genai_core.files import signing
from genai_core.files.provenance import (
    parse_record,
    read_record,
    record_path,
    sign_folder,
    to_text,
)
from tests.support.media import samples
from tests.support.records import record, write_record

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
SUFFIXES = sorted(signing.MEDIA - {".jpeg", ".tiff"})


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "signing"


@pytest.fixture(scope="module")
def media():
    return samples()


def check(data, suffix):
    return signing.check(io.BytesIO(data), suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_signed_and_trusted(media, suffix):
    signed = signing.sign_bytes(media[suffix], suffix, "hello", SOURCE)
    assert check(signed, suffix) == signing.Credential("trusted", "hello")
    assert len(signed) - len(media[suffix]) < 4096
    assert check(media[suffix], suffix).state == "none"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_change_of_content_is_never_trusted(media, suffix):
    """A bit flipped, bytes cut, added, inserted or moved, at 300 places a format.

    C2PA does not cover the padding inside its own manifest. A file with other padding is still trusted, and
    rightly so: what was signed, text and content, is the same to the bit.
    """
    signed = signing.sign_bytes(media[suffix], suffix, to_text(record()), SOURCE)
    rng = random.Random(suffix)
    states = Counter()
    for _ in range(300):
        changed = mutate(signed, rng)
        credential = check(changed, suffix)
        states[credential.state] += 1
        if credential.state == "trusted":
            assert credential.text == to_text(record())
            assert outside_manifest(changed) == outside_manifest(signed)
    assert states["broken"] > 200


def outside_manifest(data):
    start = data.index(b"jumb\0\0\0\x1ejumdc2pa") - 4
    end = start + int.from_bytes(data[start : start + 4], "big")
    after = data[end + 4 :] if data.startswith(b"\x89PNG") else data[end:]  # checksum of the manifest's chunk
    return data[:start], after.removeprefix(b"\0") if data.startswith(b"RIFF") else after  # and its padding


def mutate(data, rng):
    changed = bytearray(data)
    at = rng.randrange(len(changed))
    kind = rng.randrange(5)
    if kind == 0:
        changed[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[at:]
    elif kind == 2:
        changed[at:at] = rng.randbytes(rng.randint(1, 64))
    elif kind == 3:
        changed[at : at + 64] = bytes(reversed(changed[at : at + 64]))
    else:
        del changed[at : at + rng.randint(1, 64)]
    return bytes(changed) if bytes(changed) != data else data[:-1]


def test_bytes_after_the_end_are_a_change(media):
    for suffix in SUFFIXES:
        signed = signing.sign_bytes(media[suffix], suffix, "x", SOURCE)
        assert check(signed + b"\0" * 16, suffix).state != "trusted", suffix


def test_what_a_stranger_signed_is_not_trusted(media, monkeypatch, tmp_path, keys):
    theirs = signing.sign_bytes(media[".png"], ".png", "theirs", SOURCE)
    monkeypatch.setenv("GENAI_CONFIG_HOME", str(tmp_path / "mine"))
    assert check(theirs, ".png").state == "stranger"  # nobody is trusted yet
    signing.sign_bytes(media[".png"], ".png", "mine", SOURCE)
    assert check(theirs, ".png").state == "stranger"
    trusted = tmp_path / "mine" / "signing" / "trusted"
    trusted.mkdir()
    (trusted / "colleague.pem").write_bytes((keys / "ca.pem").read_bytes())
    assert check(theirs, ".png") == signing.Credential("trusted", "theirs")


def test_keys_are_private_and_made_once(media, keys):
    signing.sign_bytes(media[".png"], ".png", "x", SOURCE)
    before = {path.name: path.read_bytes() for path in keys.iterdir()}
    signing.sign_bytes(media[".png"], ".png", "x", SOURCE)
    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before
    assert set(before) == {"ca.pem", "chain.pem", "key.pem"}
    assert stat.S_IMODE((keys / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert not [path for path in keys.parent.iterdir() if path != keys]
    assert before["ca.pem"].count(b"PRIVATE") == before["chain.pem"].count(b"PRIVATE") == 0


def test_eight_first_users_share_one_key(keys):
    program = (
        "from genai_core.files.keys import config_folder, make_keys; make_keys(config_folder() / 'signing')"
    )
    env = {**os.environ, "GENAI_CONFIG_HOME": str(keys.parent)}
    starters = [subprocess.Popen([sys.executable, "-c", program], env=env) for _ in range(8)]
    assert [starter.wait() for starter in starters] == [0] * 8
    assert [path.name for path in keys.parent.iterdir()] == ["signing"]


def test_checking_makes_no_key(media, keys):
    check(media[".png"], ".png")
    assert not keys.exists()


def test_a_damaged_key_is_told(media, keys):
    signing._signer.cache_clear()
    keys.mkdir(parents=True)
    (keys / "key.pem").write_text("nonsense")
    with pytest.raises(ResourceError, match="signing key"):
        signing.sign_bytes(media[".png"], ".png", "x", SOURCE)


def test_a_result_is_kept_when_it_cannot_be_signed(media, keys, tmp_path):
    keys.parent.mkdir(parents=True)
    keys.write_text("in the way")
    path = tmp_path / "a.png"
    path.write_bytes(media[".png"])
    with pytest.warns(UserWarning, match="not signed"):
        write_record(path, record())
    assert path.read_bytes() == media[".png"]
    assert read_record(path)["file"] == {k: read_record(path)["content"][k] for k in ("sha256", "size")}


def test_wrong_bytes_are_bad_input():
    with pytest.raises(BadInput):
        signing.sign_bytes(b"not a picture", ".png", "x", SOURCE)


def test_a_saved_picture_is_signed_and_keeps_its_unsigned_hash(media, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(media[".png"])
    write_record(path, record())
    found = read_record(path)
    assert found["content"]["size"] == len(media[".png"])
    assert found["file"]["size"] == path.stat().st_size > len(media[".png"])
    credential = check(path.read_bytes(), ".png")
    assert credential.state == "trusted"
    signed = parse_record(credential.text.encode(), "x")
    assert signed["content"] == found["content"]
    assert signed["recipe"] == found["recipe"]


def test_a_run_has_one_signed_list(tmp_path):
    names = [f"part-{number:05d}.txt" for number in range(5)]
    for name in names:
        (tmp_path / name).write_text(name)
        write_record(tmp_path / name, record())
    place = sign_folder(tmp_path, names)
    credential, records = signing.read_records(place)
    assert credential.state == "trusted"
    assert records == {name: read_record(tmp_path / name) for name in names}
    with zipfile.ZipFile(place) as archive:
        assert archive.testzip() is None


def test_a_changed_list_is_never_trusted(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    write_record(tmp_path / "a.txt", record())
    place = sign_folder(tmp_path, ["a.txt"])
    whole, rng = place.read_bytes(), random.Random(1)
    for _ in range(300):
        place.write_bytes(mutate(whole, rng))
        credential, records = signing.read_records(place)
        assert credential.state != "trusted" or records == {"a.txt": read_record(tmp_path / "a.txt")}
        assert credential.state == "trusted" or not records


def test_without_the_extra_nothing_is_signed(media, tmp_path, monkeypatch):
    signed = signing.sign_bytes(media[".png"], ".png", "x", SOURCE)
    monkeypatch.setattr(signing, "find_spec", lambda name: None)
    path = tmp_path / "a.png"
    path.write_bytes(media[".png"])
    write_record(path, record())
    assert path.read_bytes() == media[".png"]
    assert sign_folder(tmp_path, ["a.png"]) is None
    assert check(signed, ".png").state == "unchecked"
    assert check(media[".png"], ".png").state == "none"
    assert record_path(path).exists()
