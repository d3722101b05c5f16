"""Procedural questions of the package `reasoning_gym`, with answers that follow by calculation.

In a configuration; a task is a name, or a table with its share and the package's own options::

    [[recipe.sources]]
    source = "reasoning_gym"
    name = "reasoning_gym"
    count = 60
    tasks = ["gcd", { task = "chain_sum", weight = 2, options = { max_terms = 2 } }]

A row, for example: "Find the Greatest Common Divisor (GCD) of these numbers: 69, 21. …", "3".

Only tasks of `TASKS` are there: their answer is one number, it is the only right one, and
an independent calculation came to the same number (tests/pipeline/sources/ repeats it).
What is not in the list, and why, in version 0.1.25 (400 to 1,500 rows each):

- wrong or disputable answers: `basic_arithmetic` (17 of 1,500; 1,008 without parentheses:
  it divides like Python's //), `aiw` (colleagues: counts one circle of two), `simple_geometry`
  (375 of 1,000 "convex" polygons have an angle of 180° or more), `simple_equations` (1 of
  200 has no unknown left), `leg_counting` (a starfish's arms), `letter_counting` (case);
- equality proves nothing: `fraction_simplification`, `prime_factorization` and
  `polynomial_multiplication` would accept the question as its own answer;
- rounded, or more than one right answer: `coin_flip`, `power_function`, `decimal_arithmetic`,
  `polynomial_equations`, the integrals, `number_sequence`, `countdown` and most puzzles;
- they depend on today's date: `calendar_arithmetic`, `time_intervals`;
- `gsm_symbolic` is made from the templates of a benchmark (GSM8K's test questions);
- answers that are words, grids or digits of other bases belong to no verifier of numbers.

Guarantees the same rows for the same options and version, in every process. It does not
guarantee that rows differ: with few possibilities a task repeats itself.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Annotated, Any, ClassVar, NoReturn, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.errors import SourceError
from pipeline.records import Message, Question, canonical_json, content_hash
from pipeline.sources.base import Options, Refused, Source, SourceRow

TASKS = (
    "binary_alternation",
    "chain_sum",
    "count_bits",
    "count_primes",
    "decimal_chain_sum",
    "dice",
    "gcd",
    "largest_island",
    "lcm",
    "maze",
    "products",
    "rotten_oranges",
)
OURS = ("seed", "size")  # of the package's options, those that follow from the source's
NUMBER = re.compile(r"-?\d+(\.\d+)?(/\d+)?")


class Task(Options):
    """One task with its share of the rows."""

    task: str = Field(description=f"one of {', '.join(TASKS)}")
    weight: float = Field(1, gt=0, description="its share of the rows, relative to the others")
    options: dict[str, Any] = Field(
        {}, description="the package's options for the task, such as its difficulty"
    )

    @field_validator("task")
    @classmethod
    def _known(cls, task: str) -> str:
        if task not in TASKS:
            raise ValueError(
                f"must be one of {', '.join(TASKS)} (pipeline/sources/reasoning_gym.py says"
                f" why others are not), got {task!r}; choose from these"
            )
        return task

    @field_validator("options")
    @classmethod
    def _not_ours(cls, options: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(set(options) & set(OURS)):
            raise ValueError(f"must not have {taken}; use the source's seed and count")
        return options

    def seed(self, seed: int) -> int:
        """Return the task's own seed, which no other task of the list has any part in."""
        return int(content_hash([seed, self.task, self.options])[:8], 16)


def _named(tasks: Any) -> Any:
    if not isinstance(tasks, (list, tuple)):
        return tasks
    return tuple({"task": task} if isinstance(task, str) else task for task in tasks)


class ReasoningGym(Source):
    """Questions of the tasks in their order, each from 0 on."""

    summary: ClassVar[str] = "made on the spot by reasoning_gym: sums, divisors, mazes, islands"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)

    licence: str = Field("Apache-2.0", min_length=1, description="SPDX expression; the package's")
    # The installed version decides the rows, so it is recorded as part of the recipe: after an
    # upgrade the old version's tables are stale. A configuration that must not drift names it.
    revision: str = Field(
        default_factory=lambda: version("reasoning-gym"),
        min_length=1,
        description="the package's version; the installed one where it is not given",
    )
    count: int = Field(ge=1, description="how many rows, over all tasks")
    seed: int = Field(0, ge=0, description="another seed gives other questions")
    tasks: Annotated[tuple[Task, ...], BeforeValidator(_named)] = Field(
        description="names of tasks, or tables with task, weight and options"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.revision != (installed := version("reasoning-gym")):
            raise ValueError(
                f"revision: must be the installed version {installed!r} of reasoning-gym, got"
                f" {self.revision!r}; remove it, or install reasoning-gym=={self.revision}"
            )
        if not self.tasks:
            raise ValueError("tasks: must not be empty; name at least one")
        asked = [canonical_json([task.task, task.options]) for task in self.tasks]
        if len(set(asked)) < len(asked):
            raise ValueError("tasks: two are the same; leave one and raise its weight")
        return self

    def rows(self) -> Iterator[SourceRow | Refused]:
        """Yield each task's questions; raises SourceError for options that a task refuses."""
        counts = shares(self.count, [task.weight for task in self.tasks])
        made = [self._dataset(task, n) for task, n in zip(self.tasks, counts, strict=True)]
        for task, dataset, count in zip(self.tasks, made, counts, strict=True):
            for index in range(count):
                yield self._row(task, index, self._item(task, dataset, index))

    def _dataset(self, task: Task, size: int) -> Any:
        import reasoning_gym
        from reasoning_gym.factory import DATASETS

        known = {field.name for field in dataclasses.fields(DATASETS[task.task][1])}
        if strange := sorted(set(task.options) - known):
            self._refuse(task, f"must be among {sorted(known - set(OURS))}, got {strange}")
        options = {**task.options, "seed": task.seed(self.seed), "size": max(1, size)}
        try:
            return reasoning_gym.create_dataset(task.task, **options)
        except (AssertionError, TypeError, ValueError) as error:
            self._refuse(task, f"{error}, got {task.options}")

    def _item(self, task: Task, dataset: Any, index: int) -> dict[str, Any]:
        try:
            return dict(dataset[index])
        except (RuntimeError, ValueError) as error:  # such as no maze of that size
            self._refuse(task, f"{error}, got {task.options}")

    def _refuse(self, task: Task, problem: str) -> NoReturn:
        raise SourceError(
            f"source {self.name}: tasks: options of {task.task}: {problem}; change them"
        )

    def _row(self, task: Task, index: int, item: dict[str, Any]) -> SourceRow | Refused:
        seed, answer = task.seed(self.seed), str(item["answer"])
        origin = f"{task.task}:{seed}#{index}"
        if not NUMBER.fullmatch(answer):
            return Refused(origin, "no_number", f"{origin} {item['question']}", answer[:200])
        metadata = {
            "task": task.task,
            "source_index": index,
            "seed": seed,
            "settings": task.options,
            "parameters": json.loads(json.dumps(item["metadata"]["difficulty"])),
        }
        question = Question.new(
            self.name,
            (Message("user", item["question"].strip()),),
            source_revision=self.revision,
            licence=self.licence,
            kind="math",
            reference_answer=answer,
            metadata=canonical_json(metadata),
            origins=(origin,),
        )
        return SourceRow(origin, question)


def shares(total: int, weights: list[float]) -> list[int]:
    """Return whole shares of a total in proportion to weights; the largest remainders round up."""
    exact = [total * weight / sum(weights) for weight in weights]
    counts = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[: total - sum(counts)]:
        counts[i] += 1
    return counts
