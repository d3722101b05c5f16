"""Immutable values beyond JSON's own, each as a tagged list.

``(1, b"x", 2**70)`` goes over the wire as
``["tuple", [1, ["bytes", "x"], ["int", "0x400000000000000000"]]]``.

Only exact types are described, so that a subclass with an `__eq__` of its own never
arrives anywhere; reading builds exact types and nothing else. Modules such as `decimal`
are used only where a value of theirs is met, which keeps the start short.
"""

from __future__ import annotations

import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

Node = Any
Recurse = Callable[[Any], Any]

SMALL = 1 << 62
PLAIN_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset),
        *(object, type, range, slice, type(None)),
    )
}


def is_atom(value: object) -> bool:
    """Say whether JSON holds the value as it is; longer integers cross as hexadecimal."""
    kind = type(value)
    if kind is int:
        return -SMALL < value < SMALL  # type: ignore[operator]
    return value is None or kind is bool or kind is str or kind is float


def describe(value: Any, recurse: Recurse) -> Node | None:
    """Return the tagged list of an immutable value, or None where it is none."""
    kind = type(value)
    simple = SIMPLE.get(kind)
    if simple is not None:
        return simple(value, recurse)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        fields = [str(field) for field in kind._fields]
        return ["named", kind.__name__, fields, [recurse(item) for item in tuple(value)]]
    if isinstance(value, type) and PLAIN_TYPES.get(value.__name__) is value:
        return ["type", value.__name__]
    return _by_module(value, kind, recurse)


SIMPLE: dict[type, Callable[[Any, Recurse], Node]] = {
    int: lambda value, _: ["int", hex(value)],
    bytes: lambda value, _: ["bytes", value.decode("latin-1")],
    complex: lambda value, _: ["complex", value.real, value.imag],
    tuple: lambda value, recurse: ["tuple", [recurse(item) for item in value]],
    frozenset: lambda value, recurse: ["frozenset", [recurse(item) for item in value]],
    range: lambda value, recurse: ["range", *map(recurse, (value.start, value.stop, value.step))],
    slice: lambda value, recurse: ["slice", *map(recurse, (value.start, value.stop, value.step))],
    type(...): lambda _value, _: ["ellipsis"],
    type(NotImplemented): lambda _value, _: ["notimplemented"],
}


def _by_module(value: Any, kind: type, recurse: Recurse) -> Node | None:
    """Describe values of the standard library, whose modules need not be loaded here."""
    module, name = kind.__module__, kind.__name__
    if module == "decimal" and name == "Decimal":
        return ["decimal", str(value)]
    if module == "fractions" and name == "Fraction":
        return ["fraction", recurse(value.numerator), recurse(value.denominator)]
    if module == "datetime" and kind is getattr(sys.modules.get("datetime"), name, None):
        return _moment(value, name)
    if module == "numpy":
        return _numpy(value, recurse)
    return None


def _moment(value: Any, name: str) -> Node | None:
    """Describe a date, time, span or fixed zone."""
    if name == "timedelta":
        return ["timedelta", value.days, value.seconds, value.microseconds]
    if name == "date":
        return ["date", value.year, value.month, value.day]
    if name == "timezone":
        return ["timezone", value.utcoffset(None).total_seconds()]
    if name not in ("datetime", "time"):
        return None
    offset = value.utcoffset()
    parts = [value.hour, value.minute, value.second, value.microsecond]
    if name == "datetime":
        parts = [value.year, value.month, value.day, *parts]
    return [name, parts, None if offset is None else offset.total_seconds()]


def _numpy(value: Any, recurse: Recurse) -> Node | None:
    """Describe numpy's scalars as Python's numbers, arrays of plain kinds as arrays."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.generic) and value.dtype.kind in "biufcUS":
        return recurse(value.item())
    if type(value) is numpy.ndarray and value.dtype.kind in "biufcUS":
        items = [recurse(item) for item in value.ravel().tolist()]
        return ["ndarray", value.dtype.str, list(value.shape), items]
    return None


def read(node: Node, recurse: Recurse) -> Any:
    """Build the value of a tagged list; raises KeyError on a tag that is none of these."""
    return READERS[node[0]](node, recurse)


def _zone(seconds: float | None) -> Any:
    import datetime

    if seconds is None:
        return None
    return datetime.timezone(datetime.timedelta(seconds=seconds))


def _date_and_time(node: Node, _: Recurse) -> Any:
    import datetime

    kind = {"datetime": datetime.datetime, "time": datetime.time}[node[0]]
    return kind(*map(_integer, node[1]), tzinfo=_zone(node[2]))


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("not an integer")
    return value


def _calendar(node: Node, _: Recurse) -> Any:
    import datetime

    kind = {"date": datetime.date, "timedelta": datetime.timedelta}[node[0]]
    return kind(*map(_integer, node[1:]))


def _decimal(node: Node, _: Recurse) -> Any:
    import decimal

    return decimal.Decimal(node[1])


def _fraction(node: Node, recurse: Recurse) -> Any:
    import fractions

    return fractions.Fraction(recurse(node[1]), recurse(node[2]))


def _ndarray(node: Node, recurse: Recurse) -> Any:
    try:
        import numpy
    except ImportError:
        raise TypeError("numpy is not in this sandbox") from None
    if node[1][1:2] not in tuple("biufcUS"):
        raise TypeError("an array of unknown kind")
    items = [recurse(item) for item in node[3]]
    return numpy.array(items, dtype=node[1]).reshape([_integer(size) for size in node[2]])


def _named(node: Node, recurse: Recurse) -> Any:
    """Build a named tuple of a fresh type; namedtuple itself checks that the names are names."""
    kind: Any = namedtuple(str(node[1]), [str(field) for field in node[2]])  # type: ignore[misc]
    return kind(*map(recurse, node[3]))


READERS: dict[str, Callable[[Node, Recurse], Any]] = {
    "int": lambda node, _: int(node[1], 16),
    "bytes": lambda node, _: node[1].encode("latin-1"),
    "complex": lambda node, _: complex(node[1], node[2]),
    "tuple": lambda node, recurse: tuple([recurse(item) for item in node[1]]),
    "frozenset": lambda node, recurse: frozenset([recurse(item) for item in node[1]]),
    "range": lambda node, recurse: range(*map(recurse, node[1:])),
    "slice": lambda node, recurse: slice(*map(recurse, node[1:4])),
    "ellipsis": lambda _node, _: ...,
    "notimplemented": lambda _node, _: NotImplemented,
    "type": lambda node, _: PLAIN_TYPES[node[1]],
    "named": _named,
    "decimal": _decimal,
    "fraction": _fraction,
    "date": _calendar,
    "timedelta": _calendar,
    "datetime": _date_and_time,
    "time": _date_and_time,
    "timezone": lambda node, _: _zone(node[1]),
    "ndarray": _ndarray,
}
