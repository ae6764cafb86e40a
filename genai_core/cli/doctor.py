"""``genai doctor``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

import click

from genai_core.cli.common import Command, Printer
from genai_core.plugins.doctor import Finding, run_checks

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(cls=Command)
@click.option("--deep", is_flag=True, help="Also import what every spec refers to.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), help="Seconds after which a plugin counts as hanging."
)
def doctor(deep: bool, timeout: float | None, printer: Printer) -> int:
    """What is broken, why, and the command that mends it.

    Exits with 1 when there is an error; warnings alone exit with 0.
    """
    findings = run_checks(deep, timeout=timeout)
    levels = Counter(finding.level for finding in findings)
    lines = [line for f in findings if not (printer.quiet and f.level == "ok") for line in _lines(f)]
    if not printer.quiet:
        told = "" if deep else "; --deep also imports what every spec refers to"
        lines.append(f"{levels['error']} errors, {levels['warning']} warnings, {levels['ok']} in order{told}")
    printer.result([asdict(finding) for finding in findings], lines)
    return 1 if levels["error"] else 0


def _lines(finding: Finding) -> Iterator[str]:
    level = click.style(f"{finding.level:<8}", fg=COLOURS[finding.level])
    yield f"{level} {finding.subject}: {finding.message.replace(chr(10), chr(10) + ' ' * 9)}"
    if finding.fix:
        yield f"         fix: {finding.fix}"
