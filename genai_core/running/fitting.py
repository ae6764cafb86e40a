"""One training run from its request to its model, and the way back into a run that stopped."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput, GenaiError, Interrupted, UsageError
from genai_core.files.versions import packages
from genai_core.plugins.registry import registry
from genai_core.protocols import Context, Dataset, Fits, Trains
from genai_core.running.device import peak_memory_mb, pick_device, set_threads
from genai_core.running.engine import Progress, Trainer
from genai_core.running.models import Loaded, load_model, save_model
from genai_core.running.runs import Run
from genai_core.running.training import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genai_core.plugins.specs import DatasetSpec, ModelSpec


@dataclass(frozen=True)
class Request:
    """What a training run is asked to do; it is written to the manifest and read back by `resume`.

    Attributes:
        model: Id of the model's spec, and its config values.
        data: Id of the data set's spec (or ``""`` for data made in Python), and its config values.
        training: Options of the engine.
        seed: Seed of everything.
        device: ``auto`` or a torch device.
        initial: A run, a model folder or an id whose weights training starts from (fine-tuning); ``""``
            starts afresh.
    """

    model: str
    model_config: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    data_config: Mapping[str, Any] = field(default_factory=dict)
    training: TrainConfig = field(default_factory=TrainConfig)
    seed: int = 0
    device: str = "auto"
    initial: str = ""

    def to_manifest(self) -> dict[str, Any]:
        """JSON values; config.toml holds the same."""
        return {
            "model": {"id": self.model, "config": dict(self.model_config)},
            "data": {"id": self.data, "config": dict(self.data_config)},
            "training": self.training.model_dump(mode="json"),
            "seed": self.seed,
            "device": self.device,
            "initial": self.initial,
        }

    def command(self) -> str:
        """The command line that asks for the same."""
        defaults = TrainConfig().model_dump(mode="json")
        chosen = self.training.model_dump(mode="json")
        fields = registry().config_class(registry().find("model", self.model)).model_fields
        settings = {key: value for key, value in self.model_config.items() if value != fields[key].default}
        settings |= {f"data.{key}": value for key, value in self.data_config.items()}
        settings |= {f"training.{key}": value for key, value in chosen.items() if value != defaults[key]}
        words = [
            "genai",
            "train",
            self.model,
            "--data",
            self.data,
            "--seed",
            str(self.seed),
            "--device",
            self.device,
        ]
        words += ["--from", self.initial] if self.initial else []
        for key, value in settings.items():
            words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        return shlex.join(words)

    @classmethod
    def from_manifest(cls, values: Mapping[str, Any]) -> Request:
        """Inverse of `to_manifest`."""
        return cls(
            model=values["model"]["id"],
            model_config=values["model"]["config"],
            data=values["data"]["id"],
            data_config=values["data"]["config"],
            training=TrainConfig.parse(values["training"], where="training"),
            seed=values["seed"],
            device=values["device"],
            initial=values["initial"],
        )


def start(
    request: Request,
    *,
    root: Path = Path("runs"),
    path: Path | None = None,
    model: Any = None,
    data: Dataset[Any] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train from the beginning and return the finished run.

    Args:
        request: What to do.
        root: Folder of runs; the run gets a name of its own there unless `path` is given.
        path: Exactly this run directory.
        model: A built model, instead of building one from the request.
        data: A data set, instead of building one from the request.
        progress: See `Trainer`.
    """
    initial = load_model(request.initial) if request.initial else None
    if model is None:
        model = _build_model(request, initial)
    data = _build_data(request) if data is None else data
    modality = registry().find("model", request.model).modality
    if data.modality != modality:
        raise UsageError(
            f"{request.model} learns {modality}, not {data.modality}: {request.data or 'this data set'}",
            hint=f"genai list --kind dataset --modality {modality}",
        )
    if not len(data):
        raise BadInput(request.data or "data", "the data set is empty")
    run = Run.create(root, "train", request.model, path=path)
    with run.lock():
        config = {**request.to_manifest()["model"]["config"], **model.config.model_dump(mode="json")}
        manifest = request.to_manifest()
        manifest["model"]["config"] = config
        run.update(
            request=manifest,
            config_hash=model.config.hash(),
            data_fingerprint=data.fingerprint(),
            items=len(data),
            initial_sha256=initial.weights_sha256 if initial else None,
            packages=packages(request.model.partition("/")[0]),
        )
        run.write_config(manifest)
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
            raise UsageError(
                f"{path} is finished: nothing is left to resume", hint=f"genai sample {path} -n 1000"
            )
        if "request" not in run.manifest:
            raise BadInput(path, "this run never started", hint="start it again")
        request = Request.from_manifest(run.manifest["request"])
        if data is None and not request.data:
            raise UsageError(
                f"{path}: its data was made in Python", hint="resume(path, data=...) with the same data"
            )
        data = _build_data(request) if data is None else data
        if data.fingerprint() != run.manifest["data_fingerprint"]:
            raise BadInput(
                request.data or "data", f"is not what {run.id} was started with: another fingerprint"
            )
        initial = load_model(request.initial) if request.initial else None
        if initial and initial.weights_sha256 != run.manifest["initial_sha256"]:
            raise BadInput(request.initial, f"is not what {run.id} was started from: other weights")
        return _work(run, request, _build_model(request, initial), data, progress)


