"""configs/real-mini.toml against the real files that it names (REAL_DATA), row by row."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, load_config
from pipeline.paths import expand
from pipeline.records import DIFFICULTIES
from pipeline.sources.base import Refused, SourceRow
from verifiers.response import split

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "real-mini.toml"
pytestmark = pytest.mark.skipif(
    "REAL_DATA" not in os.environ, reason="REAL_DATA, the folder of the real files, is not set"
)
MINIMUM_ROWS = 3_500
VERIFY_FORMS = ({"input", "output"}, {"assert"}, {"test_code"})


@cache
def config() -> Config:
    return load_config(str(CONFIG))


@cache
def rows() -> dict[str, list[SourceRow | Refused]]:
    return {s.name: list(islice(s.rows(), s.limit)) for s in config().recipe.sources}


def good(*names: str) -> list[SourceRow]:
    wanted = names or tuple(rows())
    return [row for name in wanted for row in rows()[name] if isinstance(row, SourceRow)]


def test_every_row_is_a_question() -> None:
    found = Counter(
        row.reason for name in rows() for row in rows()[name] if isinstance(row, Refused)
    )
    assert found == {}


def test_there_are_enough_rows_and_no_source_is_empty() -> None:
    assert len(good()) >= MINIMUM_ROWS
    assert min(len(found) for found in rows().values()) >= 200


@pytest.mark.parametrize(
    "name",
    [
        "gsm8k_train",
        "math_train",
        "deepscaler_levels",
        "orz_math",
        "scibench",
        "agieval_en",
        "agieval_zh",
    ],
)
def test_every_question_with_an_answer_in_its_file_has_a_short_reference(name: str) -> None:
    answers = [row.question.reference_answer for row in good(name)]
    assert all(answer and len(answer) < 2_000 for answer in answers)
    assert not any(
        "####" in answer or answer.startswith(('"', "{")) for answer in answers if answer
    )


def cases(row: SourceRow) -> list[dict[str, Any]]:
    return list(json.loads(row.question.test_cases or "[]"))


@pytest.mark.parametrize("name", ["leetcode", "kodcode"])
def test_every_test_case_is_in_the_form_of_verify(name: str) -> None:
    for row in good(name):
        (case,) = cases(row)
        assert set(case) - {"setup", "entry_point"} in VERIFY_FORMS
        assert all(isinstance(value, str) and value for value in case.values())
        ast.parse(case["test_code"])


def test_leetcode_checks_a_candidate_and_names_its_entry_point() -> None:
    for row in good("leetcode"):
        (case,) = cases(row)
        assert "def check(candidate" in case["test_code"]
        ast.parse(case["entry_point"], mode="eval")
        ast.parse(case["setup"])


def test_kodcode_is_a_pytest_module_for_three_responses_by_r1() -> None:
    found = good("kodcode")
    assert all("def test_" in cases(row)[0]["test_code"] for row in found)
    responses = Counter(row.question.id for row in found for _ in row.responses)
    assert len(responses) == 171 and min(responses.values()) == 3
    assert {response.teacher for row in found for response in row.responses} == {"DeepSeek-R1"}


def test_rows_of_one_question_never_contradict_each_other_in_kodcode() -> None:
    tests: dict[str, set[str | None]] = {}
    for row in good("kodcode"):
        tests.setdefault(row.question.id, set()).add(row.question.test_cases)
    assert {len(found) for found in tests.values()} == {1}


def test_alpaca_has_a_response_without_thinking_for_each_question() -> None:
    texts = [response.text for row in good("alpaca_gpt4") for response in row.responses]
    assert len(texts) == len(good("alpaca_gpt4"))
    assert {split(text).think for text in texts} == {None}


def test_deepscaler_has_all_five_difficulties() -> None:
    found = {json.loads(row.question.metadata)["difficulty"] for row in good("deepscaler_levels")}
    assert found == set(DIFFICULTIES)


@pytest.mark.parametrize("name", ["agieval_en", "agieval_zh"])
def test_choices_are_lettered_and_the_answer_is_among_them(name: str) -> None:
    for row in good(name):
        options = json.loads(row.question.metadata)["options"]
        letters = "ABCDE"[: len(options)]
        lines = [f"({letter}) {text}" for letter, text in zip(letters, options, strict=True)]
        assert row.question.user_text.endswith("\n".join(lines))
        assert set((row.question.reference_answer or "").split(", ")) <= set(letters)


def test_no_prompt_shows_the_seams_of_its_template() -> None:
    slots = ("{problem_text}", "{unit}", "{passage}", "{question}", "{instruction}", "{input}")
    for row in good("scibench", "agieval_en", "agieval_zh", "alpaca_gpt4"):
        text = row.question.user_text
        assert text == text.strip()
        assert not any(seam in text for seam in (*slots, "None\n", "unit: \n", "\n\n\n\n"))


def test_every_quota_names_a_source_and_all_but_kodcode_have_one() -> None:
    quotas = set(config().recipe.choose.per_source)
    assert set(rows()) - quotas == {"kodcode"} and quotas <= set(rows())


def test_every_benchmark_is_there() -> None:
    paths = config().recipe.decontaminate.benchmarks
    assert [path for path in paths if not expand(path).is_file()] == []
