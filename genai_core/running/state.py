"""Any tree of tensors and plain values as safetensors + JSON, with hashes that detect damage.

``state.json`` holds the tree with tensors replaced by references and tags for what JSON cannot say
(tuples, integer keys); ``state.safetensors`` holds the tensors. Both carry a sha256, so a truncated or
bit-flipped checkpoint is recognised before anything is loaded from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from genai_core.errors import BadInput, PluginError
from genai_core.files.atomic import sha256_bytes

TENSORS = "state.safetensors"
TREE = "state.json"
MALFORMED = (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError)


def pack(tree: Any) -> tuple[Any, dict[str, torch.Tensor]]:
    """Split a tree into a JSON value and the tensors it refers to.

    Args:
        tree: Nested mappings, lists and tuples over tensors, numpy arrays, str, int, float, bool, None.

    Returns:
        The JSON value and the tensors by name (their path in the tree).

    Raises:
        PluginError: A value of another type, with its path.
    """
    tensors: dict[str, torch.Tensor] = {}

    def visit(value: Any, path: str) -> Any:
        if isinstance(value, torch.Tensor):
            tensors[path] = value.detach().to("cpu").contiguous().clone()
            return {"$tensor": path}
        if isinstance(value, np.ndarray):
            tensors[path] = torch.from_numpy(np.ascontiguousarray(value).copy())
            return {"$array": path}
        if isinstance(value, Mapping):
            if all(isinstance(key, str) and not key.startswith("$") for key in value):
                return {key: visit(below, f"{path}.{key}") for key, below in value.items()}
            return {"$items": [[visit(k, path), visit(v, f"{path}.{k}")] for k, v in value.items()]}
        if isinstance(value, tuple):
            return {"$tuple": [visit(below, f"{path}.{i}") for i, below in enumerate(value)]}
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return [visit(below, f"{path}.{i}") for i, below in enumerate(value)]
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, np.generic):
            return value.item()
        raise PluginError(
            f"state at {path!r} has type {type(value).__name__}, which cannot be saved without pickle"
        )

    return visit(tree, "state"), tensors


def unpack(tree: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Inverse of `pack`."""
    if isinstance(tree, list):
        return [unpack(below, tensors) for below in tree]
    if not isinstance(tree, dict):
        return tree
    if "$tensor" in tree:
        return tensors[tree["$tensor"]]
    if "$array" in tree:
        return tensors[tree["$array"]].numpy()
    if "$tuple" in tree:
        return tuple(unpack(below, tensors) for below in tree["$tuple"])
    if "$items" in tree:
        return {unpack(key, tensors): unpack(value, tensors) for key, value in tree["$items"]}
    return {key: unpack(below, tensors) for key, below in tree.items()}


def write_state(folder: Path, tree: Any) -> None:
    """Write `tree` into `folder` (see `atomic_dir` for doing so atomically)."""
    value, tensors = pack(tree)
    data = save_tensors(tensors)
    (folder / TENSORS).write_bytes(data)
    head = {"format": 1, "tensors_sha256": sha256_bytes(data), "tree_sha256": _sha256(value)}
    (folder / TREE).write_text(json.dumps({"head": head, "tree": value}), encoding="utf-8")


def read_state(folder: Path) -> Any:
    """Read what `write_state` wrote; `BadInput` when it is damaged or of another format."""
    try:
        document = json.loads((folder / TREE).read_text(encoding="utf-8"))
        head, value = document["head"], document["tree"]
        if head["format"] != 1:
            raise BadInput(folder, f"state format {head['format']} was written by another version")
        if _sha256(value) != head["tree_sha256"]:
            raise BadInput(folder / TREE, "damaged: its sha256 does not match")
        return unpack(value, read_tensors(folder / TENSORS, head["tensors_sha256"]))
    except MALFORMED as error:
        raise BadInput(folder, f"damaged: {type(error).__name__}: {error}") from None


def read_tensors(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    """The tensors of a file that must have this hash."""
    data = path.read_bytes()
    if sha256_bytes(data) != sha256:
        raise BadInput(path, "damaged: its sha256 does not match", hint="restore it or make it anew")
    return load_tensors(data)


def _sha256(value: Any) -> str:
    return sha256_bytes(json.dumps(value, separators=(",", ":")).encode())
