"""What a served labeller is asked, and which of its replies are labels."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labelling.replies import read_label, request_of, schema_of, shortened
from pipeline.recipe_labels import CATEGORIES, Labeller
from pipeline.records import DIFFICULTIES

LABEL = '{"category": "math", "difficulty": "hard"}'
LABELLER = Labeller(model="m", revision="1")


@pytest.mark.parametrize(
    "reply",
    [
        LABEL,
        f"```json\n{LABEL}\n```",
        f'<think>perhaps {{"category": "coding", "difficulty": "easy"}}</think>{LABEL}',
        f"The request is {{unclear}}, so: {LABEL}",
        '{"category": "Math", "difficulty": "HARD", "why": "a proof"}',
        '{"category": "others", "difficulty": "easy"} No, ' + LABEL,
    ],
)
def test_a_label_is_read_wherever_it_stands(reply: str) -> None:
    assert read_label(reply, CATEGORIES) == ("math", "hard")


def test_names_may_be_written_with_spaces_and_hyphens() -> None:
    reply = '{"category": "Role-Play", "difficulty": "very hard"}'
    assert read_label(reply, CATEGORIES) == ("role_play", "very_hard")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I'm sorry, but I can't help with that.",
        '{"category": "cooking", "difficulty": "hard"}',
        '{"category": "math", "difficulty": "7"}',
        '{"category": "math"}',
        '{"category": ["math"], "difficulty": "hard"}',
        '{"category": "math", "difficulty": "ha',
        '["math", "hard"]',
        "{" * 5_000,
        f"<think>{LABEL}",
    ],
)
def test_what_is_no_label_is_none(reply: str) -> None:
    assert read_label(reply, CATEGORIES) is None


@given(st.text())
def test_no_reply_is_an_error(reply: str) -> None:
    read_label(reply, CATEGORIES)


def test_a_request_tells_the_categories_and_asks_for_their_schema() -> None:
    request = request_of(LABELLER, {"a": "first", "others": "rest"}, "Why {categories}?")
    text = request["messages"][0]["content"]
    assert "- a: first\n- others: rest" in text
    assert "Why {categories}?" in text
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema == schema_of(["a", "others"])
    assert schema["properties"]["difficulty"]["enum"] == list(DIFFICULTIES)


@pytest.mark.parametrize(("how", "sent"), [("json_object", "json_object"), ("off", None)])
def test_servers_that_know_no_schema_get_none(how: str, sent: str | None) -> None:
    labeller = Labeller.model_validate({"model": "m", "revision": "1", "structured": how})
    request = request_of(labeller, CATEGORIES, "?")
    assert (request.get("response_format") or {}).get("type") == sent


def test_a_long_question_loses_its_middle_alone() -> None:
    text = "a" * 500 + "b" * 500
    assert shortened(text, 100) == "a" * 50 + "\n[…]\n" + "b" * 50
    assert shortened(text, 1_000) == text


def test_the_prompt_must_have_its_slots() -> None:
    with pytest.raises(ValueError, match="must contain"):
        Labeller(model="m", revision="1", prompt="{question}")


def test_requests_are_json() -> None:
    assert json.dumps(request_of(LABELLER, CATEGORIES, "\ud800 x"))
