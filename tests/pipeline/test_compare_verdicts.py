"""Verdicts of two versions on the same responses: which differ, and which can't be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.compare_verdicts import compare_verdicts
from pipeline.config import Config
from pipeline.report import build_report
from pipeline.store import Store

Version = Any


def judged_otherwise(data: Any) -> None:
    """Let the verifier of one response find it incorrect."""
    id = data.questions["first_round"].id
    rows = data.tables["verdicts/round=01"]
    place = next(p for p, row in enumerate(rows) if row.id == id and row.verifier == "math")
    rows[place] = replace(rows[place], outcome="incorrect", reason="different")


def test_a_version_has_the_verdicts_that_it_has(small_store: Store) -> None:
    found = compare_verdicts(small_store, small_store)
    assert found.responses == 12 and found.texts == 0 and not found.changed


@pytest.mark.parametrize("shards", [1, 3, 8])
def test_a_changed_verdict_is_told_as_it_was_and_as_it_is(
    small_store: Store, make_small_store: Version, tmp_path: Path, shards: int
) -> None:
    new = make_small_store(tmp_path / "data", "2", judged_otherwise, shards)
    there = compare_verdicts(new, small_store)
    assert there.changed == {("math", "correct: equal", "incorrect: different"): 1}
    back = compare_verdicts(small_store, new)
    assert back.changed == {("math", "incorrect: different", "correct: equal"): 1}
    assert there.responses == back.responses == 12


def test_a_verifier_that_only_one_version_asked_is_none_in_the_other(
    small_store: Store, make_small_store: Version, tmp_path: Path
) -> None:
    def without_rules(data: Any) -> None:
        rows = data.tables["verdicts/round=02"]
        data.tables["verdicts/round=02"] = [row for row in rows if row.verifier != "rules"]

    new = make_small_store(tmp_path / "data", "2", without_rules)
    changed = compare_verdicts(new, small_store).changed
    assert set(changed) == {("rules", "correct: no_rule_broken", "none")}


def test_verdicts_on_another_text_are_not_compared(
    small_store: Store, make_small_store: Version, tmp_path: Path
) -> None:
    def sampled_anew(data: Any) -> None:
        judged_otherwise(data)
        id = data.questions["first_round"].id
        rows = data.tables["responses/round=01"]
        place = next(place for place, row in enumerate(rows) if row.id == id)
        rows[place] = replace(rows[place], think="another thought")

    new = make_small_store(tmp_path / "data", "2", sampled_anew)
    found = compare_verdicts(new, small_store)
    assert (found.texts, found.changed.total()) == (1, 0)


def test_the_report_shows_sources_reasons_and_verdicts_that_differ(
    small_config: Config, small_store: Store, make_small_store: Version, tmp_path: Path
) -> None:
    def otherwise(data: Any) -> None:
        judged_otherwise(data)
        data.remove("examples", "code")
        data.drop("unselected", "code", "unverified", stage="select")

    old = make_small_store(tmp_path / "data", "0", otherwise)
    html = build_report(small_config, small_store, old)
    section = html[html.index('id="differences"') : html.index('id="rows"')]
    text = " ".join(section.split())
    assert "Where the added ones were in version 0" in text and "select: unverified" in text
    cells = [f'<td class="n">{count}</td>' for count in (1, 0, 0, 3)]
    assert f"<tr><td>beta</td>{''.join(cells)}</tr>" in text
    assert "<td>math</td><td>incorrect: different</td><td>correct: equal</td>" in text
    assert "Both versions judged 12 of the same responses" in text
