"""What OpenAI's protocol says: an ask as a request body, an answer's body as a reply.

The body of a chat answer, from vLLM with a reasoning parser::

    {"choices": [{"message": {"content": "42", "reasoning_content": "6 times 7 ..."},
                  "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 31, "completion_tokens": 812}}

A completion has `"text"` in place of `"message"`. Nothing here sends, waits or retries,
and whether the text is any good is for the verifiers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, Reply, sampling_of

# What servers call a whole reply: OpenAI and vLLM "stop", text-generation-inference the others.
WHOLE = {"stop", "eos_token", "stop_sequence"}
CUT_OFF = {"length"}
# Ended for good by something that asking again does not change; anything else (vLLM's
# "abort", DeepSeek's "insufficient_system_resource", null) is half a reply and asked again.
GIVEN_UP = {"content_filter", "tool_calls", "function_call"}
CHECK = "What is 1 + 1?"  # what a server is asked to see whether it is alive
MESSAGE_CHARS = 300  # of what a server says; a guess that keeps an error on a few lines


class Malformed(Exception):
    """An answer with status 200 that is not a reply."""


class Generating:
    """How servers are asked for text, and how what they answer is read."""

    def url(self, base: str, request: Mapping[str, Any]) -> str:
        """Return where a request goes, on the server at a base URL."""
        return base + path_of(request)

    def body(self, teacher: Teacher, sampling: Sampling, ask: Ask) -> dict[str, Any]:
        """Return the request body of an ask."""
        return body_of(teacher, sampling, ask)

    def check(self, base: str, teacher: Teacher) -> tuple[str, dict[str, Any]]:
        """Return URL and body of the smallest request that shows that a server works."""
        path, body = check_of(teacher.model, teacher.style)
        return base + path, body

    def reply(self, content: bytes, max_tokens: int) -> Reply:
        """Read an answer with status 200 that is not streamed; raises Malformed."""
        return reply_of(content, max_tokens)


def path_of(request: Mapping[str, Any]) -> str:
    """Return where a request goes, below the base URL."""
    return "/chat/completions" if "messages" in request else "/completions"


def body_of(teacher: Teacher, sampling: Sampling, ask: Ask) -> dict[str, Any]:
    """Return the request body of an ask; attempt n samples with seed + n.

    The answer is streamed, so that a broken connection leaves what had come, and no answer
    is too long for a time-out. Its last event counts the tokens.
    """
    body = {
        **ask.request,
        "model": teacher.model,
        "temperature": sampling_of(sampling, ask).temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed + ask.attempt,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return {**body, "stop": list(sampling.stop)} if sampling.stop else body


def check_of(model: str, style: str) -> tuple[str, dict[str, Any]]:
    """Return path and body of the smallest request that shows that a server generates."""
    asked: dict[str, Any] = {"prompt": CHECK}
    if style == "chat":
        asked = {"messages": [{"role": "user", "content": CHECK}]}
    return path_of(asked), {**asked, "model": model, "max_tokens": 1}


def reply_of(content: bytes, max_tokens: int) -> Reply:
    """Read the body of an answer that is not streamed, with status 200; raises Malformed."""
    return reply_from(_parse(content), max_tokens)


def reply_from(answer: Mapping[str, Any], max_tokens: int) -> Reply:
    """Make a reply of an answer's fields; raises Malformed.

    `finish_reason` is "stop" or "length", or "error" for those in GIVEN_UP.
    """
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Malformed("the answer has no choices")
    finish = _finish_reason(choices[0])
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text=_text(choices[0]),
        finish_reason=finish,
        prompt_tokens=_count(usage, "prompt_tokens"),
        response_tokens=_count(usage, "completion_tokens"),
        max_tokens=max_tokens,
        error=f"finish_reason {choices[0]['finish_reason']}" if finish == "error" else "",
    )


def server_message(content: bytes) -> str:
    """Return what a server says in an answer that is no reply, in one line of bounded length."""
    text = content.decode("utf-8", errors="replace")
    try:
        said = _message_in(json.loads(text))
    except (ValueError, RecursionError):
        said = text
    return " ".join(said.split())[:MESSAGE_CHARS] or "(it says nothing)"


def _message_in(answer: Any) -> str:
    """Find the message: OpenAI nests it in `error`, vLLM had it on top, FastAPI in `detail`."""
    if isinstance(answer, dict):
        for name in ("error", "message", "detail"):
            if answer.get(name):
                return _message_in(answer[name])
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _parse(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise Malformed("the answer is not a JSON object")
    if answer.get("error"):  # some gateways report a failure with status 200
        raise Malformed(f"status 200 with an error in it: {server_message(content)}")
    return answer


def _finish_reason(choice: Mapping[str, Any]) -> str:
    reason = choice.get("finish_reason")
    for name, known in (("stop", WHOLE), ("length", CUT_OFF), ("error", GIVEN_UP)):
        if isinstance(reason, str) and reason in known:
            return name
    raise Malformed(f"the reply broke off, finish_reason {reason!r:.40}")


def _text(choice: Mapping[str, Any]) -> str:
    """Return the text of a completion, or of a message with its reasoning in front."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return _string(choice, "text")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    content = "" if message.get("content", 0) is None else message.get("content")
    if not isinstance(reasoning, str):
        return _string({"content": content}, "content")
    if not content:  # cut off while thinking: a closing tag would vouch for an answer
        return f"<think>\n{reasoning}"
    return f"<think>\n{reasoning}\n</think>\n{_string({'content': content}, 'content')}"


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name}: expected a string, got {type(value).__name__}")
    return value


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if type(value) is int and value >= 0 else None
