"""`genai run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from genai_core.cli.common import config_options, config_values, output_options, print_json


@click.command()
@click.argument("pipeline", metavar="PIPELINE")
@click.option("-n", "count", type=int, help="How many items to make (the setting n).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps or xpu.")
@click.option("--open", "show", is_flag=True, help="Show the report in the browser.")
@config_options
@output_options
def run(
    pipeline: str,
    count: int | None,
    seed: int,
    out: Path | None,
    device: str,
    show: bool,
    config_file: str | None,
    settings: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Run PIPELINE: make its files, measure them and write report.html.

    Example: genai run molecules/design -n 1000 --seed 1 -o out

    The same settings and seed write the same files; -o may name a folder that the same call wrote before.
    `genai schema PIPELINE` shows what can be set.
    """
    from genai_core.results.pipelines import run_pipeline

    line = _Line(quiet=quiet)
    values = config_values(config_file, settings)
    try:
        done = run_pipeline(pipeline, values, seed=seed, out=out, n=count, device=device, progress=line.show)
    finally:
        line.clear()
    for warning in done.warnings:
        click.echo(f"genai: {warning}", err=True)
    if as_json:
        print_json(
            {
                "pipeline": done.spec.id,
                "seed": seed,
                "folder": str(done.path),
                "files": [str(done.path / name) for name in done.files],
                "report": str(done.report),
                "counts": done.counts,
                "warnings": done.warnings,
            }
        )
    else:
        for name in done.files:
            if name != done.report.name:
                click.echo(str(done.path / name))
        click.echo(f"report: {done.report}")
    if show:
        done.open()


class _Line:
    """One progress line on stderr: rewritten in place on a terminal, one line a stage elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.live = sys.stderr.isatty()
        self.stage = ""

    def show(self, what: str, done: int, total: int) -> None:
        """Report `done` of `total` (0: unknown) of the stage called `what`."""
        if self.quiet or (what == self.stage and not self.live):
            return
        amount = f" {done:,}/{total:,}" if total else ""
        click.echo(f"\r\x1b[K{what}{amount}" if self.live else what, err=True, nl=not self.live)
        self.stage = what

    def clear(self) -> None:
        """Leave the terminal's line empty for what follows."""
        if self.live and self.stage:
            click.echo("\r\x1b[K", err=True, nl=False)