def _work(run: Run, request: Request, model: Any, data: Dataset[Any], progress: Progress | None) -> Run:
    device = pick_device(request.device)
    threads = set_threads(run.manifest.get("threads", request.training.threads))
    began = time.time()
    run.update(status="running", device=device, threads=threads)
    registry().notify("genai_run_started", run=run.info)
    try:
        if isinstance(model, Trains):
            metrics = _train(run, request, model, data, device, progress)
        elif isinstance(model, Fits):
            model.fit(data, Context(seed=request.seed, device=device))
            metrics = {}
        else:
            raise UsageError(f"{request.model} cannot be trained", hint=f"genai info {request.model}")
        about = {
            "data": {"id": request.data, "fingerprint": run.manifest["data_fingerprint"], "items": len(data)},
            "training": {
                "seed": request.seed,
                "device": device,
                "threads": threads,
                "initial_sha256": run.manifest["initial_sha256"],
                **_done(request, metrics),
            },
        }
        digest = save_model(run.path / "model", model, request.model, about=about)
    except BaseException as error:
        status = "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"
        _close(run, status, error, began)
        raise
    run.update(metrics=metrics, weights_sha256=digest, peak_memory_mb=round(peak_memory_mb(device)))
    _close(run, "done", None, began)
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
        try:
            return data.split(name)
        except GenaiError:
            continue
    return None


def _done(request: Request, metrics: Mapping[str, float]) -> dict[str, Any]:
    options = request.training.model_dump(mode="json")
    kept = {key: options[key] for key in ("batch", "lr", "schedule", "clip", "ema", "precision")}
    return {**kept, **{key: round(value, 6) for key, value in metrics.items()}}


def _close(run: Run, status: str, error: BaseException | None, began: float) -> None:
    spent = run.manifest.get("seconds", 0.0) + time.time() - began
    try:
        run.update(status=status, seconds=round(spent, 1), error=repr(error) if error else None)
    except GenaiError:
        if error is None:  # a full disk is already on its way to the user
            raise
    registry().notify("genai_run_finished", run=run.info, status=status, error=error)


def _build_model(request: Request, initial: Loaded | None) -> Any:
    """The model of the request, with the weights of `initial` where there is one."""
    spec: ModelSpec = registry().find("model", request.model)
    if initial is None:
        return registry().build(spec, request.model_config)
    if initial.spec.id != spec.id:
        raise UsageError(
            f"{request.initial} holds {initial.spec.id}, not {spec.id}",
            hint=f"genai train {initial.spec.id} --from {request.initial} ...",
        )
    config = {**initial.model.config.model_dump(mode="json"), **request.model_config}
    model = registry().build(spec, config)
    try:
        model.load_state(initial.model.state())
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        changed = ", ".join(request.model_config)
        raise UsageError(
            f"the weights of {request.initial} do not fit {spec.id} with {changed} changed: "
            f"{str(error).splitlines()[0]}",
            hint="leave the shape of the network as it is",
        ) from None
    return model


def _build_data(request: Request) -> Dataset[Any]:
    spec: DatasetSpec = registry().find("dataset", request.data)
    data: Dataset[Any] = registry().build(spec, request.data_config)
    return data
