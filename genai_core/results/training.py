"""The report of a training run: its curves, a look at what the model makes, and how to train it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genai_core.results.charts import lines
from genai_core.results.drawing import number
from genai_core.results.report import Charts, Fact, Gallery, Making, Section, write_report
from genai_core.running.fitting import Request
from genai_core.running.models import load_model
from genai_core.running.shards import make_plan, sample_shard

if TYPE_CHECKING:
    from pathlib import Path

    from genai_core.files.artifacts import Preview
    from genai_core.running.runs import Run

LOOK = 12


def report_training(run: Run) -> Path:
    """Write report.html into a finished training run and return its path."""
    request = Request.from_manifest(run.manifest["request"])
    history, metrics = run.history(), run.manifest["metrics"]
    values = request.to_manifest()
    sections: list[Section] = []
    curves = _curves(history)
    if curves:
        sections.append(
            Charts("Curves", curves, note="Every logged step; the interval is training.log_every.")
        )
    previews = _look(run)
    if previews:
        sections.append(
            Gallery("A first look", previews, note="The first samples of seed 0, not chosen.", first=LOOK)
        )
    facts = [Fact(name.replace("_", " "), number(value)) for name, value in metrics.items()]
    facts.append(Fact("time", f"{run.manifest['seconds'] / 60:.1f} min", f"on {run.manifest['device']}"))
    return write_report(
        run.path / "report.html",
        f"Training of {request.model}",
        sections,
        summary=f"{run.manifest['items']:,} items of {request.data or 'data made in Python'}.",
        facts=facts,
        warnings=[f"passed over: {text}" for text in run.manifest.get("damaged_checkpoints", [])],
        making=Making(spec_id=request.model, seed=request.seed, config=values, command=request.command()),
    )


def _curves(history: list[dict[str, float]]) -> list[Any]:
    names = dict.fromkeys(key for record in history for key in record)
    losses = [name for name in names if "loss" in name]
    series = {name: [(r["step"], r[name]) for r in history if name in r] for name in losses}
    charts = [lines("Loss", series)] if series else []
    if "lr" in names:
        charts.append(lines("Learning rate", {"lr": [(r["step"], r["lr"]) for r in history if "lr" in r]}))
    return charts


def _look(run: Run) -> list[Preview]:
    """A few samples, where the model samples without being given anything."""
    loaded = load_model(run.path)
    if "sample" not in loaded.spec.capabilities:
        return []
    artifacts = sample_shard(loaded, make_plan(loaded, LOOK), 0)
    return [preview for artifact in artifacts for preview in artifact.preview(LOOK)][:LOOK]
