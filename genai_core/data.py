"""An in-memory data set: the shortest way to offer a list of things as a `Dataset`."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from genai_core.errors import PluginError, UsageError, did_you_mean

T = TypeVar("T")


class SequenceDataset(Generic[T]):
    """A `Dataset` over items that fit in memory.

    The data set itself is its first split: what a model is trained on never holds what it is tested on.

    Args:
        items: The items of each split by its name; or all items, of which every tenth (and at least one of
            two or more) becomes the split ``test`` and the others ``train``.
        modality: What an item is, the name of an artifact (``"text"``).

    Example:
        >>> data = SequenceDataset(["iron", "gold", "zinc"], modality="text")
        >>> list(data), list(data.split("train")), list(data.split("test"))
        (['gold', 'zinc'], ['gold', 'zinc'], ['iron'])
        >>> SequenceDataset({"train": [1, 2], "valid": [3]}, modality="digits").split("valid")[0]
        3
    """

    def __init__(self, items: Sequence[T] | Mapping[str, Sequence[T]], *, modality: str) -> None:
        self.modality = modality
        parts = items if isinstance(items, Mapping) else _hold_out(items)
        self._parts = {name: list(part) for name, part in parts.items()}
        self._items = next(iter(self._parts.values()), [])

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int, /) -> T:
        # A copy, so that a caller who changes a list or an array does not change the data set.
        return copy.deepcopy(self._items[index])

    def __iter__(self) -> Iterator[T]:
        return (self[index] for index in range(len(self)))

    def split(self, name: str) -> SequenceDataset[T]:
        """The part called `name`."""
        if name not in self._parts:
            hint = did_you_mean(name, self._parts) or "splits: " + ", ".join(self._parts)
            raise UsageError(f"this {self.modality} data set has no split {name!r}", hint=hint)
        return SequenceDataset({name: self._parts[name]}, modality=self.modality)

    def fingerprint(self) -> str:
        """Hex sha256 over modality, splits and items in order."""
        return digest([self.modality, self._parts])


def digest(value: Any) -> str:
    """Hex sha256 of a value's content: plain values, arrays, tensors, and sequences or mappings of them.

    Raises:
        PluginError: A value of another type.
    """
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _hold_out(items: Sequence[T]) -> dict[str, Sequence[T]]:
    test = items[::10] if len(items) > 1 else items[:0]
    train = [item for index, item in enumerate(items) if index % 10 or len(items) < 2]
    return {"train": train, "test": test}


def _feed(state: Any, value: Any) -> None:
    # Every part is written with its kind and length, so that ["ab"] and ["a", "b"] differ.
    if value is None or isinstance(value, bool | int | float | str):
        body = repr(value).encode()
        state.update(f"{type(value).__name__}:{len(body)}:".encode() + body)
    elif isinstance(value, bytes | bytearray):
        state.update(f"bytes:{len(value)}:".encode() + bytes(value))
    elif isinstance(value, Mapping):
        state.update(f"mapping:{len(value)}:".encode())
        for key, below in value.items():
            _feed(state, key)
            _feed(state, below)
    elif hasattr(value, "detach"):
        _feed(state, value.detach().cpu().numpy())
    elif hasattr(value, "tobytes") and hasattr(value, "shape"):
        state.update(f"array:{value.dtype}:{tuple(value.shape)}:".encode() + value.tobytes())
    elif isinstance(value, Sequence):
        state.update(f"sequence:{len(value)}:".encode())
        for below in value:
            _feed(state, below)
    else:
        raise PluginError(f"an item of type {type(value).__name__} has no content hash")
