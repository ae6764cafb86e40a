"""Morgan fingerprints as packed bits, and Tanimoto similarities between sets of them.

Fingerprints are 1024 bits of radius 2 (Rogers and Hahn, J. Chem. Inf. Model. 50:742, 2010), the ones MOSES
uses. A set is an array ``(n, 128)`` of bytes. Shared bits are counted by a matrix product over 0/1 vectors,
in bfloat16 where the processor has it: whole numbers up to 256 are exact in bfloat16 and sums are kept in
float32, so the counts are exact as long as no fingerprint has more than 256 bits; else float32 is used.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from rdkit.Chem import rdFingerprintGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rdkit import Chem

BITS = 1024
_EXACT_BFLOAT16 = 256
_BLOCK = 4096

Packed = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@cache
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)


def morgan(molecules: Sequence[Chem.Mol]) -> Packed:
    """Packed Morgan fingerprints, shape (n, 128)."""
    packed = np.zeros((len(molecules), BITS // 8), np.uint8)
    for row, molecule in enumerate(molecules):
        packed[row] = morgan_row(molecule)
    return packed


def morgan_row(molecule: Chem.Mol) -> Packed:
    """The packed Morgan fingerprint of one molecule, shape (128,)."""
    return np.packbits(_generator().GetFingerprintAsNumPy(molecule))


def bit_counts(packed: Packed) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Number of bits set in each fingerprint, shape (n,)."""
    counts: np.ndarray[Any, np.dtype[np.int64]] = np.bitwise_count(packed).sum(axis=1, dtype=np.int64)
    return counts


def nearest(queries: Packed, reference: Packed) -> tuple[Floats, np.ndarray[Any, np.dtype[np.int64]]]:
    """For each query the largest Tanimoto similarity to the reference, and where it is reached.

    The reference is taken in groups of equal bit count b. For a query of a bits the similarity
    c / (a + b - c) grows with the shared bits c, so a group needs one maximum over counts, and a group that
    cannot beat the best so far, because min(a, b) / max(a, b) is not larger, is not looked at.

    Args:
        queries: Packed fingerprints, shape (n, 128).
        reference: Packed fingerprints, shape (m, 128), m >= 1.

    Returns:
        Similarities in [0, 1] and row numbers of the reference, both of shape (n,).
    """
    sizes, reference_sizes = bit_counts(queries), bit_counts(reference)
    dtype = _product_dtype(sizes, reference_sizes)
    order = np.argsort(reference_sizes, kind="stable")
    groups = _groups(reference_sizes[order])
    best = np.full(len(queries), -1.0)
    where = np.zeros(len(queries), np.int64)
    # Queries of like size prune alike.
    by_size = np.argsort(sizes, kind="stable")
    for start in range(0, len(queries), _BLOCK):
        rows = by_size[start : start + _BLOCK]
        vectors = _unpack(queries[rows], dtype)
        typical = float(np.median(sizes[rows]))
        for b, first, last in sorted(groups, key=lambda group: (abs(group[0] - typical), group[1])):
            larger = np.maximum(np.maximum(sizes[rows], b), 1)
            bound = np.where((sizes[rows] == 0) & (b == 0), 1.0, np.minimum(sizes[rows], b) / larger)
            active = np.flatnonzero(bound > best[rows])
            if not len(active):
                continue
            members = order[first:last]
            some = vectors if len(active) == len(rows) else vectors[torch.from_numpy(active)]
            shared, column = (some @ _unpack(reference[members], dtype).T).max(dim=1)
            values = _tanimoto(shared.double().numpy(), sizes[rows][active], b)
            better = values > best[rows[active]]
            chosen = rows[active[better]]
            best[chosen] = values[better]
            where[chosen] = members[column.numpy()[better]]
    return best, where


def mean_similarities(packed: Packed) -> tuple[Floats, Floats]:
    """Mean and mean square of each fingerprint's Tanimoto similarities to the whole set, itself included.

    Args:
        packed: Packed fingerprints, shape (n, 128).

    Returns:
        Two arrays of shape (n,) in [0, 1].
    """
    n = len(packed)
    sizes = bit_counts(packed)
    dtype = _product_dtype(sizes)
    bits = torch.from_numpy(sizes.astype(np.float32))
    first, second = torch.zeros(n, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
    for i in range(0, n, _BLOCK):
        left = _unpack(packed[i : i + _BLOCK], dtype)
        for j in range(i, n, _BLOCK):  # the matrix is symmetric: each block serves its mirror image too
            shared = (left @ _unpack(packed[j : j + _BLOCK], dtype).T).float()
            union = bits[i : i + _BLOCK, None] + bits[None, j : j + _BLOCK] - shared
            similarity = torch.where(union > 0, shared.div_(union), torch.ones(()))
            square = similarity.square()
            first[i : i + _BLOCK] += similarity.sum(dim=1)
            second[i : i + _BLOCK] += square.sum(dim=1)
            if i != j:
                first[j : j + _BLOCK] += similarity.sum(dim=0)
                second[j : j + _BLOCK] += square.sum(dim=0)
    return first.numpy() / n, second.numpy() / n


def _unpack(packed: Packed, dtype: torch.dtype) -> torch.Tensor:
    return torch.from_numpy(np.unpackbits(packed, axis=1)).to(dtype)


def _tanimoto(shared: Floats, a: Any, b: Any) -> Floats:
    union = a + b - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def _groups(sorted_sizes: np.ndarray[Any, np.dtype[np.int64]]) -> list[tuple[int, int, int]]:
    """Runs of equal size, ``(size, first, last)``, cut into blocks."""
    values, starts = np.unique(sorted_sizes, return_index=True)
    ends = [*starts[1:], len(sorted_sizes)]
    return [
        run for size, start, end in zip(values, starts, ends, strict=True) for run in _cut(size, start, end)
    ]


def _cut(size: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for first in range(start, end, _BLOCK):
        yield int(size), first, min(first + _BLOCK, end)


def _product_dtype(*sizes: np.ndarray[Any, np.dtype[np.int64]]) -> torch.dtype:
    largest = max((int(each.max()) for each in sizes if len(each)), default=0)
    return torch.bfloat16 if largest <= _EXACT_BFLOAT16 and _has_bfloat16() else torch.float32


@cache
def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16; emulated it would be slower than float32."""
    cpu = getattr(torch, "cpu", None)
    return bool(cpu and getattr(cpu, "_is_avx512_bf16_supported", lambda: False)())
