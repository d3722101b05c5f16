"""Runs a whole program as `__main__`: the role of a child for each input of a test.

Its job is ``{"source": "print(int(input()) + 1)"}``; standard input holds the test's input,
what it prints goes to the process outside, which compares it. What ought to be printed is
not here. The exit code is the program's, or one of a few that say why it could not go on.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from verifiers.inside.exceeded import EXITS, limit_of

SYNTAX_EXIT = 121


def execute(source: str) -> int:
    """Run a program as `__main__` and return its exit code, everything printed flushed."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.argv = ["solution.py"]
    code = _run_main(source)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    return code


def _run_main(source: str) -> int:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        compiled = compile(source, "solution.py", "exec", dont_inherit=True)
    except MemoryError:
        return EXITS["memory_limit"]
    except (SyntaxError, ValueError, RecursionError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return SYNTAX_EXIT
    try:
        exec(compiled, vars(module))
        _finish()
    except SystemExit as error:
        return _exit_code(error)
    except MemoryError:
        return EXITS["memory_limit"]
    except BaseException as error:  # noqa: BLE001 - the program's own end, whatever it is
        sys.excepthook(*sys.exc_info())
        return EXITS.get(limit_of(error), 1)
    return 0


def _finish() -> None:
    """Do what Python does at its end: wait for threads, call what `atexit` holds."""
    import atexit

    threading: Any = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1
