"""What the metrics need of a reference set, calculated once and kept in the cache as plain arrays."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from rdkit import rdBase

from genai_core.errors import BadInput, GenaiError
from genai_core.files.atomic import atomic_write, make_folder
from genai_core.files.sources import cache_dir
from genai_molecules.metrics.distances import Moments, moments
from genai_molecules.metrics.features import Features, Kinds, features

if TYPE_CHECKING:
    from pathlib import Path

    from genai_core.protocols import Dataset
    from genai_molecules.metrics.distances import Floats
    from genai_molecules.metrics.fingerprints import Packed

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """Statistics of a reference set of n valid molecules.

    Attributes:
        fingerprints: Packed Morgan fingerprints, shape (n, 128).
        fragments: Count of each fragment.
        scaffolds: Count of each scaffold.
        properties: Sorted columns as `PROPERTIES`, shape (n, 4).
        activations: Moments of ChemNet's activations; None when they were not asked for.
    """

    fingerprints: Packed
    fragments: dict[str, int]
    scaffolds: dict[str, int]
    properties: Floats
    activations: Moments | None

    @classmethod
    def of(cls, found: Features) -> Reference:
        """The statistics of molecules whose features are known."""
        if not found.smiles:
            raise BadInput("reference", "no valid molecule in it")
        return cls(
            fingerprints=found.fingerprints,
            fragments=_counted(found.fragments),
            scaffolds=_counted(found.scaffolds),
            properties=np.sort(found.properties, axis=0),
            activations=None if found.activations is None else moments(found.activations),
        )

    def encode(self) -> bytes:
        """Arrays in numpy's zip format, nothing pickled."""
        arrays: dict[str, Any] = {"fingerprints": self.fingerprints, "properties": self.properties}
        for name, kinds in (("fragments", self.fragments), ("scaffolds", self.scaffolds)):
            arrays[name] = np.frombuffer("\n".join(kinds).encode(), np.uint8)
            arrays[f"{name}_count"] = np.array(list(kinds.values()), np.int64)
        if self.activations is not None:
            arrays.update(mean=self.activations.mean, covariance=self.activations.covariance)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def decode(cls, path: Path) -> Reference:
        """Inverse of `encode`."""
        with np.load(path, allow_pickle=False) as arrays:
            known = Moments(arrays["mean"], arrays["covariance"]) if "mean" in arrays else None
            return cls(
                fingerprints=arrays["fingerprints"],
                fragments=_kinds(arrays["fragments"], arrays["fragments_count"]),
                scaffolds=_kinds(arrays["scaffolds"], arrays["scaffolds_count"]),
                properties=arrays["properties"],
                activations=known,
            )


def reference_of(
    data: Dataset[str], *, activations: bool, progress: Callable[[int], None] = lambda done: None
) -> Reference:
    """The statistics of a data set, from the cache when it was a reference before.

    They depend on rdkit's SMILES and on the code here, so the cache names its version and ours.
    """
    key = f"{data.fingerprint()[:32]}-{rdBase.rdkitVersion}-{_VERSION}{'-fcd' if activations else ''}"
    path = cache_dir() / "references" / f"{key}.npz"
    # A file that is absent or damaged is made anew.
    with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
        return Reference.decode(path)
    found = Reference.of(features(as_sequence(data), activations=activations, progress=progress))
    with suppress(GenaiError):  # a cache that cannot be written costs time, not the result
        make_folder(path.parent)
        atomic_write(path, found.encode())
    return found


def as_sequence(data: Dataset[str]) -> Sequence[str]:
    """The strings of a data set, which fast ones hand out in blocks."""
    return data if isinstance(data, Sequence) else [data[i] for i in range(len(data))]


def _counted(kinds: Kinds) -> dict[str, int]:
    return dict(zip(kinds.names, kinds.counts().tolist(), strict=True))


def _kinds(text: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> dict[str, int]:
    names = text.tobytes().decode().split("\n") if len(counts) else []
    return dict(zip(names, counts.tolist(), strict=True))
