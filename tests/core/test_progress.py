"""The progress of a command: plain lines where there is no terminal, one bar where there is."""

from __future__ import annotations

import io
import sys

import pytest

from genai_core.cli import progress as module
from genai_core.cli.progress import Progress


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_plain_lines_are_few(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        for step in range(1, 201):
            clock.now += 1.0
            progress("step", step, 200, "loss 2")
        progress("writing")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "step 1/200  loss 2"
    assert lines[1] == "step 31/200  loss 2  1.0/s  3 min left"
    assert lines[-2:] == ["step 200/200  loss 2  1.0/s  0 min left", "writing"]
    assert len(lines) == 9


def test_items_are_counted_where_the_total_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress("examining", progress.done + 2000)
    assert capsys.readouterr().err == "examining 2,000\n"
    assert progress.done == 2000


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=True) as progress:
        progress("step", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_one_bar_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with Progress() as progress:
        progress("sampling", 0, 4)
        progress("sampling", 4, 4, "all")
        progress("writing")
        assert progress.bar is not None
        assert progress.bar.tasks[0].description == "writing"
    assert "\x1b[2K" in terminal.getvalue()
