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
    return named_by_test(name, link.request("name", name))


class Names(dict[str, Any]):
    """The builtins of the tests' namespace: Python's, the helpers, then the solution's names.

    Python looks a name up here last, so the tests' own definitions come before all.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(vars(builtins))
        self._link = link
        self.solution_is_there = True

    def __missing__(self, name: str) -> Any:
        if name in helpers.FOR_TESTS:
            return helpers.find(name)
        if self.solution_is_there:
            try:
                return solution_name(self._link, name)
            except KeyError:
                pass
        return helpers.find(name)


class RemoteModule(types.ModuleType):
    """What `import solution` gives a test."""

    def __init__(self, link: Link) -> None:
        super().__init__("solution")
        object.__setattr__(self, "remote_link", link)

    def __getattr__(self, name: str) -> Any:
        link: Link = object.__getattribute__(self, "remote_link")
        if name == "__all__":
            return [one for one in link.request("names") if type(one) is str]
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


def function_under_test(
    codes: list[types.CodeType], own: Mapping[str, Any], link: Link
) -> str | None:
    """Return the builtin's name under which asserts test a function of the solution, if any.

    MBPP asks for a function `sum` and tests ``assert sum(10, 15) == 6``. The solution's
    is meant only where the asserts use no other name that is not a builtin's or helper's,
    and where it defines exactly one of the names that all of them use; otherwise a
    solution could change what a test means by redefining `abs` or `set`.
    """
    used = [set(helpers.names_of(code)) - set(own) for code in codes]
    ambient = helpers.FOR_TESTS | set(vars(builtins))
    if not used or any(names - ambient for names in used):
        return None
    common = sorted(set.intersection(*used))
    defined = link.request("defines", common) if common else []
    return defined[0] if len(defined) == 1 and defined[0] in common else None
