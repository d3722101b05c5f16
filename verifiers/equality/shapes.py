"""What kind of thing an answer can be: a value, a pair, a set, an interval, a text …

``n=1 \\text{ or } n=4`` is a bare sequence of two labelled values, ``[0,6)`` an interval,
``3 \\text{ km}`` a value with a unit, ``\\pm 6`` a bare sequence of 6 and −6. What no rule
here can read is `Opaque`, for sympy to try.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

from verifiers.equality.nodes import Node
from verifiers.equality.units import Unit


@dataclass(frozen=True, slots=True)
class Value:
    """An expression; `ulp` is the last digit's worth where it is written as a decimal."""

    node: Node
    unit: Unit | None = None
    ulp: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Words in lower case."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """`label = shape`."""

    label: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Equation:
    """`node = 0`, where neither side is a lone symbol; `told` is the value of a + b = 13."""

    node: Node
    told: Node | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as 0 ≤ x < 6: nodes, and the signs between them."""

    nodes: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers between two."""

    low: Node
    high: Node
    low_open: bool
    high_open: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """Several shapes in brackets, or bare (`opener` is empty): then in any order."""

    opener: str
    items: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """A union of intervals and sets."""

    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """5:8, or a time of day, with am or pm behind it."""

    nodes: tuple[Node, ...]
    suffix: str = ""
    clock: bool = False


@dataclass(frozen=True, slots=True)
class Based:
    """A number in a base: 210_3."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of shapes."""

    rows: tuple[tuple[Shape, ...], ...]


@dataclass(frozen=True, slots=True)
class Congruence:
    """Whole numbers with one of these residues: n ≡ 1, 3 (mod 4)."""

    residues: tuple[Node, ...]
    modulus: Node


@dataclass(frozen=True, slots=True)
class Family:
    """A shape in free names that run through a domain: Z, N, R, or unknown (empty)."""

    shape: Shape
    names: tuple[str, ...]
    domain: str


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Expressions and the conditions under which they hold."""

    parts: tuple[tuple[Shape, Shape], ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Mathematics that no rule here can read."""


Shape = (
    Value
    | Text
    | Labelled
    | Equation
    | Relation
    | Interval
    | Sequence
    | Union
    | Ratio
    | Based
    | Matrix
    | Congruence
    | Family
    | Piecewise
    | Opaque
)
SHAPES = (
    Value,
    Text,
    Labelled,
    Equation,
    Relation,
    Interval,
    Sequence,
    Union,
    Ratio,
    Based,
    Matrix,
    Congruence,
    Family,
    Piecewise,
    Opaque,
)

EMPTY = Sequence("\\{", ())
REALS = Interval(Node("neg", (Node("inf"),)), Node("inf"), True, True)


def opaque(shape: Shape) -> bool:
    """Say whether a shape is, or holds, something that no rule here can read."""
    if isinstance(shape, Opaque):
        return True
    return any(_holds_opaque(getattr(shape, field.name)) for field in fields(shape))


def _holds_opaque(value: object) -> bool:
    if isinstance(value, tuple):
        return any(map(_holds_opaque, value))
    return isinstance(value, SHAPES) and opaque(value)
