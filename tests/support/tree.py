"""The repository as the tests of `tests/repo` see it."""

from __future__ import annotations

import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "genai_core"
STARTUP = [
    CORE / name
    for name in (
        "__init__.py",
        "errors.py",
        "plugins/__init__.py",
        "plugins/specs.py",
        "plugins/hookspecs.py",
        "plugins/registry.py",
        "plugins/admission.py",
        "plugins/contain.py",
        "plugins/discovery.py",
        "cli/__init__.py",
        "cli/main.py",
        "cli/common.py",
        "cli/listing.py",
    )
]


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Files that git knows or would add, so that a new file is checked before it is committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name for name in listing.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def short(path: Path) -> str:
    """`path` as a reader of a failing test wants it."""
    return path.relative_to(ROOT).as_posix()


def metadata_files() -> list[Path]:
    """Every pyproject.toml, the core's first."""
    return [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]


@cache
def metadata(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def packages() -> dict[str, Path]:
    """Import name -> folder of every package this repository builds."""
    found = {}
    for path in metadata_files():
        for package in metadata(path)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
            found[Path(package).name] = path.parent / package
    return found
