"""Hostile programs in each tier: none gets anything, and honest ones beside them notice nothing.

`cases/hostile/code.jsonl` holds the programs in the form of the `verify` command, each with
what must come out. ``escape/`` and ``kernel/`` ask for what the kernel must refuse, and are right
if they get it; ``flood/`` takes all it can; ``end/`` ends in some odd way; ``tamper/`` changes its
own process; ``forge/`` answers in its process' place with messages of its own.
"""

from __future__ import annotations

import itertools
import json
import platform
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier
from verifiers import Result
from verifiers.code_tests import CodeVerifier

LINES = (Path(__file__).parent / "cases" / "hostile" / "code.jsonl").read_text().splitlines()
ROWS = [json.loads(line) for line in LINES]
HERE = [row for row in ROWS if row.get("machine", platform.machine()) == platform.machine()]
TESTS = [{"assert": "assert f(1) == 2"}, {"assert": "assert f(5) == 6"}]
HONEST = {"answer": "```python\ndef f(x): return x + 1\n```", "test_cases": TESTS}
WRONG = {"answer": "```python\ndef f(x): return 0\n```", "test_cases": TESTS}
SECONDS = 0.3  # of the hostile ones: the floods take all they get


@cache
def results(tier: int) -> list[Result]:
    """Judge every hostile program, then an honest and a wrong one, all by one zygote."""
    rows = [[{**row, "time_limit_s": SECONDS}, HONEST, WRONG] for row in HERE]
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        return list(verifier.results(itertools.chain(*rows)))


@in_each_tier
@pytest.mark.parametrize("row", HERE, ids=[row["id"] for row in HERE])
def test_hostile_program_is_wrong_and_never_untold(row: dict[str, Any], tier: int) -> None:
    result = results(tier)[3 * HERE.index(row)]
    assert result.outcome.value == row["expected"], dict(result.evidence)


@in_each_tier
def test_programs_after_each_are_judged_as_ever(tier: int) -> None:
    found = results(tier)
    assert Counter(result.reason for result in found[1::3]) == {"passed": len(HERE)}
    assert Counter(result.reason for result in found[2::3]) == {"wrong_answer": len(HERE)}


def test_names_of_hostile_programs_are_unique() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
