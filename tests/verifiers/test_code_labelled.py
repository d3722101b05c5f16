"""The labelled cases, in each tier: formats, limits, cheats and escapes, what can't be told."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge, labelled
from verifiers import Result

ROWS = labelled()
# In tier 2 no process can be started, so that these fail at once, and not by what they do then.
FORKING = {"wrong/memory_of_children", "cheat/stdin_background"}


@cache
def results(tier: int) -> dict[str, Result]:
    return dict(zip((row["id"] for row in ROWS), judge(ROWS, tier=tier), strict=True))


@in_each_tier
@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_case_gets_its_label(row: dict[str, Any], tier: int) -> None:
    result = results(tier)[row["id"]]
    expected = "runtime_error" if tier == 2 and row["id"] in FORKING else row.get("reason")
    found = (result.outcome.value, result.reason if "reason" in row else None)
    assert found == (row["expected"], expected), dict(result.evidence)
    assert "score" not in row or result.score == row["score"]


def test_there_are_enough_cheats_and_cases() -> None:
    cheats = [row for row in ROWS if row["id"].startswith("cheat/")]
    assert len(cheats) >= 15 and len(ROWS) >= 40


def test_names_of_cases_are_unique() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
