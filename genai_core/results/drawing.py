"""The pieces that charts are drawn from: numbers for people, ticks, axes and SVG elements."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 360.0
HEIGHT = 180.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 10.0, 8.0, 22.0


def number(value: float | None) -> str:
    """A number for people: thousands separated, four significant digits, no noise after an integer.

    >>> number(1584663), number(0.99941), number(2.0), number(0.00001234), number(None)
    ('1,584,663', '0.9994', '2', '1.23e-05', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e12:
        return f"{int(value):,}"
    size = abs(value)
    if size < 0.001:
        return f"{value:.2e}"
    decimals = 4 if size < 1 else 3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0
    return f"{value:,.{decimals}f}"


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers from `low` to `high`, both inside."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(step * index, 12) for index in range(first, last + 1)]


class Frame:
    """Maps data to the drawing's units, and draws axes and curves."""

    def __init__(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self.x0, self.x1, self.y0, self.y1 = x0, above(x0, x1), y0, above(y0, y1)

    def x(self, value: float) -> float:
        """Horizontal place of a value."""
        return LEFT + (float(value) - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Vertical place of a value; larger values are higher up."""
        return HEIGHT - BOTTOM - (float(value) - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)

    def axes(self, *, x_label: str = "", unit: str = "") -> str:
        """Grid, axis and labelled ticks."""
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = []
        for tick in ticks(self.y0, self.y1, 4):
            y = self.y(tick)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(text(LEFT - 5, y + 4, "end", f"{_short(tick)}{unit}"))
        parts += [text(self.x(tick), bottom + 16, "mid", _short(tick)) for tick in ticks(self.x0, self.x1, 6)]
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        parts.append(text((LEFT + right) / 2, HEIGHT + 10, "mid", x_label))
        return "".join(parts)

    def path(self, points: Sequence[tuple[float, float]], css: str) -> str:
        """A curve through `points`."""
        coordinates = " L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        return f'<path class="{css}" d="M{coordinates}"/>'


def rect(x: float, y: float, width: float, height: float, css: str) -> str:
    """A rectangle."""
    size = f'width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
    return f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" {size}/>'


def text(x: float, y: float, css: str, words: str) -> str:
    """A text element, escaped; nothing for no words."""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>' if words else ""


def svg(height: float, parts: Sequence[str], summary: str) -> str:
    """The whole picture, with `summary` for those who do not see it."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(summary)}">'
        f"{''.join(parts)}</svg>"
    )


def above(low: float, high: float) -> float:
    """`high`, or something above `low` where they are one."""
    return high if high - low > abs(low) * 1e-9 else low + max(1.0, abs(low) * 1e-3)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"
