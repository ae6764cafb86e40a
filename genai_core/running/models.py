"""Trained models on disk: one layout for a run's model and for the weights a plugin ships.

::

    model/  weights.safetensors   all tensors
            model.json            spec id, config, the rest of the state, hashes, how it was trained
            CARD.md               for people: data, licence, steps, metrics, the command that made it
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save as save_tensors

from genai_core.config import to_toml
from genai_core.errors import BadInput, UsageError
from genai_core.files.atomic import atomic_dir, sha256_bytes
from genai_core.plugins.registry import registry
from genai_core.running.device import pick_device
from genai_core.running.state import MALFORMED, pack, read_tensors, unpack

if TYPE_CHECKING:
    from genai_core.files.artifacts import Artifact
    from genai_core.plugins.specs import ModelSpec

WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"
CARD = "CARD.md"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to work, and where it came from.

    Attributes:
        model: The model, on `device`, in evaluation mode.
        spec: Its spec.
        path: The run directory, the model folder, or the id it was asked for by.
        weights_sha256: Hex digest of weights.safetensors.
        about: The rest of model.json: ``data`` (id and fingerprint), ``training``, ``version``.
    """

    model: Any
    spec: ModelSpec
    path: Path
    weights_sha256: str
    device: str = "cpu"
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def data_fingerprint(self) -> str | None:
        """Fingerprint of the data set it was trained on, where known."""
        found: str | None = self.about.get("data", {}).get("fingerprint")
        return found

    def sample(self, n: int, *, seed: int = 0, **options: Any) -> Artifact | list[Artifact]:
        """`n` items: one artifact where the modality has collections (molecules), else a list.

        The same seed gives the same items on the same stack, however they are spread over shards.
        """
        from genai_core.running.shards import make_plan, sample_all

        return sample_all(self, make_plan(self, n, seed=seed, options=options))

    def __repr__(self) -> str:
        return f"Loaded({self.spec.id}, {str(self.path)!r})"


def save_model(
    folder: Path, model: Any, spec_id: str, *, about: Mapping[str, Any], half: bool = False
) -> str:
    """Write a model folder and return the sha256 of its weights.

    Args:
        folder: Replaced as a whole if it exists.
        model: Has ``config`` and ``state()``.
        spec_id: Id of the model's spec.
        about: JSON values for model.json: what it was trained on and how.
        half: Store floating-point tensors as fp16 (for shipping); they are loaded as fp32.
    """
    tree, tensors = pack(model.state())
    if half:
        tensors = {k: t.half() if t.is_floating_point() else t for k, t in tensors.items()}
    config = model.config.model_dump(mode="json")
    # With config and the rest of the state in it, the hash of the weights stands for the whole model, also a
    # classical one without tensors. One entry: safetensors writes several in random order.
    rest = sha256_bytes(json.dumps([config, tree], sort_keys=True).encode())
    data = save_tensors(tensors, metadata={"genai": f"{spec_id} {rest}"})
    digest = sha256_bytes(data)
    description = {
        "format": 1,
        "spec": spec_id,
        "version": registry().version(spec_id.partition("/")[0]),
        "config": config,
        "weights_sha256": digest,
        **about,
    }
    card = f"# {spec_id}\n\n```toml\n{to_toml(description)}```\n"
    with atomic_dir(folder) as temporary:
        (temporary / WEIGHTS).write_bytes(data)
        (temporary / DESCRIPTION).write_text(json.dumps({**description, "state": tree}, indent=1) + "\n")
        (temporary / CARD).write_text(card, encoding="utf-8")
    return digest


def find_model(where: str | Path) -> Path:
    """The model folder behind a run, a model folder, or the id of a model with shipped weights.

    Raises:
        BadInput: A path without a finished model.
        UnknownId: Neither a path nor an id.
        UsageError: The id's model has no shipped weights.
    """
    path = Path(where)
    for folder in (path, path / "model"):
        if (folder / DESCRIPTION).is_file():
            return folder
    if path.exists() and (path / "manifest.json").exists():
        raise BadInput(path, "this run has no finished model yet", hint=f"genai resume {path}")
    if path.is_dir():
        raise BadInput(path, "neither a run nor a model folder: it has no model.json")
    spec: ModelSpec = registry().find("model", str(where))
    if spec.weights is None:
        raise UsageError(f"{spec.id} ships no weights", hint=f"genai train {spec.id}, then name the run")
    package, _, inner = spec.weights.partition(":")
    return Path(str(package_files(package).joinpath(*inner.split("/"))))


def load_model(where: str | Path, device: str = "auto") -> Loaded:
    """Load a trained model: a run directory, a model folder, or the id of a model with shipped weights.

    Raises:
        BadInput: The folder is damaged or was written by another version.
    """
    folder, device = find_model(where), pick_device(device)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["format"] != 1:
            raise BadInput(folder, f"format {description['format']!r} is that of another version of genai")
        digest = description["weights_sha256"]
        tensors = read_tensors(folder / WEIGHTS, digest)
        tensors = {k: t.float() if t.is_floating_point() else t for k, t in tensors.items()}
        state = unpack(description["state"], tensors)
        spec: ModelSpec = registry().find("model", description["spec"])
        config = registry().config_class(spec).parse(description["config"], where=str(folder / DESCRIPTION))
    except MALFORMED as error:
        raise BadInput(folder, f"cannot be read as a model: {type(error).__name__}: {error}") from None
    model = registry().build(spec, config)
    try:
        model.load_state(state)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            folder,
            f"does not fit {spec.id} {registry().version(spec.plugin)}: {str(error).splitlines()[0]}",
            hint=f"it was written by version {description.get('version')}",
        ) from None
    torch.nn.ModuleDict(model.modules()).to(device).eval()
    about = {key: value for key, value in description.items() if key not in ("state", "format")}
    return Loaded(model, spec, Path(where), digest, device, about)
