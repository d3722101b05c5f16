from __future__ import annotations

import pytest

from dedup.exact import normalise, text_hash
from dedup.options import one_order
from dedup.semantic import deduplicate

STEM = "Which gas do plants take in?"


@pytest.mark.parametrize(
    "other",
    [
        f"{STEM}\n(A) Carbon dioxide\n(B) Oxygen\n(C) Helium",
        f"{STEM} (A) Helium (B) Oxygen (C) Carbon dioxide",
        f"{STEM}\nA. Oxygen\nB. Helium\nC. Carbon dioxide",
        f"{STEM}\nA) Oxygen\nB) Carbon dioxide\nC) Helium",
        f"{STEM}\nA: Carbon dioxide\nB: Helium\nC: Oxygen",
        f"{STEM} $\\textbf{{(A)}}$ Carbon dioxide $\\qquad\\textbf{{(B)}}$ Helium"
        " $\\qquad\\textbf{(C)}$ Oxygen",
    ],
)
def test_options_in_another_order_or_style_make_the_same_question(other: str) -> None:
    first = f"{STEM}\n\n(A) Oxygen\n(B) Carbon dioxide\n(C) Helium"
    assert text_hash(other) == text_hash(first)


@pytest.mark.parametrize(
    "other",
    [
        f"{STEM} (A) Oxygen (B) Carbon dioxide (C) Neon",
        f"{STEM} (A) Oxygen (B) Carbon dioxide",
        f"{STEM} (A) Oxygen (B) Carbon dioxide (C) Helium (D) Helium",
        "Which gas do plants give off? (A) Oxygen (B) Carbon dioxide (C) Helium",
    ],
)
def test_another_option_or_stem_makes_another_question(other: str) -> None:
    assert text_hash(other) != text_hash(f"{STEM} (A) Oxygen (B) Carbon dioxide (C) Helium")


@pytest.mark.parametrize(
    "option", ["None of the above", "Both A and B", "A or B", "either (A) or this", "other gases"]
)
def test_options_that_speak_of_each_other_keep_their_order(option: str) -> None:
    normal = normalise(f"{STEM} (A) Oxygen (B) Argon (C) {option}")
    assert one_order(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "Find f(b) and f(a) for a line.",
        "What does vitamin A. do?",
        "Let (A) be a set and (C) another one",
        "a. b. a. c.",
        "",
    ],
)
def test_letters_that_are_no_run_of_labels_are_left_alone(text: str) -> None:
    assert one_order(normalise(text)) == normalise(text)


def test_deduplicate_calls_shuffled_options_exact() -> None:
    texts = [f"{STEM} (A) {a} (B) {b} (C) {c}" for a, b, c in ("xyz", "zxy", "xyw")]
    (gone,) = deduplicate(texts, None, None, ["1", "2", "3"]).drops
    assert (gone.id, gone.of, gone.reason, gone.score) == ("2", "1", "exact", 1.0)
