"""One training run from its request to its model, and the way back into a run that stopped."""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from genai_core.config import Config, to_settings, to_toml
from genai_core.errors import BadInput, GenaiError, UsageError
from genai_core.files.atomic import atomic_write
from genai_core.files.versions import packages
from genai_core.plugins.registry import registry
from genai_core.protocols import Context, Dataset, Fits, Trains
from genai_core.running.device import peak_memory_mb, pick_device, set_threads
from genai_core.running.engine import Progress, Trainer
from genai_core.running.models import load_model, save_model
from genai_core.running.runs import Run, announced
from genai_core.running.training import TrainConfig

if TYPE_CHECKING:
    from genai_core.plugins.specs import ModelSpec


_TOLD = {"batch", "lr", "schedule", "clip", "ema", "precision"}  # options that a model's card names


class Part(Config):
    """A model or a data set by its spec's id and its config's values."""

    id: str = ""
    config: dict[str, Any] = Field(default_factory=dict)


class Request(Config):
    """What a training run is asked to do; it is written to the manifest and read back by `resume`.

    Attributes:
        model: What is trained.
        data: What on; without an id for data made in Python.
        training: Options of the engine.
        seed: Seed of everything.
        device: ``auto`` or a torch device.
        initial: A run, a model folder or an id whose weights training starts from (fine-tuning); ``""``
            starts afresh.
    """

    model: Part
    data: Part = Part()
    training: TrainConfig = TrainConfig()
    seed: int = 0
    device: str = "auto"
    initial: str = ""

    def command(self) -> str:
        """The command line that asks for the same."""
        spec: ModelSpec = registry().find("model", self.model.id)
        chosen = registry().config_class(spec).parse(self.model.config)
        usual = TrainConfig.parse(spec.training)
        asked = self.training.model_dump(mode="json").items()
        training = {name: value for name, value in asked if value != getattr(usual, name)}
        words = ["genai", "train", self.model.id, "--data", self.data.id, "--seed", str(self.seed)]
        words += ["--device", self.device, *(["--from", self.initial] if self.initial else [])]
        tables = {"data": self.data.config, "training": training}
        settings = chosen.model_dump(mode="json", exclude_defaults=True)
        settings |= {name: table for name, table in tables.items() if table}
        return shlex.join([*words, *to_settings(settings)])


