"""Measuring: values with their 95 % intervals, each beside its floor.

A value alone says little. The interval says how far it would move with other items of the same size; the
**floor** is the same number for as many real items, so it shows what a perfect model would reach here (the
Frechet distance of 1,000 real molecules to the test set is far from 0).

An evaluator is called with items and a reference and returns a `Report`; `run_evaluator` adds the floors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from genai_core.errors import BadInput, UsageError
from genai_core.files.provenance import each_leaf
from genai_core.protocols import Context
from genai_core.results.floors import FLOOR_SEED, cached_floors, fingerprint, real_items

if TYPE_CHECKING:
    import numpy as np

    from genai_core.plugins.specs import Direction, EvaluatorSpec
    from genai_core.protocols import Dataset

    Array = np.ndarray[Any, Any]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number.

    Attributes:
        name: As its `MetricSpec` declares it.
        value: The number; NaN when it is not available, and `reason` says why.
        direction: ``higher`` or ``lower`` is better, ``target``: as near to the floor as possible, ``none``.
        low: Lower end of the 95 % interval; None where no honest one is known.
        high: Upper end.
        floor: The value that as many real items reach; None when it was not measured.
        unit: Unit of value, interval and floor.
        summary: What it is, in one line.
        n: Number of items it was measured on.
        reason: Why it is not available (``"needs >= 1,000 valid molecules, there are 3"``).
        baseline: The value without the effort that is measured (a photo that is not painted at all).
    """

    name: str
    value: float
    direction: Direction
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    unit: str = ""
    summary: str = ""
    n: int = 0
    reason: str = ""
    baseline: float | None = None

    @property
    def available(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)


@dataclass(frozen=True, slots=True)
class Report(Sequence[Metric]):
    """What an evaluator found: a sequence of metrics, each also to be had by its name.

    Attributes:
        evaluator: Id of the evaluator.
        metrics: In the order of the evaluator's spec.
        notes: What a reader must know to trust the numbers.
    """

    evaluator: str
    metrics: tuple[Metric, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.metrics)

    def __getitem__(self, key: Any) -> Any:
        """A metric by name or place."""
        if not isinstance(key, str):
            return self.metrics[key]
        named = {metric.name: metric for metric in self.metrics}
        if key not in named:
            raise KeyError(f"{key!r}; metrics: {', '.join(named)}")
        return named[key]

    def remarks(self) -> list[str]:
        """Why some metrics have no value, a line for each reason, and the notes."""
        missing: dict[str, list[str]] = {}
        for metric in self.metrics:
            if not metric.available:
                missing.setdefault(metric.reason or "no value", []).append(metric.name)
        reasons = (f"not available: {', '.join(names)}: {reason}" for reason, names in missing.items())
        return [*reasons, *self.notes]

    def to_dict(self) -> dict[str, Any]:
        """JSON values; a NaN becomes null."""
        values: dict[str, Any] = each_leaf(asdict(self), _finite)
        return values

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def table(self) -> str:
        """The metrics as aligned text for a terminal."""
        arrows = {"higher": "up", "lower": "down", "target": "as floor", "none": ""}
        rows: list[tuple[str, ...]] = [("metric", "value", "95 % interval", "floor", "baseline", "better")]
        for metric in self.metrics:
            value = f"{metric.value:.4f}{metric.unit and ' ' + metric.unit}" if metric.available else "n/a"
            known = metric.available and metric.low is not None and metric.high is not None
            interval = f"{metric.low:.4f} .. {metric.high:.4f}" if known else ""
            ends = ("" if end is None else f"{end:.4f}" for end in (metric.floor, metric.baseline))
            rows.append((metric.name, value, interval, *ends, arrows[metric.direction]))
        columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
        widths = [max(map(len, column)) for column in columns]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in zip(*columns, strict=True)]
        return "\n".join(lines + [f"note: {remark}" for remark in self.remarks()])


def bootstrap(
    values: Array | Sequence[float], *, rng: np.random.Generator, resamples: int = 1000
) -> tuple[Any, Any]:
    """95 % percentile bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: One value an item, shape (n,), or several, shape (n, k), which are resampled together.
        rng: Source of the draws.
        resamples: How many times n items are drawn with replacement.

    Returns:
        ``(low, high)``: numbers, or arrays of shape (k,).

    Raises:
        UsageError: There are no values.
    """
    import numpy as np

    data = np.asarray(values, dtype=np.float64)
    n = len(data)
    if not n:
        raise UsageError("bootstrap: no values")

    means = [np.bincount(rng.integers(0, n, n), minlength=n) @ data / n for _ in range(resamples)]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return (low, high) if data.ndim > 1 else (float(low), float(high))


def share_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share, in [0, 1] (Wilson, J. Am. Stat. Assoc. 22:209, 1927).

    For shares it takes the bootstrap's place: resampling 1,000 hits of 1,000 would claim [1, 1].
    """
    if n < 1 or not 0 <= hits <= n:
        raise UsageError(f"share_interval: {hits} of {n}")
    z = 1.959963984540054
    share, spread = hits / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return (0.0 if hits == 0 else max(0.0, centre - half)), (1.0 if hits == n else min(1.0, centre + half))


def run_evaluator(
    evaluator: str | EvaluatorSpec,
    items: Sequence[Any],
    reference: Dataset[Any] | None = None,
    *,
    seed: int = 0,
    floor_items: Sequence[Any] | None = None,
    config: Mapping[str, Any] | None = None,
    floor: bool = True,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Measure `items` and, beside each value, as many real items.

    Args:
        evaluator: Spec or id.
        items: What to measure: an artifact or any sequence the evaluator understands.
        reference: Real data to compare with.
        seed: Seed of the bootstrap.
        floor_items: Real items to draw the floor from; None: the split ``train`` of the reference.
        config: Values of the evaluator's config.
        floor: False leaves these floors out; an evaluator that knows its floors gives them itself.
        progress: Called with the number of items finished.

    Raises:
        BadInput: There are no items.
        UsageError: No reference where one is needed, or one of another modality.
    """
    from genai_core.plugins.registry import registry

    spec = registry().find("evaluator", evaluator) if isinstance(evaluator, str) else evaluator
    if not len(items):
        raise BadInput(getattr(items, "modality", "items"), f"nothing to evaluate with {spec.id}")
    if spec.needs_reference and reference is None:
        raise UsageError(f"{spec.id} compares with real data", hint="--against DATASET:test")
    for what in (items, reference):
        modality = getattr(what, "modality", spec.modality)
        if modality != spec.modality:
            raise UsageError(f"{spec.id} measures {spec.modality}, not {modality}")
    settings = registry().config_class(spec).parse(config or {}, where=spec.id)
    built = registry().build(spec, settings)
    report: Report = built.evaluate(items, reference, Context(seed=seed, progress=progress))
    if not floor or any(metric.floor is not None for metric in report):
        return report
    try:
        real = real_items(floor_items, reference, len(items))
    except UsageError as reason:
        return replace(report, notes=(*report.notes, f"no floor: {reason.message}"))
    key = (spec.id, registry().version(spec.plugin), settings.hash())

    def measure() -> dict[str, float]:
        context = Context(seed=FLOOR_SEED, progress=progress)
        return {m.name: m.value for m in built.evaluate(real, reference, context).metrics if m.available}

    floors = cached_floors((*key, fingerprint(reference), fingerprint(real)), measure)
    note = f"floor: {len(real):,} real items" + (", all there are" if len(real) < len(items) else "")
    metrics = tuple(replace(metric, floor=floors.get(metric.name)) for metric in report.metrics)
    return replace(report, metrics=metrics, notes=(*report.notes, note))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
