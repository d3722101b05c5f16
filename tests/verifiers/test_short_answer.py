"""Short answers: labelled cases, options in every form, claims, numbers, order, hostile text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.base import BadInput, Outcome, available
from verifiers.short.claims import Finder
from verifiers.short.options import Options, read_options
from verifiers.short.words import key
from verifiers.short_answer import BATCH, ShortAnswerVerifier

CASES = Path(__file__).parent / "cases" / "short_answer.jsonl"
GEMS = Options(("A", "B", "C", "D"), ("coral", "pearls", "amber", "jade"))


def load_cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def verifier() -> Iterator[ShortAnswerVerifier]:
    with ShortAnswerVerifier.create(workers=2) as made:
        yield made


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case["name"])
def test_labelled_case(case: dict[str, Any], verifier: ShortAnswerVerifier) -> None:
    (result,) = verifier.results([case["row"]])
    found = (result.outcome, result.reason, result.verifier)
    assert found == (case["outcome"], case["reason"], "short_answer"), result.evidence


def test_results_come_in_the_order_of_the_rows(verifier: ShortAnswerVerifier) -> None:
    rows = [case["row"] for case in load_cases()] * (1 + 2 * BATCH // len(load_cases()))
    wanted = [case["reason"] for case in load_cases()] * (1 + 2 * BATCH // len(load_cases()))
    assert [result.reason for result in verifier.results(rows)] == wanted


def test_no_more_rows_are_taken_than_a_batch(verifier: ShortAnswerVerifier) -> None:
    taken = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield {"answer": "B", "reference_answer": "B"}

    assert next(iter(verifier.results(rows()))).outcome is Outcome.CORRECT
    assert taken == BATCH


@pytest.mark.parametrize("row", [None, 3, "text", ["answer"]])
def test_a_row_that_is_no_object_is_bad_input(row: Any, verifier: ShortAnswerVerifier) -> None:
    (result,) = verifier.results([row])
    assert (result.outcome, result.reason) == (Outcome.UNVERIFIED, "bad_input")


def test_settings_of_the_mathematical_verifier_are_passed_on() -> None:
    with ShortAnswerVerifier.create(math={"tolerance": {"relative": 0.2}}) as loose:
        (result,) = loose.results([{"answer": r"\boxed{54}", "reference_answer": "0.5 + 53.8"}])
    assert result.verifier == "short_answer"
    with pytest.raises(TypeError, match="no_such"):
        ShortAnswerVerifier.create(math={"no_such": 1})


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(TypeError, match="no_such"):
        ShortAnswerVerifier.create(no_such=1)


def test_the_verifier_is_found_by_its_name() -> None:
    assert available()["short_answer"] is ShortAnswerVerifier


# Options and claims


@pytest.mark.parametrize(
    ("given", "labels", "texts"),
    [
        (["6", "1"], ("A", "B"), ("6", "1")),
        (["(A)6", "(B)1"], ("A", "B"), ("6", "1")),
        (["A) 6", "B) 1"], ("A", "B"), ("6", "1")),
        (["A. 6", "B. 1"], ("A", "B"), ("6", "1")),
        (["1. red", "2. blue"], ("1", "2"), ("red", "blue")),
        (["1.5", "2.5"], ("A", "B"), ("1.5", "2.5")),
        (["A cat", "B flat"], ("A", "B"), ("A cat", "B flat")),
        (["(A)6", "1"], ("A", "B"), ("(A)6", "1")),
        ({"a": "6", "b": 1}, ("A", "B"), ("6", "1")),
        ('{"A": "6", "B": "1"}', ("A", "B"), ("6", "1")),
    ],
)
def test_options_are_read(given: Any, labels: tuple[str, ...], texts: tuple[str, ...]) -> None:
    assert read_options(given) == Options(labels, texts)


@pytest.mark.parametrize(
    "given", [4, ["x"], ["x", ["y"]], {"A": "x", "1": "y"}, "A, B", ["x"] * 27]
)
def test_options_of_another_form_are_bad_input(given: Any) -> None:
    with pytest.raises(BadInput, match="options"):
        read_options(given)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("The answer is (B).", "B"),
        ("So the correct choice is **C. amber**.", "C"),
        ("amber", "C"),
        ("答案：D", "D"),
        ("Option A is wrong. Option D is right.", "D"),
        (r"\boxed{\text{B}}", "B"),
        ("The answer is A. No, wait: the answer is B.", "B"),
        ("B and D", "BD"),
        ("A gem is a stone. I like pearls and amber.", ""),
        ("The question asks: which option is best?", ""),
    ],
)
def test_claims_are_found(text: str, labels: str) -> None:
    claim = Finder(GEMS).find(text)
    assert claim is not None
    assert claim.labels == frozenset(labels)


@given(st.sampled_from(GEMS.labels), st.text(max_size=60))
def test_a_text_before_the_final_phrase_changes_nothing(label: str, text: str) -> None:
    before = text.replace("\\", "")  # a box goes before a phrase
    claim = Finder(GEMS).find(f"{before}.\n\nThe correct answer is ({label}).")
    assert claim is not None
    assert claim.labels == frozenset(label)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The Pearls.", "pearls", True),
        ("three pearls", "3 pearls", True),
        (r"\textbf{pearls}", "pearls", True),
        ("well-known", "well known", True),
        ("vitamin A", "vitamin", False),
        ("Na+", "Na", False),
        ("-4", "4", False),
        ("[0,1]", "(0,1)", False),
        ("2a", "2", False),
        ("1,000", "1000", True),
    ],
)
def test_texts_are_the_same_but_for_case_articles_and_marks(
    one: str, other: str, same: bool
) -> None:
    assert (key(one) == key(other)) is same


@pytest.mark.parametrize(
    "text",
    [
        "answer is " * 3000,
        "A " * 8000,
        "(" * 20_000,
        "\\boxed{" * 3000,
        "A is wrong, " * 2000,
        "**" * 9000,
        "\\text{" * 4000,
        "maybe " * 4000,
        "\n" * 20_000,
    ],
    ids=["phrases", "letters", "brackets", "boxes", "claims", "stars", "styles", "hedges", "lines"],
)
def test_time_is_bounded_on_hostile_text(text: str, verifier: ShortAnswerVerifier) -> None:
    start = time.perf_counter()
    row = {"answer": text, "reference_answer": "B", "options": list(GEMS.texts)}
    (result,) = verifier.results([row])
    assert result.outcome is not Outcome.CORRECT
    assert time.perf_counter() - start < 5.0
