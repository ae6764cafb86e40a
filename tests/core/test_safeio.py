from __future__ import annotations

import gzip
import io
import os
import stat
import subprocess
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.errors import BadInput, UsageError
from genai_core.files.safeio import (
    LIMITS,
    Limits,
    display_name,
    limits_for,
    read_blocks,
    read_bytes,
    split_lines,
)

SMALL = Limits(bytes=10_000, line=100, items=50)


def read_lines(path, limits, bad=None):
    return split_lines(read_blocks(path, limits), display_name(path), limits, bad)


def lines(path, limits=SMALL):
    bad = []
    return list(read_lines(path, limits, bad.append)), bad


@pytest.fixture(autouse=True)
def no_limits_from_outside(monkeypatch):
    monkeypatch.delenv("GENAI_LIMITS", raising=False)


def test_reads_lines_of_every_kind_of_text_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n\nvier \xc3\xa4\nlast")
    assert lines(path) == ([(1, "one"), (2, "two"), (3, ""), (4, "vier ä"), (5, "last")], [])


def test_bad_lines_are_skipped_by_number_or_stop(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"good\n" + b"x" * 101 + b"\n\xff\xfe\nfine\n")
    found, bad = lines(path)
    assert found == [(1, "good"), (4, "fine")]
    assert [(problem.offset, problem.reason.split(":")[0]) for problem in bad] == [
        (2, "line is longer than the limit of 100 bytes"),
        (3, "not UTF-8 text"),
    ]
    with pytest.raises(BadInput, match=r"a\.txt:2: line is longer") as caught:
        list(read_lines(path, SMALL))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary data"),
        ("CCO\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(b"CCO\n", mtime=0), "gzip data under a name without"),
    ],
)
def test_what_is_no_text_is_refused_as_a_whole(tmp_path, data, reason):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=reason):
        list(read_lines(path, SMALL, lambda problem: None))


def test_a_huge_line_does_not_take_its_size_in_memory(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"ok\n" + b"C" * 30_000_000 + b"\nok\n")
    limits = Limits(line=10_000)
    tracemalloc.start()
    found, bad = lines(path, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [number for number, _ in found] == [1, 3]
    assert [problem.offset for problem in bad] == [2]
    assert peak < 2_000_000


def test_size_is_bounded(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 10_001)
    with pytest.raises(BadInput, match="larger than the limit of 10000 bytes"):
        read_bytes(path, SMALL)
    assert len(read_bytes(path, Limits(bytes=10_001))) == 10_001


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
def test_unpacks_to_the_last_byte(tmp_path, size):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"x" * size) + gzip.compress(b"end"))
    assert read_bytes(path, Limits(unpack_ratio=2_000)) == b"x" * size + b"end"


def test_a_gzip_bomb_is_stopped(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(bytes(60_000_000)))
    tracemalloc.start()
    with pytest.raises(BadInput, match="unpacks to more than 200 times"):
        read_bytes(path, Limits())
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("cut", [0, 1, 9, 30, -1])
def test_a_cut_gzip_file_is_refused(tmp_path, cut):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(bytes(range(256)))[:cut])
    with pytest.raises(BadInput, match="damaged gzip data"):
        read_bytes(path, SMALL)


def test_a_damaged_gzip_file_is_refused(tmp_path):
    path = tmp_path / "a.txt.gz"
    packed = bytearray(gzip.compress(os.urandom(500)))
    packed[-6] ^= 1  # the checksum
    path.write_bytes(packed)
    with pytest.raises(BadInput, match="damaged gzip data"):
        read_bytes(path, SMALL)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(BadInput, match="damaged gzip data"):
        read_bytes(path, SMALL)


def test_only_files_are_opened(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path, reason in [
        (tmp_path, "is a folder"),
        (fifo, "is a device or pipe"),
        ("/dev/zero", "is a device or pipe"),
        (tmp_path / "none", "No such file"),
        ("nul\0byte", "cannot be read"),
        ("x" * 5_000, "cannot be read"),
    ]:
        with pytest.raises(BadInput, match=reason):
            read_bytes(path, SMALL)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(BadInput, match="Permission denied"):
        read_bytes(path, SMALL)
    path.chmod(stat.S_IRUSR)


def test_stdin_is_read_within_the_limits(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"CCO\nc1ccccc1\n")

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert [text for _, text in read_lines("-", SMALL)] == ["CCO", "c1ccccc1"]
    Stdin.buffer = io.BytesIO(b"x" * 20_000)
    with pytest.raises(BadInput, match="<stdin>: larger than"):
        read_bytes("-", SMALL)


def test_limits_can_be_raised_by_environment_and_argument(monkeypatch):
    monkeypatch.setenv("GENAI_LIMITS", "")  # so that it is as before once the test is over
    assert limits_for("molecules") == LIMITS["molecules"]
    assert limits_for("no-such-modality") == LIMITS["text"]
    monkeypatch.setenv("GENAI_LIMITS", "molecules.atoms=2_000, molecules.string=9000,image.pixels=5")
    assert (limits_for("molecules").atoms, limits_for("molecules").string) == (2_000, 9_000)
    assert limits_for("molecules", atoms=7).atoms == 7
    assert limits_for("image").pixels == 5
    child = "from genai_core.files.safeio import limits_for; print(limits_for('molecules').atoms)"
    run = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "2000"


@pytest.mark.parametrize(
    "setting", ["molecules.atmos=3", "atoms", "molecules.atoms", "molecules.atoms=-1", "=", "a.b=c"]
)
def test_a_wrong_limit_is_explained(setting, monkeypatch):
    monkeypatch.setenv("GENAI_LIMITS", setting)
    with pytest.raises(UsageError) as caught:
        limits_for("text")
    assert "modality.name=number" in caught.value.message
    assert "atoms" in (caught.value.hint or "")


@given(st.binary(max_size=2_000), st.integers(1, 300))
def test_any_bytes_in_any_blocks_give_lines_or_bad_input(data, size):
    blocks = [data[i : i + size] for i in range(0, len(data), size)]

    def outcome(parts):
        bad = []
        try:
            return list(split_lines(parts, "x", SMALL, bad.append)), [p.offset for p in bad]
        except BadInput as error:
            return error.reason

    whole, pieces = outcome([data]), outcome(blocks)
    if (
        not isinstance(whole, str)
        and not isinstance(pieces, str)
        and not data.startswith((b"\xef", b"\xff", b"\xfe"))
    ):
        assert whole == pieces  # where the blocks are cut does not matter
        assert all(len(text.encode()) <= SMALL.line and "\n" not in text for _, text in whole[0])


@given(st.binary(max_size=300))
def test_any_bytes_as_gzip_give_bytes_or_bad_input(data):
    from genai_core.files.safeio import _unpack

    for packed in (data, b"\x1f\x8b\x08" + data, zlib.compress(data, wbits=31)):
        try:
            found = b"".join(_unpack(io.BytesIO(packed), "x", SMALL))
        except BadInput:
            assert packed is not None
        else:
            assert isinstance(found, bytes)
    assert found == data
