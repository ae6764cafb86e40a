"""Listing what is installed imports nothing heavy, however many plugins there are."""

from __future__ import annotations

import json
from typing import Any

import pytest

HEAVY = {
    "torch",
    "numpy",
    "rdkit",
    "cv2",
    "pydantic",
    "scipy",
    "packaging",
    "rich",
    "jinja2",
    "email",
}
WATCH = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from genai_core.cli.main import entry
entry()
"""
MODULE = """
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import DatasetSpec, ModelSpec
GENAI_API = 1
@hookimpl
def genai_datasets():
    return [DatasetSpec(name=f"d{i}", summary="A set", modality="text", factory="a:b") for i in range(4)]
@hookimpl
def genai_models():
    return [ModelSpec(name=f"m{i}", summary="A model", modality="text", factory="torch:nn", family="vae",
                      capabilities=frozenset({"sample"})) for i in range(4)]
"""


@pytest.mark.parametrize(
    "command", [["--help"], ["--version"], ["list"], ["list", "--kind", "model"], ["list", "-h"]]
)
def test_nothing_heavy_is_imported(site: Any, command: list[str]) -> None:
    for number in range(10):
        site.add(f"light{number}", MODULE)
    done = site.run(*command, code=WATCH)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & HEAVY
    if command != ["list"]:
        return
    assert "torch" not in loaded
    assert done.stdout.count("light9/") == 8


@pytest.mark.parametrize("command", [["--help"], ["--version"]])
def test_help_loads_no_plugin(site: Any, command: list[str]) -> None:
    site.add("killer", "import os; os._exit(9)")
    done = site.run(*command, code=WATCH)
    assert done.returncode == 0
    assert "genai_core.plugins.registry" not in json.loads(done.stderr.splitlines()[-1])


def test_the_package_itself_costs_nothing(site: Any) -> None:
    done = site.run(
        code="import sys, genai_core; print(len([m for m in sys.modules if m.startswith('genai_core')]))"
    )
    assert done.stdout == "1\n", done.stderr


def test_every_public_name_is_there(site: Any) -> None:
    code = "import genai_core\nfor name in genai_core.__all__: getattr(genai_core, name)"
    done = site.run(code=code)
    assert done.returncode == 0, done.stderr
