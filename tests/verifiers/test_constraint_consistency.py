"""What a prompt has to say for a proposed constraint to be used; and the list of types."""

from __future__ import annotations

import re
from typing import Any

import pytest

from verifiers.constraints.consistency import why_not
from verifiers.constraints.described import OFFERED, kwargs_of, types_listed
from verifiers.constraints.registry import MAKERS


def of(id: str, **kwargs: Any) -> dict[str, Any]:
    return {"id": id, "kwargs": kwargs}


WORDS, SENTENCES = "length_constraints:number_words", "length_constraints:number_sentences"
STANDS = [
    (of(WORDS, num_words=300, relation="at least"), "Write at least 300 words about tea."),
    (of(WORDS, num_words=1200, relation="less than"), "Stay under 1,200 words."),
    (of(SENTENCES, num_sentences=31, relation="at least"), "Use more than 30 sentences."),
    (of(SENTENCES, num_sentences=4, relation="less than"), "In at most three sentences, please."),
    (of("keywords:existence", keywords=["Green Tea"]), "Include the words 'green  tea' in it."),
    (of("keywords:forbidden_words", forbidden_words=["milk"]), "Do not mention milk."),
    (of("language:response_language", language="de"), "Answer in German only."),
    (of("punctuation:no_comma"), "Write about tea and refrain from using commas."),
    (of("detectable_format:json_format"), "Give it as JSON."),
    (of("startend:end_checker", end_phrase="That is all."), "End with the phrase: That is all."),
    (of(WORDS, num_words=100, relation="less than"), "写一篇不超过100字的短文。"),
]
STANDS_NOT = [
    (of(WORDS, num_words=250, relation="at least"), "Write at least 300 words.", "number 250"),
    (of(WORDS, num_words=30, relation="at least"), "At least 300 words.", "number 30"),
    (of(WORDS, num_words=300, relation="less than"), "Write at least 300 words.", "less than"),
    (of(WORDS, num_words=300), "Write at least 300 words.", "relation"),
    (of(WORDS, num_words="many", relation="at least"), "At least many words.", "whole number"),
    (of("keywords:existence", keywords=["milk"]), "Include the word tea.", "'milk'"),
    (of("keywords:letter_frequency", letter="q", let_frequency=3, let_relation="at least"),
     "Use a queer letter at least 3 times.", "'q'"),
    (of("language:response_language", language="fr"), "Answer in German only.", "'fr'"),
    (of("punctuation:no_comma"), "Write about tea.", "speaks of it"),
    (of("change_case:english_capital"), "Write about tea.", "speaks of it"),
    (of("keywords:sarcasm"), "Be sarcastic.", "no such constraint"),
    (of("punctuation:no_comma", colour="red"), "No commas.", "no such name"),
    ("punctuation:no_comma", "No commas.", "expected objects"),
    ({"id": "punctuation:no_comma", "kwargs": "none"}, "No commas.", "expected an object"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "prompt"), STANDS, ids=[prompt for _, prompt in STANDS])
def test_a_constraint_that_the_prompt_states_may_be_used(raw: Any, prompt: str) -> None:
    assert why_not(raw, prompt) == ""


@pytest.mark.parametrize(("raw", "prompt", "why"), STANDS_NOT)
def test_a_constraint_that_the_prompt_does_not_state_is_not_used_and_says_why(
    raw: Any, prompt: str, why: str
) -> None:
    assert why in why_not(raw, prompt)


def test_every_offered_type_is_listed_with_what_it_means_and_needs() -> None:
    lines = types_listed().splitlines()
    assert [re.match(r"- (\S+?)\(", line)[1] for line in lines] == list(OFFERED)  # type: ignore[index]
    assert all(line.partition("): ")[2] for line in lines)
    assert set(OFFERED) < set(MAKERS)
    assert kwargs_of(WORDS) == {
        "num_words": "whole number",
        "relation": '"less than" or "at least"',
    }
