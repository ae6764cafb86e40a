"""What `genai doctor` finds, on planted metadata and machines."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from genai_core.cli.main import main
from genai_core.plugins.doctor import Finding, examine, run_checks
from genai_core.running import health

CUDA_BUILD, CPU_BUILD = "cuda: Optional[str] = '12.8'\n", "cuda: Optional[str] = None\n"


class Shelf:
    """Fake distributions in front of the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, version: str, *requires: str, files: dict[str, str] | None = None) -> None:
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Requires-Dist: {text}" for text in requires]
        (info / "METADATA").write_text("\n".join([f"Name: {name}", f"Version: {version}", *lines, ""]))
        for path, text in (files or {}).items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def add_plugin(self, name: str, *requires: str) -> None:
        self.add(f"genai-{name}", "1.0", *requires)
        points = self.folder / f"genai_{name}-1.0.dist-info/entry_points.txt"
        points.write_text(f"[genai_core.plugins]\n{name} = genai_{name}\n")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return Shelf(folder)


def _errors(findings: Any) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


@pytest.mark.parametrize(
    ("name", "version", "level", "says"),
    [
        ("lightning", "2.6.2", "error", "GHSA-w37p-236h-pfx3"),
        ("lightning", "2.6.3", "error", "GHSA-w37p-236h-pfx3"),
        ("lightning", "2.6.4", None, ""),
        ("ultralytics", "8.3.41", "error", "crypto miner"),
        ("ultralytics", "8.3.42", "error", "crypto miner"),
        ("ultralytics", "8.3.43", None, ""),
        ("litellm", "1.82.7", "error", "compromised"),
        ("litellm", "1.82.8", "error", "compromised"),
        ("litellm", "1.82.9", None, ""),
        ("torch", "2.5.1", "error", "CVE-2025-32434"),
        ("torch", "2.6.0+cu124", "warning", "CVE-2026-24747"),
        ("torch", "2.9.1", "warning", "CVE-2026-24747"),
        ("torch", "2.10.0", None, ""),
        ("transformers", "5.2.9", "warning", "CVE-2026-4372"),
    ],
)
def test_known_bad_releases(shelf: Shelf, name: str, version: str, level: str | None, says: str) -> None:
    shelf.add(name, version)
    found = [f for f in health.packages() if f.subject == name and f.message.startswith(version)]
    assert [f.level for f in found] == ([level] if level else [])
    if level:
        assert says in found[0].message
        assert f'pip install "{name}>=' in (found[0].fix or "")
    if "GHSA" in says:
        assert "change every password" in (found[0].fix or "")


def test_conflicts_are_read_from_metadata(shelf: Shelf) -> None:
    shelf.add_plugin("needy", "click>=9999", "genai-nowhere>=2", "numpy>9999; extra == 'x'")
    found = {(f.subject, f.message, f.fix) for f in _errors(health.packages())}
    assert (
        "genai-needy",
        "it needs genai-nowhere>=2, which is not installed",
        'pip install "genai-nowhere>=2"',
    ) in found
    assert any(subject == "genai-needy" and "click>=9999, and" in message for subject, message, _ in found)
    assert len(found) == 2


@pytest.mark.parametrize("library", ["torchaudio", "torchvision"])
def test_a_cuda_library_beside_a_cpu_torch(shelf: Shelf, library: str) -> None:
    shelf.add("torch", "2.13.0+cpu", files={"torch/version.py": CPU_BUILD})
    shelf.add(library, "2.11.0", files={f"{library}/lib/_x.so": "\0libtorch_cuda.so\0"})
    (finding,) = _errors(health.torch_builds())
    assert finding.subject == library
    assert "built for CUDA" in finding.message
    assert f"pip uninstall {library}" in (finding.fix or "")


@pytest.mark.parametrize(
    ("build", "library"), [(CUDA_BUILD, "libtorch_cuda.so"), (CPU_BUILD, "libtorch_cpu.so")]
)
def test_builds_that_match(shelf: Shelf, build: str, library: str) -> None:
    shelf.add("torch", "2.13.0", files={"torch/version.py": build})
    shelf.add("torchaudio", "2.11.0", files={"torchaudio/lib/_x.so": library})
    shelf.add("torchvision", "0.28.0", files={"torchvision/_C.so": library})
    findings = list(health.torch_builds())
    assert _errors(findings) == []
    assert ("CUDA 12.8" if build == CUDA_BUILD else "the CPU") in findings[0].message


