"""Stand-ins in the tests' process for objects that stay in the solution's process.

``stack = Stack(); stack.push(1); assert stack.peek() == 1`` sends three requests; what
is compared in the end is plain data, here.

An object of the solution may give data but not judge. Operations that would show it a
value of the tests (comparisons, arithmetic) are passed on only for objects that the test
built itself by calling a class it names (`Vector(1, 2) + Vector(3, 4) == Vector(4, 6)`),
and comparisons only with another object of the solution. Any other object is equal to
itself alone, so a returned object whose `__eq__` is always true equals nothing. What
such objects say of themselves (attributes, length, items) is kept until the next call,
so that they can't give two answers to one question.

What this can't know: a test that only compares objects of the solution's own classes
with each other asks the solution whether the solution is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from verifiers.inside.operations import ARITHMETIC, COMPARISONS, UNARY

if TYPE_CHECKING:
    from verifiers.inside.link import Link

# Methods of the plain types that give a yes or no: an object that merely looks like text
# would pass `assert f(x).startswith("ab")` whatever it holds.
PREDICATES = frozenset(
    name
    for kind in (str, bytes, set, float)
    for name in dir(kind)
    if name.startswith(("is", "startswith", "endswith"))
)
# Attributes by which C code takes raw memory, at an address that the object names; numpy asks
# every object for them. The tests' process is forked from the same one as the solution's, so
# its addresses are no secret.
RAW_MEMORY = ("__array", "__cuda_array", "__dlpack", "_as_parameter_")
OWN_FIELDS = tuple(
    f"remote_{field}" for field in ("link", "handle", "name", "owner", "built", "kept", "kept_at")
)


class Remote:
    """An object in the solution's process; `remote_built` when the test itself made it."""

    def __init__(self, link: Link, handle: int, name: str, owner: int) -> None:
        values: tuple[Any, ...] = (link, handle, name, owner, False, {}, -1)
        for field, value in zip(OWN_FIELDS, values, strict=True):
            object.__setattr__(self, field, value)

    def remote_ask(self, operation: str, *args: Any) -> Any:
        """Have an operation done in the other process."""
        return self.remote_link.request("operation", operation, args)

    def remote_keep(self, key: str, ask: Callable[[], Any]) -> Any:
        """Return what the object said before, until the next call of the solution."""
        if self.remote_built:
            return ask()
        if self.remote_kept_at != self.remote_link.generation:
            self.remote_kept.clear()
            object.__setattr__(self, "remote_kept_at", self.remote_link.generation)
        if key not in self.remote_kept:
            self.remote_kept[key] = ask()
        return self.remote_kept[key]

    def remote_snapshot(self) -> list[Any]:
        """Return the object's items, the same until the next call."""
        kept: list[Any] = self.remote_keep(" items", lambda: list(_Items(self)))
        return kept

    def __getattr__(self, name: str) -> Any:
        hidden = not self.remote_built and name in PREDICATES
        if hidden or name.startswith(RAW_MEMORY):
            raise AttributeError(
                f"{self.remote_name} object of the solution has no attribute {name}"
            )
        return self.remote_keep(f".{name}", lambda: self.remote_link.request("get", self, name))

    def __setattr__(self, name: str, value: Any) -> None:
        self.remote_link.generation += 1
        self.remote_link.request("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        self.remote_link.generation += 1
        self.remote_link.request("delete", self, name)

    def __hash__(self) -> int:
        return (
            int(self.remote_ask("hash", self))
            if self.remote_built
            else hash(("remote", self.remote_handle))
        )

    def __repr__(self) -> str:
        return str(self.remote_keep(" repr", lambda: self.remote_ask("repr", self)))

    def __str__(self) -> str:
        return str(self.remote_keep(" str", lambda: self.remote_ask("str", self)))

    def __format__(self, spec: str) -> str:
        return str(self.remote_ask("format", self, spec))

    def __bool__(self) -> bool:
        return self.remote_keep(" bool", lambda: self.remote_ask("bool", self)) is True

    def __len__(self) -> int:
        if self.remote_built:
            return int(self.remote_ask("len", self))
        return len(self.remote_snapshot())

    def __iter__(self) -> Iterator[Any]:
        if self.remote_built:
            return _Items(self)
        return iter(self.remote_snapshot())

    def __reversed__(self) -> Iterator[Any]:
        return iter(self.remote_snapshot()[::-1])

    def __contains__(self, item: Any) -> bool:
        if self.remote_built:
            return self.remote_ask("contains", self, item) is True
        return item in self.remote_snapshot()

    def __getitem__(self, key: Any) -> Any:
        if not self.remote_built and isinstance(key, int | slice) and not isinstance(key, bool):
            return self.remote_snapshot()[key]
        return self.remote_ask("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.remote_link.generation += 1
        self.remote_ask("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        self.remote_link.generation += 1
        self.remote_ask("delitem", self, key)

    def __enter__(self) -> Any:
        self.remote_link.generation += 1
        return self.remote_ask("enter", self)

    def __exit__(self, *_: object) -> bool:
        self.remote_link.generation += 1
        return self.remote_ask("exit", self, None, None, None) is True

    def __copy__(self) -> Any:
        return self.remote_ask("copy", self)

    def __deepcopy__(self, _: Any) -> Any:
        return self.remote_ask("deepcopy", self)


class _Items:
    """Iterates over an object of the solution, one request an item."""

    def __init__(self, target: Remote) -> None:
        self._iterator = target.remote_ask("iter", target)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not isinstance(self._iterator, Remote):
            raise TypeError("the solution's object gave no iterator")
        return self._iterator.remote_ask("next", self._iterator)


class RemoteIterator(Remote):
    """An iterator or generator of the solution."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.remote_link.generation += 1
        return self.remote_ask("next", self)

    def __len__(self) -> int:
        raise TypeError("object of type 'iterator' has no len()")

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: Any) -> bool:
        return any(item == one for one in self)


class RemoteCallable(Remote):
    """A function or method of the solution."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call it there."""
        return self.remote_link.call(self, args, keywords)

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        raise TypeError("object of type 'function' has no len()")


class RemoteClass(RemoteCallable):
    """A class of the solution; what a test makes by calling one it named, it built itself.

    A name that begins in lower case names a function to the test, whatever the solution
    makes of it: `class f` with an `__eq__` must not pass `assert f(1) == 2`.
    """

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Make an instance there."""
        made = self.remote_link.call(self, args, keywords)
        if isinstance(made, Remote) and self.remote_built:
            object.__setattr__(made, "remote_built", True)
        return made

    def __instancecheck__(self, instance: Any) -> bool:
        return (
            isinstance(instance, Remote) and self.remote_ask("isinstance", instance, self) is True
        )

    def __subclasscheck__(self, subclass: Any) -> bool:
        return (
            isinstance(subclass, Remote) and self.remote_ask("issubclass", subclass, self) is True
        )

    def __hash__(self) -> int:
        return hash(("remote", self.remote_handle))

    def __mro_entries__(self, bases: Any) -> Any:
        from verifiers.inside.link import Unsupported

        raise Unsupported("a test derives a class from one of the solution's")


FORMS: dict[str, type[Remote]] = {
    "object": Remote,
    "callable": RemoteCallable,
    "iterator": RemoteIterator,
    "class": RemoteClass,
}


def make_remote(link: Link, handle: int, form: str, name: str, owner: Any) -> Remote:
    """Make the stand-in for an object; raises KeyError on an unknown form."""
    return FORMS[form](link, handle, name[:100], owner if type(owner) is int else 0)


def named_by_test(name: str, value: Any) -> Any:
    """Mark a class that a test asked for by a class's name."""
    if isinstance(value, RemoteClass) and name.lstrip("_")[:1].isupper():
        object.__setattr__(value, "remote_built", True)
    return value


def _comparison(operation: str) -> Callable[[Remote, Any], Any]:
    def compare(self: Remote, other: Any) -> Any:
        if self is other and operation in ("eq", "ne"):
            return operation == "eq"
        if not isinstance(other, Remote) or not (self.remote_built or other.remote_built):
            return NotImplemented
        if isinstance(self, RemoteClass) or isinstance(other, RemoteClass):
            return NotImplemented
        return self.remote_ask(operation, self, other) is True

    return compare


def _arithmetic(operation: str, swapped: bool) -> Callable[[Remote, Any], Any]:
    def compute(self: Remote, other: Any) -> Any:
        if isinstance(self, RemoteCallable) or not (self.remote_built or _built(other)):
            return NotImplemented
        pair = (other, self) if swapped else (self, other)
        result = self.remote_ask(operation, *pair)
        if isinstance(result, Remote) and result.remote_owner in (self.remote_owner, _owner(other)):
            object.__setattr__(result, "remote_built", True)
        return result

    return compute


def _built(value: Any) -> bool:
    return isinstance(value, Remote) and bool(value.remote_built)


def _owner(value: Any) -> int | None:
    return value.remote_owner if isinstance(value, Remote) else None


def _unary(operation: str) -> Callable[[Remote], Any]:
    def compute(self: Remote) -> Any:
        if not self.remote_built:
            raise TypeError(f"bad operand for {operation}: {self.remote_name}")
        return self.remote_ask(operation, self)

    return compute


def _add_operators() -> None:
    """Give `Remote` Python's operators; all of them, so that none falls through to identity."""
    for name in COMPARISONS:
        setattr(Remote, f"__{name}__", _comparison(name))
    for name in ARITHMETIC:
        setattr(Remote, f"__{name}__", _arithmetic(name, swapped=False))
        setattr(Remote, f"__r{name}__", _arithmetic(name, swapped=True))
    for name in (*UNARY, "int", "float", "complex", "index", "round"):
        setattr(Remote, f"__{name}__", _unary(name))


_add_operators()
