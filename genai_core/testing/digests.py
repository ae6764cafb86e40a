"""Content hashes of whatever data sets and models yield, so that checks can compare it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from genai_core.data import digest
from genai_core.files.artifacts import Artifact
from genai_core.testing.promises import expect_ok


def join(artifacts: Sequence[Artifact]) -> Artifact:
    """One artifact of all, where the modality has collections; else the first."""
    return type(artifacts[0]).concat(artifacts) or artifacts[0]


def content(value: Any) -> str:
    """Hex digest of anything a data set or a model yields."""
    if isinstance(value, Artifact):
        return digest([type(value).__name__, value.encode(value.suffixes[0], None)])
    if isinstance(value, list | tuple):
        return digest([content(below) for below in value])
    if isinstance(value, Mapping):
        return digest({str(key): content(below) for key, below in value.items()})
    return digest(value)


def state_digest(model: Any) -> str:
    """Hex digest of a model's state, by what a checkpoint would hold of it."""
    from genai_core.running.state import pack

    tree, tensors = expect_ok("saving state()", lambda: pack(model.state()))
    return digest([json.dumps(tree), {name: tensors[name] for name in sorted(tensors)}])
