"""Streamed answers, however their bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.teacher.openai_protocol import Malformed
from pipeline.teacher.openai_stream import ReplyStream
from tests.loopback_replies import answer_to, events_of
from verifiers.response import split

CHAT = {"messages": [{"role": "user", "content": "求和 ∑"}], "max_tokens": 999, "seed": 1}
RULE = {"text": "The answer is 42 🧮.", "reasoning_content": "6 times 7, 六七\n四十二"}


def stream(*events: Any, max_tokens: int = 99) -> ReplyStream:
    made = ReplyStream(max_tokens)
    for event in events:
        made.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    return made


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields, "finish_reason": finish}]}


@settings(deadline=None)  # a busy machine is no failure
@given(st.data())
def test_the_reply_does_not_depend_on_where_the_bytes_are_cut(data: st.DataObject) -> None:
    events = b"".join(events_of(answer_to([RULE], CHAT)))
    whole = events.replace(b"\\u", b"\\u")  # as JSON escapes it
    made, start = ReplyStream(999), 0
    while start < len(whole):
        size = data.draw(st.integers(1, 200))
        made.feed(whole[start : start + size])
        start += size
    reply = made.reply()
    assert reply.text == f"<think>\n{RULE['reasoning_content']}\n</think>\n{RULE['text']}"
    assert (reply.finish_reason, reply.response_tokens, made.done) == ("stop", 5, True)


def test_characters_outside_ascii_may_be_cut_in_the_middle() -> None:
    event = "data: " + json.dumps(delta("stop", content="六七🧮"), ensure_ascii=False) + "\r\n\r\n"
    made = ReplyStream(9)
    for byte in event.encode():
        made.feed(bytes([byte]))
    assert made.reply().text == "六七🧮"


def test_comments_and_other_fields_are_passed_over() -> None:
    made = ReplyStream(9)
    made.feed(b": ping\n\nevent: message\nid: 7\nretry: 10\n")
    made.feed(b"data:" + json.dumps(delta("stop", content="a")).encode() + b"\n\n")
    assert made.reply().text == "a"


def test_thinking_that_was_cut_off_leaves_no_answer() -> None:
    reply = stream(delta(reasoning_content="6 times"), delta("length")).reply()
    assert split(reply.text).answer is None
    assert reply.finish_reason == "length"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_both_names_of_the_thinking_are_read(field: str) -> None:
    reply = stream(delta(**{field: "6 times 7"}), delta("stop", content="42")).reply()
    assert reply.text == "<think>\n6 times 7\n</think>\n42"


def test_a_stream_without_its_end_is_no_reply_but_its_text_is_there() -> None:
    made = stream(delta(reasoning_content="6 times 7"), delta(content="4"))
    assert not made.is_whole()
    assert made.partial() == "<think>\n6 times 7\n4"
    with pytest.raises(Malformed, match="broke off"):
        made.reply()


def test_a_stream_that_lacks_only_its_count_is_whole() -> None:
    made = stream(delta("stop", content="42"))
    assert made.is_whole()
    assert (made.reply().text, made.reply().response_tokens) == ("42", None)


@pytest.mark.parametrize(
    "event",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"error": {"message": "out of memory"}}\n\n',
        b'data: {"choices": [{"text": 7}]}\n\n',
        b'data: {"choices": [{"delta": {"content": ["x"]}}]}\n\n',
    ],
)
def test_what_is_no_event_is_malformed(event: bytes) -> None:
    with pytest.raises(Malformed):
        ReplyStream(9).feed(event)


def test_a_stream_without_any_end_is_stopped() -> None:
    made = ReplyStream(1)
    with pytest.raises(Malformed, match="more than"):
        for _ in range(100):
            made.feed(b"data: " + json.dumps(delta(content="x" * 50_000)).encode() + b"\n\n")


def test_an_event_without_an_end_is_stopped() -> None:
    made = ReplyStream(1)
    with pytest.raises(Malformed, match="no end"):
        for _ in range(100):
            made.feed(b"x" * 500_000)


@pytest.mark.parametrize("reason", ["content_filter", "tool_calls"])
def test_a_reply_that_was_given_up_by_the_server_is_an_error(reason: str) -> None:
    assert stream(delta(reason, content="x")).reply().finish_reason == "error"
