"""`genai evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from genai_core.cli.common import ConfigCommand, Printer
from genai_core.cli.progress import Progress
from genai_core.data import SequenceDataset
from genai_core.errors import BadInput
from genai_core.files.artifacts import Artifact, artifact_for
from genai_core.files.atomic import atomic_write
from genai_core.files.sources import resolve_dataset
from genai_core.plugins.registry import registry
from genai_core.results.evaluate import run_evaluator


@click.command(cls=ConfigCommand)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--with", "evaluator", metavar="ID", required=True, help="Evaluator, e.g. molecules/moses-metrics."
)
@click.option("--against", metavar="DATASET[:SPLIT]", help="Real data to compare with, or a file of it.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the report as JSON."
)
@click.option("--no-floor", is_flag=True, help="Leave out what as many real items reach; halves the time.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
def evaluate(
    files: tuple[str, ...],
    evaluator: str,
    against: str | None,
    out: Path | None,
    no_floor: bool,
    values: dict[str, Any],
    printer: Printer,
    **work: Any,
) -> None:
    """Measure FILEs together: each value with its 95 % interval and beside its floor.

    A FILE is any file the evaluator's kind of data is written in, a folder of parts from `genai sample`,
    or - for standard input. No generator is involved.
    """
    spec = registry().find("evaluator", evaluator)
    reference, floor_items = read_reference(against, spec.modality) if against else (None, None)
    items = read_items(files, spec.modality)
    work |= {"floor_items": floor_items, "floor": not no_floor, "config": values}
    with Progress(printer.quiet) as progress:
        work["progress"] = lambda more: progress("examining", progress.done + more)
        report = run_evaluator(spec, items, reference, **work)
    if out:
        atomic_write(out, report.to_json().encode())
    printer.result(report.to_dict(), [report.table()])


def read_items(files: Sequence[str], modality: str) -> Any:
    """The items of files, as one artifact where the modality has collections, else a list of artifacts."""
    parts = [part for file in files for part in _read(file, modality)]
    whole = type(parts[0]).concat(parts)
    return parts if whole is None else whole


def _read(file: str, modality: str) -> list[Artifact]:
    """What is in a file, in the parts in a folder, or in standard input (``-``)."""
    paths = [Path(file)]
    if paths[0].is_dir():
        paths = [part for part in sorted(paths[0].glob("part-*")) if part.suffix != ".json"]
        if not paths:
            raise BadInput(file, "a folder without part-* files", hint=f"genai sample MODEL -o {file}")
    return list(map(artifact_for(modality).load, paths))


def read_reference(against: str, modality: str) -> tuple[Any, Any]:
    """The reference that ``DATASET[:SPLIT]`` or ``FILE[:SPLIT]`` means, and real items for the floor, if any.

    Without a split it is the whole file, ``test`` where a data set has that, else all of it.
    """
    if Path(against).is_file():
        return SequenceDataset({"test": list(read_items([against], modality))}, modality=modality), None
    spec, config, split = resolve_dataset(against)
    data: Any = registry().build(spec, config)
    split = split or ("test" if "test" in spec.splits else "")
    return (data.split(split), data) if split else (data, None)
