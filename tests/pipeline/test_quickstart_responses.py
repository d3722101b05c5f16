"""The quickstart's responses: right where they are clean, flawed as they say where planted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from pipeline.sources.base import SourceRow
from pipeline.sources.quickstart import Quickstart
from verifiers.response import final_answer, split

PLANTED = {
    "wrong_answer": 4,
    "one_wrong_of_two": 1,
    "failing_code": 2,
    "endless_loop": 1,
    "broken_constraint": 1,
    "cut_off": 3,
    "no_thinking": 2,
    "empty_thinking": 1,
    "empty_answer": 1,
    "repetition": 2,
    "other_language": 2,
    "refusal": 1,
}  # each with how many questions there are at least
IN_THE_QUESTION = {
    "near_duplicate",
    "exact_duplicate",
    "other_numbers",
    "repeated",
    "reference_conflict",
    "contaminated",
    "silent_history",
}
CHINESE = re.compile("[\u4e00-\u9fff]")


@cache
def rows() -> tuple[SourceRow, ...]:
    return tuple(Quickstart(source="quickstart").rows())


def planted(row: SourceRow) -> str | None:
    word: str | None = json.loads(row.question.metadata).get("planted")
    return word


def with_planted(word: str) -> list[SourceRow]:
    return [row for row in rows() if planted(row) == word]


def right_responses(kind: str | None = None) -> list[tuple[SourceRow, str]]:
    return [
        (row, response.text)
        for row in rows()
        for place, response in enumerate(row.responses)
        if kind in (None, row.question.kind)
        and (planted(row) not in PLANTED or (planted(row), place) == ("one_wrong_of_two", 0))
    ]


def think(text: str) -> str:
    return split(text).think or ""


def answer(text: str) -> str:
    return final_answer(split(text).answer or "")


def boxed(text: str) -> str | None:
    """Return what the last \\boxed{…} of a response holds."""
    rest = text.rpartition("\\boxed{")[2]
    depth = 1
    for place, character in enumerate(rest):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return rest[:place]
    return None


def test_a_third_carries_responses_and_most_of_them_are_right() -> None:
    carrying = [row for row in rows() if row.responses]
    assert 3 * len(carrying) >= len(rows())
    assert len(right_responses()) >= 32
    assert {row.question.kind for row, _ in right_responses()} == {
        row.question.kind for row in rows()
    }


@pytest.mark.parametrize(("word", "least"), PLANTED.items())
def test_enough_is_planted_of_each_sort(word: str, least: int) -> None:
    assert len(with_planted(word)) >= least
    assert all(row.responses for row in with_planted(word))


def test_nothing_else_is_planted() -> None:
    assert {planted(row) for row in rows()} == {None, *IN_THE_QUESTION, *PLANTED}


def test_refusals_say_what_refusals_say() -> None:
    for row in with_planted("refusal"):
        assert re.search("as an AI language model,? I cannot", answer(row.responses[0].text), re.I)


def test_right_math_responses_box_the_reference_answer() -> None:
    checked = [
        (row.question.reference_answer, boxed(answer(text)))
        for row, text in right_responses("math")
    ]
    assert len(checked) >= 15
    assert [pair for pair in checked if pair[0] != pair[1]] == []


def test_wrong_answers_are_wrong() -> None:
    for row in with_planted("wrong_answer"):
        found = boxed(answer(row.responses[0].text))
        assert found is not None
        assert found.replace("\\text", "").strip() != row.question.reference_answer
    for row in with_planted("one_wrong_of_two"):
        assert boxed(answer(row.responses[1].text)) not in (None, row.question.reference_answer)


def test_right_responses_think_forty_to_two_hundred_words_and_answer() -> None:
    for row, text in right_responses():
        thought = think(text)
        chinese = len(CHINESE.findall(thought))
        words = len(thought.split())
        assert 70 <= chinese <= 300 if chinese else 40 <= words <= 200, row.origin
        assert answer(text), row.origin


def test_responses_that_are_cut_off_say_so_and_never_close_their_thinking() -> None:
    finished = {
        response.finish_reason
        for row in rows()
        for response in row.responses
        if planted(row) != "cut_off"
    }
    assert finished == {"stop"}
    for row in with_planted("cut_off"):
        assert row.responses[0].finish_reason == "length"
        assert split(row.responses[0].text).answer is None


def test_planted_gaps_are_where_they_are_said_to_be() -> None:
    assert {split(row.responses[0].text).think for row in with_planted("no_thinking")} == {None}
    assert {think(row.responses[0].text).strip() for row in with_planted("empty_thinking")} == {""}
    assert {answer(row.responses[0].text) for row in with_planted("empty_answer")} == {""}


def test_planted_loops_repeat_a_span_thirty_times() -> None:
    for row in with_planted("repetition"):
        assert re.search(r"(.{8,80}?)\1{29}", think(row.responses[0].text), re.DOTALL), row.origin


def test_planted_languages_differ_between_question_and_answer() -> None:
    for row in with_planted("other_language"):
        asked, answered = row.question.user_text, answer(row.responses[0].text)
        assert bool(CHINESE.search(asked)) != bool(CHINESE.search(answered))


def program(row: SourceRow, text: str) -> str:
    found = re.search(r"```python\n(.*?)```", answer(text), re.DOTALL)
    assert found, row.origin
    return found[1]


def passes_case(case: dict[str, str], program: str, folder: Path, seconds: float) -> bool:
    (folder / "solution.py").write_text(program, encoding="utf-8")
    if "output" in case:
        done = run(["solution.py"], folder, seconds, case["input"])
        return done is not None and done.returncode == 0 and done.stdout == case["output"]
    test = "from solution import *\n" + case.get("setup", "")
    test += f"assert {case['assert']}" if "assert" in case else case["test_code"]
    test += f"\ncheck({case['entry_point']})\n" if "entry_point" in case else ""
    (folder / "test_solution.py").write_text(test, encoding="utf-8")
    module = "test_code" in case and "entry_point" not in case
    pytest_options = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if module else []
    done = run([*pytest_options, "test_solution.py"], folder, seconds)
    return done is not None and done.returncode == 0


def run(
    arguments: list[str], folder: Path, seconds: float, text: str = ""
) -> subprocess.CompletedProcess[str] | None:
    """Run Python; returns None where it takes too long."""
    command = [sys.executable, "-B", *arguments]
    try:
        return subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=seconds,
            check=False, encoding="utf-8", env={"PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None


@pytest.mark.parametrize(
    ("row", "text"), [pytest.param(*each, id=each[0].origin) for each in right_responses("code")]
)
def test_right_programs_pass_their_tests(row: SourceRow, text: str, tmp_path: Path) -> None:
    for case in json.loads(row.question.test_cases or "null"):
        assert passes_case(case, program(row, text), tmp_path, seconds=60)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.origin) for row in with_planted("failing_code")]
)
def test_failing_programs_run_and_fail_a_test(row: SourceRow, tmp_path: Path) -> None:
    outcomes = [
        passes_case(case, program(row, row.responses[0].text), tmp_path, seconds=60)
        for case in json.loads(row.question.test_cases or "null")
    ]
    assert set(outcomes) == {True, False}


def test_the_endless_loop_does_not_end(tmp_path: Path) -> None:
    (row,) = with_planted("endless_loop")
    looping = program(row, row.responses[0].text) + "\nshort_walk(8)\n"
    (tmp_path / "solution.py").write_text(looping, encoding="utf-8")
    assert run(["solution.py"], tmp_path, seconds=1.5) is None
