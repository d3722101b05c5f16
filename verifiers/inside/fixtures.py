"""Fixtures of a test module: what a test function's parameters stand for.

``def test_f(stack, capsys)`` gets what the module's fixture `stack` makes, and a reader
of what was printed. A name that is neither makes the test unsupported.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from verifiers.inside.link import Unsupported
from verifiers.inside.pytest_shim import Fixture

CODE_FLAG_GENERATOR = 0x20


def argument_names(function: Any) -> list[str]:
    """Return the names of the arguments that a test or fixture wants filled in."""
    function = getattr(function, "__func__", function)
    patches = getattr(function, "patchings", ())
    patched = sum(not patch.attribute_name and _given(patch) for patch in patches)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, types.FunctionType):
        raise Unsupported(f"a test that is a {type(function).__name__}")
    code = function.__code__
    required = code.co_argcount - len(function.__defaults__ or ())
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    wanted = [name for name in keyword_only if name not in (function.__kwdefaults__ or {})]
    return [*code.co_varnames[:required][patched:], *wanted]


def _given(patch: Any) -> bool:
    """Say whether `mock.patch` adds an argument for this patch."""
    return type(patch.new).__name__ == "_SentinelObject"


class CaptureResult(tuple[str, str]):
    """What was printed, as `out` and `err`."""

    __slots__ = ()

    @property
    def out(self) -> str:
        """What went to standard output."""
        return self[0]

    @property
    def err(self) -> str:
        """What went to standard error."""
        return self[1]


class CapSys:
    """Reads what the test and the solution printed."""

    def __init__(self) -> None:
        self._saved = (sys.stdout, sys.stderr)
        self._out, self._err = io.StringIO(), io.StringIO()
        sys.stdout, sys.stderr = self._out, self._err

    def readouterr(self) -> CaptureResult:
        """Return what was printed since the last time."""
        texts = []
        for stream in (self._out, self._err):
            texts.append(stream.getvalue())
            stream.seek(0)
            stream.truncate()
        return CaptureResult(texts)

    def undo(self) -> None:
        """Give the streams back."""
        sys.stdout, sys.stderr = self._saved


class MonkeyPatch:
    """Sets attributes, items and environment variables until the test ends."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def setattr(self, target: Any, name: Any, *value: Any, raising: bool = True) -> None:
        """Set an attribute of an object, or of one named by its dotted path."""
        if not value:
            path, _, attribute = str(target).rpartition(".")
            target, name, value = _by_path(path), attribute, (name,)
        old = getattr(target, name) if raising else getattr(target, name, None)
        self._undo.append(lambda: builtins.setattr(target, name, old))
        builtins.setattr(target, name, value[0])

    def setitem(self, mapping: Any, key: Any, value: Any) -> None:
        """Set an item of a mapping."""
        had = key in mapping
        old = mapping[key] if had else None
        restore = functools.partial(mapping.__setitem__, key, old)
        self._undo.append(restore if had else lambda: mapping.pop(key))
        mapping[key] = value

    def setenv(self, name: str, value: str, prepend: str | None = None) -> None:
        """Set an environment variable, which the solution's process does not see."""
        raise Unsupported("monkeypatch.setenv does not reach the solution's process")

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()


def _by_path(path: str) -> Any:
    """Find the object of a dotted path, importing as much of it as is a module."""
    parts = path.split(".")
    found: Any = importlib.import_module(parts[0])
    for part in parts[1:]:
        found = getattr(found, part)
    return found


class Request:
    """What a fixture with parameters asks for its own."""

    def __init__(self, param: Any = None) -> None:
        self.param = param

    def __getattr__(self, name: str) -> Any:
        raise Unsupported(f"request.{name} is not available to tests here")


class Fixtures:
    """Makes a module's fixtures for one test at a time and cleans up after it."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._known = {one.name: one for one in namespace.values() if isinstance(one, Fixture)}
        self._kept: dict[str, Any] = {}

    def known(self, owner: type | None) -> dict[str, Fixture]:
        """Return the fixtures that tests of a class (or none) can name."""
        inherited = [vars(base) for base in reversed(owner.__mro__)] if owner else []
        own = {v.name: v for names in inherited for v in names.values() if isinstance(v, Fixture)}
        return {**self._known, **own}

    def with_params(self, names: list[str], owner: type | None) -> list[Fixture]:
        """Return the fixtures with parameters among those that names lead to."""
        known, found, pending = self.known(owner), {}, list(names)
        pending += [one.name for one in known.values() if one.automatic]
        while pending:
            one = known.get(pending.pop())
            if one is not None and one.name not in found:
                found[one.name] = one
                pending += argument_names(one.function)
        return [one for one in found.values() if one.params is not None]

    def session(self, instance: Any, params: Mapping[str, Any]) -> Session:
        """Start the fixtures of one test."""
        owner = type(instance) if instance is not None else None
        return Session(self.known(owner), self._kept, instance, params)


class Session:
    """The fixtures of one test."""

    def __init__(
        self,
        known: dict[str, Fixture],
        kept: dict[str, Any],
        instance: Any,
        params: Mapping[str, Any],
    ) -> None:
        self._known, self._kept, self._instance, self._params = known, kept, instance, params
        self._made: dict[str, Any] = {}
        self._cleanup: list[Callable[[], object]] = []

    def start(self) -> None:
        """Make the fixtures that every test gets."""
        for one in self._known.values():
            if one.automatic:
                self.value(one.name)

    def value(self, name: str) -> Any:
        """Return what a name stands for, made once for a test."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        if name not in self._known:
            return self._builtin(name)
        one = self._known[name]
        lasting = one.scope != "function" and one.params is None
        if lasting and name in self._kept:
            return self._kept[name]
        made = self._run(one)
        if lasting:
            self._kept[name] = made
        return made

    def _run(self, one: Fixture) -> Any:
        request = Request(self._params.get(one.name))
        names = argument_names(one.function)
        values = {n: request if n == "request" else self.value(n) for n in names if n != "self"}
        bound = (self._instance,) if names[:1] == ["self"] else ()
        made = one.function(*bound, **values)
        if not one.function.__code__.co_flags & CODE_FLAG_GENERATOR:
            return made
        if one.scope == "function":
            self._cleanup.append(lambda: next(made, None))
        return next(made)

    def _builtin(self, name: str) -> Any:
        makers = {"capsys": CapSys, "monkeypatch": MonkeyPatch, "tmp_path": _tmp_path}
        if name not in makers:
            raise Unsupported(f"fixture {name} is not available to tests here")
        made = makers[name]()
        if hasattr(made, "undo"):
            self._cleanup.append(made.undo)
        return made

    def finish(self) -> None:
        """Clean up, the last made first."""
        while self._cleanup:
            self._cleanup.pop()()


def _tmp_path() -> Any:
    """Refuse a folder that the solution could not see: its process has another /tmp."""
    raise Unsupported("tmp_path: the solution's process has its own files")
