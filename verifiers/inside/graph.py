"""Plain data as JSON and back, with identity, cycles and changes in place.

What can be changed lies in a table and is referred to by its place there, so that
``row = [1, 2]; [row, row]`` goes over the wire as::

    [[["list", [["at", 1], ["at", 1]]], ["list", [1, 2]]], ["at", 0]]      # table, value

A reply is written against the table of its request: entry k of both is one object, so
the receiver can bring its own lists, dictionaries and nodes up to date, and a result
that *is* an argument comes back as that argument.

Only exact types are read and written. Never pickle, marshal or eval: the worst that a
forged message can do is to be wrong data or to raise.
"""

from __future__ import annotations

import collections
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from verifiers.inside import scalars
from verifiers.inside.frames import BrokenChannel

Node = Any
# defaultdict's factory crosses by name, and only these do.
FACTORIES: dict[str, Callable[[], Any] | None] = {
    kind.__name__: kind for kind in (int, float, str, list, dict, set, bool, tuple)
} | {"None": None}


class CannotCross(TypeError):
    """A value that has no plain form and may not be referred to from the other side."""


class Side(Protocol):
    """What the two processes do differently: references, and classes known to both."""

    def refer(self, value: Any) -> Node | None:
        """Return a tagged list for what must not cross as a value; None where it may."""

    def foreign(self, value: Any) -> Node:
        """Return a tagged list for a value that is not plain; raises CannotCross."""

    def resolve(self, node: Node) -> Any:
        """Return what such a tagged list stands for; raises KeyError on an unknown tag."""

    def shared_name(self, value: Any) -> str | None:
        """Return the name of the shared class whose instance this is, if it is one."""

    def shared_class(self, name: str) -> type:
        """Return this side's class of that name; raises KeyError."""


def _plain_subclass(value: Any) -> Any:
    """Return the plain value inside an instance of a plain type's subclass, or the value."""
    for kind in (int, float, str, bytes, tuple, list, set, frozenset, dict, bytearray):
        if isinstance(value, kind):
            return _strip(value, kind)
    return value


def _strip(value: Any, kind: type) -> Any:
    """Copy a value into its plain base, past methods that a subclass may have replaced."""
    if kind is int:
        return int.__index__(value)
    if kind is float:
        return float.__float__(value)
    if kind is str:
        return str.__str__(value)
    if kind is dict:
        return dict(dict.items(value))
    return kind(kind.__iter__(value))  # type: ignore[attr-defined]


class Writer:
    """Writes values that share one table; `known` are the objects of the request's table."""

    def __init__(self, side: Side, known: Sequence[object] = ()) -> None:
        self._side = side
        self.objects: list[Any] = list(known)
        self._places = {id(item): place for place, item in enumerate(self.objects)}
        self._table: list[Node] = []

    def value(self, value: Any) -> Node:
        """Return a value's node; what it refers to is written by `table()`."""
        if scalars.is_atom(value):
            return value
        place = self._places.get(id(value))
        if place is not None:
            return ["at", place]
        referred = self._side.refer(value)
        if referred is not None:
            return referred
        if type(value) in CONTAINERS or self._side.shared_name(value) is not None:
            return ["at", self._place(value)]
        return self._immutable(value)

    def _immutable(self, value: Any) -> Node:
        described = scalars.describe(value, self.value)
        if described is not None:
            return described
        plain = _plain_subclass(value)
        return self._side.foreign(value) if plain is value else self.value(plain)

    def _place(self, value: Any) -> int:
        self._places[id(value)] = len(self.objects)
        self.objects.append(value)
        return len(self.objects) - 1

    def table(self) -> list[Node]:
        """Write out every object met so far and all that they lead to."""
        while len(self._table) < len(self.objects):
            self._table.append(self._entry(self.objects[len(self._table)]))
        return self._table

    def _entry(self, value: Any) -> Node:
        container = CONTAINERS.get(type(value))
        if container is not None:
            return [container[0], *container[1](value, self._items)]
        fields = vars(value)
        return ["object", self._side.shared_name(value), list(fields), self._items(fields.values())]

    def _items(self, values: Any) -> list[Node]:
        atom, value = scalars.is_atom, self.value
        return [item if atom(item) else value(item) for item in values]


WriteItems = Callable[[Any], list[Node]]


def _flat(value: Any, items: WriteItems) -> list[Node]:
    """Write a dictionary as its keys and its values."""
    return [items(value.keys()), items(value.values())]


def _default(value: Any, items: WriteItems) -> list[Node]:
    name = getattr(value.default_factory, "__name__", "None")
    known = FACTORIES.get(name, "unknown") is value.default_factory
    return [name if known else "None", *_flat(value, items)]


