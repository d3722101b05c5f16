"""Simple tests share a process, others do not, and nobody notices the difference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.verifiers.code_support import children_of_zygotes, eventually, in_each_tier
from verifiers import code_checker
from verifiers.code_cases import read_task
from verifiers.code_simple import are_simple
from verifiers.code_tests import CodeVerifier

SIMPLE = [
    "assert f(1) == 2",
    "assert set(f(x for x in [1, 2])) == {1, 2}",
    "import math\nassert math.isclose(f(2.0), 4.0, rel_tol=1e-9)",
    "from collections import Counter\nassert Counter(f('ab')) == Counter('ab')",
    "node = ListNode(1)\nnode.next = ListNode(2)\nassert f(node).val == 1",
    "try: f(-1)\nexcept ValueError: pass\nelse: assert False",
    "for n in range(3):\n    assert f(n) == n * n, f'wrong for {n}'",
    "assert f('import os') == 'eval(__name__)'",
    "stack = Stack()\nstack.items = []\nassert stack.pop() is None",
    "import random\nxs = [random.random() for _ in range(9)]\nassert f(xs) == sorted(xs)",
]
NOT_SIMPLE = [
    "import os\nassert f(1) == 2",
    "import unittest.mock\nassert f(1) == 2",
    "from sys import setrecursionlimit\nsetrecursionlimit(50)\nassert f(1) == 2",
    "sys.setrecursionlimit(50)\nassert f(1) == 2",
    "import math\nmath.pi = 3\nassert f(1) == 2",
    "math.pi, x = 3, 4\nassert f(1) == x",
    "del math.pi\nassert f(1) == 2",
    "import math\nmath.pi += 1\nassert f(1) == 2",
    "from decimal import getcontext\ngetcontext().prec = 2\nassert f(1) == 2",
    "assert eval('f(1)') == 2",
    "assert open('x', 'w').write(f(1)) == 2",
    "setattr(f, 'x', 1)\nassert f(1) == 2",
    "assert ().__class__.__bases__[0].__subclasses__() and f(1) == 2",
    "__builtins__['len'] = 1\nassert f(1) == 2",
    "def g():\n    global x\n    x = f(1)\ng()\nassert x == 2",
    "async def g(): return f(1)\nassert g",
]


def cases_of(*texts: str, **fields: str) -> Any:
    listed = [{"assert": text, **fields} for text in texts]
    return read_task({"test_cases": listed}, 10, 1.0, 100)


@pytest.mark.parametrize("text", SIMPLE)
def test_test_that_only_calls_and_compares_is_simple(text: str) -> None:
    assert are_simple("", list(cases_of(text).cases))


@pytest.mark.parametrize("text", NOT_SIMPLE)
def test_test_that_reaches_further_is_not_simple(text: str) -> None:
    assert not are_simple("", list(cases_of(text).cases))


def test_setup_counts_as_well() -> None:
    assert not are_simple("import os", list(cases_of("assert f(1) == 2").cases))


def test_test_module_is_never_simple() -> None:
    code = "from solution import f\ndef test_f(): assert f(1) == 2"
    task = read_task({"test_cases": [{"test_code": code}]}, 10, 1.0, 100)
    assert not are_simple("", list(task.cases))


def row(code: str, *tests: str, **fields: Any) -> dict[str, Any]:
    listed = [{"assert": test} for test in tests]
    return {"answer": f"```python\n{code}\n```", "test_cases": listed, **fields}


GOOD = row("def f(x): return x + 1", "assert f(1) == 2")


@pytest.fixture
def verifier(tier: int) -> Iterator[CodeVerifier]:
    with CodeVerifier.create(workers=1, tier=tier) as made:
        yield made


def reasons(verifier: CodeVerifier, *rows: dict[str, Any]) -> list[str]:
    return [result.reason for result in verifier.results(rows)]


def checkers() -> list[int]:
    return children_of_zygotes(os.getpid(), {"checker"})


@in_each_tier
def test_simple_tests_share_a_process(verifier: CodeVerifier) -> None:
    assert reasons(verifier, GOOD) == ["passed"]
    first = checkers()
    assert reasons(verifier, GOOD, row("def f(x): return x", "assert f(1) == 2"), GOOD) == [
        *("passed", "wrong_answer", "passed")
    ]
    assert checkers() == first and len(first) == 1


@in_each_tier
def test_other_tests_have_a_process_of_their_own(verifier: CodeVerifier) -> None:
    assert reasons(verifier, row("def f(x): return x", "import os\nassert f(1) == 1")) == ["passed"]
    assert not checkers()


@in_each_tier
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(x):\n    while True: pass", "time_limit"),
        ("import os\ndef f(x):\n    while True: os.write(1, b'x' * 65536)", "output_limit"),
    ],
)
def test_process_is_replaced_after_a_limit(verifier: CodeVerifier, code: str, reason: str) -> None:
    assert reasons(verifier, GOOD) == ["passed"]
    first = checkers()
    limited = row(code, "assert f(1) == 2", time_limit_s=1)
    assert reasons(verifier, limited, GOOD) == [reason, "passed"]
    assert eventually(lambda: len(checkers()) == 1) and checkers() != first


@in_each_tier
def test_process_is_replaced_after_so_many_jobs(
    verifier: CodeVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_checker, "MOST_JOBS", 2)
    assert reasons(verifier, GOOD) == ["passed"]
    first = checkers()
    assert reasons(verifier, GOOD) == ["passed"]
    assert reasons(verifier, GOOD) == ["passed"]
    assert checkers() != first


@in_each_tier
def test_process_that_was_killed_is_replaced(verifier: CodeVerifier) -> None:
    assert reasons(verifier, GOOD) == ["passed"]
    for pid in checkers():
        os.kill(pid, 9)
    assert reasons(verifier, GOOD) == ["passed"]


@in_each_tier
def test_what_one_program_prints_is_not_the_next_ones(verifier: CodeVerifier) -> None:
    loud = row("def f(x):\n    print('loud' * 100_000)\n    return x", "assert f(1) == 1")
    broken = row("def f(x): return x", "assert f(1) ==")
    assert reasons(verifier, loud, loud, GOOD) == ["passed"] * 3
    (result,) = verifier.results([broken])
    assert result.reason == "tests_broken" and "loud" not in str(result.evidence)


@in_each_tier
def test_names_of_one_test_are_unknown_to_the_next(verifier: CodeVerifier) -> None:
    first = row("def f(x): return x\nmine = 7", "left = 1\nassert f(mine) == 7")
    second = row("def f(x): return x", "assert f(left) == 1")
    third = row("def f(x): return x", "assert f(mine) == 7")
    found = reasons(verifier, first, second, third)
    assert found == ["passed", "runtime_error", "runtime_error"]


@in_each_tier
@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def __eq__(s, o): return True\ndef f(x): return A()",
        "def f(x): raise SystemExit",
        "import os\nos._exit(0)",
        "def f(x): return float('nan')",
        "class L(list):\n    def __eq__(s, o): return True\ndef f(x): return L()",
        "import builtins\nbuiltins.len = builtins.abs = lambda *_: 0\ndef f(x): return 0",
        "class AssertionError(Exception): pass\ndef f(x): raise AssertionError",
    ],
)
def test_cheat_changes_nothing_for_the_next(verifier: CodeVerifier, code: str) -> None:
    cheat = row(code, "assert f(1) == 2 and abs(-1) == 1 and len([1]) == 1")
    wrong = row("def f(x): return 0", "assert f(1) == 2")
    first, second, third = verifier.results([cheat, wrong, GOOD])
    assert first.outcome.value == "incorrect"
    assert (second.reason, third.reason) == ("wrong_answer", "passed")
