"""`genai new` writes a plugin that is green at once, and never over anything."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from genai_core.cli.main import main
from support.environments import Environment


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_writes_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "protein-folds", "--into", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    folder = tmp_path / "genai-protein-folds"
    assert Path(answer["folder"]) == folder
    assert sorted(answer["files"]) == sorted(files(folder))
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "genai-protein-folds"
    points = project["project"]["entry-points"]["genai_core.plugins"]
    assert points == {"protein-folds": "genai_protein_folds.plugin"}
    written = b"".join(files(folder).values()).decode()
    assert "{{" not in written
    assert "}}" not in written
    for path in folder.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")


def test_makes_the_folder_it_is_put_into(tmp_path: Path) -> None:
    assert main(["new", "x", "--into", str(tmp_path / "a" / "b"), "-q"]) == 0
    assert (tmp_path / "a" / "b" / "genai-x" / "src" / "genai_x" / "plugin.py").is_file()


@pytest.mark.parametrize(
    "name",
    ["", "Upper", "two words", "under_score", "-x", "x-", "a--b", "../escape", "a/b", "ünder", "x" * 51,
     "genai-x", "molecules", "music", "core", "{{ 7 * 7 }}", "a\nb"],
)  # fmt: skip
def test_bad_names_are_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "--into", str(tmp_path), "--", name]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine", "--into", str(tmp_path), "-q"]) == 0
    (tmp_path / "genai-mine" / "src" / "genai_mine" / "model.py").write_text("my work", encoding="utf-8")
    before = files(tmp_path)
    assert main(["new", "mine", "--into", str(tmp_path), "-q"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert files(tmp_path) == before


def test_a_link_or_an_empty_folder_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "genai-empty").mkdir()
    (tmp_path / "genai-link").symlink_to(tmp_path / "nowhere")
    assert main(["new", "empty", "--into", str(tmp_path)]) == 2
    assert main(["new", "link", "--into", str(tmp_path)]) == 2
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert main(["new", "mine", "--into", str(tmp_path)]) == 4
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    assert main(["new", "mine", "--into", str(tmp_path / "file")]) == 2
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


def test_help_says_what_it_does() -> None:
    from genai_core.cli.new import new

    shown = CliRunner().invoke(new, ["--help"]).output
    assert "contract suite" in shown


@pytest.mark.slow
def test_skeleton_is_green_in_a_clean_environment(tmp_path: Path) -> None:
    assert main(["new", "fresh-words", "--into", str(tmp_path), "-q"]) == 0
    project = tmp_path / "genai-fresh-words"
    environment = Environment(tmp_path / "venv")
    environment.install(project)
    shown = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert " passed" in shown
    listed = environment.genai("list", "--json", cwd=tmp_path)
    assert "fresh-words/chars" in listed