CONTAINERS: dict[type, tuple[str, Callable[[Any, WriteItems], list[Node]]]] = {
    list: ("list", lambda value, items: [items(value)]),
    dict: ("dict", _flat),
    set: ("set", lambda value, items: [items(value)]),
    bytearray: ("bytearray", lambda value, _: [value.decode("latin-1")]),
    deque: ("deque", lambda value, items: [items(value), value.maxlen]),
    collections.Counter: ("Counter", _flat),
    collections.OrderedDict: ("OrderedDict", _flat),
    collections.defaultdict: ("defaultdict", _default),
}


class Reader:
    """Reads values written against one table; `known` are this side's objects of the request.

    Every known object that the table describes anew is changed in place. Raises
    `BrokenChannel` on anything that a `Writer` would not have written.
    """

    def __init__(self, side: Side, table: Any, known: Sequence[object] = ()) -> None:
        self._side = side
        try:
            self.objects: list[Any] = [
                known[place] if place < len(known) else self._shell(entry)
                for place, entry in enumerate(table)
            ]
            self._fill_all(table)
        except MALFORMED as error:
            raise BrokenChannel(f"not plain data: {error!r}"[:300]) from error

    def read(self, node: Node) -> Any:
        """Return the value of a node."""
        try:
            return self._value(node)
        except MALFORMED as error:
            raise BrokenChannel(f"not plain data: {error!r}"[:300]) from error

    def _value(self, node: Node) -> Any:
        if type(node) is not list:
            if type(node) is dict:
                raise TypeError("an object where a value was expected")
            return node
        if node[0] == "at":
            if type(node[1]) is not int or node[1] < 0:
                raise TypeError("a place that is no number")
            return self.objects[node[1]]
        if node[0] in scalars.READERS:
            return scalars.read(node, self._value)
        return self._side.resolve(node)

    def _shell(self, entry: Node) -> Any:
        """Make the empty object of an entry, so that entries can refer to each other."""
        if entry[0] == "object":
            return object.__new__(self._side.shared_class(entry[1]))
        return SHELLS[entry[0]](entry)

    def _fill_all(self, table: list[Node]) -> None:
        """Fill lists and nodes before what hashes its contents."""
        for hashed in (False, True):
            for entry, target in zip(table, self.objects, strict=True):
                if entry != 0 and (entry[0] in HASHED) is hashed:
                    self._fill(entry, target)

    def _fill(self, entry: Node, target: Any) -> None:
        if entry[0] == "object":
            self._fill_object(entry, target)
            return
        kind: Any = type(target)
        if kind is not KINDS[entry[0]]:
            raise TypeError(f"a {entry[0]} where this side has a {kind.__name__}")
        if entry[0] == "bytearray":
            target[:] = entry[1].encode("latin-1")
        elif entry[0] in ("list", "deque"):
            items = [self._value(item) for item in entry[1]]
            target.clear()
            target.extend(items)
        else:
            self._fill_hashed(entry, target)

    def _fill_hashed(self, entry: Node, target: Any) -> None:
        columns = [[self._value(item) for item in column] for column in entry if _is_column(column)]
        target.clear()
        if entry[0] == "set":
            target.update(columns[0])
            return
        for key, value in zip(*columns, strict=True):
            target[key] = value

    def _fill_object(self, entry: Node, target: Any) -> None:
        kind = type(target)
        if kind is not self._side.shared_class(entry[1]):
            raise TypeError(f"a {entry[1]} where this side has a {kind.__name__}")
        fields = dict(zip(entry[2], map(self._value, entry[3]), strict=True))
        hidden = [name for name in fields if callable(getattr(kind, name, None))]
        if hidden or not all(type(name) is str for name in fields):
            raise TypeError(f"fields that would hide methods: {hidden}")
        vars(target).clear()
        vars(target).update(fields)


def _is_column(part: Node) -> bool:
    return type(part) is list


def _new_deque(entry: Node) -> Any:
    return deque(maxlen=entry[2])


def _new_default(entry: Node) -> Any:
    return collections.defaultdict(FACTORIES[entry[1]])


SHELLS: dict[str, Callable[[Node], Any]] = {
    "list": lambda _: [],
    "dict": lambda _: {},
    "set": lambda _: set(),
    "bytearray": lambda _: bytearray(),
    "deque": _new_deque,
    "Counter": lambda _: collections.Counter(),
    "OrderedDict": lambda _: collections.OrderedDict(),
    "defaultdict": _new_default,
}
KINDS = {name: kind for kind, (name, _) in CONTAINERS.items()}
HASHED = frozenset({"dict", "set", "Counter", "OrderedDict", "defaultdict"})
MALFORMED = (
    *(TypeError, ValueError, KeyError, IndexError, AttributeError),
    *(OverflowError, ArithmeticError, RecursionError),
)
