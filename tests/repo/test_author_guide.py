"""The plugin-author guide is true: its plugins are short and keep every promise, and its commands run."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from genai_core.testing.suite import promises_table
from support.documents import blocks
from support.environments import Environment
from support.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = (ROOT / "docs" / "plugin-authors.md").read_text(encoding="utf-8")
BLOCKS = list(blocks(GUIDE))
FILES = {block.marks["file"]: block.text for block in BLOCKS if "file" in block.marks}
LONGEST = 40


def test_complete_plugin_is_forty_lines() -> None:
    code = [
        line
        for name, text in FILES.items()
        if name.startswith("genai-markov/") and name.endswith(".py")
        for line in text.splitlines()
        if line.strip()
    ]
    assert "class Chars(Model):" in code
    assert len(code) <= LONGEST, f"{len(code)} lines"
    assert max(map(len, code)) <= 110, "lines are not made longer to be fewer"
    assert not [line for line in code if ";" in line]


def test_table_of_promises_is_current() -> None:
    found = GUIDE[GUIDE.index("| promise | about |") :]
    assert found == promises_table(), "python -m genai_core.testing prints the table"


def test_every_hook_is_named() -> None:
    from genai_core.plugins import hookspecs

    hooks = {name for name in vars(hookspecs) if name.startswith("genai_")}
    assert hooks <= set(re.findall(r"`(genai_\w+)`", GUIDE))


@pytest.mark.slow
def test_plugins_and_commands_of_the_guide(tmp_path: Path) -> None:
    """Both plugins are built as wheels, installed, tested by their own suites, and used."""
    for name, text in FILES.items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    environment = Environment(tmp_path / "venv")
    tested = 0
    for block in BLOCKS:
        if block.language != "console" or "not run" not in block.marks:
            continue
        for line in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE):
            program, *arguments = shlex.split(line)
            if program == "pip":
                environment.install(tmp_path / arguments[-1])
            elif program == "pytest":
                options = ["-p", "no:cacheprovider", "--import-mode=importlib"]
                shown = environment.run("-m", "pytest", *options, *arguments, cwd=tmp_path)
                assert " passed" in shown
                tested += 1
            else:
                assert program == "genai", line
                environment.genai(*arguments, cwd=tmp_path)
    assert tested == 2
    assert (tmp_path / "report" / "names.txt").is_file()
    assert len((tmp_path / "new-elements" / "part-00000.txt").read_text(encoding="utf-8").splitlines()) == 5
