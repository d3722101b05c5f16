"""Constraints: labelled cases of every type, variants, counting, workers that never end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.base import Outcome, Result, available
from verifiers.constraints.judging import Judge, variants
from verifiers.constraints.passages import Passage, passage, ruled_sentences, tokens
from verifiers.constraints.registry import MAKERS, read
from verifiers.instructions import InstructionVerifier, Settings
from verifiers.parallel import Guarded

CASES = Path(__file__).parent / "cases" / "instruction.jsonl"
NO_COMMA = {"id": "punctuation:no_comma", "kwargs": {}}
IFEVAL = {
    "keywords": ("existence", "frequency", "forbidden_words", "letter_frequency"),
    "language": ("response_language",),
    "length_constraints": (
        "number_sentences",
        "number_paragraphs",
        "number_words",
        "nth_paragraph_first_word",
    ),
    "detectable_content": ("number_placeholders", "postscript"),
    "detectable_format": (
        "number_bullet_lists",
        "constrained_response",
        "number_highlighted_sections",
        "multiple_sections",
        "json_format",
        "title",
    ),
    "combination": ("two_responses", "repeat_prompt"),
    "startend": ("end_checker", "quotation"),
    "change_case": ("capital_word_frequency", "english_capital", "english_lowercase"),
    "punctuation": ("no_comma",),
}


def load_cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def judge(row: Any, **settings: Any) -> Result:
    """Judge in this process, as a worker does."""
    chosen = Settings(**settings)
    return Guarded(Judge(chosen.loose, chosen.multilingual), "instruction")(row)


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case["name"])
def test_labelled_case(case: dict[str, Any]) -> None:
    result = judge(case["row"], **case.get("settings", {}))
    assert (result.outcome, result.reason) == (case["outcome"], case["reason"]), result.evidence
    assert result.score == case.get("score", result.score)


def test_every_type_has_a_case_that_follows_it_and_one_that_breaks_it() -> None:
    single = [case for case in load_cases() if len(case["row"].get("constraints", ())) == 1]
    for outcome in ("correct", "incorrect"):
        seen = {c["row"]["constraints"][0]["id"] for c in single if c["outcome"] == outcome}
        assert set(MAKERS) <= seen


def test_all_twenty_five_types_of_ifeval_are_known() -> None:
    ids = {f"{group}:{name}" for group, names in IFEVAL.items() for name in names}
    assert len(ids) == 25
    assert ids <= set(MAKERS)


def test_the_evidence_says_of_each_constraint_what_was_wanted_and_found() -> None:
    kwargs = {"num_words": 2, "relation": "at least", "keyword": None}
    words = {"id": "length_constraints:number_words", "kwargs": kwargs}
    result = judge({"answer": "one, two", "constraints": [NO_COMMA, words]})
    broken = {"wanted": {}, "found": 1, "strict": False, "loose": False}
    kept = {"wanted": {"num_words": 2, "relation": "at least"}, "found": 2}
    assert result.evidence["constraints"] == [
        {"id": NO_COMMA["id"], **broken},
        {"id": words["id"], **kept, "strict": True, "loose": True},
    ]


def test_the_score_is_the_share_that_is_followed() -> None:
    title = {"id": "detectable_format:title", "kwargs": {}}
    assert judge({"answer": "a, b", "constraints": [NO_COMMA, title]}).score == 0.0
    assert judge({"answer": "a b", "constraints": [NO_COMMA, title]}).score == 0.5
    assert judge({"answer": "<<a>>", "constraints": [NO_COMMA, title]}).score == 1.0


def test_a_response_without_tags_is_judged_with_its_spaces() -> None:
    first = {
        "id": "length_constraints:nth_paragraph_first_word",
        "kwargs": {"num_paragraphs": 1, "nth_paragraph": 1, "first_word": "yes"},
    }
    assert judge({"answer": "\n\nYes.", "constraints": [first]}).outcome is Outcome.INCORRECT
    thought = {"answer": "<think>a</think>\n\nYes.", "constraints": [first]}
    assert judge(thought).outcome is Outcome.CORRECT


def test_there_are_eight_variants_and_the_text_is_the_first() -> None:
    assert variants("a\n*b*\nc") == [
        "a\n*b*\nc",
        "*b*\nc",
        "a\n*b*",
        "*b*",
        "a\nb\nc",
        "b\nc",
        "a\nb",
        "b",
    ]


# Counting


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [
        ("Dr. Li left. He ran.", 5, 2),
        ("It costs 3.50 dollars. No!", 6, 2),
        ("state-of-the-art", 4, 1),
        ("我喜欢 Python 编程。你呢？", 8, 2),
        ("猫が好きです。犬も好き！", 10, 2),
        ("第一行\n第二行", 6, 2),
        ("他说：“走吧！”然后走了。", 8, 2),
    ],
)
def test_words_and_sentences_are_counted(text: str, words: int, sentences: int) -> None:
    counted = passage(text, multilingual=True)
    assert (counted.words, counted.sentences) == (words, sentences)


def test_a_text_of_another_script_is_counted_as_ifeval_does() -> None:
    text = "The Chinese word for cat is 猫, and 猫咪 is a kitten."
    assert passage(text, multilingual=True) == Passage(text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Mr. Fox ran. He hid.", ["Mr. Fox ran.", "He hid."]),
        ("Wait... what? See example.com now.", ["Wait...", "what?", "See example.com now."]),
        ('He said "go." Then he went.', ['He said "go".', "Then he went."]),
        ("She has a Ph.D. in art.", ["She has a Ph.D. in art."]),
        ("no end", ["no end"]),
    ],
)
def test_sentences_by_fixed_rules(text: str, sentences: list[str]) -> None:
    assert ruled_sentences(text) == sentences


def test_tokens_are_those_of_nltk() -> None:
    assert tokens("I CAN'T go. U.S. law!") == ["I", "CA", "N'T", "go", ".", "U.S.", "law", "!"]


@given(st.sampled_from(sorted(MAKERS)), st.text(max_size=80))
def test_any_text_can_be_judged_by_any_type(id: str, text: str) -> None:
    made = {case["row"]["constraints"][0]["id"]: case for case in load_once()}
    raw = made[id]["row"]["constraints"][0]
    observed = read(raw).test(passage(text, multilingual=True))
    assert observed.followed in (True, False)
    json.dumps(observed.found)


LOADED: list[dict[str, Any]] = []


def load_once() -> list[dict[str, Any]]:
    if not LOADED:
        single = (c for c in load_cases() if len(c["row"].get("constraints", ())) == 1)
        LOADED.extend(c for c in single if c["reason"] == "followed")
    return LOADED


# Workers


@pytest.fixture(scope="module")
def verifier() -> Iterator[InstructionVerifier]:
    with InstructionVerifier.create(workers=2, deadline_s=2.0) as made:
        yield made


def test_workers_give_the_results_of_this_process_in_order(verifier: InstructionVerifier) -> None:
    rows = [case["row"] for case in load_cases() if not case.get("settings")]
    alone = [judge(row) for row in rows]
    together = list(verifier.results(rows))
    assert [(r.reason, r.score, r.evidence) for r in together] == [
        (r.reason, r.score, r.evidence) for r in alone
    ]


def test_a_keyword_that_never_ends_is_a_timeout(verifier: InstructionVerifier) -> None:
    endless = {"id": "keywords:existence", "kwargs": {"keywords": ["(a+)+$"]}}
    rows = [
        {"answer": "a" * 60 + "b", "constraints": [endless]},
        {"answer": "fine", "constraints": [NO_COMMA]},
    ]
    assert [r.reason for r in verifier.results(rows)] == ["timeout", "followed"]


@pytest.mark.parametrize("row", [None, 3, "text", {"answer": 3, "constraints": [NO_COMMA]}])
def test_a_row_of_another_form_is_bad_input(row: Any) -> None:
    assert judge(row).reason == "bad_input"


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(TypeError, match="no_such"):
        InstructionVerifier.create(no_such=1)


def test_the_verifier_is_found_by_its_name() -> None:
    assert available()["instruction"] is InstructionVerifier
