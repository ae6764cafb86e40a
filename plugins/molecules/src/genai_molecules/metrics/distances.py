"""Distances between two sets, each with what every item adds to it.

For a number T that depends on the items only through their distribution, the *influence* of item i is the
derivative of T when a little more weight is put on i (Hampel, J. Am. Stat. Assoc. 69:383, 1974). T plus the
mean influence of a resample is, to first order, T of that resample: a bootstrap of these numbers gives the
interval of the Frechet distance without 1,000 matrix roots, and it does not suffer from the upward bias that
such distances have on resamples, which repeat items. Influences have mean zero. The interval speaks of the
spread at this sample size; the distance that even real items keep at this size is shown by the floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = 4096

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


class Moments(NamedTuple):
    """Mean, shape (d,), and covariance, shape (d, d), of activations."""

    mean: Floats
    covariance: Floats


def moments(activations: np.ndarray[Any, Any]) -> Moments:
    """Mean and unbiased covariance of the rows."""
    mean = activations.mean(axis=0, dtype=np.float64)
    products = np.zeros((activations.shape[1],) * 2)
    for part in _centred(activations, mean):
        products += part.T @ part
    return Moments(mean, products / (len(activations) - 1))


def _centred(activations: np.ndarray[Any, Any], mean: Floats) -> Iterator[Floats]:
    """The rows less their mean in float64, a few thousand at a time: together they would fill gigabytes."""
    for start in range(0, len(activations), _ROWS):
        yield activations[start : start + _ROWS] - mean


def frechet(activations: np.ndarray[Any, Any], reference: Moments) -> tuple[float, Floats]:
    """Frechet distance of two Gaussians (Dowson and Landau, J. Multivar. Anal. 12:450, 1982), squared.

    |m - r|^2 + tr(C + R - 2 (C R)^(1/2)), with the root's trace from the eigenvalues of the symmetric
    R^(1/2) C R^(1/2). The influence of an item is 2 (m - r) y + y (I - A) y - tr((I - A) C), where y is the
    item less the mean m, and A = R^(1/2) (R^(1/2) C R^(1/2))^(-1/2) R^(1/2).

    Args:
        activations: Of the items, shape (n, d), n >= 2.
        reference: Moments of the reference.

    Returns:
        The distance, and influences of shape (n,).
    """
    own = moments(activations)
    root = _root(reference.covariance)
    values, vectors = np.linalg.eigh(root @ own.covariance @ root)
    values = np.maximum(values, 0)
    shift = own.mean - reference.mean
    traces = np.trace(own.covariance) + np.trace(reference.covariance)
    distance = float(shift @ shift + traces - 2 * np.sqrt(values).sum())

    keep = values > values.max(initial=0) * 1e-10  # fewer items than dimensions: the others carry nothing
    half = root @ vectors[:, keep] / values[keep] ** 0.25
    influence = np.concatenate(
        [
            2 * part @ shift + np.square(part).sum(axis=1) - np.square(part @ half).sum(axis=1)
            for part in _centred(activations, own.mean)
        ]
    )
    return max(distance, 0.0), influence - influence.mean()


def cosine(item: Ints, kind: Ints, reference: Floats, n: int) -> tuple[float, Floats]:
    """Cosine of the counts of kinds (fragments, scaffolds) in a set and in the reference.

    Args:
        item: Which item each occurrence belongs to, shape (occurrences,).
        kind: Which kind each occurrence is, shape (occurrences,).
        reference: How often the reference has each kind, shape (kinds,); 0 for those it lacks.
        n: Number of items.

    Returns:
        The cosine in [0, 1], NaN where one of the two has nothing to count, and influences of shape (n,).
    """
    # float64 throughout: in int64 the sums of squares overflow from some 10,000 molecules on.
    counts = np.bincount(kind, minlength=len(reference)).astype(np.float64)
    own, other = np.linalg.norm(counts), np.linalg.norm(reference)
    if not own or not other:
        return float("nan"), np.zeros(n)
    value = float(counts @ reference / (own * other))
    weight = reference / (own * other) - value * counts / own**2
    influence: Floats = n * np.bincount(item, weights=weight[kind], minlength=n).astype(np.float64)
    return min(value, 1.0), influence


def wasserstein(values: Floats, reference: Floats) -> tuple[float, Floats]:
    """First Wasserstein distance on the line: the area between the two distribution functions.

    Args:
        values: Of the items, shape (n,).
        reference: Sorted values of the reference, shape (m,).

    Returns:
        The distance in the unit of the values, and influences of shape (n,).
    """
    own = np.sort(values)
    grid = np.sort(np.concatenate([own, reference]))
    steps = np.diff(grid)
    share = np.searchsorted(own, grid[:-1], side="right") / len(own)
    other = np.searchsorted(reference, grid[:-1], side="right") / len(reference)
    gap = share - other
    # An item at x raises the distribution function from x on, by the sign of the gap there.
    from_here = np.append(np.cumsum((np.sign(gap) * steps)[::-1])[::-1], 0.0)
    influence = from_here[np.searchsorted(grid, values, side="left")]
    return float(np.abs(gap) @ steps), influence - influence.mean()


def _root(matrix: Floats) -> Floats:
    """Symmetric square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
