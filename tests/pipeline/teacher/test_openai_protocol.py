"""Asks as request bodies, answers' bodies as replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.recipe import Sampling
from pipeline.teacher.openai_protocol import (
    MESSAGE_CHARS,
    Malformed,
    body_of,
    path_of,
    reply_of,
    server_message,
)
from tests.pipeline.teacher.conftest import chat, completion, make_teacher
from verifiers.response import split


def answer(finish: Any = "stop", usage: Any = None, **choice: Any) -> bytes:
    return json.dumps(
        {"choices": [{"finish_reason": finish, **choice}], **({"usage": usage} if usage else {})}
    ).encode()


def message(finish: Any = "stop", **fields: Any) -> bytes:
    return answer(finish, message={"role": "assistant", **fields})


def test_a_chat_ask_is_sent_with_the_teachers_sampling() -> None:
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=12, seed=40, stop=("\n\n",))
    assert body_of(make_teacher(), sampling, chat("hello", attempt=2)) == {
        "messages": [{"role": "user", "content": "hello"}],
        "model": "loopback-1",
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 12,
        "seed": 42,
        "stop": ["\n\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_without_stop_texts_none_are_sent() -> None:
    assert "stop" not in body_of(make_teacher(), Sampling(), chat("hello"))


def test_the_shape_of_a_request_decides_where_it_goes() -> None:
    assert path_of(chat("x").request) == "/chat/completions"
    assert path_of(completion("x").request) == "/completions"


def test_the_text_of_a_completion_is_taken_as_it_is() -> None:
    assert reply_of(answer(text=" 12\n</think>\n42 "), 9).text == " 12\n</think>\n42 "


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_separate_reasoning_is_put_back_between_think_tags(field: str) -> None:
    reply = reply_of(message(content="42", **{field: "6 times 7"}), 9)
    assert reply.text == "<think>\n6 times 7\n</think>\n42"


@pytest.mark.parametrize("content", [{"content": None}, {"content": ""}, {}])
def test_reasoning_that_was_cut_off_leaves_no_answer(content: dict[str, Any]) -> None:
    reply = reply_of(message("length", reasoning_content="6 times", **content), 9)
    assert split(reply.text).answer is None
    assert split(reply.text).think == "\n6 times"


def test_empty_reasoning_adds_no_tags() -> None:
    assert reply_of(message(content="42", reasoning_content=""), 9).text == "42"


def test_usage_becomes_the_token_counts() -> None:
    usage = {"prompt_tokens": 31, "completion_tokens": 812}
    reply = reply_of(answer(text="x", usage=usage), 9)
    assert (reply.prompt_tokens, reply.response_tokens, reply.max_tokens) == (31, 812, 9)


def test_missing_or_strange_usage_leaves_the_counts_unknown() -> None:
    reply = reply_of(answer(text="x", usage={"prompt_tokens": "31", "completion_tokens": True}), 9)
    assert (reply.prompt_tokens, reply.response_tokens) == (None, None)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("length", "length"),
        ("content_filter", "error"),
        ("tool_calls", "error"),
    ],
)
def test_finish_reasons_are_told_apart(theirs: str, ours: str) -> None:
    reply = reply_of(answer(theirs, text="x"), 9)
    assert reply.finish_reason == ours
    assert (theirs in reply.error) is (ours == "error")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b"{}",
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"error": {"message": "no memory"}}',
        answer(),
        answer(text=None),
        answer(text=7),
        answer("abort", text="x"),
        answer(None, text="x"),
        answer(["stop"], text="x"),
        message(),
        message(content=["x"]),
        message(content=7, reasoning_content="y"),
    ],
)
def test_what_is_no_whole_reply_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        reply_of(content, 9)


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {"message": "too long"}}',
        b'{"error": "too long"}',
        b'{"object": "error", "message": "too long"}',
        b'{"detail": "too long"}',
        b"too\n long",
    ],
)
def test_the_servers_message_is_found_where_servers_put_it(content: bytes) -> None:
    assert server_message(content) == "too long"


def test_a_servers_message_is_bounded() -> None:
    assert len(server_message(b"<html>" * 10_000)) == MESSAGE_CHARS


def test_a_server_that_says_nothing_is_quoted_so() -> None:
    assert server_message(b"") == "(it says nothing)"
