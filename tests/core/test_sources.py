from __future__ import annotations

import hashlib
import http.server
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_core.errors import ResourceError, UsageError
from genai_core.files import packages, sources
from genai_core.files.sources import cached, fetch, is_cached, path_of, resolve_dataset
from genai_core.plugins.specs import DataFile, DatasetSpec

CONTENT = bytes(range(256)) * 4_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `CONTENT`; the path says what goes wrong."""

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        body, status = CONTENT, 200
        if self.path == "/missing":
            self.send_error(404)
            return
        body = server.bodies.get(self.path, body)
        if self.path == "/other":
            body = CONTENT[:-1] + b"x"
        if self.path == "/longer":
            body = CONTENT + b"x"
        start = self.headers.get("Range")
        if start and self.path != "/no-range":
            body, status = body[int(start.removeprefix("bytes=").rstrip("-")) :], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path in ("/flaky", "/no-range") and len(server.requests) < 3:
            body = body[: len(body) // 3]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.bodies = {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def dataset(*places, content=CONTENT, name="numbers.bin", size=None):
    digest = hashlib.sha256(content).hexdigest()
    file = DataFile(name=name, sha256=digest, size=len(content) if size is None else size, sources=places)
    return DatasetSpec(
        name="numbers", summary="Numbers", modality="text", factory="x:y", files=(file,), plugin="test"
    )


def test_fetches_once_and_then_only_checks(server, cache):
    spec = dataset(f"{server.url}/good")
    with pytest.raises(ResourceError, match=r"numbers\.bin is not in the cache") as caught:
        cached(spec)
    assert caught.value.hint == "genai data fetch test/numbers"
    told = []
    paths = fetch(spec, told.append)
    assert paths["numbers.bin"].read_bytes() == CONTENT
    assert cached(spec) == paths == fetch(spec)
    assert len(server.requests) == 1
    assert any("ready" in line for line in told)
    assert cache in paths["numbers.bin"].parents


def test_a_broken_connection_is_resumed_where_it_stopped(server):
    fetch(dataset(f"{server.url}/flaky"))
    third = len(CONTENT) // 3
    assert [byte_range for _, byte_range in server.requests] == [
        None, f"bytes={third}-", f"bytes={third + (len(CONTENT) - third) // 3}-",
    ]  # fmt: skip


def test_a_server_without_ranges_starts_again(server):
    spec = dataset(f"{server.url}/no-range")
    assert fetch(spec)["numbers.bin"].read_bytes() == CONTENT


def test_a_killed_download_is_resumed_by_the_next_process(server):
    spec = dataset(f"{server.url}/good")
    path = path_of(spec.files[0])
    path.parent.mkdir(parents=True)
    path.with_name(path.name + ".part").write_bytes(CONTENT[:1000])
    assert fetch(spec)["numbers.bin"].read_bytes() == CONTENT
    assert server.requests == [("/good", "bytes=1000-")]
    assert {entry.name for entry in path.parent.iterdir()} == {".lock", path.name}


def test_the_next_source_is_tried_and_a_bad_one_leaves_nothing(server):
    spec = dataset(
        f"{server.url}/missing", f"{server.url}/other", f"{server.url}/longer", f"{server.url}/good"
    )
    assert fetch(spec)["numbers.bin"].read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/missing", "/other", "/longer", "/good"]


def test_every_failure_is_named(server, monkeypatch):
    monkeypatch.setattr(sources, "_ATTEMPTS", 1)
    places = (f"{server.url}/missing", f"{server.url}/other", "http://127.0.0.1:9/nobody-there")
    with pytest.raises(ResourceError) as caught:
        fetch(dataset(*places))
    assert caught.value.exit_code == 4
    for text in (*places, "HTTP 404", "sha256 differs", "refused"):
        assert text in caught.value.message
    assert "check the network" in caught.value.hint
    assert str(path_of(dataset(*places).files[0])) in caught.value.hint


def test_a_file_put_there_by_hand_is_taken(monkeypatch):
    spec = dataset("http://127.0.0.1:9/nobody-there")
    path = path_of(spec.files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch(spec) == {"numbers.bin": path}


def test_damage_in_the_cache_is_seen_and_mended(server):
    spec = dataset(f"{server.url}/good")
    path = fetch(spec)["numbers.bin"]
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ResourceError, match="is damaged"):
        cached(spec)
    assert fetch(spec)["numbers.bin"].read_bytes() == CONTENT


@pytest.mark.parametrize(
    "place",
    ["ftp://example.org/x", "file:///etc/passwd", "pypi:x==1", "/etc/passwd", "pypi:x#y", "deb:x#y",
     "deb:--help=1#y", "file:///x.deb#y"],
)  # fmt: skip
def test_only_known_kinds_of_source(place):
    with pytest.raises(UsageError, match="is neither https: nor a member of"):
        fetch(dataset(place))


def wheel(folder: Path, members: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "numbers_pack-1.0-py3-none-any.whl"
    info = "numbers_pack-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: numbers-pack\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr("numbers_pack/__init__.py", "raise SystemExit('imported')")
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def registry_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


SOURCE = "pypi:numbers-pack==1.0#numbers_pack/data.bin"


def test_a_member_of_a_wheel_is_read_and_the_wheel_never_installed(registry_folder):
    wheel(registry_folder, {"numbers_pack/data.bin": CONTENT, "numbers_pack/b.bin": b"b"})
    one = dataset(SOURCE).files[0]
    two = dataset(SOURCE.replace("data", "b"), content=b"b", name="b.bin").files[0]
    spec = DatasetSpec(name="n", summary="N", modality="text", factory="x:y", files=(one, two), plugin="test")
    calls = []
    original = subprocess.run
    sources_run = lambda *args, **options: (calls.append(args[0]), original(*args, **options))[1]  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", sources_run)
        paths = fetch(spec)
    assert paths["numbers.bin"].read_bytes() == CONTENT
    assert paths["b.bin"].read_bytes() == b"b"
    assert len(calls) == 1, "one wheel, one download"
    assert "numbers_pack" not in sys.modules
    assert subprocess.run(
        [sys.executable, "-c", "import numbers_pack"], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "the package has no member numbers_pack/data.bin"),
        ({"numbers_pack/data.bin": b"short"}, "another size"),
        ({"numbers_pack/data.bin": bytes(len(CONTENT))}, "sha256 differs"),
        ({"../numbers_pack/data.bin": CONTENT}, "the package has no member"),
    ],
)
def test_a_wheel_with_something_else_is_refused(tmp_path, monkeypatch, members, reason):
    path = wheel(tmp_path, members)
    monkeypatch.setattr(sources, "package", lambda place, scratch, download: path)
    with pytest.raises(ResourceError, match=reason):
        fetch(dataset(SOURCE))
    assert not is_cached(dataset(SOURCE).files[0])


def test_a_member_that_lies_about_its_size_is_refused(tmp_path, monkeypatch):
    path = wheel(tmp_path, {"numbers_pack/data.bin": bytes(3_000_000)})
    monkeypatch.setattr(sources, "package", lambda place, scratch, download: path)
    data = path.read_bytes()
    claimed = (len(CONTENT)).to_bytes(4, "little")
    path.write_bytes(data.replace((3_000_000).to_bytes(4, "little"), claimed))
    with pytest.raises(ResourceError, match=r"cannot be read|sha256 differs|more than the expected"):
        fetch(dataset(SOURCE))


def debian(members: dict[str, bytes | str], data_name="data.tar.xz") -> bytes:
    """A Debian package; a member that is a string is a link to it."""
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(f"./{name}")
            if isinstance(data, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, data
            else:
                entry.size = len(data)
            archive.addfile(entry, None if isinstance(data, str) else io.BytesIO(data))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", data_name: lzma.compress(tape.getvalue())}
    packed = b"!<arch>\n"
    for name, data in parts.items():
        packed += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data
        packed += b"\n" * (len(data) % 2)
    return packed


DEBIAN = "deb:numbers-data=2:1.0-1~x+y#usr/share/numbers/data.bin"


def test_a_member_of_a_debian_package_is_read(tmp_path, monkeypatch):
    """`apt-get` is a program of ours that does what the real one does."""
    (tmp_path / "bin").mkdir()
    apt = tmp_path / "bin" / "apt-get"
    apt.write_text(
        f"#!/bin/sh\necho called >> {tmp_path}/calls\n"
        'test "$1 $2" = "download numbers-data=2:1.0-1~x+y" ||\n'
        '    { echo "E: Unable to locate package" >&2; exit 100; }\n'
        f"cp {tmp_path}/packed numbers-data_2%3a1.0-1_all.deb\n"
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (tmp_path / "packed").write_bytes(debian({"usr/share/numbers/data.bin": CONTENT, "usr/b": b"b"}))
    one = dataset(DEBIAN).files[0]
    two = dataset(DEBIAN.partition("#")[0] + "#usr/b", content=b"b", name="b.bin").files[0]
    spec = DatasetSpec(name="n", summary="N", modality="text", factory="x:y", files=(one, two), plugin="test")
    paths = fetch(spec)
    assert paths["numbers.bin"].read_bytes() == CONTENT
    assert paths["b.bin"].read_bytes() == b"b"
    assert (tmp_path / "calls").read_text() == "called\n", "one package, one download"
    with pytest.raises(ResourceError, match="apt-get download failed: Unable to locate package"):
        fetch(dataset("deb:other=1#usr/b", content=b"other"))


def test_without_apt_the_next_source_is_tried(server, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    server.bodies["/pool/numbers.deb"] = debian({"usr/share/numbers/data.bin": CONTENT})
    with pytest.raises(ResourceError, match="apt-get download: this machine has none"):
        fetch(dataset(DEBIAN))
    spec = dataset(DEBIAN, f"{server.url}/pool/numbers.deb#usr/share/numbers/data.bin")
    assert fetch(spec)["numbers.bin"].read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (debian({}), "no member usr/data.bin"),
        (debian({"usr/data.bin": b"short"}), "another size"),
        (debian({"usr/data.bin": bytes(len(CONTENT))}), "sha256 differs"),
        (debian({"usr/data.bin": "/etc/passwd"}), "no plain file"),
        (debian({"../usr/data.bin": CONTENT}), "no member"),
        (debian({"usr/data.bin": CONTENT}, "data.tar.zst"), r"data\.tar\.zst: only packing with xz"),
        (debian({"usr/data.bin": CONTENT}, "other.tar.xz"), r"no data\.tar\.xz"),
        (debian({"usr/data.bin": CONTENT})[:500], "cannot be read"),
        (b"!<arch>\n" + b"-" * 60, "cannot be read"),
        (b"neither", "cannot be read"),
    ],
)
def test_a_debian_package_with_something_else_is_refused(server, packed, reason):
    server.bodies["/numbers.deb"] = packed
    spec = dataset(f"{server.url}/numbers.deb#usr/data.bin")
    with pytest.raises(ResourceError, match=reason):
        fetch(spec)
    assert not is_cached(spec.files[0])


def test_a_debian_package_may_not_unpack_to_much(server, monkeypatch):
    monkeypatch.setattr(packages, "_LARGEST", 1 << 20)
    server.bodies["/numbers.deb"] = debian({"usr/b": b"b", "usr/bomb": bytes(1 << 21)})
    with pytest.raises(ResourceError, match="unpacks to more than 1048576 bytes"):
        fetch(dataset(f"{server.url}/numbers.deb#usr/b", content=b"b"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_debian_package_is_an_error_or_the_file(data):
    packed = bytearray(debian({"usr/share/x": b"x" * 300, "usr/b": b"b"}))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(8, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(8, len(packed)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = packages.package(
                "https://x", Path(folder), lambda url, target: target.write_bytes(packed[:cut])
            )
            packages.extract(path, "usr/share/x", 300, Path(folder) / "found")
        except packages.SourceError:
            return
        assert (Path(folder) / "found").stat().st_size == 300


def test_no_such_package_is_a_clear_error(registry_folder):
    registry_folder.mkdir()
    with pytest.raises(ResourceError, match=r"pip download failed: .*numbers-pack==1\.0"):
        fetch(dataset(SOURCE))


def test_many_processes_fetch_one_download(server, tmp_path):
    program = tmp_path / "fetch.py"
    program.write_text(
        "import sys, hashlib\n"
        "from genai_core.files.sources import fetch\n"
        "from genai_core.plugins.specs import DataFile, DatasetSpec\n"
        f"file = DataFile(name='numbers.bin', sha256={hashlib.sha256(CONTENT).hexdigest()!r},\n"
        f"                size={len(CONTENT)}, sources=({server.url + '/good'!r},))\n"
        "spec = DatasetSpec(name='n', summary='N', modality='text', factory='x:y', files=(file,))\n"
        "print(fetch(spec)['numbers.bin'])\n"
    )
    children = [
        subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    answers = {child.communicate(timeout=60)[0].strip() for child in children}
    assert [child.returncode for child in children] == [0] * 4
    assert len(answers) == 1
    assert Path(answers.pop()).read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_is_a_clear_error(server, cache):
    cache.mkdir()
    cache.chmod(0o500)
    with pytest.raises(ResourceError, match="no permission"):
        fetch(dataset(f"{server.url}/good"))
    cache.chmod(0o700)


def test_a_cache_that_is_a_file_is_a_clear_error(server, cache):
    cache.write_text("not a folder")
    with pytest.raises(ResourceError):
        fetch(dataset(f"{server.url}/good"))


def test_resolve_dataset(tmp_path, monkeypatch):
    pytest.importorskip("genai_molecules")
    spec, values, split = resolve_dataset("molecules/moses:test_scaffolds")
    assert (spec.id, values, split) == ("molecules/moses", {}, "test_scaffolds")
    assert resolve_dataset("molecules/sample")[2] is None
    for name in ("my.smi", "odd:name.csv", "x.sdf.gz"):
        spec, values, split = resolve_dataset(f"{tmp_path}/{name}")
        assert (spec.id, values, split) == ("molecules/file", {"path": f"{tmp_path}/{name}"}, None)
    assert resolve_dataset("my.smi:train")[1:] == ({"path": "my.smi"}, "train")
    with pytest.raises(UsageError, match="no installed plugin reads"):
        resolve_dataset("photo.xyz")
    with pytest.raises(UsageError, match="mooses"):
        resolve_dataset("molecules/mooses")
    with pytest.raises(UsageError, match="makes a data set of a file of text"):
        resolve_dataset("notes.txt")


def test_commands(capsys, server, cache, monkeypatch):
    import types

    from genai_core.cli.main import main
    from genai_core.plugins.hookspecs import hookimpl
    from genai_core.plugins.registry import register, reset

    plugin = types.ModuleType("numbers_plugin")
    plugin.GENAI_API = 1
    file = dataset(f"{server.url}/good").files[0]
    bare = DatasetSpec(
        name="numbers", summary="Numbers", modality="text", factory="x:y", files=(file,), licence="CC0-1.0"
    )
    shipped = DatasetSpec(name="own", summary="Own", modality="text", factory="x:y")
    plugin.genai_datasets = hookimpl(lambda: [bare, shipped])
    register(plugin, name="count")
    try:
        assert main(["data", "fetch", "count/numbers", "--json"]) == 0
        paths = json.loads(capsys.readouterr().out)
        assert Path(paths["numbers.bin"]).read_bytes() == CONTENT
        assert main(["data", "fetch", "numbers", "-q"]) == 0
        assert capsys.readouterr().out.strip() == paths["numbers.bin"]
        assert main(["info", "numbers"]) == 0
        assert "CC0-1.0" in (out := capsys.readouterr().out)
        assert "cached" in out
        assert main(["data", "list", "--json"]) == 0
        states = {row["id"]: row["state"] for row in json.loads(capsys.readouterr().out)}
        assert (states["count/numbers"], states["count/own"]) == ("cached", "shipped")
        assert main(["data", "fetch", "own"]) == 0
        assert "nothing to fetch" in capsys.readouterr().err
        assert main(["data", "fetch", "nombers"]) == 2
        assert "numbers" in capsys.readouterr().err
    finally:
        reset()


@pytest.mark.network
@pytest.mark.slow
def test_the_real_thing(cache):
    from genai_core.plugins.registry import registry

    spec = registry().find("dataset", "molecules/zinc250k")
    assert fetch(spec)["zinc250k.smiles"].stat().st_size == 11_303_042
