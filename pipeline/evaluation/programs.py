"""Test cases of benchmarks of programs, in the forms that the verifier `code` reads.

    contest_case({"input": "1\\n", "output": "2\\n", "testtype": "stdin"}, "")
        {"input": "1\\n", "output": "2\\n"}
    contest_case({"input": "[1, 2]\\n3", "output": "6", "testtype": "functional"}, "sum")
        {"testtype": "functional", "fn_name": "sum", "input": "[1, 2]\\n3", "output": "6"}

Nothing of a file is executed here, and what was pickled may hold nothing but plain data.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from typing import Any, NoReturn

COMPLETE = (
    "Write the Python function that is asked for, whole, with all of its imports, in one"
    " fenced block.\n\n{question}"
)
READS = (
    "Write a Python program that reads the input from standard input and prints the output to"
    " standard output. Put the whole program into one fenced block."
)
FILLS = "Complete this Python code. Put the whole of it into one fenced block."


def check_case(stub: str, test: str, entry_point: str) -> dict[str, Any]:
    """Return a test that calls `check`; what stands before the function is there too."""
    place = stub.rfind(f"def {entry_point}")
    setup = stub[: max(place, 0)].strip()
    case = {"test_code": test, "entry_point": entry_point}
    return {**case, "setup": setup} if setup else case


def contest_prompt(statement: str, starter: str) -> str:
    """Return a problem with what the program has to look like."""
    if not starter.strip():
        return f"{statement}\n\n{READS}"
    return f"{statement}\n\n{FILLS}\n\n```python\n{starter.rstrip()}\n```"


def contest_case(test: dict[str, Any], function: str) -> dict[str, Any]:
    """Return one test; raises ValueError for a form that is not known."""
    if test["testtype"] == "stdin":
        return {"input": test["input"], "output": test["output"]}
    if test["testtype"] != "functional" or not function.isidentifier():
        raise ValueError(f"testtype {test['testtype']!r} with func_name {function!r}")
    kept = {name: test[name] for name in ("testtype", "input", "output")}
    return {**kept, "fn_name": function}


def unsqueezed(cases: str | None) -> list[dict[str, Any]]:
    """Return the tests in a column: JSON, or JSON pickled, squeezed and in base 64.

    Raises ValueError for what is neither.
    """
    if not cases:
        return []
    try:
        return list(json.loads(cases))
    except ValueError:
        pass  # the squeezed form
    try:
        data = zlib.decompress(base64.b64decode(cases, validate=True))
        return list(json.loads(_Plain(io.BytesIO(data)).load()))
    except (binascii.Error, zlib.error, pickle.UnpicklingError, EOFError, TypeError) as error:
        raise ValueError(f"private_test_cases: cannot be read ({error})") from None


class _Plain(pickle.Unpickler):
    """Loads plain data; a pickle that names a class or a function is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"names {module}.{name}")
