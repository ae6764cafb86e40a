"""The report of a training run: its curves, a look at what the model makes, and how to train it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genai_core.files.atomic import atomic_write
from genai_core.results.charts import Chart, lines
from genai_core.results.drawing import number
from genai_core.results.report import Charts, Fact, Gallery, Making, Page
from genai_core.running.fitting import Request
from genai_core.running.models import load_model
from genai_core.running.shards import make_plan, sample_shard

if TYPE_CHECKING:
    from genai_core.files.artifacts import Preview
    from genai_core.running.runs import Run

LOOK = 12


def report_training(run: Run) -> Path:
    """Write report.html into a finished training run and return its path."""
    manifest = run.manifest
    request = Request.parse(manifest["request"], where=str(run.path))
    page = Page(
        f"Training of {request.model.id}",
        summary=f"{manifest['items']:,} items of {request.data.id or 'data made in Python'}.",
        warnings=[f"passed over: {text}" for text in manifest.get("damaged_checkpoints", [])],
        making=Making(request.model.id, request.seed, request.model_dump(mode="json"), request.command()),
    )
    if curves := _curves(run.history()):
        note = "Every logged step; the interval is training.log_every."
        page.sections.append(Charts("Curves", curves, note=note))
    if previews := _look(run):
        note = "The first samples of seed 0, not chosen."
        page.sections.append(Gallery("A first look", previews, LOOK, note=note))
    page.facts = [Fact(name.replace("_", " "), number(value)) for name, value in manifest["metrics"].items()]
    page.facts.append(Fact("time", f"{manifest['seconds'] / 60:.1f} min", f"on {manifest['device']}"))
    return atomic_write(run.path / "report.html", page.render().encode())


def _curves(history: list[dict[str, float]]) -> list[Chart]:
    names = dict.fromkeys(key for record in history for key in record)
    series = {name: [(r["step"], r[name]) for r in history if name in r] for name in names}
    losses = {name: points for name, points in series.items() if "loss" in name}
    charts = [lines("Loss", losses)] if losses else []
    return [*charts, lines("Learning rate", {"lr": series["lr"]})] if "lr" in series else charts


def _look(run: Run) -> list[Preview]:
    """A few samples, where the model samples without being given anything."""
    loaded = load_model(run.path, "cpu")
    if "sample" not in loaded.spec.capabilities:
        return []
    artifacts = sample_shard(loaded, make_plan(loaded, LOOK), 0)
    return [preview for artifact in artifacts for preview in artifact.preview(LOOK)][:LOOK]
