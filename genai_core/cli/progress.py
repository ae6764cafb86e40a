"""How far a command has come, told on stderr."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

PLAIN_EVERY = 30.0  # seconds between lines where there is no terminal


class Progress:
    """One bar with rate and time left on a terminal; elsewhere a line a stage and one now and then.

    Used as ``with Progress(quiet) as progress: progress("sampling", done, total)``.

    Attributes:
        done: As told last.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.bar: Bar | None = None
        self.stage = ""
        self.began = self.shown = 0.0
        self.first = self.done = 0

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            words = TextColumn("{task.description}"), TextColumn("{task.fields[note]}")
            shown = (words[0], BarColumn(), MofNCompleteColumn(), words[1], TimeRemainingColumn())
            self.bar = Bar(*shown, console=Console(stderr=True), transient=True)
            self.bar.start()
            self.bar.add_task("", total=None, note="")
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar:
            self.bar.stop()

    def __call__(self, stage: str, done: int = 0, total: int = 0, note: str = "") -> None:
        """Tell that `done` of `total` (0: unknown) of the stage is done."""
        if self.quiet:
            return
        self.done, now = done, time.monotonic()
        if stage != self.stage:
            self.stage, self.began, self.first, self.shown = stage, now, done, -math.inf
            if self.bar:
                self.bar.reset(self.bar.task_ids[0], description=stage)
        rate = (done - self.first) / max(now - self.began, 1e-9)
        if rate:
            note = f"{note}  {rate:,.1f}/s"
        if self.bar:
            self.bar.update(self.bar.task_ids[0], completed=done, total=total or None, note=note)
        elif now - self.shown >= PLAIN_EVERY or done == total > 0:
            self.shown = now
            amount = f" {done:,}/{total:,}" if total else f" {done:,}" if done else ""
            left = f"  {(total - done) / rate / 60:.0f} min left" if rate and total else ""
            click.echo(f"{stage}{amount}{note and '  '}{note.strip()}{left}", err=True)
