"""Charts: what they draw is what they say in words, and nothing from outside gets in as markup."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_core.results.charts import Bar, bars, histogram, interval, lines
from genai_core.results.drawing import number, ticks

floats = st.floats(allow_nan=True, allow_infinity=True, width=32)
EVIL = '<script>alert(1)</script> & "quotes"'


def coordinates(svg: str) -> list[float]:
    root = ET.fromstring(svg)
    names = ("x", "y", "x1", "y1", "x2", "y2", "width", "height")
    values = [node.get(name, "0").rstrip("%") for node in root.iter() for name in names]
    return [float(value) for value in values]


@given(st.lists(floats, max_size=40), st.lists(floats, max_size=40) | st.none())
def test_a_histogram_of_anything_is_well_formed_and_finite(values, reference):
    chart = histogram(EVIL, values, reference, window=(0.0, None))
    if chart.svg:
        assert all(math.isfinite(value) for value in coordinates(chart.svg))
        assert "<script" not in chart.svg
        assert all(len(row) == len(chart.columns) for row in chart.rows)
    else:
        assert not any(math.isfinite(value) for value in [*values, *(reference or [])])


def test_the_table_of_a_histogram_adds_up():
    chart = histogram("logP", [1.0, 2.0, 2.5, 3.5], [0.0, 10.0, 20.0])
    assert chart.columns == ("from", "to", "generated (%)", "reference (%)")
    for column in (2, 3):
        assert sum(float(row[column]) for row in chart.rows) == pytest.approx(100, abs=0.5)
    assert "generated median 2.250" in chart.summary


def test_a_histogram_of_the_reference_alone_names_it():
    chart = histogram("rings", [], [1, 2, 2, 3])
    assert chart.columns == ("from", "to", "reference (%)")
    assert sum(float(row[2]) for row in chart.rows) == pytest.approx(100)
    assert chart.legend == ()


def test_whole_numbers_get_a_bin_each():
    chart = histogram("rings", [1, 2, 2, 3])
    assert [(row[0], row[1]) for row in chart.rows] == [
        ("0.5000", "1.500"),
        ("1.500", "2.500"),
        ("2.500", "3.500"),
    ]


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), max_size=8),
        st.lists(st.tuples(floats, floats), max_size=20),
        max_size=4,
    )
)
def test_lines_of_anything_are_well_formed(series):
    chart = lines("loss", series, x_label=EVIL)
    if chart.svg:
        drawn = [element.get("d", "") for element in ET.fromstring(chart.svg).iter()]
        assert not any("nan" in path or "inf" in path for path in drawn)
        assert "<script" not in chart.svg


def test_lines_say_where_they_begin_and_end():
    chart = lines("loss", {"train": [(0, 3.0), (10, 1.5)], "valid": [(10, 1.75)]})
    assert chart.summary == "loss: train from 3 to 1.500; valid from 1.750 to 1.750."
    assert chart.rows == (("0", "3", "–"), ("10", "1.500", "1.750"))
    assert [label for _, label in chart.legend] == ["train", "valid"]


def test_a_long_curve_has_a_short_table():
    chart = lines("loss", {"train": [(step, 1 / (step + 1)) for step in range(5000)]})
    assert len(chart.rows) <= 60


def test_bars_are_as_long_as_their_values():
    chart = bars("funnel", [Bar("sampled", 200), Bar(EVIL, 50, remark="25 %")])
    root = ET.fromstring(chart.svg)
    solid = [node.get("width") for node in root.iter() if node.get("class") == "s0 solid"]
    assert solid == ["100.00%", "25.00%"]
    assert chart.rows == (("sampled", "200"), (EVIL, "50"))


def test_an_interval_shows_value_ends_and_floor():
    svg = interval(Bar("valid", 0.5, low=0.4, high=0.6, floor=0.9))
    root = ET.fromstring(svg)
    drawn = {node.get("class"): (node.get("x1"), node.get("x2")) for node in root.iter("line")}
    assert drawn["floor"] == ("90.00%", "90.00%")
    spans = [(node.get("x1"), node.get("x2")) for node in root.iter("line") if node.get("class") == "whisker"]
    assert ("40.00%", "60.00%") in spans


@pytest.mark.parametrize("bar", [Bar("x", math.nan), Bar("x", -1.0), Bar("x", 1.0, floor=math.inf)])
def test_no_picture_where_none_would_be_honest(bar):
    assert interval(bar) == ""


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 8))
def test_ticks_lie_inside_and_ascend(low, width, count):
    found = ticks(low, low + width, count)
    slack = 1e-6 * max(abs(low), width)
    assert all(low - slack <= tick <= low + width + slack for tick in found)
    assert found == sorted(set(found))
    assert len(found) <= count + 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(1584663, "1,584,663"), (0.99941, "0.9994"), (2.0, "2"), (1.23e-5, "1.23e-05"), (None, "–"),
     (math.nan, "–"), (12.345, "12.35"), (-3.14159, "-3.142"), (123456.7, "123,457")],
)  # fmt: skip
def test_numbers_for_people(value, text):
    assert number(value) == text
