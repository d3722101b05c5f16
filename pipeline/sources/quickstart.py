"""A small source written by hand for this project: everything can be tried with no download.

A line of `quickstart_data/questions.jsonl` (`prompt` may also be a list of turns)::

    {"prompt": "Forty-two players form teams of 6. How many teams are there?", "kind": "math",
     "reference_answer": "7",
     "metadata": {"topic": "division", "level": "one_step", "planted": "cut_off"},
     "responses": [{"teacher": "quickstart-author", "text": "<think>\\nThere are …",
                    "finish_reason": "length"}]}

Most lines are clean. What `metadata.planted` names is wrong, or doubled, on purpose, and a
pipeline that works finds it. Planted in the question (`planted_pair` names the two that belong
together, `planted_item` the benchmark's item):

- `near_duplicate`, `exact_duplicate`, `repeated` (word for word, so with one id);
- `other_numbers`: the same template, yet another question, which must stay;
- `reference_conflict`: one prompt with two reference answers;
- `contaminated`: a copy of an item of `quickstart_data/benchmark.jsonl` (`disguise` says how);
- `silent_history`: a conversation whose earlier assistant turn shows no thinking.

Planted in the response: `wrong_answer`, `one_wrong_of_two` (the first is right, the second
wrong), `failing_code`, `endless_loop`, `broken_constraint`, `cut_off`, `no_thinking`,
`empty_thinking`, `empty_answer`, `repetition`, `other_language` and `refusal`.

It does not guarantee that the questions are hard, or like those of any real source.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from pipeline.errors import SourceError
from pipeline.records import Message, Question, canonical_json
from pipeline.sources.base import Options, Source, SourceResponse, SourceRow

DATA = Path(__file__).with_name("quickstart_data")
QUESTIONS = DATA / "questions.jsonl"
BENCHMARK = DATA / "benchmark.jsonl"


class _Turn(Options):
    role: Literal["user", "assistant", "system"]
    content: str


class _Reply(Options):
    teacher: str
    text: str
    finish_reason: Literal["stop", "length"] = "stop"


class _Line(Options):
    """A line of the file, as the module's docstring shows it."""

    prompt: str | list[_Turn]
    kind: Literal["math", "code", "science", "instruction", "chat"]
    reference_answer: str | None = None
    test_cases: list[dict[str, Any]] | None = None
    constraints: list[dict[str, Any]] | None = None
    metadata: dict[str, Any]
    responses: tuple[_Reply, ...] = ()

    def turns(self) -> tuple[Message, ...]:
        """Return the prompt as turns; text alone is one turn of the user."""
        if isinstance(self.prompt, str):
            return (Message("user", self.prompt),)
        return tuple(Message(turn.role, turn.content) for turn in self.prompt)


class Quickstart(Source):
    """The questions of `quickstart_data/questions.jsonl`, in the file's order."""

    summary: ClassVar[str] = "about 200 questions written for this project, some flawed on purpose"
    carries: ClassVar[tuple[str, ...]] = (
        "reference_answer",
        "test_cases",
        "constraints",
        "responses",
    )

    name: str = Field(
        "quickstart",
        min_length=1,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="the name that its questions carry, published in every row",
    )
    licence: str = Field("Apache-2.0", min_length=1, description="SPDX expression; the project's")
    revision: str = Field("1", min_length=1, description="raised by one when the texts change")

    def files(self) -> tuple[str, ...]:
        """Return the path of the questions."""
        return (str(QUESTIONS),)

    def rows(self) -> Iterator[SourceRow]:
        """Yield the questions; raises SourceError where the file is missing or damaged."""
        for number, text in enumerate(islice(_lines(QUESTIONS), self.limit), start=1):
            yield self._row(f"{QUESTIONS.name}#{number}", _parsed(text, number))

    def _row(self, origin: str, line: _Line) -> SourceRow:
        question = Question.new(
            self.name,
            line.turns(),
            source_revision=self.revision,
            licence=self.licence,
            kind=line.kind,
            reference_answer=line.reference_answer,
            test_cases=_json(line.test_cases),
            constraints=_json(line.constraints),
            metadata=canonical_json(line.metadata),
            origins=(origin,),
        )
        replies = (SourceResponse(r.teacher, r.text, r.finish_reason) for r in line.responses)
        return SourceRow(origin, question, tuple(replies))


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); install the package again") from None


def _parsed(text: str, number: int) -> _Line:
    try:
        return _Line.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the line"
        raise SourceError(
            f"{QUESTIONS.name}#{number}: {place}: {first['msg']}, got {first['input']!r:.80};"
            " correct the line, or install the package again"
        ) from None


def _json(value: list[dict[str, Any]] | None) -> str | None:
    return None if value is None else canonical_json(value)
