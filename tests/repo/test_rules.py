"""The rules of the tree: lengths, sizes, versions, data, and nothing of one machine."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
import tomllib
from typing import TYPE_CHECKING

import pytest

from support.tree import CORE, ROOT, STARTUP, metadata, metadata_files, packages, short, tracked

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_FILE = 350
CORE_LINES = 5_000
STARTUP_LINES = 900
LARGEST_FILE = 2 << 20
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
UNCOUNTED = (CORE / "testing", CORE / "templates")


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank line, comment or docstring, which would put a price on explaining."""
    source = path.read_text(encoding="utf-8")
    described: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                described.update(range(value.lineno, (value.end_lineno or value.lineno) + 1))
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            held.update(range(token.start[0], token.end[0] + 1))
    return len(held - described)


def core_files() -> list[Path]:
    return [
        path
        for path in tracked("genai_core/*.py")
        if not any(path.is_relative_to(folder) for folder in UNCOUNTED)
    ]


def test_no_source_file_is_long() -> None:
    sources = [path for package in packages().values() for path in tracked(f"{short(package)}/*.py")]
    long = {short(path): lines(path) for path in sources if lines(path) > LONGEST_FILE}
    assert not long


def test_the_core_is_small() -> None:
    assert sum(map(code_lines, core_files())) <= CORE_LINES


def test_the_startup_path_is_small() -> None:
    assert sum(map(code_lines, STARTUP)) <= STARTUP_LINES


def test_large_files_are_weights_with_a_card() -> None:
    refused = [
        short(path)
        for path in tracked()
        if path.stat().st_size > LARGEST_FILE
        and not (path.suffix == ".safetensors" and (path.parent / "CARD.md").exists())
    ]
    assert not refused


def test_one_version() -> None:
    versions = {short(path): metadata(path)["project"]["version"] for path in metadata_files()}
    for name, package in packages().items():
        for line in re.findall(
            r'^__version__ = "(.+)"$', (package / "__init__.py").read_text(), re.MULTILINE
        ):
            versions[f"{name}.__version__"] = line
    assert len(set(versions.values())) == 1, versions
    major, minor = metadata(ROOT / "pyproject.toml")["project"]["version"].split(".")[:2]
    for path in metadata_files()[1:]:
        needs = [need for need in metadata(path)["project"]["dependencies"] if need.startswith("genai-")]
        for need in needs:
            assert f">={major}.{minor},<{major}.{int(minor) + 1}" in need, f"{short(path)}: {need}"
        assert any(need.startswith("genai-core") for need in needs), short(path)


def test_the_import_rules_know_every_package() -> None:
    rules = metadata(ROOT / "pyproject.toml")["tool"]["importlinter"]
    assert sorted(rules["root_packages"]) == sorted(packages())
    stack = next(rule for rule in rules["contracts"] if rule["layers"][-1] == "genai_core")["layers"]
    assert sorted(re.findall(r"\w+", " ".join(stack))) == sorted(packages())


@pytest.mark.parametrize("path", metadata_files(), ids=short)
def test_a_package_says_what_it_is(path: Path) -> None:
    project = metadata(path)["project"]
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert (path.parent / project["readme"]).stat().st_size > 0
    assert (path.parent / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    for package in packages().values():
        assert (package / "py.typed").exists(), short(package)


def test_every_data_file_is_in_the_index() -> None:
    document = tomllib.loads((ROOT / "data/index.toml").read_text(encoding="utf-8"))
    index = document["files"]
    for name, entry in index.items():
        content = (ROOT / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], name
        assert entry["licence"], name
        assert entry["origin"] in document["origins"], name
    found = {short(path) for path in tracked("data") if path.suffix not in (".py", ".md")}
    assert found - {"data/index.toml"} <= {entry["path"] for entry in index.values()}


# Written in parts, so that this file does not find itself.
FOLDERS = re.compile(
    r"(?<![\w.}/])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "op" + "t"]) + r")/[\w.]"
)
HOSTS = re.compile(
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", r"registry\.npm" + "js", "deb" + r"\.debian"])
)


@pytest.mark.parametrize("pattern", [FOLDERS, HOSTS], ids=["folders of one machine", "registry hosts"])
def test_nothing_of_one_machine(pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{short(path)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    assert not found, "\n".join(found)
