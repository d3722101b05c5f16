"""Puts a streamed answer together: server-sent events in, a reply out.

What a server sends, an event a line, blank lines between (vLLM with a reasoning parser)::

    data: {"choices": [{"delta": {"reasoning_content": "6 times"}, "finish_reason": null}]}
    data: {"choices": [{"delta": {"content": "42"}, "finish_reason": "stop"}]}
    data: {"choices": [], "usage": {"prompt_tokens": 31, "completion_tokens": 812}}
    data: [DONE]

A completion has `"text"` in place of `"delta"`. Several tokens may come in one event, and an
event may come in several pieces. Comments (`: ping`) and other fields are passed over.
"""

from __future__ import annotations

import json
from typing import Any

from pipeline.teacher.base import Reply
from pipeline.teacher.openai_protocol import Malformed, reply_from, server_message

# What a reply may grow to: 64 characters a token are beyond any tokenizer's average, and a
# megabyte is for small `max_tokens`. A server that sends more has lost its way.
CHARS_A_TOKEN, SPARE_CHARS = 64, 1 << 20
# Of one event; vLLM's are under a kilobyte.
MAX_EVENT_BYTES = 8 << 20


class ReplyStream:
    """One streamed answer; `feed` it what arrives, then take `reply`."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self.chars = 0
        self.done = False
        self._rest = b""
        self._is_chat = False
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._finish: Any = None
        self._usage: Any = None

    def feed(self, data: bytes) -> int:
        """Take the next bytes; returns how many characters of text they held.

        Raises Malformed for what is no event, an error in the stream, and endless text.
        """
        before = self.chars
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip())
        if len(self._rest) > MAX_EVENT_BYTES:
            raise Malformed("an event has no end")
        if self.chars > CHARS_A_TOKEN * self.max_tokens + SPARE_CHARS:
            raise Malformed(f"more than {self.chars:,} characters for {self.max_tokens:,} tokens")
        return self.chars - before

    def reply(self) -> Reply:
        """Return the whole reply; raises Malformed where its end never came."""
        choice: dict[str, Any] = {"finish_reason": self._finish}
        if self._is_chat:
            choice["message"] = {"content": "".join(self._texts)}
            if self._thoughts:
                choice["message"]["reasoning_content"] = "".join(self._thoughts)
        else:
            choice["text"] = "".join(self._texts)
        return reply_from({"choices": [choice], "usage": self._usage}, self.max_tokens)

    def is_whole(self) -> bool:
        """Tell whether the text has ended, even if what follows it (usage) never came."""
        return isinstance(self._finish, str)

    def partial(self) -> str:
        """Return the text so far, thinking in front, for a person to look at."""
        thoughts, text = "".join(self._thoughts), "".join(self._texts)
        return f"<think>\n{thoughts}\n{text}" if thoughts else text

    def _event(self, payload: bytes) -> None:
        if payload == b"[DONE]":
            self.done = True
            return
        try:
            event = json.loads(payload)
        except (ValueError, RecursionError):
            raise Malformed("an event is not JSON") from None
        if not isinstance(event, dict):
            raise Malformed("an event is not a JSON object")
        if event.get("error"):
            raise Malformed(f"an error in the stream: {server_message(payload)}")
        self._usage = event.get("usage") or self._usage
        choices = event.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._choice(choices[0])

    def _choice(self, choice: dict[str, Any]) -> None:
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._is_chat = True
            self._add(self._thoughts, delta.get("reasoning_content") or delta.get("reasoning"))
            self._add(self._texts, delta.get("content"))
        else:
            self._add(self._texts, choice.get("text"))

    def _add(self, pieces: list[str], piece: Any) -> None:
        if isinstance(piece, str):
            pieces.append(piece)
            self.chars += len(piece)
        elif piece is not None:
            raise Malformed(f"text: expected a string, got {type(piece).__name__}")
