"""The part of pytest's interface that test modules of datasets use, importable as `pytest`.

::

    @pytest.mark.parametrize("n, expected", [(0, 0), (10, 55)])
    def test_f(n, expected):
        assert f(n) == expected
        with pytest.raises(ValueError, match="negative"):
            f(-1)

The real pytest would need its packages in the sandbox, and importing it costs 90 ms of CPU
time a program (measured; this costs under 1 ms). Of the recorded results of KodCode's own
pytest runs none turned from passed to failed with it. `raises`, `approx`, `mark`, `param`,
`fixture`, `fail`, `skip` and the fixtures `capsys`, `monkeypatch` and `request` are here.
Anything else raises `Unsupported`, which makes the verdict *unverified*, never wrong.
"""

from __future__ import annotations

import cmath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from verifiers.inside.link import Unsupported

__all__ = ["approx", "fail", "fixture", "importorskip", "mark", "param", "raises", "skip"]


class Failed(BaseException):
    """A test called `fail`, or expected something that did not come."""


class Skipped(BaseException):
    """A test called `skip`."""


def __getattr__(name: str) -> Any:
    """Refuse what is not here; private names are asked for by machinery, never by tests."""
    if name.startswith("_"):
        raise AttributeError(name)
    raise Unsupported(f"pytest.{name} is not available to tests here")


def fail(reason: str = "", pytrace: bool = True, msg: str = "") -> NoReturn:
    """Fail the test."""
    raise Failed(reason or msg)


def skip(reason: str = "", allow_module_level: bool = False, msg: str = "") -> NoReturn:
    """Skip the test; a skipped test counts neither way."""
    raise Skipped(reason or msg)


def importorskip(name: str, *_: Any, **__: Any) -> Any:
    """Import a module or skip the test."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        skip(f"no module {name}")


class ExceptionInfo:
    """What `raises` gives: the exception once it was raised."""

    value: BaseException

    @property
    def type(self) -> type[BaseException]:
        """The exception's class."""
        return type(self.value)

    @property
    def typename(self) -> str:
        """The name of the exception's class."""
        return type(self.value).__name__

    @property
    def tb(self) -> Any:
        """The exception's traceback."""
        return self.value.__traceback__

    def match(self, pattern: str) -> bool:
        """Fail unless the exception's text matches a pattern."""
        if not re.search(pattern, str(self.value)):
            raise AssertionError(f"pattern {pattern!r} not found in {str(self.value)!r}")
        return True

    def __str__(self) -> str:
        return repr(self.value) if hasattr(self, "value") else "<no exception yet>"


class _Raises:
    """Expects an exception inside a `with` block."""

    def __init__(self, expected: Any, match: str | None) -> None:
        self._expected, self._match = expected, match
        self._info = ExceptionInfo()

    def __enter__(self) -> ExceptionInfo:
        return self._info

    def __exit__(self, kind: Any, error: Any, _: Any) -> bool:
        if error is None:
            raise Failed(f"DID NOT RAISE {self._expected!r}")
        if not isinstance(error, self._expected):
            return False
        self._info.value = error
        if self._match is not None:
            self._info.match(self._match)
        return True


