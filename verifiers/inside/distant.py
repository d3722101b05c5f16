"""Calls functions of a program on a machine that is not ours, and prints what they gave.

The source of this file is sent to a service of sandboxes as the program to run; on standard input
it gets one JSON object, the first line for itself, and prints one line in return::

    {"nonce": "8c…", "setup": "", "source": "def add(a, b): …", "entry": "add",
     "arguments": [1, 2], "keywords": {}, "whole_keys": [], "helpers": "…", "sources": null}
    8c…{"value": 3}

With `sources` it only says which of several compiles first: ``8c…{"place": 1}``. With `checker` it
asks a question's own checker: ``8c…{"answer": true}``.

The program shares this process and may print such a line itself. All that it can bring about is
to be wrong: what should come is not here. Nothing but the standard library is imported.
"""

from __future__ import annotations

import builtins
import io
import json
import math
import os
import sys
import types
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as JSON has it, exact types as tagged lists; others by their name."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else ["float", repr(value)]
    if kind in (list, tuple, set, frozenset):
        name = "list" if kind is list else "tuple" if kind is tuple else "set"
        return [name, [plain(item) for item in value]]
    if kind is dict:
        return ["dict", [[plain(key), plain(item)] for key, item in value.items()]]
    if kind.__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return plain(value.item())
    return ["other", kind.__name__]


def first_that_compiles(sources: list[str]) -> int:
    """Return the place of the first source that compiles, 0 where none does."""
    for place, source in enumerate(sources):
        try:
            compile(source, "solution.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        return place
    return 0


def load(job: dict[str, Any]) -> dict[str, Any]:
    """Run setup and program in a module, LeetCode's usual helpers among its builtins."""
    helpers = types.ModuleType("helpers")
    exec(compile(job["helpers"], "helpers.py", "exec", dont_inherit=True), vars(helpers))
    for name in helpers.NAMES:
        if name in job["source"] and not hasattr(builtins, name):
            setattr(builtins, name, helpers.find(name))
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    exec(compile(job["setup"], "setup.py", "exec", dont_inherit=True), vars(module))
    exec(compile(job["source"], "solution.py", "exec", dont_inherit=True), vars(module))
    return vars(module)


def called(job: dict[str, Any]) -> dict[str, Any]:
    """Call the function and return what it gave, or how it failed."""
    try:
        compile(job["source"], "solution.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return {"outcome": "compile_error", "text": f"{type(error).__name__}: {error}"}
    whole = set(job["whole_keys"])
    arguments = [
        {int(key): item for key, item in value.items()} if place in whole else value
        for place, value in enumerate(job["arguments"])
    ]
    try:
        function = eval(compile(job["entry"], "entry point", "eval"), load(job))
        return {"value": plain(function(*arguments, **job["keywords"]))}
    except MemoryError as error:
        return {"outcome": "memory_limit", "text": repr(error)}
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is its answer
        return {"outcome": "runtime_error", "text": f"{type(error).__name__}: {error}"[:300]}


def answered(job: dict[str, Any]) -> dict[str, Any]:
    """Ask a question's own checker."""
    namespace: dict[str, Any] = {"__name__": "checker"}
    try:
        exec(compile(job["checker"], "checker.py", "exec", dont_inherit=True), namespace)
        answer = namespace["check"](job["input"], job["output"], job["expected"])
    except BaseException as error:  # noqa: BLE001 - whatever a checker raises, it gave no answer
        return {"broken": f"{type(error).__name__}: {error}"[:300]}
    if type(answer) is not bool:
        return {"broken": f"gave {type(answer).__name__}, not True or False"}
    return {"answer": answer}


def main() -> None:
    """Do what the first line of standard input says, and print one line."""
    job = json.loads(sys.stdin.read())
    sys.stdin = io.StringIO("")
    out, sys.stdout = sys.stdout, io.StringIO()
    if job.get("sources") is not None:
        result: dict[str, Any] = {"place": first_that_compiles(job["sources"])}
    elif job.get("checker") is not None:
        result = answered(job)
    else:
        result = called(job)
    out.write("\n" + job["nonce"] + json.dumps(result) + "\n")
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
