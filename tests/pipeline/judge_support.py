"""What the tests of the judge share: a recipe, rows, a bench in a hurry, and a judge double.

The double is the loopback teacher; a rule finds its row by the answer in its block::

    {"contains": "<answer>\\n7\\n", "text": "Equal.\\nCORRECT"}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.config import JudgeEndpoints
from pipeline.judging import Bench, as_teacher
from pipeline.recipe import Judge
from pipeline.teacher.journal import Journal
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_retry import Pace
from verifiers import Result
from verifiers.reference_judge import ReferenceJudge, Settings

HURRY = Pace(first_s=0.01, cap_s=0.05)


def make_judge(**changes: Any) -> Judge:
    return Judge.model_validate({"model": "small-judge", "revision": "1", **changes})


def row(answer: object, reference: str = "7") -> dict[str, Any]:
    return {"id": str(answer), "answer": f"\\boxed{{{answer}}}", "reference_answer": reference}


def rule(answer: object, text: str, **rest: Any) -> dict[str, Any]:
    return {"contains": about(answer), "text": text, **rest}


def about(answer: object) -> str:
    """Return a text by which the request about an answer is known."""
    return f"<answer>\n{answer}\n"


@contextmanager
def bench(
    folder: Path,
    *urls: str,
    judge: Judge | None = None,
    outlive: bool = False,
    room: int | None = None,
    **settings: Any,
) -> Iterator[Bench]:
    """Open a bench on a journal below a folder; few retries, short waits, `room` asks at once."""
    judge = judge or make_judge()
    endpoints = JudgeEndpoints(urls=urls, **{"retries": 2, "concurrency": 4, **settings})
    client = OpenAIClient(as_teacher(judge), judge.sampling, endpoints, pace=HURRY, room=room)
    with Journal(folder / "journal") as journal, client:
        yield Bench(judge, client, journal, outlive=outlive)


def results(made: Bench, rows: Sequence[dict[str, Any]], window: int = 8_192) -> list[Result]:
    assert isinstance(made.judge, Judge)
    return list(ReferenceJudge(made, Settings(**made.judge.judging()), window).results(rows))


def reasons(made: Bench, rows: Sequence[dict[str, Any]], window: int = 8_192) -> list[str]:
    return [result.reason for result in results(made, rows, window)]