def raises(expected_exception: Any, *args: Any, match: str | None = None, **keywords: Any) -> Any:
    """Expect an exception in a `with` block, or from the function given after it."""
    expected = expected_exception
    kinds = expected if isinstance(expected, tuple) else (expected,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise TypeError(f"expected an exception class, got {expected!r}")
    context = _Raises(expected, match)
    if not args:
        return context
    with context as info:
        args[0](*args[1:], **keywords)
    return info


class approx:
    """A number, or a list, tuple or dictionary of numbers, equal within a tolerance.

    Default tolerances are pytest's: the larger of 1e-6 of the expected and 1e-12.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        expected: Any,
        rel: float | None = None,
        abs: float | None = None,
        nan_ok: bool = False,
    ) -> None:
        self.expected, self._rel, self._abs, self._nan_ok = expected, rel, abs, nan_ok

    def _inner(self, expected: Any) -> approx:
        return approx(expected, self._rel, self._abs, self._nan_ok)

    def __eq__(self, actual: object) -> bool:
        expected = self.expected
        if isinstance(expected, Mapping):
            return self._equal_mapping(actual, expected)
        if isinstance(expected, Sequence) and not isinstance(expected, str | bytes):
            return self._equal_sequence(actual, expected)
        if not isinstance(expected, int | float | complex) or isinstance(expected, bool):
            return bool(actual == expected)
        if type(actual) not in (int, float, complex, bool) and not _is_number(actual):
            return False
        return self._close(actual, expected)

    def _equal_mapping(self, actual: object, expected: Mapping[Any, Any]) -> bool:
        if not isinstance(actual, Mapping) or set(actual) != set(expected):
            return False
        return all(self._inner(expected[key]) == actual[key] for key in expected)

    def _equal_sequence(self, actual: Any, expected: Sequence[Any]) -> bool:
        listed = actual.tolist() if type(actual).__name__ == "ndarray" else actual
        if not isinstance(listed, Sequence) or len(listed) != len(expected):
            return False
        return all(self._inner(e) == a for e, a in zip(expected, listed, strict=True))

    def _close(self, actual: Any, expected: Any) -> bool:
        if actual == expected:
            return True
        if cmath.isnan(expected):
            return self._nan_ok and cmath.isnan(actual)
        if expected in (float("inf"), float("-inf")):
            return False
        return bool(abs(actual - expected) <= self._tolerance(expected))

    def _tolerance(self, expected: Any) -> float:
        absolute = 1e-12 if self._abs is None else self._abs
        if self._rel is None and self._abs is not None:
            return absolute
        relative = (1e-6 if self._rel is None else self._rel) * abs(expected)
        return float(max(relative, absolute))

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"


def _is_number(value: object) -> bool:
    """Say whether a value is a Decimal or a Fraction, by exact type."""
    kind = type(value)
    return (kind.__module__, kind.__name__) in (("decimal", "Decimal"), ("fractions", "Fraction"))


class Param:
    """One parameter set with its name."""

    def __init__(self, values: tuple[Any, ...], skipped: bool) -> None:
        self.values, self.skipped = values, skipped


def param(*values: Any, id: str | None = None, marks: Any = ()) -> Param:
    """Give one parameter set, perhaps with marks."""
    listed = marks if isinstance(marks, list | tuple) else (marks,)
    return Param(values, any(getattr(one, "skips", False) for one in listed))


class Mark:
    """A mark, with or without arguments; only `parametrize` and the skipping ones matter."""

    def __init__(self, name: str, args: tuple[Any, ...] = (), skips: bool = False) -> None:
        self.name, self.args, self.skips = name, args, skips
        self.called = False

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        decorates = len(args) == 1 and not keywords and callable(args[0])
        if self.called or (decorates and self.name not in ("parametrize", "skipif")):
            return _attach(args[0], self)
        skips = bool(args and args[0]) if self.name == "skipif" else self.skips
        made = Mark(self.name, (*args, keywords), skips)
        made.called = True
        return made

    def __getattr__(self, name: str) -> Any:
        raise Unsupported(f"pytest.mark.{self.name}.{name} is not available to tests here")


def _attach(target: Any, mark: Mark) -> Any:
    marks = [mark, *vars(target).get("test_marks", ())]
    target.test_marks = marks
    return target


class _Marks:
    """`pytest.mark`: any name is a mark."""

    def __getattr__(self, name: str) -> Mark:
        if name == "usefixtures":
            raise Unsupported("pytest.mark.usefixtures is not available to tests here")
        return Mark(name, (), skips=name in ("skip", "xfail"))


mark = _Marks()


class Fixture:
    """A fixture: the function that makes it, its scope and its parameters."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.scope = str(options.get("scope", "function"))
        self.name = str(options.get("name") or function.__name__)
        self.automatic = bool(options.get("autouse"))
        given: Iterable[Any] | None = options.get("params")
        self.params = None if given is None else list(given)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise Failed(f"fixture {self.name} called directly")


def fixture(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make a function a fixture, with or without options."""
    if function is not None:
        return Fixture(function, options)
    return lambda made: Fixture(made, options)
