"""Tiny real distributions in a temporary site folder, and the command line run on them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

GOOD = """
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import DatasetSpec

GENAI_API = 1


@hookimpl
def genai_datasets():
    yield DatasetSpec(name="thing", summary="A good thing", modality="text", factory="genai_good.data:thing")
"""
PREAMBLE = """
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import ArtifactSpec, CheckSpec, DatasetSpec, MetricSpec, ModelSpec

GENAI_API = 1
X = dict(name="x", summary="An x", modality="text", factory="genai_bad.code:x")
"""
METADATA = "Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n\nA body.\n"
ENTRY_POINTS = "[genai_core.plugins]\n{plugin} = {package}.plugin\n"


class Site:
    """A folder of distributions that is put on PYTHONPATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.add("good", GOOD)

    def add(self, plugin: str, module: str, *, package: str | None = None, **over: Any) -> None:
        """Write package ``genai_PLUGIN`` with its dist-info; `over` replaces what a sound one would hold."""
        package = package or f"genai_{plugin}"
        names = {
            "plugin": plugin,
            "package": package,
            "distribution": package.replace("_", "-"),
            "version": "1.0",
        }
        encoding = over.get("encoding", "utf-8")
        source = self.folder / package
        source.mkdir()
        (source / "__init__.py").touch()
        (source / "plugin.py").write_text(module.replace("genai_bad", package), encoding="utf-8")
        info = self.folder / f"{package}-1.0.dist-info"
        info.mkdir()
        metadata = over.get("metadata", METADATA.format(**names)).replace("genai-bad", names["distribution"])
        if metadata:
            (info / "METADATA").write_bytes(metadata.encode(encoding))
        points = over.get("entry_points", ENTRY_POINTS.format(**names))
        points = points.replace("genai_bad", package).replace("PLUGIN", plugin)
        (info / "entry_points.txt").write_bytes(points.encode(encoding))
        for path, text in over.get("files", {}).items():
            target = self.folder / path.replace("genai_bad", package)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text.replace("genai_bad", package).replace("PLUGIN", plugin), encoding="utf-8")

    def run(
        self, *arguments: str, code: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """``genai ARGUMENTS`` (or Python `code`) with this folder on the path."""
        head = ["-c", code or "from genai_core.cli.main import entry; entry()"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("GENAI_")}
        env |= {"PYTHONPATH": str(self.folder), "NO_COLOR": "1", **environment}
        return subprocess.run(
            [sys.executable, *head, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env=env,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site folder that holds the plugin ``good``."""
    return Site(tmp_path / "site")


@pytest.fixture
def new_site(tmp_path: Path) -> type[Site]:
    """The class itself, for tests that need several folders."""
    return Site


def read_faults(name: str) -> list[dict[str, Any]]:
    """The entries of a table of faults beside this file."""
    with Path(__file__).with_name(name).open("rb") as file:
        faults: list[dict[str, Any]] = tomllib.load(file)["fault"]
    for fault in faults:
        fault["module"] = (PREAMBLE if fault.pop("preamble", True) else "") + fault.get("module", "")
    return faults


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``fault`` is each entry of faults.toml in turn."""
    if "fault" in metafunc.fixturenames:
        faults = read_faults("faults.toml")
        metafunc.parametrize("fault", faults, ids=[fault["name"] for fault in faults])
    if "faults" in metafunc.fixturenames:
        metafunc.parametrize("faults", [read_faults("faults.toml")], ids=["all"])
    if "deep_faults" in metafunc.fixturenames:
        metafunc.parametrize("deep_faults", [read_faults("deep_faults.toml")], ids=["all"])
