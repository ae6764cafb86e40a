"""`genai run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_core.cli.common import ConfigCommand, Printer
from genai_core.cli.progress import Progress


@click.command(cls=ConfigCommand)
@click.argument("pipeline", metavar="PIPELINE")
@click.option("-n", "count", type=int, help="How many items to make (the setting n).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps or xpu.")
@click.option("--open", "show", is_flag=True, help="Show the report in the browser.")
def run(
    pipeline: str, count: int | None, show: bool, values: dict[str, Any], printer: Printer, **work: Any
) -> None:
    """Run PIPELINE: make its files, measure them and write report.html.

    Example: genai run molecules/design -n 1000 --seed 1 -o out

    The same settings and seed write the same files; -o may name a folder that the same call wrote before.
    `genai schema PIPELINE` shows what can be set.
    """
    from genai_core.results.pipelines import run_pipeline

    values |= {} if count is None else {"n": count}
    with Progress(printer.quiet) as progress:
        done = run_pipeline(pipeline, values, progress=progress, **work)
    for warning in done.warnings:
        click.echo(f"genai: {warning}", err=True)
    files = [str(done.path / name) for name in done.files]
    about = {"pipeline": done.spec.id, "seed": done.seed, "folder": str(done.path), "files": files,
             "report": str(done.report), "counts": done.counts, "warnings": done.warnings}  # fmt: skip
    made = [file for file in files if file != str(done.report)]
    printer.result(about, [*made, f"report: {done.report}"])
    if show:
        done.open()
