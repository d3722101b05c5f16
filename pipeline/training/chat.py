"""Turns a conversation into the tokens of a sequence, and says which of them are learnt.

With ChatML, for a row whose last turn is the assistant's::

    <|im_start|>system … <|im_end|>⏎<|im_start|>user⏎2 + 2?<|im_end|>⏎<|im_start|>assistant⏎
    <think>⏎2 + 2 = 4⏎</think>⏎<answer>4</answer><|im_end|>        learnt: this line, all of it

What is not learnt is what the student is shown when it is asked: the template's text up to its
generation prompt, with what earlier assistant turns thought left out. What is learnt is the last
response, thinking and tags and all, and the token that ends a turn. Both are tokenised apart,
as they are when the student generates.

It does not guarantee that the template is the one that the student is served with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from pipeline.errors import ConfigError
from pipeline.records import Message
from pipeline.teacher.prompts import without_thinking

UNLEARNT = -100  # what torch's cross-entropy leaves out
PROBE = (
    Message("user", "What is 2 + 2?"),
    Message("assistant", "<think>\nTwo and two.\n</think>\n<answer>4</answer>"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sequence; the first `shown` of its tokens are not learnt."""

    ids: list[int]
    shown: int

    @property
    def labels(self) -> list[int]:
        """The tokens that are learnt in their places, UNLEARNT in the others."""
        return [UNLEARNT] * self.shown + self.ids[self.shown :]


class Unfit(ValueError):
    """A conversation that can't be a sample; `reason` is counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Chat:
    """A student's way of writing conversations; `end` is the token that ends a turn."""

    def __init__(self, tokenizer: Any, system: str) -> None:
        """Try the template; raises ConfigError where it would not teach the whole response."""
        self.tokenizer = tokenizer
        self.system = system
        special = _special(tokenizer)
        if not tokenizer.chat_template or not special:
            raise ConfigError(
                "training.student.template: is missing, and the model has none; name a Jinja file"
            )
        self._special = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))))
        try:
            told = self.texts(PROBE)[1]
        except Unfit as error:
            raise ConfigError(
                f"training.student.template: a response does not come out of it as it is"
                f" ({error}); name a Jinja file that writes it whole, thinking too"
            ) from None
        self.end = told.removeprefix(PROBE[-1].content).strip()

    def samples(self, conversations: Iterable[Sequence[Message]]) -> list[Sample | Unfit]:
        """Return a sample for each conversation, or why there is none."""
        texts = [self._tried(turns) for turns in conversations]
        fit = [pair for pair in texts if not isinstance(pair, Unfit)]
        if not fit:
            return [pair for pair in texts if isinstance(pair, Unfit)]
        # The template has written the special tokens out.
        flat = [text for pair in fit for text in pair]
        ids = iter(self.tokenizer(flat, add_special_tokens=False, verbose=False)["input_ids"])
        return [
            pair if isinstance(pair, Unfit) else _sample(next(ids), next(ids)) for pair in texts
        ]

    def texts(self, turns: Sequence[Message]) -> tuple[str, str]:
        """Return what is shown and what is learnt of a conversation; raises Unfit."""
        if len(turns) < 2 or turns[-1].role != "assistant":
            raise Unfit("no_response", "the last turn must be an assistant's, after a user's")
        if any(self._special.search(turn.content) for turn in turns):
            # Tokenised, it would end or begin a turn in the middle of one.
            raise Unfit("special_token", "a text holds one of the tokenizer's special tokens")
        history = [Message(turn.role, without_thinking(turn)) for turn in turns[:-1]]
        if self.system and not any(turn.role == "system" for turn in history):
            history = [Message("system", self.system), *history]
        shown = self._rendered(history, True)
        whole = self._rendered([*history, turns[-1]], False)
        return shown, self._learnt(shown, whole, turns[-1].content.strip())

    def _learnt(self, shown: str, whole: str, response: str) -> str:
        if not whole.startswith(shown):
            raise Unfit("template", "its generation prompt is not what precedes a response")
        rest = whole[len(shown) :]
        if not response or not rest.startswith(response):
            raise Unfit("template", f"of {response!r:.60} it makes {rest!r:.60}")
        end = self._special.search(rest, len(response))
        if end is None or rest[len(response) : end.start()].strip():
            raise Unfit("template", "no special token ends the response, so none would be learnt")
        return rest[: end.end()]

    def _rendered(self, turns: Sequence[Message], ask: bool) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    messages, tokenize=False, add_generation_prompt=ask
                )
            )
        except TemplateError as error:
            raise Unfit("template", str(error)) from None

    def _tried(self, turns: Sequence[Message]) -> tuple[str, str] | Unfit:
        try:
            return self.texts(turns)
        except Unfit as error:
            return error


def _sample(shown: list[int], learnt: list[int]) -> Sample:
    return Sample([*shown, *learnt], len(shown))


def _special(tokenizer: Any) -> list[str]:
    """Return the texts of all special tokens, also of those that have no part to play."""
    added = tokenizer.added_tokens_decoder.values()
    return [
        *dict.fromkeys([*tokenizer.all_special_tokens, *(t.content for t in added if t.special)])
    ]
