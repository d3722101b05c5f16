"""What the reference judge is shown of an answer in which nothing marks the final one."""

from __future__ import annotations

import pytest

from tests.verifiers.test_reference_judge import ROW, block, judged, says


@pytest.mark.parametrize(
    ("told", "wanted", "how"),
    [
        (
            "The plastic cup is less likely to break.",
            "The plastic cup is less likely to break.",
            "tail",
        ),
        ("The energy is $-1270$ kJ/mol.", "$-1270$ kJ/mol", "whole"),
        ("The answer is less likely to break.", "less likely to break", "phrase"),
    ],
)
def test_a_sentence_in_words_is_shown_whole_unless_a_phrase_marks_its_end(
    told: str, wanted: str, how: str
) -> None:
    model = says("UNSURE")
    (found,) = judged(model, {**ROW, "answer": f"<think>x</think>{told}"})
    assert (block("answer", model.shown[0]), found.evidence["found_by"]) == (wanted, how)
