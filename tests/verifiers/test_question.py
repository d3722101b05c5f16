"""What is read from a question: an order, a decimal, the options; and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verifiers.base import Outcome
from verifiers.equality.question import MAX_CHARS, MAX_OPTION, asked, options
from verifiers.math_answer import MathVerifier

AMC = (
    r"Find $x$. $\textbf{(A)}\ \frac12\qquad\textbf{(B)}\ \frac13\qquad\textbf{(C)}\ .25\qquad"
    r"\textbf{(D)}\ \{1,2\}$"
)


@pytest.fixture(scope="module")
def verifier() -> Iterator[MathVerifier]:
    with MathVerifier.create(workers=1, deadline_s=20.0) as made:  # the machine may be busy
        yield made


def outcome(verifier: MathVerifier, prompt: str, reference: str, answer: str) -> Outcome:
    row = {"prompt": prompt, "reference_answer": reference, "answer": answer}
    (result,) = verifier.results([row])
    return result.outcome


@pytest.mark.parametrize(
    "prompt",
    [
        "Arrange 0.3, 1/4 and 1/3 from least to greatest.",
        "Order the fractions in increasing order.",
        "Write the next three terms of 1, 1, 2, 3, 5.",
        "将下列各数从小到大排列",
    ],
)
def test_a_question_whose_answer_is_an_order_asks_for_one(prompt: str) -> None:
    assert asked(prompt).form.ordered


@pytest.mark.parametrize(
    "prompt",
    [
        "List all roots in increasing order.",
        "Find the primes. Put your answers in increasing order, separated by commas.",
        "Find the order of the group from the least to the greatest element.",
        "Solve the equation.",
        "",
    ],
)
def test_how_answers_are_to_be_written_is_no_order(prompt: str) -> None:
    assert not asked(prompt).form.ordered


def test_options_are_read_with_their_latex_and_a_leading_point_stays() -> None:
    assert options(AMC) == {"A": r"\frac12", "B": r"\frac13", "C": ".25", "D": r"\{1,2\}"}


def test_options_on_lines_end_with_their_paragraph() -> None:
    text = "选择正确的一项\nA. $1$\nB. $2$\nC. $3$\n\n请写出过程。"
    assert options(text) == {"A": "1", "B": "2", "C": "3"}


@pytest.mark.parametrize(
    "text",
    [
        "Points A, B and C lie on a line; angle (A) is 3 and (B) is 5.",
        "(A) 12 (B) 15",  # too few
        "(A) 12 (B) 15 (D) 18",  # a gap
        "(A) 12 (B) 12 (C) 18",  # two of one text
        "(A) 12 (B) (C) 18",  # an empty one
        f"(A) 12 (B) 15 (C) {'x' * (MAX_OPTION + 1)}",
    ],
)
def test_letters_that_are_no_full_list_of_options_are_none(text: str) -> None:
    assert options(text) == {}


def test_what_stands_far_behind_is_not_read() -> None:
    assert asked(" " * MAX_CHARS + AMC) == asked("")


def test_a_letter_counts_as_its_option_on_either_side(verifier: MathVerifier) -> None:
    assert outcome(verifier, AMC, "B", r"\boxed{\frac{2}{6}}") is Outcome.CORRECT
    assert outcome(verifier, AMC, r"\frac13", r"\boxed{\text{B}}") is Outcome.CORRECT


def test_a_letter_never_counts_as_another_option(verifier: MathVerifier) -> None:
    assert outcome(verifier, AMC, "A", r"\boxed{\frac13}") is Outcome.INCORRECT
    assert outcome(verifier, AMC, r"\frac13", r"\boxed{\text{A}}") is Outcome.INCORRECT


def test_a_letter_without_options_stays_a_letter(verifier: MathVerifier) -> None:
    assert outcome(verifier, "Find x.", "B", r"\boxed{\frac13}") is Outcome.INCORRECT


def test_the_option_that_was_taken_is_in_the_evidence(verifier: MathVerifier) -> None:
    row = {"prompt": AMC, "reference_answer": "B", "answer": r"\boxed{\frac13}"}
    (result,) = verifier.results([row])
    assert result.evidence["option"] == r"\frac13"


def test_values_count_in_order_only_where_an_order_is_asked_for(verifier: MathVerifier) -> None:
    terms = "Write the next three terms."
    assert outcome(verifier, terms, "13, 21, 34", r"\boxed{34, 21, 13}") is Outcome.INCORRECT
    assert outcome(verifier, terms, "13, 21, 34", r"\boxed{13, 21, 34}") is Outcome.CORRECT
    assert outcome(verifier, "Solve it.", "13, 21", r"\boxed{21, 13}") is Outcome.CORRECT


THREE = r"Which? (A) 12 (B) \frac{3}{2} (C) \frac{5}{2}"
BEHIND_C = r"\boxed{\text{(C) } \frac{3}{2}}"


@pytest.mark.parametrize(
    ("reference", "answer", "right"),
    [
        (r"\frac{3}{2}", BEHIND_C, True),
        (r"\frac{1}{2}", BEHIND_C, False),
        ("12 cm", r"\boxed{\text{(C) 12 cm}}", True),
        ("12 cm", r"\boxed{\textbf{(C)}\ 13\text{ cm}}", False),
        ("3", r"\boxed{(C) 3 (D) 4}", False),
        ("12", r"\boxed{(A) 12, (B) 12}", False),
        ("3", r"\boxed{C 3}", False),  # a product, or a constant
        (r"\text{(B) } \frac{13}{2}", r"\boxed{\frac{13}{2}}", True),
        (r"\text{(B) } \frac{13}{2}", r"\boxed{\frac{2}{3}}", False),  # \frac 13 2
    ],
)
def test_a_text_behind_a_letter_is_compared_where_the_other_side_has_no_letter(
    verifier: MathVerifier, reference: str, answer: str, right: bool
) -> None:
    expected = Outcome.CORRECT if right else Outcome.INCORRECT
    assert outcome(verifier, "", reference, answer) is expected


@pytest.mark.parametrize(("letter", "right"), [("B", True), ("C", False)])
def test_a_text_behind_the_letter_of_another_option_is_no_answer(
    verifier: MathVerifier, letter: str, right: bool
) -> None:
    answer = BEHIND_C.replace("(C)", f"({letter})")
    expected = Outcome.CORRECT if right else Outcome.INCORRECT
    assert outcome(verifier, THREE, r"\frac{3}{2}", answer) is expected
