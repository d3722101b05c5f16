"""Exceptions between the processes: a type by name, plain arguments, a message.

``ValueError("no root")`` raised in line 3 of the solution crosses as::

    {"mro": [["builtins", "ValueError"], ["builtins", "Exception"]], "args": ["no root"],
     "text": "no root", "fields": {}, "line": 3, "limit": ""}

and is raised again as the builtin type, so that ``pytest.raises(ValueError)`` works.
A class of the solution's own becomes a local class of that name under its nearest
builtin parent. Only exception classes of the standard library that are loaded here are
used: nothing is imported because the other side names it.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from verifiers.inside import scalars
from verifiers.inside.exceeded import EXITS, limit_of
from verifiers.inside.frames import BrokenChannel

MAX_TEXT = 2_000
SOLUTION_FILE = "solution.py"


def last_line(error: BaseException, file: str) -> int | None:
    """Return the deepest line of a file in an exception's traceback, None where it has none."""
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line


def text_of(error: BaseException) -> str:
    """Return an exception's message, cut; a broken `__str__` gives its type's name."""
    try:
        return str(error)[:MAX_TEXT]
    except Exception:  # noqa: BLE001 - the program's own __str__ may raise anything
        return type(error).__name__


def lineage(kind: type) -> list[list[str]]:
    """Return the module and name of every exception class above a class, itself first."""
    parents = [base for base in kind.__mro__ if issubclass(base, BaseException)]
    return [[str(base.__module__), base.__name__] for base in parents[:-1]]


def describe(error: BaseException, write: Callable[[Any], Any]) -> dict[str, Any]:
    """Return an exception as it crosses; `write` turns a plain value into its node."""
    fields = {name: value for name, value in vars(error).items() if scalars.is_atom(value)}
    plain = all(scalars.is_atom(item) for item in error.args)
    return {
        "mro": lineage(type(error)),
        "args": [write(item) for item in error.args] if plain else None,
        "text": text_of(error),
        "fields": fields,
        "line": last_line(error, SOLUTION_FILE),
        "limit": limit_of(error),
    }


class Exceptions:
    """Makes this side's exceptions from descriptions; one local class for each name."""

    def __init__(self) -> None:
        self._local: dict[tuple[str, str], type[BaseException]] = {}

    def kind(self, mro: Any) -> type[BaseException]:
        """Return the class for a lineage; raises BrokenChannel on a forged one."""
        if type(mro) is not list or not all(_is_name(step) for step in mro):
            raise BrokenChannel("a malformed exception")
        for place, (module, name) in enumerate(mro[:32]):
            known = self._local.get((module, name)) or _standard(module, name)
            if known is not None:
                return self._extend(known, mro[:place])
        return self._extend(Exception, mro[:32])

    def _extend(self, parent: type[BaseException], own: list[list[str]]) -> type[BaseException]:
        for module, name in reversed(own):
            parent = type(name, (parent,), {"__str__": _shown_text, "__module__": "solution"})
            self._local[(module, name)] = parent
        return parent

    def make(self, description: Any, read: Callable[[Any], Any]) -> BaseException:
        """Return an exception for its description; raises BrokenChannel on a forged one."""
        try:
            kind = self.kind(description["mro"])
            args, text = description["args"], str(description["text"])[:MAX_TEXT]
            values = (text,) if args is None else tuple([read(item) for item in args])
            error = _build(kind, values)
            fields = {str(k): v for k, v in description["fields"].items() if scalars.is_atom(v)}
            line = description["line"]
            line = line if type(line) is int and 0 < line < 1 << 31 else None
            limit = description.get("limit")
            limit = limit if type(limit) is str and limit in EXITS else ""
            vars(error).update(fields, remote_text=text, remote_line=line, remote_limit=limit)
        except (TypeError, KeyError, AttributeError, ValueError) as malformed:
            raise BrokenChannel(f"a malformed exception: {malformed!r}"[:300]) from malformed
        return error


def _build(kind: type[BaseException], values: tuple[Any, ...]) -> BaseException:
    """Make an exception, by its class where that takes these arguments."""
    try:
        error = kind(*values)
    except (TypeError, ValueError):
        return _blank(kind, values)
    return error if error.args == values else _blank(kind, values)


def _blank(kind: type[BaseException], values: tuple[Any, ...]) -> BaseException:
    try:
        error = kind.__new__(kind)
    except TypeError:  # ExceptionGroup wants its members
        error = Exception.__new__(Exception)
    error.args = values
    return error


def _shown_text(error: BaseException) -> str:
    """Show the text that the solution's own `__str__` gave; what tests raise shows itself."""
    shown = vars(error).get("remote_text")
    return BaseException.__str__(error) if shown is None else str(shown)


def _is_name(step: Any) -> bool:
    return (
        type(step) is list
        and len(step) == 2
        and all(type(part) is str and len(part) < 200 for part in step)
    )


def _standard(module: str, name: str) -> type[BaseException] | None:
    """Return a loaded exception class of the standard library, if that is what is named.

    `unittest.SkipTest` and what derives from it would tell a test runner to look away.
    """
    root = module.partition(".")[0]
    if root not in sys.stdlib_module_names or root in ("unittest", "doctest"):
        return None
    holder = builtins if module == "builtins" else sys.modules.get(module)
    found = vars(holder).get(name) if holder is not None else None
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    return None
