"""The tests' own `pytest`: it must agree with the real one where it answers at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.inside import pytest_shim as shim
from verifiers.inside.collect import collect
from verifiers.inside.link import Unsupported

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-5, 5) | st.just(float("inf"))
NEAR = st.sampled_from([0.0, 1e-13, 1e-9, 1e-7, 1e-3, -1e-3, 1.0])


@given(
    NUMBERS, NEAR, st.sampled_from([{}, {"abs": 0.01}, {"rel": 0.1}, {"rel": 1e-9, "abs": 1e-9}])
)
def test_approx_agrees_with_the_real_one(expected: float, off: float, how: dict[str, Any]) -> None:
    actual = expected + off
    assert (actual == shim.approx(expected, **how)) == (actual == pytest.approx(expected, **how))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([1.0, 2.0], [1, 2 + 1e-9]),
        ((1, 2), [1, 2]),
        ([1], [1, 2]),
        ({"a": 1.0}, {"a": 1 + 1e-9}),
        ({"a": 1.0}, {"b": 1.0}),
        ("text", "text"),
        (None, 1.0),
        (float("nan"), float("nan")),
        (True, 1),
    ],
)
def test_approx_of_other_kinds_agrees_with_the_real_one(actual: Any, expected: Any) -> None:
    assert (actual == shim.approx(expected)) == (actual == pytest.approx(expected))


def test_object_that_equals_everything_is_not_near_a_number() -> None:
    class Sly:
        def __eq__(self, other: object) -> bool:
            return NotImplemented if isinstance(other, shim.approx) else True

        __hash__ = object.__hash__

    assert Sly() != shim.approx(1.0)


def test_raises_wants_the_exception() -> None:
    with pytest.raises(shim.Failed, match="DID NOT RAISE"), shim.raises(ValueError):
        pass


def test_raises_lets_others_through() -> None:
    with pytest.raises(KeyError), shim.raises(ValueError):
        raise KeyError


def test_raises_wants_its_text() -> None:
    with pytest.raises(AssertionError), shim.raises(ValueError, match="^b"):
        raise ValueError("ab")


def test_raises_calls_a_function() -> None:
    assert str(shim.raises(ValueError, int, "x").value).startswith("invalid literal")


@pytest.mark.parametrize("use", ["warns", "mark.usefixtures", "mark.slow.foo", "Item"])
def test_what_is_missing_is_unsupported(use: str) -> None:
    found: Any = shim
    with pytest.raises(Unsupported):
        for name in use.split("."):
            found = getattr(found, name)


def names(source: str) -> list[str]:
    namespace: dict[str, Any] = {"pytest": shim, "__name__": "tests"}
    exec(source, namespace)
    return [test.name for test in collect(namespace) if not test.skipped]


def test_functions_and_classes_are_found_in_order() -> None:
    source = (
        "def test_b(): ...\nclass TestC:\n  def test_d(self): ...\n"
        "  def other(self): ...\ndef test_a(): ..."
    )
    assert names(source) == ["test_b", "TestC.test_d", "test_a"]


def test_parameters_multiply() -> None:
    marks = "@pytest.mark.parametrize('a', [1, 2])\n@pytest.mark.parametrize('b,c', [(1, 2)] * 3)\n"
    assert len(names(f"{marks}def test_it(a, b, c): ...")) == 6


@pytest.mark.parametrize(
    "mark", ["skip", "skip(reason='x')", "xfail", "skipif(True, reason='x')", "xfail(strict=True)"]
)
def test_skipped_tests_do_not_count(mark: str) -> None:
    assert names(f"@pytest.mark.{mark}\ndef test_it(): ...") == []


@pytest.mark.parametrize("mark", ["slow", "timeout(3)", "skipif(False, reason='x')"])
def test_other_marks_change_nothing(mark: str) -> None:
    assert names(f"@pytest.mark.{mark}\ndef test_it(): ...") == ["test_it"]


def run(source: str) -> list[Any]:
    """Run the tests of a module; they leave what happened in `log`."""
    namespace: dict[str, Any] = {"pytest": shim, "__name__": "tests", "log": []}
    exec(source, namespace)
    for test in collect(namespace):
        test.run()
    log: list[Any] = namespace["log"]
    return log


def test_fixture_is_made_for_each_test_and_cleaned_up() -> None:
    source = (
        "@pytest.fixture\ndef box():\n    log.append('made')\n    yield 1\n    log.append('gone')\n"
        "def test_a(box): log.append(box)\ndef test_b(box): log.append(box + 1)\n"
    )
    assert run(source) == ["made", 1, "gone", "made", 2, "gone"]


def test_fixture_of_a_module_is_made_once() -> None:
    source = (
        "@pytest.fixture(scope='module')\ndef box():\n    log.append('made')\n    return 1\n"
        "def test_a(box): log.append(box)\ndef test_b(box): log.append(box)\n"
    )
    assert run(source) == ["made", 1, 1]


def test_fixture_with_parameters_multiplies_its_tests() -> None:
    source = (
        "@pytest.fixture(params=[1, 2])\ndef n(request): return request.param * 10\n"
        "def test_a(n): log.append(n)\n"
    )
    assert run(source) == [10, 20]


def test_methods_are_set_up_and_torn_down() -> None:
    source = (
        "class TestA:\n    def setup_method(self): self.x = 1\n"
        "    def teardown_method(self, method): log.append('down')\n"
        "    def test_x(self): log.append(self.x)\n"
        "def setup_module(module): log.append('module')\n"
    )
    assert run(source) == ["module", 1, "down"]


def test_monkeypatch_puts_everything_back() -> None:
    source = (
        "import math\nd = {'a': 1}\n"
        "def test_a(monkeypatch):\n    monkeypatch.setattr(math, 'pi', 3)\n"
        "    monkeypatch.setattr('math.e', 2)\n    monkeypatch.setitem(d, 'b', 2)\n"
        "    log.append((math.pi, math.e, dict(d)))\n"
        "def test_b(): log.append((round(math.pi, 2), round(math.e, 2), d))\n"
    )
    assert run(source) == [(3, 2, {"a": 1, "b": 2}), (3.14, 2.72, {"a": 1})]
