"""What the pages say is true: commands run, programs run, names and links exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from support.documents import blocks
from support.tree import ROOT, packages, short, tracked

PAGES = [path for path in tracked("*.md") if not short(path).startswith(("genai_core/templates/", "data/"))]
RUN = [path for path in PAGES if path.name == "README.md" or path.parent == ROOT / "docs"]
TIMEOUT = 600


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=short)
def test_page_runs(page: Path, tmp_path: Path) -> None:
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    (tmp_path / "data").symlink_to(ROOT / "data")

    def run(command: list[str], line: int, expected: int, shown: str) -> None:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == expected, (
            f"{short(page)}:{line}: exit {done.returncode} instead of {expected}\n$ {shown}\n"
            f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )

    for block in blocks(page.read_text(encoding="utf-8")):
        if "not run" in block.marks:
            continue
        expected = int(block.marks.get("exit", "0"))
        if "file" in block.marks:
            target = tmp_path / block.marks["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            commands = list(block.commands())
            for number, command in enumerate(commands, 1):
                last = number == len(commands)
                run(["bash", "-euo", "pipefail", "-c", command], block.line, expected if last else 0, command)
        elif block.language == "python":
            run([sys.executable, "-c", block.text], block.line, expected, f"python block\n{block.text}")


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_name_exists(page: Path) -> None:
    """Dotted names of our packages, `genai` commands and plugin ids that a page mentions."""
    from genai_core.cli.main import COMMANDS
    from genai_core.plugins.registry import registry

    text = page.read_text(encoding="utf-8")
    known = registry()
    kinds = ("dataset", "model", "evaluator", "pipeline", "artifact", "command", "check")
    specs = [spec for kind in kinds for spec in known.specs(kind)]
    ids = {spec.id for spec in specs}
    plugins = {spec.plugin for spec in specs} - {"core"}
    commands = {*COMMANDS, *(spec.name for spec in known.specs("command"))}
    wrong = []
    for name in re.findall(rf"\b(?:{'|'.join(packages())})(?:\.[A-Za-z_]\w*)+", text):
        if not name.endswith((".py", ".typed", ".plugins")) and not resolves(name):
            wrong.append(name)
    for command in re.findall(r"(?:^\$ |`)genai ([a-z][a-z-]*)", text, re.MULTILINE):
        if command not in commands:
            wrong.append(f"genai {command}")
    if plugins:
        for name in re.findall(rf"(?<![\w/.-])(?:{'|'.join(sorted(plugins))})/[a-z0-9-]+(?![\w/.-])", text):
            if name not in ids and not (ROOT / name).exists():
                wrong.append(name)
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert not broken


def resolves(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[length:]:
                value = getattr(value, part)
        except AttributeError:
            return False
        return True
    return False


def test_the_reader_reads() -> None:
    page = (
        "# Page\n\n```console\n$ genai list\nshown\n"
        "$ genai sample x \\\n    -n 3\n$ pip install genai-core\n```\n"
        "<!-- not run: no such file -->\n```console\n$ genai verify nothing\n```\n"
        "- item\n\n  <!-- exit: 5 -->\n\n  ```console\n  $ genai verify x\n  ```\n"
        "<!-- file: a/b.toml -->\n```toml\nx = 1\n```\n```python\nprint(1)\n```\n"
    )
    found = list(blocks(page))
    assert [block.language for block in found] == ["console", "console", "console", "toml", "python"]
    assert list(found[0].commands()) == ["genai list", "genai sample x \\\n    -n 3"]
    assert found[1].marks == {"not run": "no such file"}
    assert (found[2].marks, list(found[2].commands())) == ({"exit": "5"}, ["genai verify x"])
    assert (found[3].marks, found[3].text) == ({"file": "a/b.toml"}, "x = 1\n")
    assert found[4].text == "print(1)\n"


@pytest.mark.parametrize("page", ["```console\n$ genai list\n", "<!-- exit: 5 -->\ntext\n"])
def test_the_reader_refuses(page: str) -> None:
    with pytest.raises(ValueError, match="line"):
        list(blocks(page))
