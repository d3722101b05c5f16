"""Rules against questions: each its own reason, on and off by its setting."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.question_rules import broken_rule
from pipeline.recipe import QuestionRules

EVERYTHING = QuestionRules(url=True, table=True)
NOTHING = QuestionRules(broken=False, image=False, letter_share=0.0)
BROKEN = {
    "What does this say: caf\ufffd?": "question_broken",
    "It\u00c3\u00a9 was late. Who came?": "question_broken",
    "What is the angle?\n![](https://example.org/figure.png)": "question_image",
    "Find $x$. \\includegraphics[width=3cm]{a.png}": "question_image",
    "See https://example.org/a/b and summarise it.": "question_url",
    "Read off the sum.\n| a | b |\n|---|---|\n| 1 | 2 |\n": "question_table",
    "#### !!! ???? %%% ((((( )))))": "question_symbols",
}


@pytest.mark.parametrize("text", BROKEN)
def test_each_rule_has_its_reason(text: str) -> None:
    found = broken_rule(text, EVERYTHING)
    assert found is not None
    assert found[0] == BROKEN[text]


@pytest.mark.parametrize("text", BROKEN)
def test_a_rule_that_is_off_breaks_nothing(text: str) -> None:
    assert broken_rule(text, NOTHING) is None


@pytest.mark.parametrize(
    "text",
    [
        "What is 2 + 2?",
        "计算 $\\int_0^1 x^2 dx$ 的值。",
        "def f(x):\n    return {k: v for k, v in x.items()}\nWhat does it do?",
        "[asy] draw((0,0)--(1,0)); [/asy] How long is it? Is a[0] != ![x](y)?",
        "If $a_{n+1} = a_n^2 - 2$, find $a_{2024}$.",
    ],
)
def test_ordinary_questions_break_none(text: str) -> None:
    assert broken_rule(text, EVERYTHING) is None


def test_links_and_tables_are_allowed_by_default() -> None:
    assert broken_rule("See https://example.org/a and say why.", QuestionRules()) is None


@given(st.text())
def test_evidence_is_always_json_that_a_file_can_hold(text: str) -> None:
    found = broken_rule(text, EVERYTHING)
    assert found is None or json.dumps(found[1], ensure_ascii=False).encode()
