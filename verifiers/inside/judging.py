"""Runs a question's own checker on one output: the role of a child that sees no solution.

Its job is ``{"checker": "def check(input, output, expected): …", "input": "3\\n", "output":
"1 2\\n", "expected": "2 1\\n"}``, all of it data. The exit code is the answer; why there is
none is printed on standard error.
"""

from __future__ import annotations

import sys
from typing import Any

RIGHT, WRONG, BROKEN = 110, 111, 112


def verdict(job: dict[str, Any]) -> int:
    """Return the exit code that says what the checker says."""
    namespace: dict[str, Any] = {"__name__": "checker"}
    try:
        exec(compile(job["checker"], "checker.py", "exec", dont_inherit=True), namespace)
        answer = namespace["check"](job["input"], job["output"], job["expected"])
    except BaseException as error:  # noqa: BLE001 - whatever a checker raises, it gave no answer
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return BROKEN
    if type(answer) is not bool:
        print(f"gave {type(answer).__name__}, not True or False", file=sys.stderr)
        return BROKEN
    return RIGHT if answer else WRONG
