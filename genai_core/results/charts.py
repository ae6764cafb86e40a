"""Small SVG charts for the report, each with the table and the sentence that say the same in words.

A chart is plain SVG of about 360 units in width, so that its text stays readable on a phone. Colours come
from the report's style sheet through classes (``s0`` is the sample, ``s1`` the reference), never from
attributes, so one chart serves light, dark and print. The same data gives the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from genai_core.results.drawing import HEIGHT, TOP, Frame, above, number, rect, svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]


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
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
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
    bins: int = 28,
) -> Chart:
    """Share of items in each bin, the sample as bars and the reference as a line over them.

    Args:
        title: Quantity, with its unit.
        values: Sample; values that are not finite are left out.
        reference: What to compare with; None draws the sample alone.
        names: Legend of the two.
        window: Bounds that were asked for, drawn as dashed lines.
        bins: Number of bins over the middle 99 % of both; the tails go into the outermost bins.
    """
    import numpy as np

    sample, other = _finite(values), _finite(reference if reference is not None else ())
    both = np.concatenate([sample, other])
    if not both.size:
        return Chart(title, "", f"{title}: no values.", ("value", names[0]), ())
    low, high = (float(edge) for edge in np.quantile(both, [0.005, 0.995]))
    if np.all(both == np.round(both)) and high - low < 2 * bins and abs(low) < 1e6:
        edges = np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    else:
        edges = np.linspace(low, above(low, high), bins + 1)
    shares = [_shares(part, edges) for part in (sample, other)]

    frame = Frame(float(edges[0]), float(edges[-1]), 0.0, max(float(part.max()) for part in shares) * 1.08)
    parts = [frame.axes(unit=" %")]
    for share, (left, right) in zip(shares[0], pairwise(edges), strict=True):
        if share > 0:
            x, top = frame.x(left), frame.y(share)
            parts.append(rect(x + 0.5, top, frame.x(right) - x - 1, frame.y(0) - top, "s0 fill"))
    if other.size:
        points = [(edges[0], 0.0)]
        for share, (left, right) in zip(shares[1], pairwise(edges), strict=True):
            points += [(left, share), (right, share)]
        parts.append(frame.path([*points, (edges[-1], 0.0)], "s1 line"))
    for bound in window or ():
        if bound is not None and edges[0] <= bound <= edges[-1]:
            x = frame.x(bound)
            parts.append(f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{frame.y(0):.1f}"/>')

    series = [(name, part) for name, part in zip(names, (sample, other), strict=True) if part.size]
    drawn = [share for share, part in zip(shares, (sample, other), strict=True) if part.size]
    summary = f"{title}: " + "; ".join(_spread(name, part) for name, part in series) + "."
    return Chart(
        title=title,
        svg=svg(HEIGHT, parts, summary),
        summary=summary,
        columns=("from", "to", *(f"{name} (%)" for name, _ in series)),
        rows=tuple(
            (
                number(round(float(left), 4)),
                number(round(float(right), 4)),
                *(f"{share[row]:.1f}" for share in drawn),
            )
            for row, (left, right) in enumerate(pairwise(edges))
        ),
        legend=_legend([name for name, _ in series]),
    )


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x_label: str = "step") -> Chart:
    """Curves over a common x axis (loss over steps); points that are not finite are left out.

    Args:
        title: What is drawn.
        series: Points ``(x, y)`` by name, at most four series.
        x_label: Name of the x axis.
    """
    kept = {
        name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        for name, points in series.items()
    }
    kept = {name: points for name, points in kept.items() if points}
    if not kept:
        return Chart(title, "", f"{title}: no values.", (x_label,), ())
    every = [point for points in kept.values() for point in points]
    xs, ys = [x for x, _ in every], [y for _, y in every]
    margin = (max(ys) - min(ys)) * 0.06 or 0.5
    frame = Frame(min(xs), max(xs), min(ys) - margin, max(ys) + margin)
    parts = [frame.axes(x_label=x_label)]
    parts += [frame.path(points, f"s{index} line") for index, points in enumerate(kept.values())]
    summary = f"{title}: " + "; ".join(
        f"{name} from {number(points[0][1])} to {number(points[-1][1])}" for name, points in kept.items()
    )
    by_x: dict[float, dict[str, float]] = {}
    for name, points in kept.items():
        for x, y in points:
            by_x.setdefault(x, {})[name] = y
    order = sorted(by_x)
    shown = order[:: max(1, math.ceil(len(order) / 60))]
    return Chart(
        title=title,
        svg=svg(HEIGHT + 14, parts, summary),
        summary=summary + ".",
        columns=(x_label, *kept),
        rows=tuple((number(x), *(number(by_x[x].get(name)) for name in kept)) for x in shown),
        legend=_legend(list(kept)),
    )


def bars(title: str, items: Sequence[Bar], *, unit: str = "") -> Chart:
    """Horizontal bars from zero, with a whisker for the interval and a mark for the floor where given."""
    top = max(
        (edge for bar in items for edge in (bar.value, bar.high, bar.floor) if edge is not None), default=0
    )
    scale = 100 / (top or 1.0)
    parts: list[str] = []
    for row, bar in enumerate(items):
        y = row * 44.0
        value = f"{number(bar.value)}{unit}" + (f"  {bar.remark}" if bar.remark else "")
        parts += [
            f'<text class="label" x="0" y="{y + 14:g}">{escape(bar.label)}</text>',
            f'<text class="value end" x="100%" y="{y + 14:g}">{escape(value)}</text>',
            *_track(bar, scale, y + 26, 8),
        ]
    summary = f"{title}: " + "; ".join(
        f"{bar.label} {number(bar.value)}{unit}" + (f" ({bar.remark})" if bar.remark else "") for bar in items
    )
    # Sizes are per cent without a view box: bars stretch with the page and the text keeps its size.
    size = f'width="100%" height="{max(1, len(items) * 44 - 10)}"'
    picture = (
        f'<svg class="chart bars" {size} role="img" aria-label="{escape(summary)}">{"".join(parts)}</svg>'
    )
    columns = ("", "value", *(("low", "high", "floor") if any(bar.high is not None for bar in items) else ()))
    rows = tuple(
        (bar.label, f"{number(bar.value)}{unit}", number(bar.low), number(bar.high), number(bar.floor))[
            : len(columns)
        ]
        for bar in items
    )
    return Chart(title, picture, summary + ".", columns, rows)


def interval(bar: Bar) -> str:
    """A small picture of one value from zero, its interval and its floor, for a table cell."""
    edges = [edge for edge in (bar.value, bar.low, bar.high, bar.floor) if edge is not None]
    if not all(math.isfinite(edge) and edge >= 0 for edge in edges):
        return ""
    scale = 100 / (1.0 if max(edges) <= 1 else max(edges) * 1.1)
    parts = "".join(_track(bar, scale, 11, 4))
    return f'<svg class="interval bars" width="100%" height="22" aria-hidden="true">{parts}</svg>'


def _track(bar: Bar, scale: float, y: float, height: float) -> list[str]:
    """A bar on its track, whisker and floor mark over it; x in per cent, `y` is the middle."""

    def block(width: float, css: str) -> str:
        size = f'width="{min(max(width, 0), 100):.2f}%" height="{height:g}" rx="{height / 3:.1f}"'
        return f'<rect class="{css}" x="0" y="{y - height / 2:g}" {size}/>'

    def line(x1: float, x2: float, half: float, css: str) -> str:
        return f'<line class="{css}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y - half:g}" y2="{y + half:g}"/>'

    parts = [block(100, "track"), block(bar.value * scale, "s0 solid")]
    if bar.low is not None and bar.high is not None:
        low, high = bar.low * scale, bar.high * scale
        parts += [line(low, low, 5, "whisker"), line(low, high, 0, "whisker"), line(high, high, 5, "whisker")]
    if bar.floor is not None:
        parts.append(line(bar.floor * scale, bar.floor * scale, 9.0, "floor"))
    return parts


def _legend(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((f"s{index}", name) for index, name in enumerate(names)) if len(names) > 1 else ()


def _finite(values: Sequence[float]) -> Array:
    import numpy as np

    array: Array = np.asarray(values, dtype=float)
    return np.extract(np.isfinite(array), array)


def _spread(name: str, values: Array) -> str:
    import numpy as np

    low, middle, high = (number(float(edge)) for edge in np.quantile(values, [0.05, 0.5, 0.95]))
    return f"{name} median {middle}, middle 90 % from {low} to {high}"


def _shares(values: Array, edges: Array) -> Array:
    """Percent of `values` in each bin, the tails counted in the outermost bins."""
    import numpy as np

    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares: Array = 100.0 * counts / max(1, values.size)
    return shares
