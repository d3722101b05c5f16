"""A sample to mark, and what the marks come to: strata, Wilson's intervals, the card."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.audit import draw, rates_of, read_audit, shares, wilson, write_audit
from pipeline.audit_files import as_csv, as_jsonl, as_page, read_marks, write_sample
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.publish import publish_folder
from pipeline.store import Store

BY = ("category", "outcome")


def marked(store: Store, **said: str) -> list[dict[str, Any]]:
    """Return all published rows with the same marks."""
    rows = [json.loads(line) for line in as_jsonl(draw(store, 100, BY, 0)).splitlines()]
    return [{**row, **said} for row in rows]


@pytest.mark.parametrize(
    ("wrong", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 100, 0.0215, 0.1118), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(wrong: int, of: int, low: float, high: float) -> None:
    assert wilson(wrong, of) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 200), st.integers(1, 200))
def test_an_interval_holds_its_share(wrong: int, more: int) -> None:
    of = wrong + more
    low, high = wilson(wrong, of)
    assert 0 <= low <= wrong / of <= high <= 1


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1), st.integers(1, 300))
def test_strata_give_in_proportion_and_at_least_one_row(sizes: dict[str, int], number: int) -> None:
    given = shares(sizes, number)
    assert all(1 <= given[name] <= size for name, size in sizes.items())
    assert sum(given.values()) <= max(number, len(sizes)) + len(sizes)
    if sum(sizes.values()) <= number:
        assert given == sizes


def test_the_same_rows_are_drawn_each_time_from_every_stratum(small_store: Store) -> None:
    first = draw(small_store, 3, BY, 0)
    assert first == draw(small_store, 3, BY, 0)
    everything = draw(small_store, 100, BY, 0)
    assert len(everything) == 7
    assert {row.stratum for row in first} == {row.stratum for row in everything}


def test_a_file_of_each_format_is_read_back_with_its_marks(
    small_store: Store, tmp_path: Path
) -> None:
    rows = draw(small_store, 100, BY, 0)
    for name in ("a.jsonl", "a.csv"):
        write_sample(tmp_path / name, "small 1", rows)
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert [mark["row"] for mark in read_marks(tmp_path / name)] == [row.row for row in rows]
        assert "mark_answer" in text


def test_a_cell_is_no_formula(small_store: Store) -> None:
    from dataclasses import replace

    row = replace(draw(small_store, 1, BY, 0)[0], question='=HYPERLINK("http://x")')
    table = next(iter(csv.DictReader(io.StringIO(as_csv([row]).removeprefix("\ufeff")))))
    assert table["question"].startswith("'=")


def test_the_page_asks_for_nothing_and_escapes_all(small_store: Store) -> None:
    from dataclasses import replace

    row = replace(draw(small_store, 1, BY, 0)[0], question="<script>alert(1)</script>")
    page = as_page("small 1", [row])
    assert "<script>alert" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert not re.findall(r"(?:src|href)=\"?https?:", page)


def test_error_rates_count_marked_rows_alone(small_store: Store) -> None:
    marks = marked(small_store, mark_answer="right")
    marks[0] |= {"mark_answer": "Wrong ", "mark_category": "wrong"}
    marks[1] |= {"mark_answer": ""}
    audit = rates_of(small_store, marks, BY)
    assert (audit.rates["answer"].wrong, audit.rates["answer"].marked) == (1, 6)
    assert (audit.rates["category"].wrong, audit.rates["category"].marked) == (1, 1)
    assert audit.rates["question"].marked == 0
    whole = sum(of["answer"].marked for of in audit.strata.values())
    assert whole == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [({"row": "0" * 32}, "not published"), ({"mark_answer": "maybe"}, "right, wrong or empty")],
)
def test_marks_that_fit_nothing_are_refused(
    small_store: Store, change: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        rates_of(small_store, [{**marked(small_store)[0], **change}], BY)


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", "no"), ("a.jsonl", "[1]"), ("a.txt", "")]
)
def test_a_file_that_holds_no_marks_is_refused(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError):
        read_marks(tmp_path / name)
    with pytest.raises(InputError):
        read_marks(tmp_path / "none.jsonl")


def test_the_card_tells_the_error_rates(
    small_store: Store, small_config: Config, tmp_path: Path
) -> None:
    publish_folder(small_config, small_store, tmp_path / "before")
    before = (tmp_path / "before" / "README.md").read_text()
    assert "No sample has been marked by a person." in before
    marks = marked(small_store, mark_answer="right", mark_category="wrong")
    write_audit(small_store, rates_of(small_store, marks, BY))
    assert read_audit(small_store.folder) == rates_of(small_store, marks, BY)
    publish_folder(small_config, small_store, tmp_path / "after")
    card = (tmp_path / "after" / "README.md").read_text()
    assert "| answer | 0 | 7 | 0.0 % | 0.0 to 35.4 % |" in card
    assert "| category | 7 | 7 | 100.0 % | 64.6 to 100.0 % |" in card
    assert "how many are wrong is not known" not in card


CONFIG = """
name = "small"
version = "1"
[recipe]
shards = 3
[recipe.distill]
rounds = 0
[[recipe.sources]]
source = "quickstart"
[runtime]
data = "{data}"
"""


def test_the_command_draws_and_reads_back(
    small_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, sample = tmp_path / "small.toml", tmp_path / "out" / "sample.csv"
    config.write_text(CONFIG.format(data=small_store.root))
    assert main(["audit", str(config), "--draw", str(sample), "--rows", "5"]) == 0
    assert "rows in" in capsys.readouterr().out
    text = sample.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    with sample.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows({**row, "mark_answer": "wrong"} for row in rows)
    assert main(["audit", str(config), "--marks", str(sample)]) == 0
    assert f"answer       {len(rows)} of {len(rows)} marked wrong: 100.0 %" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--draw", "a.txt"], "must end in"),
        (["--draw", "a.csv", "--by", "colour"], "--by"),
        (["--draw", "a.csv", "--rows", "0"], "--rows"),
        (["--draw", "a.csv", "--version", "9"], "run it first"),
    ],
)
def test_what_cannot_be_drawn_is_the_users_fault(
    small_store: Store,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "small.toml"
    config.write_text(CONFIG.format(data=small_store.root))
    assert main(["audit", str(config), *arguments]) == 2
    assert said in capsys.readouterr().err
