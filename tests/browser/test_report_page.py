"""The report in a real browser: it looks, sorts, filters, plays, and asks the network for nothing."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from genai_core.files.artifacts import Preview
from genai_core.results import report as reports
from genai_core.results.charts import Bar, bars, histogram, lines
from genai_core.results.evaluate import Metric, Report

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30">'
    '<script>fetch("http://evil.example/")</script><image href="http://evil.example/x.png"/>'
    '<path id="a" d="M5 5L35 25" stroke="#000"/></svg>'
)


# A grey picture of 2 x 2 pixels.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNwaGBoOAAABQYCAQmUMwAAAAAASUVORK5CYII="
PICTURE = Preview("png", base64.b64decode(PNG), "photo.png", "a photo")


def sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    molecule = "CC(C)(C)OC(=O)N1CCC(CC1)C(=O)NC2=CC=C(C=C2)S(=O)(=O)N3CCOCC3"
    cards = [
        Preview("svg", SVG, f"{n}", f"structure {n}", {"QED": f"0.{n:02}", "SMILES": molecule})
        for n in range(30)
    ]
    media = [
        Preview("audio", sound(), "tone", "one second of silence"),
        Preview("text", EVIL, "words", "words"),
    ]
    rows = [(n, molecule, ((n * 37) % 100) / 10, EVIL if n == 3 else "x" * (n % 5)) for n in range(1, 101)]
    metrics = (
        Metric("valid", 0.98, "higher", 0.97, 0.99, 1.0, "", "readable molecules", 100),
        Metric("fcd", float("nan"), "lower", reason="needs 1,000 molecules"),
    )
    sections = [
        reports.Gallery("Molecules", cards),
        reports.Gallery("Media", media),
        reports.Comparison("Before and after", [(PICTURE, replace(PICTURE, caption="painted"))]),
        reports.Charts(
            "Properties", [histogram(f"p{n}", [1, 2.5, 3], [2, 3, 4.5], window=(1, 3)) for n in range(4)]
        ),
        reports.Charts("Loss", [lines("Loss", {"train": [(0, 3), (9, 1)], "valid": [(0, 3), (9, 2)]})]),
        reports.Charts("Funnel", [bars("Funnel", [Bar("sampled", 10), Bar("kept", 4, 3, 5, 6, "40 %")])]),
        reports.Metrics("Metrics", Report("toy/all", metrics)),
        reports.Table("Rows", ["rank", "SMILES", "score", "remark"], rows),
    ]
    making = reports.Making(
        "toy/make", 7, {"a": {"long_setting_name": molecule}}, f"genai run toy/make --set a.b={molecule}",
        {"seed": 7, "evil": "</script>" + EVIL, "long": "x" * 300}, [("leads.csv", "0" * 64, 12345)],
    )  # fmt: skip
    facts = [reports.Fact(f"number {n}", "1,000,000", "of a longer remark") for n in range(5)]
    page = reports.Page(
        f"Report {EVIL}", sections, "What it is about.", facts, warnings=["Mind this."], making=making
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.render(), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_accessible_and_closed_at_every_size(page_path, visit, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    watched = visit(page_path, width=width, scheme=scheme)
    watched.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    found = Axe().run(watched.page).response["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"][:2]]) for each in found] == []
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.complaints == []
    assert watched.outside == []


def test_nothing_from_outside_runs(page_path, visit):
    watched = visit(page_path)
    assert watched.page.evaluate("document.querySelectorAll('img[onerror], svg script').length") == 0
    watched.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.broken = 1';"
        " document.body.append(script); }"
    )
    assert watched.page.evaluate("window.broken") is None  # the policy refuses what is not ours
    assert any("Content Security Policy" in text for text in watched.complaints)


def test_the_policy_refuses_the_network(page_path, visit):
    watched = visit(page_path)
    answer = watched.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused')")
    assert answer == "refused"
    assert any("Content Security Policy" in text for text in watched.complaints)


def test_pictures_are_seen_and_sound_can_be_played(page_path, visit):
    page = visit(page_path).page
    first = page.locator("img").first
    first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('img').naturalWidth > 0")
    page.wait_for_function("document.querySelector('audio').readyState >= 1")
    assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(1.0, abs=0.05)


def test_a_slider_uncovers_what_is_below(page_path, visit):
    page = visit(page_path).page
    slider = page.locator("[data-comparison] input")
    assert slider.is_visible()
    slider.fill("25")
    shown = "getComputedStyle(document.querySelector('[data-comparison] img + img')).clipPath"
    assert page.evaluate(shown).replace("calc(100% - 25%)", "75%") == "inset(0px 75% 0px 0px)"


def test_tables_sort_both_ways_by_number_and_by_word(page_path, visit):
    page = visit(page_path).page

    def column(number: int) -> list[str]:
        return page.eval_on_selector_all(
            "[data-sortable] tbody tr", f"rows => rows.map(row => row.cells[{number}].textContent)"
        )

    score = page.get_by_role("button", name="score")
    score.click()
    ascending = [float(text) for text in column(2)]
    assert ascending == sorted(ascending)
    score.click()
    assert [float(text) for text in column(2)] == ascending[::-1]
    assert page.locator("th[aria-sort=descending]").text_content() == "score"
    page.get_by_role("button", name="rank").click()
    assert column(0) == [str(number) for number in range(1, 101)]
    assert page.locator("th[aria-sort]").count() == 1


def test_the_filter_hides_other_rows_and_says_how_many_are_left(page_path, visit):
    page = visit(page_path).page
    page.get_by_label("Filter").fill("onerror")
    assert page.locator("[data-sortable] tbody tr:visible").count() == 1
    assert page.locator("output").text_content() == "1 of 100 rows"
    page.get_by_label("Filter").fill("")
    assert page.locator("[data-sortable] tbody tr:visible").count() == 100


def test_the_theme_can_be_changed(page_path, visit):
    page = visit(page_path).page
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) != light
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == light


def test_the_keyboard_reaches_everything(page_path, visit):
    page = visit(page_path).page
    wanted = page.evaluate(
        "[...document.querySelectorAll('a, button, input, summary, audio, [tabindex=\"0\"]')]"
        ".filter(part => part.checkVisibility()).length"
    )
    reached: set[int] = set()
    place = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(place))
    assert len(reached) >= wanted


def test_more_cards_open_from_the_keyboard(page_path, visit):
    page = visit(page_path).page
    assert page.locator("#s-1 .card:visible").count() == 24
    page.get_by_text("Show 6 more").focus()
    page.keyboard.press("Enter")
    assert page.locator("#s-1 .card:visible").count() == 30


def test_it_is_complete_without_scripts(page_path, visit):
    watched = visit(page_path, script=False)
    assert watched.page.locator("[data-sortable] tbody tr").count() == 100
    assert not watched.page.locator("[data-filter]").is_visible()
    assert watched.page.locator("svg.chart").count() == 6


def test_it_prints_on_paper(page_path, visit):
    page = visit(page_path, scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".bar").is_visible()
    assert page.pdf().startswith(b"%PDF")
