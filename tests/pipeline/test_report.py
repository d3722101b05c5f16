from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config
from pipeline.render import asset
from pipeline.report import build_report, write_report
from pipeline.report_rows import (
    DROPPED,
    PUBLISHED,
    REJECTED,
    SHORTEST,
    clip,
    conversation,
    evidence,
    sample,
)
from pipeline.store import Store


class Page(HTMLParser):
    """What a browser would see: elements with attributes, and the text of each script."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.open_script: dict[str, str | None] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.open_script = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.open_script = None

    def handle_data(self, data: str) -> None:
        if self.open_script is not None:
            self.scripts.append((self.open_script, data))
        else:
            self.text += data


def all_attributes(page: Page, name: str) -> list[str]:
    return [attributes[name] or "" for _, attributes in page.elements if name in attributes]


@pytest.fixture(scope="session")
def html(small_template: Store, small_session_config: Config) -> str:
    return build_report(small_session_config, small_template)


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return Page(html)


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    for name in ("src", "srcset", "data", "action", "poster"):
        assert all_attributes(page, name) == []
    assert all(link.startswith("#") for link in all_attributes(page, "href"))
    assert "url(" not in asset("report.css") and "@import" not in asset("report.css")


def test_every_script_is_one_that_the_page_allows(page: Page) -> None:
    (policy,) = [a["content"] or "" for t, a in page.elements if a.get("http-equiv")]
    running = [text for attributes, text in page.scripts if "type" not in attributes]
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in running}
    assert hashes == set(re.findall(r"'sha256-([^']+)'", policy))
    assert len(running) == 2
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy


def test_hostile_text_stays_text(page: Page) -> None:
    assert "</script><img src=x onerror=alert(1)>" in page.text
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"img", "iframe", "object", "embed", "svg", "link", "base"}
    events = [name for _, attributes in page.elements for name in attributes if name[:2] == "on"]
    assert events == []
    assert "{{ 7*7 }}" in page.text  # a template never reads text as a template


def test_hostile_names_in_figures_stay_data(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    evil = "</script><script>alert(1)</script>"

    def rename(data: Any) -> None:
        data.try_("first_round", 1, "<think>a</think>b", "correct", "equal", verifier=evil)

    page = Page(build_report(small_config, make_small_store(tmp_path / "data", change=rename)))
    figures = [json.loads(text) for attributes, text in page.scripts if "type" in attributes]
    names = [name for figure in figures for trace in figure["data"] for name in trace["y"]]
    assert evil in names


def test_every_figure_has_its_data(page: Page) -> None:
    places = all_attributes(page, "data-figure")
    data = {attributes["id"] for attributes, _ in page.scripts if "type" in attributes}
    assert len(places) == 6 and set(places) == data


def test_the_page_shows_the_ledger_and_each_drop(page: Page) -> None:
    text = " ".join(page.text.split())
    assert "16 collected = 7 published + 9 dropped + 0 pending" in text
    for reason in ("no correct response", "reference unusable", "downsampled", "empty prompt"):
        assert reason in text


def test_each_row_can_be_filtered_by_state_source_and_reason(page: Page) -> None:
    rows = [a for _, a in page.elements if (a.get("class") or "") == "row"]
    assert {row["data-state"] for row in rows} == {PUBLISHED, REJECTED, DROPPED}
    assert {row["data-source"] for row in rows} == {"alpha", "beta"}
    assert all(row["data-reason"] for row in rows)


def test_thinking_is_folded(html: str) -> None:
    assert re.search(r'<details class="think"><summary>thinking', html)
    assert '<details class="think" open' not in html


def test_equal_versions_give_equal_reports(
    html: str, small_template: Store, small_session_config: Config
) -> None:
    assert build_report(small_session_config, small_template) == html


def test_an_unfinished_version_has_a_report(small_config: Config, tmp_path: Path) -> None:
    page = Page(build_report(small_config, Store(tmp_path, "small", "1", 3)))
    assert "No row is published." in page.text and "No response has been judged." in page.text


def test_the_report_is_written_whole_into_a_new_folder(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    write_report(small_config, small_store, tmp_path / "new" / "report.html")
    (path,) = (tmp_path / "new").iterdir()
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_differences_are_shown_side_by_side(
    small_config: Config, small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    def less(data: Any) -> None:
        data.remove("examples", "code")
        data.drop("unselected", "code", "unverified", stage="select")

    old = make_small_store(tmp_path / "data", "0", less)
    text = " ".join(Page(build_report(small_config, small_store, old)).text.split())
    assert "Against version 0" in text
    assert "questions added" in text and small_store.name in text


def test_the_sample_has_every_state_and_reason_and_no_row_twice(small_store: Store) -> None:
    rows = sample(small_store, 200)
    keys = [(row.state, row.id, row.response.key if row.response else None) for row in rows]
    assert len(set(keys)) == len(keys)
    count = {state: sum(row.state == state for row in rows) for state in (PUBLISHED, DROPPED)}
    assert count == {PUBLISHED: 7, DROPPED: 9}
    assert {row.reason for row in rows if row.state == REJECTED} == {
        "math: not_equal",
        "math: reference_unusable",
        "rules: no_thinking",
    }


def test_a_small_sample_takes_each_state_in_turn(small_store: Store) -> None:
    states = [row.state for row in sample(small_store, 6)]
    assert sorted(states) == sorted([PUBLISHED, REJECTED, DROPPED] * 2)


def test_the_draw_reads_ids_backwards(small_store: Store) -> None:
    rows = [row for row in sample(small_store, 200) if row.reason == "correct"]
    (first,) = sample(small_store, 1)
    assert first.id == min((row.id for row in rows), key=lambda id: id[::-1])
    assert first.id != min(row.id for row in rows)


def test_the_sample_does_not_depend_on_shards(
    small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    other = make_small_store(tmp_path / "other", shards=7)
    assert [row.id for row in sample(other, 9)] == [row.id for row in sample(small_store, 9)]


def test_a_row_that_was_no_question_shows_its_excerpt(small_store: Store) -> None:
    refused = [row for row in sample(small_store, 200) if row.question is None]
    assert len(refused) == 2
    for row in refused:
        assert row.source == "alpha"
        assert "alert(1)" in conversation(row)[0].content


def test_long_texts_say_what_they_lack() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("a" * 1_500, 10) == "a" * 10 + "\n… 1,490 more characters"
    assert len(evidence(json.dumps({"text": "x" * 10 * SHORTEST}))) < 2 * SHORTEST
    assert evidence("{}") == ""
