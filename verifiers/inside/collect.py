"""Finds the tests of a module, as pytest would: functions `test…`, classes `Test…`.

``class TestStack: @pytest.mark.parametrize("n", [1, 2]) def test_push(self, n)`` gives
two tests, named ``TestStack.test_push[0]`` and ``TestStack.test_push[1]``. Cases of
`unittest` are found too.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from verifiers.inside.fixtures import Fixtures, Session, argument_names
from verifiers.inside.pytest_shim import Fixture, Mark, Param
from verifiers.inside.remote import Remote


class Test:
    """One test: its name and how to run it; running raises what the test raises."""

    # No dataclass here and below: importing `dataclasses` takes 4 ms of every start.
    def __init__(self, name: str, run: Callable[[], object], skipped: bool = False) -> None:
        self.name, self.run, self.skipped = name, run, skipped


def collect(namespace: Mapping[str, Any]) -> list[Test]:
    """Return the tests of a module that was run, in the order of their definition."""
    fixtures = Fixtures(namespace)
    module = _Hooks(namespace)
    found: list[Test] = []
    for name, value in list(namespace.items()):
        if _is_case(value):
            found += _unittest_tests(value)
        elif name.startswith("Test") and isinstance(value, type):
            found += _class_tests(value, fixtures, module)
        elif name.startswith("test") and _is_function(value):
            found += _expand(name, value, None, fixtures, module)
    return found


def _is_function(value: Any) -> bool:
    """Say whether a name that begins with `test` is a test, and not one of the solution's."""
    return callable(value) and not isinstance(value, type | Fixture | Remote)


class _Hooks:
    """The setup and teardown functions of a module."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._started = False

    def before(self) -> None:
        """Run `setup_module` once and `setup_function` each time."""
        if not self._started:
            self._started = True
            self.call("setup_module")
        self.call("setup_function")

    def call(self, name: str) -> None:
        """Run a hook, with one argument if it takes one."""
        call_hook(self._namespace.get(name))


def call_hook(hook: Any, *arguments: Any) -> None:
    """Run a setup or teardown hook; the argument that it may take says only what is tested."""
    if hook is not None:
        wanted = [name for name in argument_names(hook) if name not in ("self", "cls")]
        hook(*(arguments or (None,))[: len(wanted)])


def _is_case(value: Any) -> bool:
    unittest: Any = sys.modules.get("unittest")
    if unittest is None or not isinstance(value, type):
        return False
    return issubclass(value, unittest.TestCase) and value is not unittest.TestCase


def _unittest_tests(kind: Any) -> Iterator[Test]:
    """Yield a test case's methods; its class setup runs before the first."""
    started: list[bool] = []

    def run(name: str) -> None:
        if not started:
            started.append(True)
            kind.setUpClass()
        kind(name).debug()

    for name in dir(kind):
        if name.startswith("test") and callable(getattr(kind, name)):
            yield Test(f"{kind.__name__}.{name}", lambda name=name: run(name))  # type: ignore[misc]


def _class_tests(kind: type, fixtures: Fixtures, module: _Hooks) -> Iterator[Test]:
    if "__init__" in vars(kind):
        return
    names = [name for base in reversed(kind.__mro__) for name in vars(base)]
    for name in dict.fromkeys(names):
        value = getattr(kind, name)
        if name.startswith("test") and callable(value) and not isinstance(value, Fixture):
            yield from _expand(f"{kind.__name__}.{name}", value, kind, fixtures, module)


def _expand(
    name: str, function: Any, owner: type | None, fixtures: Fixtures, module: _Hooks
) -> Iterator[Test]:
    """Yield one test for each combination of parameters."""
    marks = [*_marks(function), *(_marks(owner) if owner else [])]
    skipped = any(mark.skips for mark in marks)
    wanted = [one for one in argument_names(function) if one != "self"]
    sets = [_parameter_sets(mark) for mark in marks if mark.name == "parametrize"]
    for one in fixtures.with_params(wanted, owner):
        sets.append([({f" {one.name}": value}, False) for value in one.params or ()])
    for place, combination in enumerate(itertools.product(*reversed(sets))):
        values = {key: value for chosen, _ in combination for key, value in chosen.items()}
        label = f"{name}[{place}]" if sets else name
        skip = skipped or any(skips for _, skips in combination)
        yield Test(label, _Run(function, owner, wanted, values, fixtures, module), skip)


def _marks(target: Any) -> list[Mark]:
    return list(getattr(target, "test_marks", ()))


def _parameter_sets(mark: Mark) -> list[tuple[dict[str, Any], bool]]:
    """Return the sets of one `parametrize`: values by name, and whether a set is skipped."""
    *given, keywords = mark.args
    names = given[0] if given else keywords["argnames"]
    values = given[1] if len(given) > 1 else keywords["argvalues"]
    listed = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    return [_parameter_set(listed, value, isinstance(names, str)) for value in values]


def _parameter_set(names: list[str], value: Any, text: bool) -> tuple[dict[str, Any], bool]:
    skipped = isinstance(value, Param) and value.skipped
    if isinstance(value, Param):
        value = value.values
    elif len(names) == 1 and text:
        value = (value,)
    return dict(zip(names, value, strict=True)), skipped


class _Run:
    """Runs one test function with its parameters and fixtures."""

    def __init__(
        self,
        function: Any,
        owner: type | None,
        wanted: list[str],
        values: dict[str, Any],
        fixtures: Fixtures,
        module: _Hooks,
    ) -> None:
        self.function, self.owner, self.wanted = function, owner, wanted
        self.values, self.fixtures, self.module = values, fixtures, module

    def __call__(self) -> None:
        params = {key[1:]: value for key, value in self.values.items() if key.startswith(" ")}
        instance = self.owner() if self.owner else None
        self.module.before()
        session = self.fixtures.session(instance, params)
        try:
            self._run(instance, session)
        finally:
            session.finish()
            self.module.call("teardown_function")

    def _run(self, instance: Any, session: Session) -> None:
        self._class_setup()
        call_hook(getattr(instance, "setup_method", None), self.function)
        session.start()
        given = {n: self.values[n] if n in self.values else session.value(n) for n in self.wanted}
        bound = () if instance is None or self._is_static() else (instance,)
        try:
            self.function(*bound, **given)
        finally:
            call_hook(getattr(instance, "teardown_method", None), self.function)

    def _is_static(self) -> bool:
        name = self.function.__name__
        return isinstance(getattr(self.owner, "__dict__", {}).get(name), staticmethod | classmethod)

    def _class_setup(self) -> None:
        """Run `setup_class` before the class's first test."""
        if self.owner is not None and "setup_class_done" not in vars(self.owner):
            self.owner.setup_class_done = True  # type: ignore[attr-defined]
            call_hook(getattr(self.owner, "setup_class", None))
