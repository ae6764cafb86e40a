"""The two commands of the README, as far as they can be tried without installing everything again."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.tree import ROOT, metadata_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that make looks at, without a .venv."""
    for path in [ROOT / "Makefile", ROOT / "constraints.txt", *metadata_files()]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_old_python_is_named(checkout: Path, target: str) -> None:
    old = checkout / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.18 && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = make(checkout, target, f"PYTHON={old}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert "is Python 3.9.18" in done.stdout
    assert f"make PYTHON=python3.12 {target}" in done.stdout
    assert not (checkout / ".venv").exists()


def test_every_plugin_is_installed(checkout: Path) -> None:
    (checkout / "plugins/later").mkdir(exist_ok=True)
    (checkout / "plugins/later/pyproject.toml").write_text('[project.optional-dependencies]\nall = ["x"]\n')
    planned = make(checkout, "-n", "test").stdout
    for path in metadata_files()[1:]:
        assert f"-e './plugins/{path.parent.name}" in planned
    assert "-e './plugins/later[all]'" in planned
    assert "-c constraints.txt" in planned


def test_set_up_once(checkout: Path) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in ("bin/python", ".user", ".dev"):
        (checkout / ".venv" / name).touch()
    assert "pip install" not in make(checkout, "-n", "test").stdout
    later = (checkout / ".venv/.dev").stat().st_mtime + 10
    os.utime(checkout / "plugins/molecules/pyproject.toml", (later, later))
    assert "pip install" in make(checkout, "-n", "test").stdout


@pytest.mark.parametrize(("loads", "calls"), [(True, 0), (False, 2)])
def test_opencv_without_windows_where_libgl_is_missing(checkout: Path, loads: bool, calls: int) -> None:
    """A Python that notes what pip is asked for; OpenCV loads in it from the start or once it is headless."""
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        "#!/bin/sh\n"
        f"cd {checkout}\n"
        'case "$*" in\n'
        '*"-m pip"*) echo "$*" >> asked; case "$*" in *headless*) touch loads;; esac;;\n'
        '*"import cv2"*) test -e loads;;\n'
        "*metadata*) echo 5.0.0.93;;\n"
        "esac\n"
    )
    python.chmod(0o755)
    if loads:
        (checkout / "loads").touch()
    done = make(checkout, ".venv/.user")
    assert done.returncode == 0, done.stderr
    assert ("opencv-python 5.0.0.93 does not load" in done.stdout) is not loads
    asked = (checkout / "asked").read_text().splitlines()[1:]
    assert len(asked) == calls
    if calls:
        assert asked[0].endswith("uninstall --quiet --yes opencv-python")
        assert asked[1].endswith("--no-deps --force-reinstall opencv-python-headless==5.0.0.93")


def test_ci_is_a_script_that_reads() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
