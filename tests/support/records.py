"""A record as the core makes them, for tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from genai_core.files.provenance import make_record, parse_record, to_text, write_recorded

WEIGHTS = "ab" * 32
RECIPE = {
    "kind": "sample",
    "model": "toys/rnn",
    "weights_sha256": WEIGHTS,
    "n": 5,
    "seed": 7,
    "shard_size": 1024,
    "shard": 0,
    "options": {"length": 6},
    "device": "cpu",
}


def record(**changes: Any) -> dict[str, Any]:
    """A record of shard 0 of a sampling run.

    `changes` replace values of the recipe or the whole of it, arguments of `make_record`, and fields of what
    it made.
    """
    recipe = changes.pop("recipe", {**RECIPE, **{key: changes.pop(key) for key in RECIPE.keys() & changes}})
    model = SimpleNamespace(weights_sha256=WEIGHTS, data_fingerprint="cd" * 32, device="cpu")
    arguments = {"config": {"width": 8}, "modality": "text", "model": model}
    arguments["source_type"] = "trainedAlgorithmicMedia"
    arguments |= {key: changes.pop(key) for key in arguments.keys() & changes}
    made = {**make_record(recipe, **arguments), **changes}
    return parse_record(to_text(made).encode(), "record")


def write_record(path: Path, record: dict[str, Any]) -> Path:
    """Write a file that is there already once more, with its record."""
    return write_recorded(path, path.read_bytes(), record)
