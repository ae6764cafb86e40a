"""`genai train` and `genai resume`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import Command, ConfigCommand, Printer
from genai_core.cli.progress import Progress
from genai_core.config import merge
from genai_core.errors import UsageError
from genai_core.files.sources import resolve_dataset
from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from genai_core.running.runs import Run


@click.command(cls=ConfigCommand)
@click.argument("model_id", metavar="MODEL")
@click.option(
    "--data", "data_id", metavar="DATASET", help="Data set or a file of your own; default: the model's."
)
@click.option(
    "--from", "initial", metavar="WEIGHTS", default="", help="Fine-tune a run, a folder or a shipped model."
)
@click.option("--steps", type=int, help="Optimizer steps (short for --set training.steps=).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps or xpu.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Run directory; default: a new one in runs/."
)
def train(
    model_id: str,
    data_id: str | None,
    steps: int | None,
    out: Path | None,
    values: dict[str, Any],
    printer: Printer,
    **work: Any,
) -> None:
    """Train MODEL on a data set.

    Options of the model are set by name (--set width=256, or --width 256), those of the data set under
    "data." (--set data.limit=1000), those of the engine under "training." (--set training.lr=0.002).
    """
    from genai_core.running.fitting import Request, start

    spec = registry().find("model", model_id)
    data_id = data_id or spec.data
    if data_id is None:
        hint = f"genai list --kind dataset --modality {spec.modality}"
        raise UsageError(f"{spec.id} needs --data, what to learn from", hint=hint)
    data, from_name, split = resolve_dataset(data_id)
    if split is not None:
        raise UsageError(
            f"--data {data_id}: training takes the train split", hint=f"--data {data_id.rpartition(':')[0]}"
        )
    values = merge({"data": from_name, "training": spec.training}, values)
    if steps is not None:
        values = merge(values, {"training": {"steps": steps}})
    parts = {"data": {"id": data.id, "config": values.pop("data")}, "training": values.pop("training")}
    request = Request.parse({"model": {"id": spec.id, "config": values}, **parts, **work}, where=spec.id)
    with Progress(printer.quiet) as progress:
        run = start(request, path=out, progress=progress)
    _finish(run, printer)


@click.command(cls=Command)
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
def resume(run_path: Path, printer: Printer) -> None:
    """Go on with the training in RUN exactly where it stopped."""
    from genai_core.running.fitting import resume as go_on

    with Progress(printer.quiet) as progress:
        run = go_on(run_path, progress=progress)
    _finish(run, printer)


def _finish(run: Run, printer: Printer) -> None:
    from genai_core.results.training import report_training

    report = report_training(run)
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in run.manifest.get("metrics", {}).items())
    about = {"run": str(run.path), "report": str(report), **run.manifest}
    printer.result(about, [f"{run.path}  done: {metrics}", f"report: {report}"])
    if "sample" in registry().find("model", run.info.spec_id).capabilities:
        printer.note(f"  next: genai sample {run.path} -n 1000 -o samples")
