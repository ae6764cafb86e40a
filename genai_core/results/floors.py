"""Floors: the real items a result is compared with, drawn once and remembered with their values."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from genai_core.data import digest
from genai_core.errors import GenaiError, UsageError
from genai_core.protocols import derive_seed

if TYPE_CHECKING:
    from genai_core.protocols import Dataset

FLOOR_SEED = 0  # one draw for all reports, so that their floors are the same and are calculated once


def real_items(source: Sequence[Any] | None, reference: Dataset[Any] | None, n: int) -> list[Any]:
    """`n` items of the source in a seeded draw without replacement, none of them in the reference."""
    import numpy as np

    real: Any = source
    if real is None:
        if reference is None:
            raise UsageError("there is no reference to draw real items from")
        try:
            real = reference.split("train")
        except GenaiError:
            raise UsageError("the reference has no split 'train' to draw real items from") from None
    order = np.random.default_rng(derive_seed(FLOOR_SEED, "floor", n)).permutation(len(real))
    known: set[Hashable] = set()
    with suppress(TypeError):  # items that cannot be hashed: the splits are trusted to be disjoint
        known = {reference[i] for i in range(len(reference))} if reference is not None else set()
    items = (real[int(index)] for index in order)
    found = list(islice((item for item in items if not known or item not in known), n))
    if not found:
        raise UsageError("every real item is in the reference")
    return found


def fingerprint(data: Any) -> str:
    """Hex sha256 of a data set's or a sequence's content."""
    return "" if data is None else data.fingerprint() if hasattr(data, "fingerprint") else digest(data)


def cached_floors(key: Sequence[str], measure: Callable[[], Mapping[str, float]]) -> dict[str, float]:
    """What `measure` gives for this key, from the cache where it is there."""
    from genai_core.files.atomic import atomic_write, make_folder
    from genai_core.files.sources import cache_dir

    path = cache_dir() / "floors" / f"{digest(key)[:32]}.json"
    # A file that is absent or damaged is made anew.
    with suppress(OSError, ValueError, TypeError, AttributeError):
        known = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): float(value) for name, value in known.items()}
    floors = dict(measure())
    with suppress(GenaiError):  # a cache that cannot be written costs time, not the result
        make_folder(path.parent)
        atomic_write(path, json.dumps(floors, indent=1).encode())
    return floors
