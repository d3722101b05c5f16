"""The labelled cases: formats, limits, cheats and escapes, what can't be told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.code_support import judge, labelled, needs_sandbox
from verifiers import Result

pytestmark = needs_sandbox
ROWS = labelled()


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return dict(zip((row["id"] for row in ROWS), judge(ROWS), strict=True))


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_case_gets_its_label(row: dict[str, Any], results: dict[str, Result]) -> None:
    result = results[row["id"]]
    found = (result.outcome.value, result.reason if "reason" in row else None)
    assert found == (row["expected"], row.get("reason")), dict(result.evidence)
    assert "score" not in row or result.score == row["score"]


def test_there_are_enough_cheats_and_cases() -> None:
    cheats = [row for row in ROWS if row["id"].startswith("cheat/")]
    assert len(cheats) >= 15 and len(ROWS) >= 40


def test_names_of_cases_are_unique() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
