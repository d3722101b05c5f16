"""The constraint types in a line each, for a model that is to name those of a prompt.

    - length_constraints:number_words(num_words: whole number, relation: "less than" or "at least"):
      There are less than, or at least, so many words.

Made from what the types themselves read and say, so that the list is never behind the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from verifiers.constraints import judging as judging  # noqa: PLC0414 - registers all types
from verifiers.constraints.registry import MAKERS, Arguments, UnusableConstraint

# Types that are made for one prompt of IFBench's each, and mean nothing to any other.
OFFERED = tuple(id for id in MAKERS if not id.startswith("custom:"))
RELATION = '"less than" or "at least"'


class Noted(Arguments):
    """Kwargs that note what is asked of them, and give something of the kind."""

    def __init__(self) -> None:
        super().__init__({})
        self.kinds: dict[str, str] = {}

    def whole(self, name: str, least: int = 0) -> int:
        """Note a whole number."""
        self.kinds[name] = "whole number"
        return max(1, least)

    def text(self, name: str) -> str:
        """Note a text."""
        self.kinds[name] = "text"
        return "en" if name == "language" else "x"

    def texts(self, name: str) -> list[str]:
        """Note a list of texts."""
        self.kinds[name] = "list of texts"
        return ["x"]

    def compare(self, name: str) -> Callable[[int, int], bool]:
        """Note a relation."""
        self.kinds[name] = RELATION
        return lambda a, b: a < b

    def _get(self, name: str) -> Any:
        self.kinds.setdefault(name, "value")
        raise UnusableConstraint(f"{name}: only noted")


def kwargs_of(id: str) -> Mapping[str, str]:
    """Return the kwargs that a type reads, each with what it has to be."""
    noted = Noted()
    with suppress(UnusableConstraint):  # values that do not fit together: their names are noted
        MAKERS[id](noted)
    return noted.kinds


@lru_cache(maxsize=1)
def types_listed() -> str:
    """Return the list of all types that any prompt may want."""
    lines = []
    for id in OFFERED:
        maker = MAKERS[id]
        kwargs = ", ".join(f"{name}: {kind}" for name, kind in kwargs_of(id).items())
        meaning = (maker.__doc__ or "").strip().partition("\n")[0]
        lines.append(f"- {id}({kwargs}): {meaning}")
    return "\n".join(lines)
