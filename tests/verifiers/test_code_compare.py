"""When two outputs are the same."""

from __future__ import annotations

import time

import pytest

from verifiers.code_compare import EXACT


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("6\n", "6"),
        ("\n\n6  \n", "6"),
        ("a b\nc", "a b  \n  c\n"),
        ("1  2", "1 2"),
        ("0.50", "0.5"),
        ("1e3", "1000"),
        ("-0", "0"),
        ("x 1.0", "x 1"),
        ("", "\n"),
        ("a\r\nb", "a\nb\r\n"),
    ],
)
def test_same(actual: str, expected: str) -> None:
    assert EXACT.same(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("6", "7"),
        ("1 2", "1\n2"),
        ("1\n\n2", "1\n2"),
        ("0.3333", "0.33333"),
        ("YES", "Yes"),
        ("1 2", "1 2 3"),
        ("nan", "NaN"),
        ("inf", "Infinity"),
        ("1_000", "1000"),
        ("١", "1"),
        ("", "0"),
        ("0.30000000000000004", "0.3"),
    ],
)
def test_different(actual: str, expected: str) -> None:
    assert not EXACT.same(actual, expected)


@pytest.mark.parametrize(
    "token", ["1e999999", "9" * 1_000_000, "1." + "0" * 1_000_000, f"{'9' * 4_900}x " * 200]
)
def test_monstrous_numbers_take_no_time(token: str) -> None:
    started = time.perf_counter()
    assert not EXACT.same(token, "1")
    assert time.perf_counter() - started < 1


def test_difference_is_named_by_its_line() -> None:
    assert EXACT.difference("a\nb", "a\nc") == "line 2: got 'b', expected 'c'"


def test_difference_in_length_is_named() -> None:
    assert EXACT.difference("a\nb", "a") == "got 2 lines, expected 1"
