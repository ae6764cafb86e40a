"""A record as the core makes them, for tests."""

from __future__ import annotations

from typing import Any

from genai_core.files.provenance import make_record, packages

WEIGHTS = "ab" * 32


def record(**changes: Any) -> dict[str, Any]:
    """A record of shard 0 of a sampling run; `changes` replace arguments of `make_record`."""
    values: dict[str, Any] = {
        "spec_id": "toys/rnn",
        "plugin_version": "0",
        "weights_sha256": WEIGHTS,
        "config": {"width": 8},
        "config_hash": "0123456789abcdef",
        "seed": 7,
        "shard": 0,
        "options": {"length": 6},
        "data_fingerprint": "cd" * 32,
        "packages": packages(),
        "modality": "text",
        "recipe": {
            "kind": "sample",
            "model": "toys/rnn",
            "weights_sha256": WEIGHTS,
            "n": 5,
            "seed": 7,
            "shard_size": 1024,
            "shard": 0,
            "options": {"length": 6},
            "device": "cpu",
        },
    }
    return make_record("sample", **{**values, **changes})
