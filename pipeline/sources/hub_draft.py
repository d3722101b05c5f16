"""What a Hub dataset's file says of one row: the parts of a question, before they are checked.

For a row `{"problem": "What is 2 + 2?", "answer": "4", "source": "olympiads"}`::

    Draft(prompt=row.text("problem"), kind="math", reference=row.maybe("answer"),
          nested=row.maybe("source"))

`HubRow` reads values and raises BadRow, so that a row of another form is refused and reading
goes on. Nothing here looks at whether an answer is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.records import DIFFICULTIES, Message
from pipeline.sources.base import SourceResponse
from pipeline.sources.local_columns import call_cases, conversation, paired_cases
from pipeline.sources.local_fields import BadRow, as_text, look_up, parse_json
from verifiers.equality.extract import boxes
from verifiers.response import CLOSE, OPEN

R1 = "DeepSeek-R1"
MARKED = re.compile(r"<\|(begin|end)_of_(thought|solution)\|>")


class HubRow:
    """A row, read by column or by a dotted path into nested data and JSON text."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def value(self, path: str) -> Any:
        """Return what stands at a path, None where there is nothing."""
        return look_up(self.raw, path)

    def text(self, path: str) -> str:
        """Return a text, empty where there is none; raises BadRow for what is no text."""
        return as_text(self.value(path)) or ""

    def maybe(self, path: str) -> str | None:
        """Return a text without white space around it, None where that is empty."""
        return self.text(path).strip() or None

    def items(self, path: str) -> list[Any]:
        """Return a list, which may be JSON text, empty where there is none."""
        value = self.value(path)
        value = parse_json(value) if isinstance(value, str) and value.strip() else value
        if value in (None, ""):
            return []
        if not isinstance(value, list):
            raise BadRow("wrong_type")
        return value

    def texts(self, path: str) -> list[str]:
        """Return a list of texts."""
        return [as_text(item) or "" for item in self.items(path)]

    def turns(self, path: str) -> list[Message]:
        """Return a conversation; raises BadRow where it is none."""
        return conversation(self.items(path))

    def cases(self, path: str) -> list[dict[str, Any]]:
        """Return test cases that stand as {"inputs": […], "outputs": […]} or as JSON of it.

        With `fn_name` in it they call a function, and stay together (docs/verdicts.md).
        """
        value = self.value(path)
        value = parse_json(value) if isinstance(value, str) and value.strip() else value
        if value in (None, "", [], {}):
            return []
        if not isinstance(value, Mapping):
            raise BadRow("bad_test_cases")
        if value.get("fn_name"):
            return call_cases(value)
        return paired_cases(_lines(value.get("inputs")), _lines(value.get("outputs")))


def _lines(values: Any) -> Any:
    """Return inputs or outputs as texts; some are lists of lines."""
    if not isinstance(values, list):
        return values
    joined = ["\n".join(map(str, v)) if isinstance(v, list) else v for v in values]
    return [as_text(value) for value in joined]


@dataclass(frozen=True, slots=True)
class Draft:
    """The parts of a question as a row has them.

    `nested` is the source in the source, the innermost that the row names; `licence` is the
    row's own; `keep` goes into the metadata, less what is None.
    """

    prompt: str | Sequence[Message]
    kind: str
    reference: str | None = None
    cases: Sequence[Mapping[str, Any]] = ()
    responses: Sequence[SourceResponse | None] = ()
    nested: str | None = None
    licence: str | None = None
    difficulty: str | None = None
    keep: Mapping[str, Any] = field(default_factory=dict)

    def turns(self) -> list[Message]:
        """Return the prompt as turns."""
        alone = isinstance(self.prompt, str)
        return [Message("user", self.prompt.strip())] if alone else list(self.prompt)  # type: ignore[union-attr,arg-type]

    def metadata(self) -> dict[str, Any]:
        """Return the metadata; a difficulty that `label` would not know is left out."""
        known = self.difficulty if self.difficulty in DIFFICULTIES else None
        given = {"nested_source": self.nested, "difficulty": known, **self.keep}
        return {name: value for name, value in given.items() if value is not None}

    def given_responses(self) -> Iterator[SourceResponse]:
        """Yield the responses that are there."""
        yield from (found for found in self.responses if found and found.text.strip())


def thought(
    think: str | None, answer: str | None, teacher: str = R1, whole: bool = True
) -> SourceResponse | None:
    """Return a response whose thinking stands apart from its answer; None without thinking.

    A response that is not `whole`, or that has no answer, was cut off.
    """
    if not (think or "").strip():
        return None
    text = f"{OPEN}\n{(think or '').strip()}\n"
    if (answer or "").strip():
        return traced(f"{text}{CLOSE}\n\n{(answer or '').strip()}", teacher, whole)
    return SourceResponse(teacher, text, "length")


def traced(text: str | None, teacher: str = R1, whole: bool = True) -> SourceResponse | None:
    """Return a response that holds its own think part; None where it has none.

    R1's chat template writes the first tag, so that many traces lack it.
    """
    if not text or (OPEN not in text and CLOSE not in text):
        return None
    return SourceResponse(teacher, text, "stop" if whole else "length")


def marked(text: str | None, teacher: str = R1) -> SourceResponse | None:
    """Return a response in Sky-T1's marks, <|begin_of_thought|> … <|end_of_solution|>.

    A mark that is missing ends what stands before it where the next one begins.
    """
    pieces = MARKED.split(text or "")
    parts = {"thought": "", "solution": ""}
    for edge, part, piece in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if edge == "begin":
            parts[part] += piece
    return thought(parts["thought"], parts["solution"], teacher)


def boxed(text: str | None) -> str | None:
    r"""Return what the last \boxed{} of a solution holds, None where there is none."""
    found = boxes(text or "")
    start, end, _ = found[-1] if found else (0, 0, 0)
    return (text or "")[start:end].strip() or None


def unless(text: str | None, *missing: str) -> str | None:
    """Return a text, None where it is one of the words by which a set says that it has none."""
    return None if text is None or text.strip().lower() in missing else text
