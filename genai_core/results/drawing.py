"""The pieces that charts are drawn from: numbers for people, ticks, axes, and the templates that draw."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


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
    """Maps data to the units of a drawing, and says where its axes have their labels."""

    width, height = 360.0, 180.0
    left, right, top, bottom = 40.0, 350.0, 8.0, 158.0

    def __init__(
        self, x0: float, x1: float, y0: float, y1: float, *, unit: str = "", x_label: str = ""
    ) -> None:
        self.x0, self.x1, self.y0, self.y1 = x0, above(x0, x1), y0, above(y0, y1)
        self.unit, self.x_label = unit, x_label

    def x(self, value: float) -> float:
        """Horizontal place of a value."""
        share = (float(value) - self.x0) / (self.x1 - self.x0)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        """Vertical place of a value; larger values are higher up."""
        share = (float(value) - self.y0) / (self.y1 - self.y0)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def x_ticks(self) -> list[tuple[float, str]]:
        """Place and label of the ticks of the x axis."""
        return [(self.x(tick), _short(tick)) for tick in ticks(self.x0, self.x1, 6)]

    def y_ticks(self) -> list[tuple[float, str]]:
        """Place and label of the ticks of the y axis."""
        return [(self.y(tick), _short(tick) + self.unit) for tick in ticks(self.y0, self.y1, 4)]

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """A curve through `points`, as the attribute ``d`` of an SVG path."""
        return "M" + " L".join(f"{self.x(x)} {self.y(y)}" for x, y in points)


@cache
def templates() -> jinja2.Environment:
    """What draws pages and charts; every value that goes in is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("genai_core.results")
    found = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    found.filters["number"] = number
    return found


def draw(picture: str, **parts: object) -> str:
    """The SVG that the macro `picture` of charts.svg.j2 makes of `parts`."""
    macros = templates().get_template("charts.svg.j2").module
    return str(getattr(macros, picture)(**parts)).strip()


def above(low: float, high: float) -> float:
    """`high`, or something above `low` where they are one."""
    return high if high - low > abs(low) * 1e-9 else low + max(1.0, abs(low) * 1e-3)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"
