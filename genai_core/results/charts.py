"""Small SVG charts for the report, each with the table and the sentence that say the same in words.

A chart is plain SVG of about 360 units in width, so that its text stays readable on a phone. Colours come
from the report's style sheet through classes (``s0`` is the sample, ``s1`` the reference), never from
attributes, so one chart serves light, dark and print. The same data gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - nothing at start-up draws

from genai_core.results.drawing import Frame, above, draw, number

if TYPE_CHECKING:
    from genai_core.results.evaluate import Metric

    Array = np.ndarray[Any, np.dtype[np.float64]]

Row = tuple[str, ...]
BINS = 28


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: the picture, and the same in words.

    Attributes:
        title: Heading.
        svg: The picture; all text in it is escaped.
        summary: What there is to see, in one sentence, for those who do not see it.
        columns: Names of the columns of `rows`.
        rows: The drawn numbers as text.
        legend: ``(class, label)`` of each series; empty for a single one.
    """

    title: str
    svg: str
    summary: str
    columns: Row = ()
    rows: tuple[Row, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of `bars`: a value >= 0, its 95 % interval, its floor, and a remark in words."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    remark: str = ""


def histogram(
    title: str,
    values: Sequence[float],
    reference: Sequence[float] | None = None,
    *,
    names: tuple[str, str] = ("generated", "reference"),
    window: tuple[float | None, float | None] | None = None,
) -> Chart:
    """Share of items in each bin, the sample as bars and the reference as a line over them.

    The bins go over the middle 99 % of both; the tails are counted in the outermost ones.

    Args:
        title: Quantity, with its unit.
        values: Sample; values that are not finite are left out.
        reference: What to compare with; None draws the sample alone.
        names: Legend of the two.
        window: Bounds that were asked for, drawn as dashed lines.
    """
    parts = {name: _finite(part) for name, part in zip(names, (values, reference), strict=True)}
    parts = {name: part for name, part in parts.items() if part.size}
    if not parts:
        return Chart(title, "", f"{title}: no values.")
    both = np.concatenate(list(parts.values()))
    low, high = (float(edge) for edge in np.quantile(both, [0.005, 0.995]))
    if np.all(both == np.round(both)) and high - low < 2 * BINS and abs(low) < 1e6:
        edges = np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    else:
        edges = np.linspace(low, above(low, high), BINS + 1)
    shares = {name: _shares(part, edges) for name, part in parts.items()}
    frame = Frame(edges[0], edges[-1], 0.0, max(share.max() for share in shares.values()) * 1.08, unit=" %")
    sample, other = (shares.get(name) for name in names)
    paths = []
    if other is not None:
        heights = np.concatenate([[0.0], np.repeat(other, 2), [0.0]])
        paths = [("s1", frame.path(zip(np.repeat(edges, 2), heights, strict=True)))]
    places = [number(round(float(edge), 4)) for edge in edges]
    texts = [[f"{percent:.1f}" for percent in share] for share in shares.values()]
    drawn: dict[str, Any] = {"frame": frame, "paths": paths}
    drawn["blocks"] = [] if sample is None else zip(edges, edges[1:], sample, strict=False)
    drawn["bounds"] = [x for x in window or () if x is not None and edges[0] <= x <= edges[-1]]
    words = [_spread(name, part) for name, part in parts.items()]
    columns = ("from", "to", *(f"{name} (%)" for name in shares))
    rows = zip(places, places[1:], *texts, strict=False)
    return _chart("curves", title, words, columns, rows, shares, **drawn)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str = "step") -> Chart:
    """Curves over a common x axis (loss over steps); points that are not finite are left out.

    Args:
        title: What is drawn.
        series: Points ``(x, y)`` by name, at most four series.
        x_label: Name of the x axis.
    """
    finite = {name: [p for p in points if all(map(math.isfinite, p))] for name, points in series.items()}
    kept = {name: points for name, points in finite.items() if points}
    if not kept:
        return Chart(title, "", f"{title}: no values.")
    xs, ys = zip(*(point for points in kept.values() for point in points), strict=True)
    margin = (max(ys) - min(ys)) * 0.06 or 0.5
    frame = Frame(min(xs), max(xs), min(ys) - margin, max(ys) + margin, x_label=x_label)
    paths = [(f"s{index}", frame.path(points)) for index, points in enumerate(kept.values())]
    words = [f"{name} from {number(p[0][1])} to {number(p[-1][1])}" for name, p in kept.items()]
    values = [dict(points) for points in kept.values()]
    order = sorted(set(xs))
    shown = order[:: max(1, math.ceil(len(order) / 60))]
    rows = ((number(x), *(number(value.get(x)) for value in values)) for x in shown)
    return _chart("curves", title, words, (x_label, *kept), rows, kept, frame=frame, paths=paths)


def bars(title: str, items: Sequence[Bar]) -> Chart:
    """Horizontal bars from zero, with a whisker for the interval and a mark for the floor where given."""
    top = max(
        (edge for bar in items for edge in (bar.value, bar.high, bar.floor) if edge is not None), default=0
    )
    labelled = [(bar, number(bar.value)) for bar in items]
    words = [f"{bar.label} {value}" + (f" ({bar.remark})" if bar.remark else "") for bar, value in labelled]
    ends = ("low", "high", "floor") if any(bar.high is not None for bar in items) else ()
    rows = ((bar.label, value, *(number(getattr(bar, end)) for end in ends)) for bar, value in labelled)
    head, scale = ("", "value", *ends), 100 / (top or 1.0)
    return _chart("bars", title, words, head, rows, (), items=labelled, scale=scale)


def interval(bar: Bar | Metric) -> str:
    """A small picture of one value from zero, its interval and its floor, for a table cell."""
    ends = (bar.value, bar.low, bar.high, bar.floor, getattr(bar, "baseline", None))
    edges = [edge for edge in ends if edge is not None]
    if not all(math.isfinite(edge) and edge >= 0 for edge in edges):
        return ""
    return draw("interval", bar=bar, scale=100 / (1.0 if max(edges) <= 1 else max(edges) * 1.1))


def _chart(
    macro: str, title: str, words: list[str], head: Row, rows: Iterable[Row], keys: Iterable[str], **data: Any
) -> Chart:
    """The picture and the same in words; a legend where several curves are drawn."""
    summary = f"{title}: {'; '.join(words)}."
    legend = tuple((f"s{index}", key) for index, key in enumerate(keys))
    svg = draw(macro, summary=summary, **data)
    return Chart(title, svg, summary, head, tuple(rows), legend if len(legend) > 1 else ())


def _finite(values: Sequence[float] | None) -> Array:
    array: Array = np.asarray(() if values is None else values, dtype=float)
    return np.extract(np.isfinite(array), array)


def _spread(name: str, values: Array) -> str:
    low, middle, high = (number(float(edge)) for edge in np.quantile(values, [0.05, 0.5, 0.95]))
    return f"{name} median {middle}, middle 90 % from {low} to {high}"


def _shares(values: Array, edges: Array) -> Array:
    """Percent of `values` in each bin, the tails counted in the outermost bins."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return np.asarray(100.0 * counts / max(1, values.size))
