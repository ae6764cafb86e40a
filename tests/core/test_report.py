"""The report: complete, closed to the outside, and the same bytes for the same content."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from genai_core.files.artifacts import Preview
from genai_core.results import report as reports
from genai_core.results.charts import Bar, bars, histogram
from genai_core.results.evaluate import Metric, Report

EVIL = "</script><script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


class Page(HTMLParser):
    """Collects elements, attributes and text."""

    VOID = frozenset({"meta", "link", "img", "input", "rect", "line", "path"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.content: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.content.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(
            part for tag, parts in self.content.items() if tag not in ("style", "script") for part in parts
        )


def evaluation() -> Report:
    metrics = (
        Metric("valid", 0.98, "higher", 0.97, 0.99, 1.0, "", "readable molecules", 100),
        Metric("fcd", float("nan"), "lower", summary=EVIL, reason="needs 1,000 molecules"),
        Metric("weight", 3.5, "target", 3.0, 4.0, 0.5, "g/mol", "distance", 100),
    )
    return Report("toy/all", metrics, notes=("a note", EVIL))


def page(**changes: Any) -> str:
    cards = [
        Preview(
            "svg",
            "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            "one",
            "alt one",
            {"QED": "0.9"},
        ),
        Preview("png", PNG, EVIL, EVIL, {EVIL: EVIL}),
        Preview("audio", b"RIFF\0\0\0\0WAVE" + bytes(9), "sound", "a sound"),
        Preview("video", bytes(12), "film", "a film"),
        Preview("text", EVIL, "words", "some words"),
    ]
    sections: list[reports.Section] = [
        reports.Gallery("Cards", cards, first=3),
        reports.Gallery("No cards", []),
        reports.Charts("Charts", [histogram("logP", [1, 2.5, 3], [2, 3, 4.5]), bars(EVIL, [Bar(EVIL, 3)])]),
        reports.Table("Rows", ["rank", "SMILES", EVIL], [(1, "CC", 0.123456), (2, EVIL, None)]),
        reports.Metrics("Metrics", evaluation()),
        reports.Table("Rows", ["words"], [[EVIL]]),
    ]
    parts: dict[str, Any] = {
        "summary": EVIL,
        "facts": [reports.Fact("leads", "1,000", EVIL)],
        "warnings": [EVIL],
        "making": reports.Making(
            "toy/make", 7, {"n": 5, "deep": {"a": [1]}, "none": {}}, f"genai run toy/make --set x='{EVIL}'",
            {"seed": 7, "evil": EVIL}, [("a.csv", "0" * 64, 12345)],
        ),
    } | changes  # fmt: skip
    return reports.Page(EVIL, sections, **parts).render()


def test_elements_close_in_order():
    assert Page(page()).open == []


def test_nothing_from_outside_becomes_markup():
    parsed = Page(page())
    assert "alert" not in "".join(parsed.content["script"][-1:])
    assert len(parsed.all("script")) == 2  # our own and the record
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
    assert not any("style" in attributes for _, attributes in parsed.elements)
    assert EVIL in parsed.text  # it is shown, as the text it is


def test_nothing_points_outside():
    for tag, attributes in Page(page()).elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            target = attributes.get(name)
            assert target is None or re.match(r"data:|#|[A-Za-z0-9._-]+$", target), (tag, target)
    assert "@import" not in page()
    assert "url(" not in page()


def test_the_policy_allows_our_style_and_script_and_nothing_else():
    parsed = Page(page())
    policy = next(meta["content"] for meta in parsed.all("meta") if "http-equiv" in meta)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    style, script = "".join(parsed.content["style"]), parsed.content["script"][-1]
    for text, rule in ((style, "style-src"), (script, "script-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "unsafe" not in policy


def test_the_record_can_be_read_back():
    parsed = Page(page())
    assert {"type": "application/json", "id": "provenance"} in parsed.all("script")
    record = json.loads(next(text for text in parsed.content["script"] if '"seed"' in text))
    assert record == {"seed": 7, "evil": EVIL}


def test_previews_are_embedded_by_what_they_are():
    parsed = Page(page())
    pictures = [(image["src"] or "")[:20] for image in parsed.all("img")]
    assert pictures == ["data:image/svg+xml,%", "data:image/png;base6"]
    assert (parsed.all("audio")[0]["src"] or "").startswith("data:audio/wav;base64,")
    assert (parsed.all("video")[0]["src"] or "").startswith("data:video/mp4;base64,")
    assert [image["alt"] for image in parsed.all("img")] == ["alt one", EVIL]
    assert parsed.all("audio")[0]["aria-label"] == "a sound"


def test_more_cards_wait_behind_a_summary_and_empty_galleries_are_left_out():
    parsed = Page(page())
    assert "Show 2 more" in parsed.text
    assert "No cards" not in parsed.text


def test_metrics_show_value_interval_floor_and_why_there_is_none():
    text = " ".join(Page(page()).text.split())
    assert "0.9800" in text
    assert "0.9700 to 0.9900" in text
    assert "not available: fcd: needs 1,000 molecules" in text
    assert "3.500 g/mol" in text
    assert "the nearer to the floor the better" in text


def test_a_baseline_is_shown_where_there_is_one():
    def shown(baseline):
        metric = Metric("residual", 0.1234, "lower", floor=0.05, baseline=baseline)
        return Page(reports.Page("x", [reports.Metrics("Metrics", Report("e/x", (metric,)))]).render()).text

    assert "baseline" in shown(0.9876)
    assert "0.9876" in shown(0.9876)
    assert "baseline" not in shown(None)


def test_every_chart_says_the_same_in_words():
    parsed = Page(page())
    pictures = [attributes for attributes in parsed.all("svg") if attributes.get("role") == "img"]
    assert len(pictures) == 2
    assert all(picture.get("aria-label") for picture in pictures)
    assert page().count("<summary>Numbers") == 2


def test_anchors_are_unique():
    ids = [attributes["id"] for _, attributes in Page(page()).elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {"s-1", "s-2", "making"} <= set(ids)


def test_equal_content_gives_equal_bytes_and_other_content_others():
    assert page() == page()
    assert page() != page(summary="other")


def test_a_bare_report_needs_nothing():
    parsed = Page(reports.Page("Empty").render())
    assert "Empty" in parsed.text
    assert "The same again" not in parsed.text


@pytest.mark.parametrize(
    ("kind", "data", "media"),
    [("jpeg", b"\xff\xd8\xff", "image/jpeg"), ("audio", b"fLaC", "audio/flac"),
     ("audio", b"RIFF\0\0\0\0WAVE", "audio/wav"), ("video", bytes(12), "video/mp4")],
)  # fmt: skip
def test_media_types_are_those_that_previews_promise(kind, data, media):
    assert reports.data_uri(Preview(kind, data)).startswith(f"data:{media};base64,")


def test_a_picture_that_follows_light_and_dark_gets_no_white_ground():
    style = "<svg><style>@media(prefers-color-scheme:dark){}</style></svg>"
    for preview, expected in (
        (Preview("svg", style), "thumb adaptive"),
        (Preview("svg", "<svg/>"), "thumb"),
        (Preview("png", PNG), "thumb"),
    ):
        parsed = Page(reports.Page("One", [reports.Gallery("One", [preview])]).render())
        assert expected in [attributes.get("class") for attributes in parsed.all("div")]
