"""Procedural questions: the same in every process, and with answers that are right."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import SourceError
from pipeline.sources.base import SourceRow
from pipeline.sources.reasoning_gym import NUMBER, TASKS, ReasoningGym, shares

ROOT = Path(__file__).resolve().parents[3]


def source(*tasks: Any, count: int = 12, **rest: Any) -> ReasoningGym:
    options = {"source": "reasoning_gym", "name": "rg", "count": count, "tasks": list(tasks)}
    return ReasoningGym.model_validate({**options, **rest})


def rows(*tasks: Any, **rest: Any) -> list[SourceRow]:
    found = list(source(*tasks, **rest).rows())
    return [row for row in found if isinstance(row, SourceRow)]


def test_a_row_says_how_to_make_it_again() -> None:
    import reasoning_gym

    task = {"task": "chain_sum", "options": {"max_terms": 3}}
    row = rows(task, count=5)[4]
    made = json.loads(row.question.metadata)
    again = reasoning_gym.create_dataset(
        made["task"], seed=made["seed"], size=5, **made["settings"]
    )[made["source_index"]]
    assert row.question.user_text == again["question"].strip()
    assert row.question.reference_answer == again["answer"]
    assert made["parameters"]["num_terms"] == [2, 3]
    assert row.origin == f"chain_sum:{made['seed']}#4"


def test_questions_are_mathematics_with_one_number_as_answer() -> None:
    found = rows(*TASKS, count=4 * len(TASKS))
    assert len(found) == 4 * len(TASKS)
    assert {row.question.kind for row in found} == {"math"}
    assert all(NUMBER.fullmatch(row.question.reference_answer or "") for row in found)


PROGRAM = """
import sys
from pipeline.records import content_hash
from pipeline.sources.reasoning_gym import TASKS, ReasoningGym
source = ReasoningGym(source="reasoning_gym", name="rg", count=60, tasks=TASKS)
print(content_hash([row.question.to_row() for row in source.rows()]))
"""


def test_rows_do_not_depend_on_the_process_or_its_hash_seed() -> None:
    hashes = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1 and hashes != {""}


def test_a_task_keeps_its_questions_when_others_come_and_go() -> None:
    alone = [row.question.id for row in rows("gcd", count=4)]
    among = [row.question.id for row in rows("lcm", "gcd", "dice", count=12)]
    assert alone == among[4:8]


def test_another_seed_gives_other_questions() -> None:
    assert rows("products", seed=1)[0].question.id != rows("products", seed=2)[0].question.id


def test_options_decide_how_hard_a_task_is() -> None:
    easy = {"task": "chain_sum", "options": {"max_terms": 2, "max_digits": 1}}
    texts = [row.question.user_text for row in rows(easy)]
    assert all(re.search(r": \d [+-] \d =$", text) for text in texts)


@pytest.mark.parametrize(
    ("total", "weights", "counts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (5, [3, 1], [4, 1]),
        (1, [1, 9], [0, 1]),
        (48, [12, 36], [12, 36]),
    ],
)
def test_rows_are_shared_out_whole(total: int, weights: list[float], counts: list[int]) -> None:
    assert shares(total, weights) == counts


def test_weights_share_the_rows() -> None:
    found = rows({"task": "gcd", "weight": 3}, "lcm", count=8)
    assert Counter(row.origin.partition(":")[0] for row in found) == {"gcd": 6, "lcm": 2}


def test_the_installed_version_is_the_revision_and_part_of_the_identity() -> None:
    made = source("gcd")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", made.revision)
    assert made.identity()["revision"] == made.revision
    assert rows("gcd")[0].question.source_revision == made.revision


def test_another_version_than_the_installed_one_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ValidationError, match=r"install reasoning-gym==0\.0\.1"):
        source("gcd", revision="0.0.1")


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (["number_sequence"], "choose from these"),
        (["no_such_task"], "choose from these"),
        (["gcd", "gcd"], "raise its weight"),
        ([], "name at least one"),
        ([{"task": "gcd", "options": {"seed": 4}}], "use the source's seed"),
        ([{"task": "gcd", "weight": 0}], "weight"),
        ("gcd", "tasks"),
    ],
)
def test_tasks_that_cannot_be_meant_are_an_error(tasks: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReasoningGym.model_validate(
            {"source": "reasoning_gym", "name": "rg", "count": 4, "tasks": tasks}
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_numbre": 3}, r"among \['max_numbers', .*got \['max_numbre'\]"),
        ({"min_value": 9, "max_value": 1}, "max_value must be"),
        ({"max_value": "many"}, "many"),
    ],
)
def test_options_that_a_task_refuses_stop_before_the_first_row(
    options: dict[str, Any], message: str
) -> None:
    made = source("lcm", {"task": "gcd", "options": options})
    with pytest.raises(SourceError, match=f"source rg: tasks: options of gcd: .*{message}"):
        next(made.rows())


def test_a_maze_that_cannot_be_is_an_error() -> None:
    options = {"min_dist": 90, "max_dist": 99, "min_grid_size": 5, "max_grid_size": 5}
    with pytest.raises(SourceError, match="options of maze"):
        next(source({"task": "maze", "options": options}).rows())


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def grid(text: str) -> list[list[int]]:
    lines = [line for line in text.splitlines() if re.fullmatch(r"[\d ]+", line)]
    return [numbers(line) for line in lines]


def sum_of(text: str) -> Fraction:
    expression = text.rpartition(":")[2].partition("=")[0].replace(" ", "")
    return sum((Fraction(term) for term in re.findall(r"[+-]?[\d.]+", expression)), Fraction(0))


def product_of(text: str) -> Fraction:
    return Fraction(math.prod(numbers(text)))


def primes_between(text: str) -> Fraction:
    first, last = numbers(text)
    prime = [n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1)) for n in range(last + 1)]
    return Fraction(sum(prime[first:]))


def odds(text: str) -> Fraction:
    dice = [int(sides) for sides in re.findall(r"1d(\d+)", text.partition(".")[0])]
    wanted = int(re.findall(r"rolling (\d+) or higher", text)[0])
    sums = Counter({0: 1})
    for sides in dice:
        thrown: Counter[int] = Counter()
        for total, ways in sums.items():
            thrown.update({total + side: ways for side in range(1, sides + 1)})
        sums = thrown
    return Fraction(sum(w for s, w in sums.items() if s >= wanted), math.prod(dice))


def swaps(text: str) -> Fraction:
    (bits,) = re.findall(r": ([01]+)$", text)
    wanted = [("01" * len(bits))[start : start + len(bits)] for start in (0, 1)]
    fitting = [w for w in wanted if w.count("1") == bits.count("1")]
    found = [sum(a != b for a, b in zip(bits, w, strict=True)) // 2 for w in fitting]
    return Fraction(min(found, default=-1))


def neighbours(r: int, c: int) -> list[tuple[int, int]]:
    return [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]


def island(text: str) -> Fraction:
    cells = grid(text)
    land = {(r, c) for r, row in enumerate(cells) for c, cell in enumerate(row) if cell}
    largest = 0
    while land:
        todo, size = [land.pop()], 0
        while todo:
            size += 1
            near = [place for place in neighbours(*todo.pop()) if place in land]
            land -= set(near)
            todo += near
        largest = max(largest, size)
    return Fraction(largest)


def minutes_to_rot(text: str) -> Fraction:
    cells = {(r, c): v for r, row in enumerate(grid(text)) for c, v in enumerate(row)}
    fresh = {place for place, value in cells.items() if value == 1}
    rotten = {place for place, value in cells.items() if value == 2}
    minutes = 0
    while rotten := {n for place in rotten for n in neighbours(*place) if n in fresh}:
        fresh -= rotten
        minutes += 1
    return Fraction(-1 if fresh else minutes)


def shortest_way(text: str) -> Fraction:
    start, goal = re.findall(r"'(.)' \((?:start|goal)\)", text)
    wall = re.findall(r"'(.)' = Wall", text)[0]
    lines = text.split("```\n")[1].splitlines()
    cells = {(r, c): cell for r, line in enumerate(lines) for c, cell in enumerate(line)}
    first = next(place for place, cell in cells.items() if cell == start)
    todo, seen = deque([(first, 0)]), {first}
    while todo:
        place, steps = todo.popleft()
        if cells[place] == goal:
            return Fraction(steps)
        near = {n for n in neighbours(*place) if cells.get(n, wall) != wall} - seen
        seen |= near
        todo += [(n, steps + 1) for n in near]
    raise AssertionError("no way")


CALCULATIONS: dict[str, Callable[[str], Fraction]] = {
    "binary_alternation": swaps,
    "chain_sum": sum_of,
    "count_bits": lambda text: Fraction(numbers(text)[-1].bit_count()),
    "count_primes": primes_between,
    "decimal_chain_sum": sum_of,
    "dice": odds,
    "gcd": lambda text: Fraction(math.gcd(*numbers(text))),
    "largest_island": island,
    "lcm": lambda text: Fraction(math.lcm(*numbers(text))),
    "maze": shortest_way,
    "products": product_of,
    "rotten_oranges": minutes_to_rot,
}


@pytest.mark.parametrize("task", TASKS)
def test_an_independent_calculation_comes_to_the_reference_answer(task: str) -> None:
    wrong = [
        (row.question.user_text, row.question.reference_answer)
        for row in rows(task, count=40, seed=11)
        if CALCULATIONS[task](row.question.user_text)
        != Fraction(row.question.reference_answer or "")
    ]
    assert wrong == []
