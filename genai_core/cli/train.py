"""`genai train` and `genai resume`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genai_core.cli.common import config_options, config_values, output_options, print_json
from genai_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genai_core.running.engine import Progress
    from genai_core.running.runs import Run

_PLAIN_EVERY = 30.0  # seconds between progress lines where there is no terminal


@click.command()
@click.argument("model_id", metavar="MODEL")
@click.option(
    "--data", "data_id", required=True, metavar="DATASET", help="Id of a data set, or a file of your own."
)
@click.option(
    "--from",
    "initial",
    metavar="WEIGHTS",
    default="",
    help="Start from the weights of a run, a model folder or a shipped model (fine-tuning).",
)
@click.option("--steps", type=int, help="Optimizer steps (short for --set training.steps=).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N, mps or xpu.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Run directory; default: a new one in runs/."
)
@config_options
@output_options
def train(
    model_id: str,
    data_id: str,
    initial: str,
    steps: int | None,
    seed: int,
    device: str,
    out: Path | None,
    config_file: str | None,
    settings: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Train MODEL on a data set.

    Options of the model are set by name (--set width=256), those of the data set under "data."
    (--set data.limit=1000), those of the engine under "training." (--set training.lr=0.002).
    """
    from genai_core.files.sources import resolve_dataset
    from genai_core.plugins.registry import registry
    from genai_core.running.fitting import Request, start
    from genai_core.running.training import TrainConfig

    values = config_values(config_file, settings)
    data_values, training_values = _table(values, "data"), _table(values, "training")
    if steps is not None:
        training_values["steps"] = steps
    data, from_name, split = resolve_dataset(data_id)
    if split is not None:
        raise UsageError(
            f"--data {data_id}: training takes the train split", hint=f"--data {data_id.rpartition(':')[0]}"
        )
    request = Request(
        model=registry().find("model", model_id).id,
        model_config=values,
        data=data.id,
        data_config=from_name | data_values,
        training=TrainConfig.parse(training_values, where="training"),
        seed=seed,
        device=device,
        initial=initial,
    )
    with _progress(request.training.steps, quiet) as progress:
        run = start(request, path=out, progress=progress)
    _finish(run, as_json)


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@output_options
def resume(run_path: Path, as_json: bool, quiet: bool) -> None:
    """Go on with the training in RUN exactly where it stopped."""
    from genai_core.running.fitting import Request
    from genai_core.running.fitting import resume as go_on
    from genai_core.running.runs import Run

    request = Run.open(run_path).manifest.get("request")
    steps = Request.from_manifest(request).training.steps if request else 0
    with _progress(steps, quiet) as progress:
        run = go_on(run_path, progress=progress)
    _finish(run, as_json)


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Take the sub-table `name` out of `values`."""
    table = values.pop(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{name}={table!r} is not a table", hint=f"set its keys: --set {name}.KEY=VALUE")
    return table


def _finish(run: Run, as_json: bool) -> None:
    from genai_core.results.training import report_training

    report = report_training(run)
    if as_json:
        print_json({"run": str(run.path), "report": str(report), **run.manifest})
        return
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in run.manifest.get("metrics", {}).items())
    click.echo(f"{run.path}  done: {metrics}")
    click.echo(f"report: {report}")
    click.echo(f"  next: genai sample {run.path} -n 1000 -o samples", err=True)


@contextmanager
def _progress(steps: int, quiet: bool) -> Iterator[Progress | None]:
    """One bar with rate and time left on a terminal, a plain line now and then elsewhere."""
    import sys

    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar(steps) as bar:
            yield bar
    else:
        yield _plain(steps)


@contextmanager
def _bar(steps: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("train", total=steps, state="")
        began: list[float] = []

        def show(step: int, metrics: Mapping[str, float]) -> None:
            began.append(time.monotonic()) if not began else None
            rate = (step - 1) / max(1e-9, time.monotonic() - began[0])
            loss = next((value for name, value in metrics.items() if name.startswith("loss")), float("nan"))
            bar.update(task, completed=step, state=f"loss {loss:.4g}  {rate:.1f} steps/s")

        yield show


def _plain(steps: int) -> Progress:
    began, first, last = time.monotonic(), [0], [0.0]

    def show(step: int, metrics: Mapping[str, float]) -> None:
        now = time.monotonic()
        first[0] = first[0] or step
        if now - last[0] < _PLAIN_EVERY and step != steps:
            return
        last[0] = now
        rate = (step - first[0] + 1) / max(1e-9, now - began)
        loss = next((value for name, value in metrics.items() if name.startswith("loss")), float("nan"))
        left = (steps - step) / max(rate, 1e-9)
        click.echo(
            f"step {step}/{steps}  loss {loss:.4g}  {rate:.1f} steps/s  {left / 60:.0f} min left", err=True
        )

    return show
