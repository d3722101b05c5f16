"""What a name means in a test: the test's own, else a builtin or helper, else the solution's.

In ``assert abs(f(2.0) - poly(2.0)) < 1e-6`` `abs` is Python's, whatever the solution
defines, `f` and `poly` are the solution's.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Mapping
from typing import Any

from verifiers.inside import helpers
from verifiers.inside.link import Link
from verifiers.inside.remote import named_by_test


def solution_name(link: Link, name: str) -> Any:
    """Return what the solution calls by a name; raises KeyError where it has none."""
    if name.startswith("__"):
        raise KeyError(name)
    try:
        return named_by_test(name, link.request("name", name))
    except KeyError:
        return _stand_in(link, name)


def _stand_in(link: Link, name: str) -> Any:
    """Return the function that a test module means by a name that the solution lacks.

    Many questions with a test module never say how the function is to be called. Where
    the program has one function that nothing in it refers to, so that it is one word away
    from what the tests import, that is the one. KodCode's own harness renames the
    definition likewise: with this rule 492 of 501 recorded results agree, without it 418.
    """
    if name in link.adopted:
        return link.request("name", link.adopted[name])
    if not link.may_adopt or link.adopted or not name[:1].islower():
        raise KeyError(name)
    own = link.request("lonely_functions")
    if type(own) is not list or len(own) != 1 or type(own[0]) is not str or len(own[0]) > 100:
        raise KeyError(name)
    found = link.request("name", own[0])
    link.adopted[name] = own[0]
    return found


class Names(dict[str, Any]):
    """The builtins of the tests' namespace: Python's, the helpers, then the solution's names.

    Python looks a name up here last, so the tests' own definitions come before all. There is
    one for a process, made before it is forked: copying the builtins touches 60 pages.
    """

    def __init__(self) -> None:
        super().__init__(vars(builtins))
        self._link: Link | None = None
        self.solution_is_there = False

    def attach(self, link: Link) -> None:
        """Say where the solution is, which does not count as there yet."""
        self._link, self.solution_is_there = link, False

    def __missing__(self, name: str) -> Any:
        if name in helpers.FOR_TESTS:
            return helpers.find(name)
        if self.solution_is_there and self._link is not None:
            try:
                return solution_name(self._link, name)
            except KeyError:
                pass
        return helpers.find(name)


NAMES = Names()


class RemoteModule(types.ModuleType):
    """What `import solution` gives a test."""

    def __init__(self, link: Link) -> None:
        super().__init__("solution")
        object.__setattr__(self, "remote_link", link)

    def __getattr__(self, name: str) -> Any:
        link: Link = object.__getattribute__(self, "remote_link")
        if name == "__all__":
            return _starred(link.request("names"))
        try:
            return solution_name(link, name)
        except KeyError:
            raise AttributeError(f"the solution has no {name}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
        else:
            link: Link = object.__getattribute__(self, "remote_link")
            link.generation += 1
            link.request("rename", name, value)


def _starred(names: Any) -> list[str]:
    """Return what `from solution import *` brings: nothing that tests judge by."""
    judging = helpers.FOR_TESTS | set(vars(builtins)) | {"pytest", "unittest", "solution"}
    return [name for name in names if type(name) is str and name not in judging]


def function_under_test(
    codes: list[types.CodeType], own: Mapping[str, Any], link: Link
) -> str | None:
    """Return the builtin's name under which asserts test a function of the solution, if any.

    MBPP asks for a function `sum` and tests ``assert sum(10, 15) == 6``. The solution's
    is meant only where that is the one name that the asserts use; otherwise a solution
    could change what a test means by redefining `abs` or `set`.
    """
    used = [set(helpers.names_of(code)) - set(own) for code in codes]
    names = set().union(*used)
    if len(names) != 1 or not names <= helpers.FOR_TESTS | set(vars(builtins)):
        return None
    name = names.pop()
    return name if link.request("defines", [name]) == [name] else None
