import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe import RETHINK_PROMPT, Teacher
from pipeline.records import Message
from pipeline.teacher.prompts import build_request, fill

TURNS = (
    Message("user", "Hi"),
    Message("assistant", "<think>greet</think>\n<answer>Hello!</answer>"),
    Message("user", "2+2?"),
)


def teacher(**options: str) -> Teacher:
    fields = {"name": "R1", "model": "r1", "revision": "x", "engine": "openai", **options}
    return Teacher.model_validate(fields)


def test_a_chat_has_the_system_prompt_and_no_earlier_thinking() -> None:
    request = build_request(teacher(system="Think."), TURNS)
    assert request == {
        "messages": [
            {"role": "system", "content": "Think."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello!"},
            {"role": "user", "content": "2+2?"},
        ]
    }


def test_an_empty_system_prompt_sends_no_system_turn() -> None:
    messages = build_request(teacher(system=""), TURNS[:1])["messages"]
    assert [turn["role"] for turn in messages] == ["user"]


def test_raw_completion_is_shots_and_template() -> None:
    raw = teacher(style="completion", shots="SHOTS\n", template="Q: {question}\n<think>")
    assert build_request(raw, TURNS[2:]) == {"prompt": "SHOTS\nQ: 2+2?\n<think>"}
    assert "User: Hi\nAssistant: Hello!\nUser: 2+2?" in build_request(raw, TURNS)["prompt"]


def test_thinking_again_is_the_papers_prompt_word_for_word() -> None:
    messages = build_request(teacher(), TURNS, (RETHINK_PROMPT, "5"))["messages"]
    assert messages[-1]["content"] == (
        "2+2?\nThe assistant's previous answer is: <answer> 5 </answer>, and please re-answer."
    )


@pytest.mark.parametrize("question", ["{answer}", "{question}", "{", "{0}", "a {b} c", "\\1"])
def test_braces_in_texts_are_left_alone(question: str) -> None:
    messages = build_request(teacher(), [Message("user", question)], ("{question}|{answer}", "A"))
    assert messages["messages"][-1]["content"] == f"{question}|A"


@given(st.text(), st.text())
def test_filling_puts_each_value_in_once(question: str, answer: str) -> None:
    slots = {"question": question, "answer": answer}
    assert fill("<{question}>({answer})", slots) == f"<{question}>({answer})"
