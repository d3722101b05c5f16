"""What the loopback teacher answers and how it misbehaves: a pure function of the request.

One rule of a replies file, and one of a fault plan::

    {"contains": "How many apples", "text": "<think>3 + 4</think>\\n<answer>7</answer>"}
    {"fault": "429", "retry_after": "0.2", "every": 10, "tries": 1}

The first rule whose conditions all hold decides. Conditions of a reply rule: `contains`, a
text or a list of texts that must all occur in what is asked; `seed`. Its outcome: `text`,
`reasoning_content` (chat only, beside the text), `finish_reason` ("stop").
Conditions of a fault: `contains`; `numbers`, a list of request numbers from 0; `every`, each
n-th request; `tries`, only the first so many tries of one and the same body; `until`, only
requests numbered below. Its outcome: `fault`, a status such as "429" or one of FAULTS;
`retry_after`, a header; `message`, of an error; `seconds`, of a pause, or for which a streamed
answer that lingers is whole and has no end yet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

FAULTS = ("reset", "half", "stall", "garbage", "empty", "silence", "pause", "linger")
PIECES = 8  # events in which a streamed text comes
Rule = Mapping[str, Any]


def body_hash(body: Mapping[str, Any]) -> str:
    """The hash of a request body less `max_tokens`: equal hashes are the same ask."""
    rest = {name: value for name, value in body.items() if name != "max_tokens"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def asked_text(body: Mapping[str, Any]) -> str:
    """All the text of a request in one string."""
    messages = body.get("messages")
    if isinstance(messages, list):
        return "\n".join(str(message.get("content")) for message in messages)
    return str(body.get("prompt"))


def find_fault(rules: Sequence[Rule], body: Mapping[str, Any], number: int, tries: int) -> Rule:
    """The first fault that applies to a request, {} for none; `tries` counts from 0."""
    for rule in rules:
        if (
            _contains(rule, body)
            and number in rule.get("numbers", (number,))
            and number % rule.get("every", 1) == 0
            and number < rule.get("until", number + 1)
            and tries < rule.get("tries", tries + 1)
        ):
            return rule
    return {}


def answer_to(rules: Sequence[Rule], body: Mapping[str, Any]) -> dict[str, Any]:
    """The whole answer to a request: the same for the same body, cut at `max_tokens` words."""
    rule = next((rule for rule in rules if _applies(rule, body)), {})
    text, finish = _cut(rule["text"] if "text" in rule else _default_text(body), body)
    finish = rule.get("finish_reason", finish)
    usage = {
        "prompt_tokens": len(asked_text(body).split()),
        "completion_tokens": len(text.split()),
    }
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
    if "messages" in body:
        message = {"role": "assistant", "content": text}
        if "reasoning_content" in rule:
            message["reasoning_content"] = rule["reasoning_content"]
        choice["message"] = message
    else:
        choice["text"] = text
    usage["total_tokens"] = sum(usage.values())
    return {"id": body_hash(body)[:16], "choices": [choice], "usage": usage}


def events_of(answer: Mapping[str, Any]) -> list[bytes]:
    """The same answer as a stream: server-sent events, thinking first, usage last."""
    choice = answer["choices"][0]
    pieces: list[dict[str, Any]] = []
    if "message" in choice:
        message = choice["message"]
        for name in ("reasoning_content", "content"):
            pieces += [{"delta": {name: part}} for part in _pieces(message.get(name) or "")]
    else:
        pieces += [{"text": part} for part in _pieces(choice["text"])]
    pieces = pieces or [{"delta": {"content": ""}} if "message" in choice else {"text": ""}]
    pieces[-1]["finish_reason"] = choice["finish_reason"]
    said = [{"id": answer["id"], "choices": [{"index": 0, **piece}]} for piece in pieces]
    said.append({"id": answer["id"], "choices": [], "usage": answer["usage"]})
    return [*(b"data: %b\n\n" % json.dumps(one).encode() for one in said), b"data: [DONE]\n\n"]


def _pieces(text: str) -> list[str]:
    size = max(1, -(-len(text) // PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _contains(rule: Rule, body: Mapping[str, Any]) -> bool:
    wanted = rule.get("contains", ())
    texts = [wanted] if isinstance(wanted, str) else wanted
    asked = asked_text(body)
    return all(text in asked for text in texts)


def _applies(rule: Rule, body: Mapping[str, Any]) -> bool:
    return _contains(rule, body) and rule.get("seed", body.get("seed")) == body.get("seed")


def _default_text(body: Mapping[str, Any]) -> str:
    """A well-formed reply to nothing in particular; its numbers come from the request's hash."""
    digest = body_hash(body)
    first, second = int(digest[:4], 16) % 90 + 10, int(digest[4:8], 16) % 90 + 10
    think = (
        f"Let me think about this step by step. I take {first} and {second} from the"
        f" question, and together they are {first + second}. Checking once more: that is right."
    )
    if "messages" in body:
        return f"<think>\n{think}\n</think>\n<answer>{first + second}</answer>"
    return f"\n{think}\n</think>\nThe answer is {first + second}."


def _cut(text: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """End a text at the first `stop` text, then at `max_tokens` words."""
    for stop in body.get("stop") or ():
        text = text.partition(stop)[0]
    limit = body.get("max_tokens") or 16
    if len(text.split()) <= limit:
        return text, "stop"
    rest = text.split(None, limit)[limit]
    return text[: len(text) - len(rest)].rstrip(), "length"
