"""What a constraint is: read from its id and kwargs, it becomes a test of a passage.

``read({"id": "keywords:frequency", "kwargs": {"keyword": "war", "frequency": 8,
"relation": "at least", "num_words": None}})`` gives a `Constraint`, of which ``test(passage)``
says whether the passage follows it and what was found there.

Kwargs that are null are as good as absent, since IFEval's published form has all names in each
row. One that a type needs and lacks is an error here: IFEval draws a random value instead, with
which nothing can be judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.base import BadInput
from verifiers.constraints.passages import Passage

RELATIONS = ("less than", "at least")


class UnknownConstraint(ValueError):
    """No test is known under a constraint's id."""


class UnusableConstraint(ValueError):
    """A constraint's kwargs are not what its type needs."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Whether a passage follows a constraint, and what was counted or seen there."""

    followed: bool
    found: Any = None


Test = Callable[[Passage], Observation]


class Arguments:
    """A constraint's kwargs, each read as what its type wants; names nobody asked for are wrong."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}
        self._asked: set[str] = set()

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._given:
            raise UnusableConstraint(f"{name}: is missing")
        return self._given[name]

    def whole(self, name: str, least: int = 0) -> int:
        """Return a whole number, which may be written as 5.0, of at least `least`."""
        value = self._get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or value != value // 1 or value < least:
            raise UnusableConstraint(f"{name}: expected a whole number ≥ {least}, got {value!r}")
        return int(value)

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._get(name)
        if not isinstance(value, str) or not value.strip():
            raise UnusableConstraint(f"{name}: expected a text, got {value!r}")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts that is not empty, and none of them is."""
        value = self._get(name)
        texts = isinstance(value, list | tuple) and all(isinstance(x, str) and x for x in value)
        if not texts or not value:
            raise UnusableConstraint(f"{name}: expected a list of texts, got {value!r}")
        return list(value)

    def compare(self, name: str) -> Callable[[int, int], bool]:
        """Return the comparison that "less than" or "at least" means."""
        value = self._get(name)
        if value not in RELATIONS:
            raise UnusableConstraint(f"{name}: expected one of {RELATIONS}, got {value!r}")
        return (lambda a, b: a < b) if value == "less than" else (lambda a, b: a >= b)

    def check_nothing_left(self) -> None:
        """Raise UnusableConstraint where there are names that nobody asked for."""
        if left := sorted(set(self._given) - self._asked):
            raise UnusableConstraint(f"{', '.join(left)}: no such name for this constraint")


Maker = Callable[[Arguments], Test]
MAKERS: dict[str, Maker] = {}


def constraint(id: str) -> Callable[[Maker], Maker]:
    """Register a function that makes the test of a type, under the type's id."""

    def register(maker: Maker) -> Maker:
        MAKERS[id] = maker
        return maker

    return register


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint that was read: its id, the kwargs that count, and its test."""

    id: str
    wanted: Mapping[str, Any]
    test: Test


def identity(raw: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the id and kwargs of a constraint as it stands in a row; raises BadInput."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        raise BadInput('constraints: expected objects {"id": "…", "kwargs": {…}}')
    kwargs = raw.get("kwargs") or {}
    if not isinstance(kwargs, Mapping):
        raise BadInput(f"constraints: kwargs: expected an object, got {type(kwargs).__name__}")
    return raw["id"], {name: value for name, value in kwargs.items() if value is not None}


def read(raw: Any) -> Constraint:
    """Return the constraint; raises BadInput, UnknownConstraint or UnusableConstraint."""
    id, wanted = identity(raw)
    if id not in MAKERS:
        raise UnknownConstraint(f"{id}: no such constraint is known")
    arguments = Arguments(wanted)
    test = MAKERS[id](arguments)
    arguments.check_nothing_left()
    return Constraint(id, wanted, test)


def pattern(name: str, text: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compile a keyword, which IFEval takes as a regular expression; raises UnusableConstraint."""
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnusableConstraint(f"{name}: no regular expression: {error}") from None
