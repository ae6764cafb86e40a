"""Promises of evaluators: every declared number, in range, with its interval, and pointing the right way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from genai_core.errors import GenaiError
from genai_core.protocols import Evaluator
from genai_core.testing.bench import ITEMS, SEED, Bench
from genai_core.testing.digests import content
from genai_core.testing.promises import Broken, NotApplicable, expect, promise

TOLERANCE = 1e-6


@promise("evaluator")
def is_an_evaluator(bench: Bench, spec: Any) -> None:
    """An evaluator evaluates items, and its spec declares what it reports."""
    expect(isinstance(bench.build(spec), Evaluator), "it has no evaluate(items, reference, ctx)")
    names = [metric.name for metric in spec.metrics]
    expect(names, "its spec declares no metric")
    expect(len(set(names)) == len(names), f"its spec declares a metric twice: {names}")


@promise("evaluator")
def reports_what_it_declares(bench: Bench, spec: Any) -> None:
    """The report has every declared metric, with the declared direction, and no other."""
    found = _measured(bench, spec)
    declared = {metric.name: metric.direction for metric in spec.metrics}
    expect(not declared.keys() - found.keys(), f"not reported: {sorted(declared.keys() - found.keys())}")
    expect(not found.keys() - declared.keys(), f"not declared: {sorted(found.keys() - declared.keys())}")
    for name, direction in declared.items():
        expect(
            found[name].direction == direction,
            f"{name} is declared {direction!r}, reported {found[name].direction!r}",
        )


@promise("evaluator")
def values_are_in_range(bench: Bench, spec: Any) -> None:
    """Every value is a number in its declared range."""
    found = _measured(bench, spec)
    for metric in spec.metrics:
        if metric.name not in found:
            continue
        value = found[metric.name].value
        expect(isinstance(value, float | int), f"{metric.name} is a {type(value).__name__}")
        expect(not math.isinf(value), f"{metric.name} is infinite")
        low = -math.inf if metric.low is None else metric.low - TOLERANCE
        high = math.inf if metric.high is None else metric.high + TOLERANCE
        expect(
            math.isnan(value) or low <= value <= high,
            f"{metric.name} = {value} is outside [{metric.low}, {metric.high}]",
        )
    expect(
        any(not math.isnan(metric.value) for metric in found.values()), f"{ITEMS} items gave no number at all"
    )


@promise("evaluator")
def intervals_hold_the_value(bench: Bench, spec: Any) -> None:
    """Every interval holds its value, and some metric has one that is wider than nothing."""
    found = [m for m in _measured(bench, spec).values() if m.low is not None and m.high is not None]
    for metric in found:
        ok = math.isnan(metric.value) or metric.low - TOLERANCE <= metric.value <= metric.high + TOLERANCE
        expect(ok, f"{metric.name} = {metric.value} is outside its interval [{metric.low}, {metric.high}]")
    expect(found, "no metric has an interval")


@promise("evaluator")
def same_items_same_report(bench: Bench, spec: Any) -> None:
    """The same items and seed give the same report."""
    first, second = (_values(_evaluate(bench, spec, _items(bench, spec))) for _ in range(2))
    expect(first == second, f"twice the same items gave {_differing(first, second)}")


@promise("evaluator")
def order_does_not_matter(bench: Bench, spec: Any) -> None:
    """The values do not depend on the order of the items."""
    items = _items(bench, spec)
    first = _measured(bench, spec)
    second = _evaluate(bench, spec, items[::-1])
    for name in first.keys() & second.keys():
        a, b = first[name].value, second[name].value
        expect(_close(a, b), f"{name} is {a}, and {b} for the same items in another order")


@promise("evaluator")
def evaluating_changes_nothing(bench: Bench, spec: Any) -> None:
    """Evaluating leaves items and reference as they were."""
    items, reference = _items(bench, spec), _reference(bench, spec)
    before = content(items), None if reference is None else content([reference[i] for i in range(8)])
    _evaluate(bench, spec, items)
    after = content(items), None if reference is None else content([reference[i] for i in range(8)])
    expect(before == after, "an item is another after evaluation")


@promise("evaluator")
def few_items_are_no_crash(bench: Bench, spec: Any) -> None:
    """One item and three give a report, or a clear error."""
    for count in (1, 3):
        try:
            found = _evaluate(bench, spec, _items(bench, spec)[:count])
        except GenaiError as error:
            expect(error.message, "the error says nothing")
            continue
        expect(found, f"{count} items gave an empty report")


@promise("evaluator")
def no_items_are_refused(bench: Bench, spec: Any) -> None:
    """No items at all is a clear error, or a report without numbers."""
    try:
        found = _evaluate(bench, spec, [])
    except GenaiError:
        return
    numbers = [m.name for m in found.values() if not math.isnan(m.value) and m.value != 0]
    expect(not numbers, f"no items gave a value of {', '.join(numbers)}")


@promise("evaluator", when=lambda spec: spec.needs_reference)
def missing_reference_is_refused(bench: Bench, spec: Any) -> None:
    """Without the reference it needs, an evaluator gives a clear error or leaves those numbers out."""
    try:
        _measure(bench, spec, _items(bench, spec), None)
    except GenaiError:
        return
    except Exception as error:
        raise AssertionError(f"without a reference it raised {type(error).__name__}: {error}") from error


@promise("evaluator")
def real_data_beat_noise(bench: Bench, spec: Any) -> None:
    """By the declared directions, real items are better than noise on more metrics than noise is."""
    items = _items(bench, spec)
    noise = _noise(items)
    real, random = _measured(bench, spec), _evaluate(bench, spec, noise)
    better = worse = 0
    for metric in spec.metrics:
        if metric.direction in ("higher", "lower") and metric.name in real and metric.name in random:
            gain = real[metric.name].value - random[metric.name].value
            gain = -gain if metric.direction == "lower" else gain
            better, worse = better + (gain > TOLERANCE), worse + (gain < -TOLERANCE)
    if not better and not worse:
        raise NotApplicable("no metric has a direction and differs on noise")
    expect(
        better > worse, f"noise is better on {worse} metrics, real items on {better}; is a direction wrong?"
    )


def _items(bench: Bench, spec: Any) -> list[Any]:
    """Real items: the last split that is declared, which is held out from the reference."""
    splits = bench.data_for(spec).splits
    return bench.items(spec, splits[-1] if splits else "", ITEMS)


def _reference(bench: Bench, spec: Any) -> Any:
    if not spec.needs_reference:
        return None
    from genai_core.data import SequenceDataset

    splits = bench.data_for(spec).splits
    return SequenceDataset(
        {"train": bench.items(spec, splits[0] if splits else "", ITEMS)}, modality=spec.modality
    )


def _measured(bench: Bench, spec: Any) -> dict[str, Any]:
    return bench.keep(("report", spec.id), lambda: _evaluate(bench, spec, _items(bench, spec)))  # type: ignore[no-any-return]


def _evaluate(bench: Bench, spec: Any, items: list[Any]) -> dict[str, Any]:
    return _measure(bench, spec, items, _reference(bench, spec))


def _measure(bench: Bench, spec: Any, items: list[Any], reference: Any) -> dict[str, Any]:
    """The metrics of a report by name; a clear error of the evaluator passes through."""
    from genai_core.results.evaluate import Report

    evaluator = bench.keep(("evaluator", spec.id), bench.build, spec)
    ctx = bench.context(seed=SEED)
    with bench.watched(spec, "evaluate"):
        try:
            report = evaluator.evaluate(items, reference, ctx)
        except GenaiError:
            raise
        except Exception as error:
            raise Broken(f"evaluate({len(items)} items) raised {type(error).__name__}: {error}") from error
    expect(isinstance(report, Report), f"it returns a {type(report).__name__}, not a Report")
    metrics = report.metrics.values() if isinstance(report.metrics, Mapping) else report.metrics
    return {metric.name: metric for metric in metrics}


def _values(found: dict[str, Any]) -> dict[str, str]:
    return {name: f"{m.value!r} [{m.low!r}, {m.high!r}]" for name, m in found.items()}


def _differing(first: dict[str, str], second: dict[str, str]) -> str:
    return ", ".join(f"{k}: {first[k]} and {second.get(k)}" for k in first if first[k] != second.get(k))


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b))


def _noise(items: list[Any]) -> list[Any]:
    """As many items of the same kind without their order: shuffled letters, permuted numbers."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    if all(isinstance(item, str) for item in items):
        letters = [letter for item in items for letter in item]
        order = rng.permutation(len(letters))
        shuffled = iter([letters[index] for index in order])
        return ["".join(next(shuffled) for _ in item) for item in items]
    if all(isinstance(item, np.ndarray) for item in items):
        return [rng.permutation(item.reshape(-1)).reshape(item.shape) for item in items]
    raise NotApplicable(f"no noise can be made of {type(items[0]).__name__} items")
