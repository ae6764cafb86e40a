"""The command table, exit codes, and what a user sees when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import click
import pytest

import genai_core
from genai_core import errors
from genai_core.cli import main as cli_main
from genai_core.cli.main import COMMANDS, cli, main
from genai_core.plugins import registry as registry_module
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.registry import Registry
from genai_core.plugins.specs import CommandSpec

ENTRY = "from genai_core.cli.main import entry; entry()"


@click.command()
@click.option("--fail", default="")
def shout(fail: str) -> None:
    """A plugin's command."""
    if fail:
        raise getattr(errors, fail)("it went wrong", **{"hint": "do it better"})
    click.echo("HELLO")


class Plugin:
    GENAI_API = 1

    @hookimpl
    def genai_commands(self) -> Any:
        yield CommandSpec(name="shout", summary="Shout", factory=f"{__name__}:shout")
        yield CommandSpec(name="broken", summary="Broken", factory=f"{__name__}:ENTRY")
        yield CommandSpec(name="absent", summary="Absent", factory="genai_nowhere:x")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setitem(
        sys.modules, __name__, sys.modules.get(__name__) or sys.modules[shout.callback.__module__]
    )
    found = Registry(allow=[]).discover()
    found.register(Plugin(), "noisy")
    monkeypatch.setattr(registry_module, "_current", found)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_entry_of_the_table_leads_to_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = COMMANDS[name][0].partition(":")[0]
    assert find_spec(module), module
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert main([name, "--help"]) == 0
    assert "Usage: genai" in capsys.readouterr().out


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"genai, version {genai_core.__version__}\n"
    assert main(["-h"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_a_plugins_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shout"]) == 0
    assert main(["noisy/shout"]) == 0
    assert capsys.readouterr().out == "HELLO\nHELLO\n"


@pytest.mark.parametrize(
    ("fail", "code"),
    [("GenaiError", 1), ("UsageError", 2), ("ConfigError", 2), ("ResourceError", 4), ("VerificationError", 5),
     ("Interrupted", 75), ("MissingDependency", 1)],
)  # fmt: skip
def test_errors_are_two_lines_and_a_code(fail: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shout", "--fail", fail]) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "genai: it went wrong\n  try: do it better\n")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["lst"], 2, 'did you mean "list"?'),
        (["shoot"], 2, 'did you mean "shout"?'),
        (["xyzzy"], 2, "No such command 'xyzzy'"),
        (["list", "--knd", "model"], 2, "No such option"),
        (["list", "--kind", "modl"], 2, "modl"),
        (["info"], 2, "Missing argument"),
        (["broken"], 1, "is no click.Command"),
        (["absent"], 1, "No module named 'genai_nowhere'"),
        (["info", "molecules"], 2, "plugin 'molecules' is switched off"),
        (["info", "speech/say"], 2, "pip install genai-speech"),
        (["info", "core/txt"], 2, 'did you mean "core/text"'),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str], fresh: Registry
) -> None:
    fresh.off = ["molecules"]
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert "Traceback" not in captured.err


def test_no_plugins(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GENAI_PLUGINS", "molecules")
    registry_module.reset()
    assert main(["--no-plugins", "list", "-q"]) == 0
    assert all(line.startswith("core/") for line in capsys.readouterr().out.splitlines())


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shout, "callback", interrupted)
    assert main(["shout"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shout, "callback", lambda **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["shout"])


def test_the_exit_code_of_a_command_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shout, "callback", lambda **kwargs: click.get_current_context().exit(7))
    assert main(["shout"]) == 7


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"], ["info", "core/text"]])
def test_a_reader_that_leaves_is_no_error(arguments: list[str]) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", ENTRY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout
    assert child.stderr
    child.stdout.close()
    told = child.stderr.read()
    child.stderr.close()
    assert (child.wait(), told) == (0, "")


def test_the_table_and_the_files_agree() -> None:
    summaries = [summary for _, summary in COMMANDS.values()]
    assert all(summary.endswith((".", "?")) and len(summary) < 80 for summary in summaries)
    assert cli_main.cli.list_commands(click.Context(cli)) == list(COMMANDS)
