"""What is imported where: only declared libraries, and next to nothing while `genai` starts."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from support.tree import CORE, ROOT, STARTUP, metadata, packages, short, tracked

if TYPE_CHECKING:
    from pathlib import Path

STARTUP_LIBRARIES = {"pluggy", "click", "packaging"}
HEAVY = {
    "torch",
    "numpy",
    "pydantic",
    "rdkit",
    "cv2",
    "scipy",
    "PIL",
    "jinja2",
    "rich",
    "safetensors",
    "c2pa",
}


def top_level_imports(path: Path, *, everywhere: bool) -> set[str]:
    """Dotted names imported by `path`: when it is imported, or anywhere in it; type-only ones left out."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for below in node.orelse:
                visit(below)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not everywhere:
            return
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        for below in ast.iter_child_nodes(node):
            visit(below)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return names


def is_third_party(name: str) -> bool:
    return name.partition(".")[0] not in {*sys.stdlib_module_names, *packages()}


def file_of(name: str) -> Path | None:
    """The core's file that importing `name` runs."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if parts[0] == "genai_core" and path.exists():
                return path
    return None


def test_startup_files_import_little() -> None:
    waiting, seen, libraries = list(STARTUP), set(), {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in top_level_imports(path, everywhere=False):
            if is_third_party(name):
                libraries.setdefault(name.partition(".")[0], short(path))
            elif found := file_of(name):
                waiting.append(found)
    assert {name: where for name, where in libraries.items() if name not in STARTUP_LIBRARIES} == {}
    grown = {short(path) for path in seen} - {short(path) for path in STARTUP}
    assert not grown, "these too run at every start: count them in STARTUP or import them later"


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["list"], ["list", "--json"]], ids=" ".join)
def test_commands_that_must_stay_light(command: list[str]) -> None:
    code = (
        "import json, sys; from genai_core.cli.main import main; code = main(sys.argv[1:]); "
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not HEAVY & loaded


@pytest.mark.parametrize("name", packages())
def test_only_declared_libraries_are_imported(name: str) -> None:
    folder = packages()[name]
    project = next(
        metadata(path)["project"]
        for path in (folder.parent / "pyproject.toml", folder.parent.parent / "pyproject.toml")
        if path.exists()
    )
    requirements = [*project["dependencies"]]
    for extra in project.get("optional-dependencies", {}).values():
        requirements += extra
    declared = {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements} | {
        project["name"]
    }
    # An editable install lists no files, so our own packages are added by hand.
    providers = {**packages_distributions(), **{ours: [ours.replace("_", "-")] for ours in packages()}}
    undeclared = {}
    for path in tracked(f"{short(folder)}/*.py"):
        if path.is_relative_to(CORE / "templates"):
            continue
        for imported in top_level_imports(path, everywhere=True):
            top = imported.partition(".")[0]
            if top not in sys.stdlib_module_names and not declared & {
                normal(provider) for provider in providers.get(top, [])
            }:
                undeclared[top] = short(path)
    assert not undeclared


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
