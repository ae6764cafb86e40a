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
_QUERIES = 4096
_BLOCK = 1024  # so that the products of two blocks stay in the cache of the processor
_PAIRS = 1 << 16
_ALONE = 128  # bits that folding keeps apart

Packed = np.ndarray[Any, np.dtype[np.uint8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


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


def bit_counts(packed: Packed) -> Ints:
    """Number of bits set in each fingerprint, shape (n,)."""
    counts: Ints = np.bitwise_count(packed).sum(axis=1, dtype=np.int64)
    return counts


def nearest(queries: Packed, reference: Packed) -> tuple[Floats, Ints]:
    """For each query the largest Tanimoto similarity to the reference, and where it is reached.

    The reference is taken in groups of equal bit count b. For a query of a bits the similarity
    c / (a + b - c) grows with the shared bits c. These are at most min(a, b) and at most the product of the
    folded fingerprints, which costs a quarter of the exact one. The few pairs that may still beat the best
    one so far are counted exactly.

    Args:
        queries: Packed fingerprints, shape (n, 128).
        reference: Packed fingerprints, shape (m, 128), m >= 1.

    Returns:
        Similarities in [0, 1] and row numbers of the reference, both of shape (n,).
    """
    sizes, reference_sizes = bit_counts(queries), bit_counts(reference)
    dtype = _product_dtype(sizes, reference_sizes)
    # The bits that are set most often come first, which is where `_fold` keeps them apart.
    frequency = np.unpackbits(reference[:: 1 + len(reference) // _QUERIES], axis=1).sum(axis=0)
    frequent_first = np.argsort(-frequency.astype(np.int64), kind="stable")
    queries, reference = _reordered(queries, frequent_first), _reordered(reference, frequent_first)
    order = np.argsort(reference_sizes, kind="stable")
    groups = _groups(reference_sizes[order])
    best = np.full(len(queries), -1.0)
    where = np.zeros(len(queries), np.int64)

    def compare(query: Ints, member: Ints) -> None:
        """Note the exact similarities of pairs where they are the best so far; of equal ones the first."""
        for first in range(0, len(query), _PAIRS):
            q, m = query[first : first + _PAIRS], member[first : first + _PAIRS]
            values = _tanimoto(bit_counts(queries[q] & reference[m]), sizes[q], reference_sizes[m])
            better = np.flatnonzero(values > best[q])
            better = better[np.argsort(-values[better], kind="stable")][::-1]  # the last one written stays
            best[q[better]], where[q[better]] = values[better], m[better]

    # Queries of like size prune alike.
    by_size = np.argsort(sizes, kind="stable")
    for start in range(0, len(queries), _QUERIES):
        rows = by_size[start : start + _QUERIES]
        a = sizes[rows]
        folded = _fold(_unpack(queries[rows])).to(dtype)
        for b, first, last in sorted(groups, key=lambda group: (abs(group[0] - np.median(a)), group[1])):
            limit = np.minimum(a, b)
            if (_tanimoto(limit, a, b) <= best[rows]).all():
                continue
            members = order[first:last]
            counts = folded @ _fold(_unpack(reference[members])).to(dtype).T
            limit = np.minimum(limit, counts.amax(dim=1).double().numpy())
            active = np.flatnonzero(_tanimoto(limit, a, b) > best[rows])
            counts, rows_left = counts[torch.from_numpy(active)], rows[active]
            compare(rows_left, members[counts.argmax(dim=1).numpy()])  # the likeliest, to exclude the more
            least = np.floor(best[rows_left] * (a[active] + b) / (1 + best[rows_left]) + 1e-9)
            row, column = np.nonzero((counts > torch.from_numpy(least).to(dtype)[:, None]).numpy())
            compare(rows_left[row], members[column])
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
        left = slice(i, i + _BLOCK)
        vectors = _unpack(packed[left]).to(dtype)
        for j in range(i, n, _BLOCK):  # the matrix is symmetric: each block serves its mirror image too
            right = slice(j, j + _BLOCK)
            shared = (vectors @ _unpack(packed[right]).to(dtype).T).float()
            union = (bits[left, None] + bits[None, right]).sub_(shared)
            similarity = shared.div_(union).nan_to_num_(nan=1.0)  # two without bits are alike
            square = torch.square(similarity, out=union)
            first[left] += similarity.sum(dim=1)
            second[left] += square.sum(dim=1)
            if i != j:
                first[right] += similarity.sum(dim=0)
                second[right] += square.sum(dim=0)
    return first.numpy() / n, second.numpy() / n


def _unpack(packed: Packed) -> torch.Tensor:
    """Bits as 0/1 bytes, shape (n, 1024)."""
    return torch.from_numpy(np.unpackbits(packed, axis=1))


def _reordered(packed: Packed, order: Ints) -> Packed:
    """The same fingerprints with their bits in that order."""
    result = np.empty_like(packed)
    for start in range(0, len(packed), _QUERIES):
        part = slice(start, start + _QUERIES)
        result[part] = np.packbits(np.unpackbits(packed[part], axis=1).take(order, axis=1), axis=1)
    return result


def _fold(bits: torch.Tensor) -> torch.Tensor:
    """0/1 bytes, shape (n, 1024), to counts, shape (n, 256).

    The first 128 bits stay alone; of the others seven are added up in each place. A product of two such
    vectors counts all shared bits, and besides only pairs of different bits in one place. Above 256 bfloat16
    rounds it, but never below a number of shared bits, which is exact.
    """
    first, others = bits[:, :_ALONE], bits[:, _ALONE:]
    return torch.cat([first, others.view(len(bits), -1, _ALONE).sum(dim=1, dtype=torch.uint8)], dim=1)


def _tanimoto(shared: Floats | Ints, a: Any, b: Any) -> Floats:
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