def start(
    request: Request,
    *,
    path: Path | None = None,
    model: Any = None,
    data: Dataset[Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train from the beginning and return the finished run.

    Args:
        request: What to do.
        path: Exactly this run directory; None: one with a name of its own in ``runs``.
        model: A built model, instead of building one from the request.
        data: A data set, instead of building one from the request.
        progress: See `Trainer`.
    """
    model, initial_sha256 = _build_model(request) if model is None else (model, None)
    data = _build_data(request) if data is None else data
    modality = registry().find("model", request.model.id).modality
    name = request.data.id or "the data set"
    if data.modality != modality:
        wrong = f"{request.model.id} learns {modality}, not {data.modality}: {name}"
        raise UsageError(wrong, hint=f"genai list --kind dataset --modality {modality}")
    if not len(data):
        raise BadInput(name, "it is empty")
    settled = Part(id=request.model.id, config=model.config.model_dump(mode="json"))
    request = request.model_copy(update={"model": settled})
    run = Run.create(Path("runs"), "train", request.model.id, path=path)
    with run.lock():
        asked = request.model_dump(mode="json")
        run.update(
            request=asked,
            config_hash=model.config.hash(),
            data_fingerprint=data.fingerprint(),
            items=len(data),
            initial_sha256=initial_sha256,
            packages=packages(request.model.id.partition("/")[0]),
        )
        atomic_write(run.path / "config.toml", to_toml(asked).encode())
        return _work(run, request, model, data, progress)


def resume(path: Path, *, data: Dataset[Any] | None = None, progress: Progress | None = None) -> Run:
    """Go on with a run where its newest intact checkpoint left it.

    Raises:
        UsageError: The run is finished, or its data was made in Python and is not given.
        BadInput: Not a run, or the data is no longer the same.
        ResourceError: Another process works on the run.
    """
    run = Run.open(path)
    with run.lock():
        run = Run.open(path)
        if run.manifest["status"] == "done":
            raise UsageError(f"{path} is finished", hint=f"genai sample {path} -n 1000")
        if "request" not in run.manifest:
            raise BadInput(path, "this run never started", hint="start it again")
        request = Request.parse(run.manifest["request"], where=str(path))
        if data is None and not request.data.id:
            raise UsageError(f"{path}: its data was made in Python", hint="resume(path, data=the same)")
        data = _build_data(request) if data is None else data
        if data.fingerprint() != run.manifest["data_fingerprint"]:
            raise BadInput(request.data.id or "data", f"has another fingerprint than when {path} began")
        model, initial_sha256 = _build_model(request)
        if initial_sha256 != run.manifest["initial_sha256"]:
            raise BadInput(request.initial, f"is not what {path} was started from: other weights")
        return _work(run, request, model, data, progress)


def _work(run: Run, request: Request, model: Any, data: Dataset[Any], progress: Progress | None) -> Run:
    device = pick_device(request.device)
    threads = set_threads(run.manifest.get("threads", request.training.threads))
    began = time.time()

    def close(status: str, error: BaseException | None) -> None:
        spent = run.manifest.get("seconds", 0.0) + time.time() - began
        try:
            run.update(status=status, seconds=round(spent, 1), error=repr(error) if error else None)
        except GenaiError:
            if error is None:  # a full disk is already on its way to the user
                raise

    run.update(status="running", device=device, threads=threads)
    with announced(run.info, close):
        metrics: dict[str, float] = {}
        if isinstance(model, Trains):
            metrics = _train(run, request, model, data, device, progress)
        elif isinstance(model, Fits):
            model.fit(data, Context(seed=request.seed, device=device))
        else:
            raise UsageError(f"{request.model.id} cannot be trained", hint=f"genai info {request.model.id}")
        known, options = run.manifest, request.training.model_dump(mode="json", include=_TOLD)
        facts = {key: known[key] for key in ("device", "threads", "initial_sha256")}
        rounded = {key: round(value, 6) for key, value in metrics.items()}
        about = {
            "data": {"id": request.data.id, "fingerprint": known["data_fingerprint"], "items": len(data)},
            "training": {"seed": request.seed, **facts, **options, **rounded},
        }
        digest = save_model(run.path / "model", model, request.model.id, about=about)
        run.update(metrics=metrics, weights_sha256=digest, peak_memory_mb=round(peak_memory_mb(device)))
    return run


def _train(
    run: Run, request: Request, model: Any, data: Dataset[Any], device: str, progress: Progress | None
) -> dict[str, float]:
    found = run.checkpoints.latest()
    if run.checkpoints.damaged:
        run.update(damaged_checkpoints=run.checkpoints.damaged)
    if found is None and not request.initial:
        model.prepare(data, Context(seed=request.seed, device=device))
    elif found is not None:
        model.load_state(found[1]["model"])
    valid = _validation(data)
    trainer = Trainer(
        model, data, request.training, run, seed=request.seed, device=device, valid=valid, progress=progress
    )
    if found is not None:
        trainer.load_state(found[1])
    metrics = trainer.train()
    run.update(micro_batch=trainer.micro_batch)
    return metrics


def _validation(data: Dataset[Any]) -> Dataset[Any] | None:
    """The split called "valid", else "test", else none."""
    for name in ("valid", "test"):
        with suppress(GenaiError):
            return data.split(name)
    return None


def _build_model(request: Request) -> tuple[Any, str | None]:
    """The model of the request, and the hash of the weights it starts from where there are any."""
    spec: ModelSpec = registry().find("model", request.model.id)
    if not request.initial:
        return registry().build(spec, request.model.config), None
    initial = load_model(request.initial, "cpu")
    if initial.spec.id != spec.id:
        raise UsageError(
            f"{request.initial} holds {initial.spec.id}, not {spec.id}",
            hint=f"genai train {initial.spec.id} --from {request.initial} ...",
        )
    config = {**initial.model.config.model_dump(mode="json"), **request.model.config}
    model = registry().build(spec, config)
    try:
        model.load_state(initial.model.state())
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        changed = ", ".join(request.model.config)
        raise UsageError(
            f"the weights of {request.initial} do not fit {spec.id} with {changed} changed: "
            f"{str(error).splitlines()[0]}",
            hint="leave the shape of the network as it is",
        ) from None
    return model, initial.weights_sha256


def _build_data(request: Request) -> Dataset[Any]:
    data: Dataset[Any] = registry().build(registry().find("dataset", request.data.id), request.data.config)
    return data
