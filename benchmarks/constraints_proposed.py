"""How well proposed constraints are held against their prompts, on IFEval's and IFBench's own.

``REAL_DATA=… python benchmarks/constraints_proposed.py`` takes the constraints that both sets say
stand in each prompt as if a model had proposed them, for that prompt (they should pass) and for
another one (they should not). The baseline is to check ids and kwargs alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
from real_data import folder

from verifiers.constraints.consistency import why_not
from verifiers.constraints.judging import Unread, readable

SETS = ("ifeval", "ifbench")
AWAY = 37  # the other prompt stands so many rows further on; any number will do


def load(name: str) -> list[tuple[str, list[dict[str, Any]]]]:
    path = folder() / "benchmarks" / f"{name}.parquet"
    if not path.is_file():
        print(f"REAL_DATA: {path} is missing", file=sys.stderr)
        sys.exit(2)
    return [(row["prompt"], list(constraints(row))) for row in pq.read_table(path).to_pylist()]


def constraints(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    given = row["kwargs"]
    every = json.loads(given) if isinstance(given, str) else given
    for id, kwargs in zip(row["instruction_id_list"], every, strict=True):
        named = json.loads(kwargs) if isinstance(kwargs, str) else kwargs or {}
        yield {"id": id, "kwargs": {name: v for name, v in named.items() if v is not None}}


def main() -> None:
    for name in SETS:
        rows = load(name)
        own, other, plain = 0, 0, 0
        missed: Counter[str] = Counter()
        for place, (prompt, given) in enumerate(rows):
            elsewhere = rows[(place + AWAY) % len(rows)][0]
            for one in given:
                passes = not why_not(one, prompt)
                own += passes
                missed[one["id"]] += not passes
                other += not why_not(one, elsewhere)
                plain += not isinstance(readable(one), Unread)
        total = sum(len(given) for _, given in rows)
        print(
            f"{name}: {own / total:.4f} of {total} constraints pass for their own prompt,"
            f" {other / total:.4f} for another; by id and kwargs alone {plain / total:.4f} for"
            f" either, {plain / max(1, other):.1f} times as many wrong ones"
        )
        print(f"  not passed: {dict((+missed).most_common(8))}")


if __name__ == "__main__":
    main()
