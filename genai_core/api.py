"""The public verbs: list, build, fit, sample, evaluate, run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.plugins.registry import registry

if TYPE_CHECKING:
    from genai_core.files.artifacts import Artifact
    from genai_core.plugins.specs import DatasetSpec, EvaluatorSpec, ModelSpec, PipelineSpec
    from genai_core.protocols import Dataset
    from genai_core.results.evaluate import Report
    from genai_core.results.pipelines import PipelineRun
    from genai_core.running.models import Loaded


def datasets(modality: str | None = None, tag: str | None = None) -> list[DatasetSpec]:
    """The data sets of the installed plugins."""
    return registry().specs("dataset", modality=modality, tag=tag)


def models(
    modality: str | None = None, tag: str | None = None, capability: str | None = None
) -> list[ModelSpec]:
    """The models of the installed plugins; ``capability="sample"`` keeps those that sample."""
    return registry().specs("model", modality=modality, tag=tag, capability=capability)


def evaluators(modality: str | None = None, tag: str | None = None) -> list[EvaluatorSpec]:
    """The evaluators of the installed plugins."""
    return registry().specs("evaluator", modality=modality, tag=tag)


def pipelines(modality: str | None = None, tag: str | None = None) -> list[PipelineSpec]:
    """The pipelines of the installed plugins."""
    return registry().specs("pipeline", modality=modality, tag=tag)


def dataset(name: str, **config: Any) -> Dataset[Any]:
    """Build a data set from its id, or from a file of the user's own.

    Example:
        >>> data = dataset("molecules/sample")
        >>> test = data.split("test")
        >>> mine = dataset("my.smi")
    """
    from genai_core.files.sources import resolve_dataset

    spec, from_name, split = resolve_dataset(name)
    config = from_name | config
    built: Dataset[Any] = registry().build(spec, config)
    with suppress(TypeError):  # a run on it can then be resumed without being handed the data again
        vars(built).update(spec_id=spec.id, spec_config=config)
    return built.split(split) if split else built


def model(name: str, **config: Any) -> Any:
    """Build an untrained model; keywords are fields of its config.

    Example:
        >>> small = model("molecules/rnn", layers=1, width=64)
    """
    spec = registry().find("model", name)
    built = registry().build(spec, config)
    built.spec_id = spec.id
    return built


def fit(
    model: Any,
    data: Dataset[Any],
    *,
    seed: int = 0,
    device: str = "auto",
    out: str | Path | None = None,
    **training: Any,
) -> Loaded:
    """Train `model` on `data` in a new run directory, and return the run ready to sample.

    Args:
        model: From `model`; or from `load_model`, to go on from trained weights (fine-tuning).
        data: From `dataset`, or anything that fulfils the `Dataset` protocol.
        seed: Seed of everything.
        device: ``auto`` or a torch device.
        out: Exactly this run directory; default: a new one in ``runs``.
        **training: Fields of `TrainConfig`: ``steps``, ``batch``, ``lr``, ...
    """
    from genai_core.errors import UsageError
    from genai_core.results.training import report_training
    from genai_core.running.fitting import Part, Request, start
    from genai_core.running.models import Loaded, load_model
    from genai_core.running.training import TrainConfig

    tuned = isinstance(model, Loaded)
    spec_id = model.spec.id if tuned else getattr(model, "spec_id", None)
    if spec_id is None:
        raise UsageError(f"{type(model).__name__} was not built by genai", hint="use genai_core.model")
    usual = registry().find("model", spec_id).training
    request = Request(
        model=Part(id=spec_id),
        data=Part(id=getattr(data, "spec_id", ""), config=getattr(data, "spec_config", {})),
        training=TrainConfig.parse({**usual, **training}, where="training"),
        seed=seed,
        device=device,
        initial=str(model.path) if tuned else "",
    )
    path = Path(out) if out else None
    run = start(request, path=path, model=None if tuned else model, data=data)
    report_training(run)
    return load_model(run.path, run.manifest["device"])


def sample(where: str | Path, n: int, *, seed: int = 0, **options: Any) -> Artifact | list[Artifact]:
    """Sample `n` items from a run or a shipped model; keywords are its sampling options."""
    from genai_core.running.models import load_model

    return load_model(where).sample(n, seed=seed, **options)


def evaluate(
    items: Sequence[Any] | str | Path,
    evaluator: str,
    *,
    reference: Dataset[Any] | None = None,
    seed: int = 0,
    floor_items: Sequence[Any] | None = None,
    **config: Any,
) -> Report:
    """Measure items, or the file that holds them.

    Args:
        items: An artifact, any sequence the evaluator understands, or a path.
        evaluator: Id of the evaluator.
        reference: The real data to compare with.
        seed: Seed of the bootstrap.
        floor_items: Real items that are not in the reference, for the floors.
        **config: Settings of the evaluator.
    """
    from genai_core.results.evaluate import run_evaluator

    loaded: Any = load(items) if isinstance(items, str | Path) else items
    return run_evaluator(evaluator, loaded, reference, seed=seed, floor_items=floor_items, config=config)


def run(name: str, *, seed: int = 0, out: str | Path | None = None, **config: Any) -> PipelineRun:
    """Run a whole pipeline; the result knows its files and opens its report.

    Example:
        >>> run("molecules/design", n=100, seed=1, out="out").open()
    """
    from genai_core.results.pipelines import run_pipeline

    return run_pipeline(name, config, seed=seed, out=None if out is None else Path(out))


def load(path: str | Path) -> Artifact:
    """Read a file through the codec its suffix belongs to."""
    from genai_core.files.artifacts import artifact_for

    return artifact_for(Path(path)).load(Path(path))
