"""A browser opens the report with no network, and a person's clicks do what they should.

The browser is the Chromium that is installed; nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config
from pipeline.report import write_report
from pipeline.store import Store
from tests.pipeline.conftest import make_store

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=f"none of {', '.join(NAMES)} is installed"),
    pytest.mark.skipif(
        importlib.util.find_spec("playwright") is None, reason="playwright is not installed"
    ),
]
MATH = (
    "Find $x$ if \\(\\frac{x}{2} = 3\\).\n\n```python\nprint('<b>')\n```\n\n"
    "<img src=x onerror=\"document.title='hit'\"> costs $5 and $6"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, small_session_config: Config) -> Iterator[Any]:
    """The report in a browser, with what it asked of the network and what it complained about."""
    from playwright.sync_api import sync_playwright

    root = tmp_path_factory.mktemp("browser")
    write_report(small_session_config, version(root), root / "report.html", make_store(root, "0"))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)
        opened: Any = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.complaints = []
        opened.on("console", lambda said: opened.complaints.append(said.text))
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.asked = []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.goto((root / "report.html").as_uri())
        yield opened
        browser.close()


def version(root: Path) -> Store:
    """Return the small version with a question that has formulas, code and hostile markup."""
    from tests.pipeline.conftest import GOOD, SmallData, question

    def change(data: SmallData) -> None:
        data.ask("written", question("alpha", "written", MATH, reference_answer="\\frac{1}{2}"))
        data.publish("written", data.try_("written", 1, GOOD, "correct", "equal"))

    return make_store(root, change=change)


@pytest.fixture(autouse=True)
def _afresh(page: Any) -> None:
    page.reload()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("document.querySelectorAll('.plot svg.main-svg').length > 0")


def row(page: Any, text: str) -> Any:
    """Search for a text, and return the first row that is left, opened."""
    page.fill("#search", text)
    found = page.locator(".row:not([hidden])").first
    found.locator("> summary").click()
    return found


def test_nothing_is_asked_of_the_network_and_nothing_fails(page: Any) -> None:
    assert page.complaints == []
    assert {url.partition(":")[0] for url in page.asked} == {"file"}
    assert page.title() != "hit"


def test_every_plot_is_drawn(page: Any) -> None:
    plots = page.locator(".plot")
    assert plots.count() == 6
    for place in range(plots.count()):
        assert plots.nth(place).locator("svg.main-svg").count() > 0


def test_hovering_a_bar_tells_its_numbers(page: Any) -> None:
    plot = page.locator(".plot[data-figure='figure-verdicts']")
    plot.scroll_into_view_if_needed()
    plot.locator(".bars .point path").first.hover(force=True)
    page.wait_for_selector(".hoverlayer .hovertext")
    assert "verdicts" in page.locator(".hoverlayer .hovertext").first.text_content()


def test_searching_leaves_the_rows_that_have_the_text(page: Any) -> None:
    page.fill("#search", "TWO AND TWO")
    shown = page.locator(".row:not([hidden])")
    every = page.locator(".row").count()
    assert 0 < shown.count() < every
    assert all("two and two" in text.lower() for text in shown.all_inner_texts())
    assert page.locator("#count").inner_text() == f"{shown.count()} of {every} rows"
    page.fill("#search", "")
    assert shown.count() == every


@pytest.mark.parametrize("state", ["published", "rejected", "dropped"])
def test_a_state_is_chosen_from_the_list(page: Any, state: str) -> None:
    page.select_option("#state", state)
    shown = page.locator(".row:not([hidden])")
    assert shown.count() > 0
    assert {shown.nth(n).get_attribute("data-state") for n in range(shown.count())} == {state}


def test_a_dropped_row_opens_and_says_why(page: Any) -> None:
    page.select_option("#reason", "decontaminate: ngram")
    found = row(page, "")
    assert "decontaminate: ngram" in found.locator(".said").inner_text()
    assert "aime_2024" in found.locator(".evidence").inner_text()


def test_thinking_is_folded_until_it_is_clicked(page: Any) -> None:
    found = row(page, "Find")
    thinking = found.locator("details.think .text").first
    assert not thinking.is_visible()
    found.locator("details.think > summary").click()
    assert thinking.is_visible() and "2 and 2 make 4" in thinking.inner_text()


def test_formulas_and_code_are_drawn_and_hostile_markup_is_text(page: Any) -> None:
    asked = row(page, "Find").locator(".text").first
    fraction = asked.locator("math mfrac").first
    assert (
        fraction.bounding_box()["height"] > asked.locator("math mi").first.bounding_box()["height"]
    )
    assert asked.locator("math").count() == 2  # the prices are none
    keyword = asked.locator("pre span").first
    colours = "e => [getComputedStyle(e).color, getComputedStyle(e.closest('pre')).color]"
    mine, paper = keyword.evaluate(colours)
    assert mine != paper
    assert asked.locator("img").count() == 0 and "<img src=x onerror" in asked.inner_text()


def test_a_text_can_be_read_as_it_was_written(page: Any) -> None:
    found = row(page, "Find")
    written = found.locator(".written").first
    written.locator("summary").click()
    assert written.locator("pre").inner_text() == MATH


def test_the_differences_are_reached_from_the_head_of_the_page(page: Any) -> None:
    page.click("nav a[href='#differences']")
    section = page.locator("#differences")
    assert section.locator("h2").inner_text() == "Against version 0"
    assert "not collected" in section.inner_text()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_as_wide_as_the_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    row(page, "Find")
    # Plots are drawn anew a moment after the window has another size.
    fits = "width => document.documentElement.scrollWidth <= width"
    page.wait_for_function(fits, arg=width, timeout=10_000)


def test_a_dark_page_has_light_letters(page: Any) -> None:
    page.emulate_media(color_scheme="dark")
    paper, ink = page.evaluate(
        "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
    )
    page.emulate_media(color_scheme="light")
    assert brightness(paper) < 60
    assert brightness(ink) > 200


def brightness(colour: str) -> float:
    values = [int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    return sum(values) / 3
