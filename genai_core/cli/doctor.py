"""``genai doctor``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import click

from genai_core.cli.common import output_options, print_json

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command()
@click.option("--deep", is_flag=True, help="Also import what every spec refers to, each plugin on its own.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), help="Seconds after which a plugin counts as hanging."
)
@output_options
@click.pass_context
def doctor(ctx: click.Context, deep: bool, timeout: float | None, as_json: bool, quiet: bool) -> None:
    """What is broken, why, and the command that mends it.

    Exits with 1 when there is an error; warnings alone exit with 0.
    """
    from genai_core.plugins.doctor import run_checks

    findings = run_checks(deep, timeout=timeout)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            if quiet and finding.level == "ok":
                continue
            level = click.style(f"{finding.level:<8}", fg=COLOURS[finding.level])
            click.echo(f"{level} {finding.subject}: {finding.message.replace(chr(10), chr(10) + ' ' * 9)}")
            if finding.fix:
                click.echo(f"         fix: {finding.fix}")
        counts = Counter(finding.level for finding in findings)
        if not quiet:
            told = "" if deep else "; --deep also imports what every spec refers to"
            click.echo(
                f"{counts['error']} errors, {counts['warning']} warnings, {counts['ok']} in order{told}"
            )
    ctx.exit(1 if any(finding.level == "error" for finding in findings) else 0)
