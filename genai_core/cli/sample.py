"""`genai sample`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from genai_core.cli.common import ConfigCommand, Printer
from genai_core.cli.progress import Progress


def _part(text: str) -> tuple[int, int]:
    i, _, k = text.partition("/")
    if not (i.isdigit() and k.isdigit()):
        raise click.BadParameter(f"{text!r} is not I/K, such as 1/4")
    return int(i), int(k)


@click.command(cls=ConfigCommand)
@click.argument("source", metavar="RUN_OR_MODEL")
@click.option("-n", "count", type=int, default=1000, show_default=True, help="Items to sample, in all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder for the shards.")
@click.option(
    "--shard",
    "part",
    type=_part,
    metavar="I/K",
    help="Only every K-th shard from the I-th on, for K machines.",
)
@click.option("--shard-size", type=int, help="Items a shard.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes on this machine.")
@click.option("--format", "suffix", metavar="SUFFIX", help="File format, such as .sdf.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps or xpu.")
def sample(
    source: str,
    count: int,
    seed: int,
    shard_size: int | None,
    values: dict[str, Any],
    printer: Printer,
    **work: Any,
) -> None:
    """Sample from RUN_OR_MODEL: a run directory, a model folder, or the id of a model with shipped weights.

    Options of sampling are set by name: --set temperature=0.9. Call it again after a kill: shards that
    are there are kept. Any number of calls with --shard may share one folder.
    """
    from genai_core.running.models import load_model
    from genai_core.running.shards import make_plan, sample_to_folder

    plan = make_plan(load_model(source, "cpu"), count, seed=seed, shard_size=shard_size, options=values)
    with Progress(printer.quiet) as progress:
        tell = partial(progress, "sampling", total=plan.n)
        files = sample_to_folder(source, plan, progress=tell, **work)
    names = [str(path) for path in files]
    printer.result({"files": names, "n": count, "seed": seed, "shards": plan.shards}, names)