def test_a_torchvision_for_another_torch_is_a_conflict(shelf: Shelf) -> None:
    shelf.add("torch", "2.13.0+cpu", files={"torch/version.py": CPU_BUILD})
    shelf.add("torchvision", "0.27.0", "torch==2.12.0")
    assert any("torch==2.12.0, and 2.13.0+cpu is installed" in f.message for f in _errors(health.packages()))


@pytest.mark.parametrize(("free", "level"), [(10 * 2**30, "ok"), (2**29, "warning"), (2**20, "error")])
def test_disk(monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(2**40, 0, free))
    assert {finding.level for finding in health.disk()} == {level}


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENAI_CACHE", str(tmp_path / "cache/deep"))
    monkeypatch.setattr(health.os, "access", lambda folder, mode: folder != tmp_path)
    (finding,) = _errors(health.disk())
    assert (finding.subject, finding.fix) == ("disk", "set GENAI_CACHE to another folder")
    assert str(tmp_path) in finding.message


SMI = "#!/bin/sh\necho 'NVIDIA H200, 143771 MiB, {driver}'\n"


@pytest.mark.parametrize(
    ("driver", "build", "levels", "says"),
    [
        ("575.51", CUDA_BUILD, ["ok"], "NVIDIA H200 (143771 MiB); driver 575.51"),
        ("515.10", CUDA_BUILD, ["ok", "error"], "too old for CUDA 12.8, which needs 525"),
        ("575.51", CPU_BUILD, ["ok", "warning"], "leaves the GPU idle"),
    ],
)
def test_gpu(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, driver: str, build: str, levels: list[str], says: str
) -> None:
    shelf.add("torch", "2.13.0", files={"torch/version.py": build})
    program = shelf.folder / "nvidia-smi"
    program.write_text(SMI.format(driver=driver))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shelf.folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("sys.platform", "linux")
    findings = list(health.gpu())
    assert [finding.level for finding in findings] == levels
    assert says in findings[-1].message


@pytest.mark.parametrize("answer", ["", "no devices were found", "a, b"])
def test_an_nvidia_smi_that_answers_oddly(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = shelf.folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shelf.folder}{os.pathsep}{os.environ['PATH']}")
    assert _errors(health.gpu()) == []


def test_a_check_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        yield Finding("ok", "disk", "fine so far")
        raise OSError("no such disk")

    monkeypatch.setattr(health, "disk", broken)
    findings = [finding for kind, finding in examine(deep=False) if kind == "found"]
    assert any("the check core/disk is broken: OSError: no such disk" in f.message for f in _errors(findings))
    assert any(finding.subject == "python" for finding in findings)


@pytest.mark.parametrize(("levels", "code"), [(["ok"], 0), (["ok", "warning"], 0), (["warning", "error"], 1)])
def test_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], levels: list[Any], code: int
) -> None:
    findings = [Finding(level, "it", f"is {level}\nsecond line", "mend it") for level in levels]
    monkeypatch.setattr("genai_core.cli.doctor.run_checks", lambda deep, timeout: findings)
    assert main(["doctor", "--json"]) == code
    assert [finding["level"] for finding in json.loads(capsys.readouterr().out)] == levels
    assert main(["doctor"]) == code
    out = capsys.readouterr().out
    assert out.count("fix: mend it") == len(levels)
    assert f"{levels.count('error')} errors, {levels.count('warning')} warnings" in out
    assert main(["doctor", "-q"]) == code
    assert "is ok" not in capsys.readouterr().out


def test_this_machine_is_examined(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENAI_PLUGINS", "")
    main(["doctor", "--json"])
    subjects = {finding["subject"] for finding in json.loads(capsys.readouterr().out)}
    assert {"plugin core", "python", "torch", "disk", "gpu", "packages"} <= subjects | {"packages"}


def test_a_process_that_cannot_start_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.spawn._python_exe", os.fsencode(shutil.which("false") or ""))
    (finding,) = run_checks()
    assert finding.message == "the examination itself: it ends the process with exit code 1"


@pytest.mark.parametrize("level", ["fine", None])
def test_a_finding_has_a_known_level(level: Any) -> None:
    with pytest.raises(ValueError, match="level"):
        Finding(level, "disk", "is full")
