"""The wheels hold what an installed package needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from support.tree import ROOT, metadata, metadata_files, packages, short, tracked

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

LARGEST_WHEEL = 12 << 20
UNWANTED = [
    "*test_*.py",
    "*conftest.py",
    "tests/*",
    "*/tests/*",
    "benchmarks/*",
    "*.pth",
    "*.pkl",
    "*__pycache__*",
]


@pytest.mark.parametrize("path", metadata_files(), ids=short)
def test_wheel(path: Path, tmp_path: Path) -> None:
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(tmp_path)]
    command = [sys.executable, "-m", "pip", "wheel", *offline, str(path.parent)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = next((name for name in names if name.endswith("/entry_points.txt")), None)
        declared = archive.read(entry_points).decode() if entry_points else ""

    (package,) = metadata(path)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    folder = path.parent / package
    # A template may hold tests of its own: those are for the plugin that will be made from it.
    wanted = {f"{folder.name}/{file.relative_to(folder).as_posix()}" for file in tracked(short(folder))}
    assert wanted <= names, sorted(wanted - names)[:10]
    assert f"{folder.name}/py.typed" in names
    code = {name for name in names if not name.startswith("genai_core/templates/")}
    assert not [name for name in code if any(fnmatch(name, pattern) for pattern in UNWANTED)]
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {folder.name}
    assert any(name.endswith("/licenses/LICENSE") for name in names), "the licence travels with the code"
    assert wheel.stat().st_size < LARGEST_WHEEL
    for group, entries in metadata(path)["project"].get("entry-points", {}).items():
        assert f"[{group}]" in declared
        for name, reference in entries.items():
            assert f"{name} = {reference}" in declared


def test_every_package_is_built_once() -> None:
    assert len(packages()) == len(metadata_files())
    for path in metadata_files():
        tomllib.loads(path.read_text(encoding="utf-8"))
    assert {short(package) for package in packages().values()} == {
        "genai_core",
        *(short(path.parent) for path in ROOT.glob("plugins/*/src/*/__init__.py")),
    }
