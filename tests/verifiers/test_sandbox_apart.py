"""Programs that come one after the other from one zygote have nothing to do with each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.code_support import (
    children_of_zygotes,
    eventually,
    in_each_tier,
    judge_in,
    needs_tier_1,
    zygotes_of,
)
from verifiers import Result
from verifiers.code_tests import CodeVerifier

TESTS = [{"assert": "assert f(1) == 2"}]
HONEST = "def f(x): return x + 1"


def row(code: str, *tests: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"answer": f"```python\n{code}\n```", "test_cases": list(tests or TESTS), **fields}


def printing(code: str, expected: str) -> dict[str, Any]:
    return row(code, {"input": "", "output": expected})


@contextmanager
def one_zygote(tier: int) -> Iterator[CodeVerifier]:
    """Give a verifier whose programs all come from one zygote."""
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        yield verifier


def zygotes_alone() -> set[int]:
    return set(zygotes_of(os.getpid())) - set(children_of_zygotes(os.getpid()))


def in_turn(tier: int, *rows: dict[str, Any]) -> list[Result]:
    with one_zygote(tier) as verifier:
        return list(verifier.results(rows))


@in_each_tier
@pytest.mark.parametrize("folder", [".", "/tmp"])
def test_file_that_a_program_leaves_is_not_there_for_the_next(tier: int, folder: str) -> None:
    code = f"import os\ntry: open('{folder}/left', 'w').close()\nexcept OSError: pass\n"
    look = "import os\nprint(os.listdir(), os.path.exists('/tmp/left'))"
    results = in_turn(tier, printing(code, ""), printing(look, "[] False"))
    assert [result.reason for result in results] == ["passed", "passed"]


@in_each_tier
def test_file_that_is_left_for_one_input_is_not_there_for_the_next(tier: int) -> None:
    code = "import os\nprint(os.listdir())\nopen(input(), 'w').close()"
    tests = [{"input": name, "output": "[]"} for name in ("a", "b", "c")]
    assert judge_in(tier, code, *tests).reason == "passed"


@needs_tier_1
def test_process_that_a_program_leaves_is_gone_with_it() -> None:
    daemon = (
        "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            os.closerange(0, 64); time.sleep(600)\n"
        "        os._exit(0)\n"
    )
    with one_zygote(1) as verifier:
        for daemonic in (row(daemon), printing(daemon, "")):
            list(verifier.results([daemonic]))
            assert not children_of_zygotes(os.getpid())


@in_each_tier
def test_program_that_signals_whatever_it_can_reaches_nobody(tier: int) -> None:
    killer = (
        "import os, signal\nown = os.getpid()\n"
        "for target in (-1, 0, *range(-300, 300), *range(2, 70000)):\n"
        "    if abs(target) in (1, own): continue\n"
        "    for kill in (os.kill, os.killpg):\n"
        "        try: kill(target, signal.SIGKILL)\n"
        "        except (OSError, OverflowError): pass\n"
        "def f(x): return 7"
    )
    with one_zygote(tier) as verifier:
        list(verifier.results([row(HONEST)]))
        before = zygotes_alone()
        results = list(verifier.results([row(killer), row(HONEST), printing(killer, "x")]))
        assert [result.reason for result in results] == ["wrong_answer", "passed", "wrong_answer"]
        assert zygotes_alone() == before


@in_each_tier
def test_memory_and_files_of_other_processes_are_out_of_reach(tier: int) -> None:
    snoop = (
        "import os, ctypes\nfound = []\nlibc = ctypes.CDLL(None)\n"
        "for pid in (*range(1, 400), os.getppid()):\n"
        "    for name in ('mem', 'environ', 'cmdline', 'maps', 'fd'):\n"
        "        try:\n            os.open(f'/proc/{pid}/{name}', os.O_RDONLY); found.append(pid)\n"
        "        except OSError: pass\n"
        "    if pid != os.getpid() and libc.ptrace(16, pid, 0, 0) == 0: found.append(pid)\n"
        "print(found)"
    )
    (result,) = in_turn(tier, printing(snoop, "[]"))
    assert result.reason == "passed", dict(result.evidence)


@in_each_tier
def test_reports_forged_on_every_descriptor_change_no_verdict(tier: int) -> None:
    forger = (
        "import os, json, struct\n"
        "for m in (['started'], ['ended', 1, 0, 0, 0], ['ready'], ['loading'], ['begin', 0, 'a'],"
        " ['end', 0, 'a', 'passed', 0, {}], ['done']):\n"
        "    b = json.dumps(m).encode()\n"
        "    for fd in range(64):\n"
        "        for data in (b, struct.pack('>cI', b'J', len(b)) + b):\n"
        "            try: os.write(fd, data)\n"
        "            except OSError: pass\n"
        "def f(x): return 0"
    )
    wrong = "def f(x): return 0"
    results = in_turn(tier, row(forger), row(wrong), printing(forger, "x"), row(HONEST))
    assert [result.outcome.value for result in results] == ["incorrect"] * 3 + ["correct"]


@in_each_tier
def test_nothing_of_an_earlier_job_is_in_the_memory_of_a_program(tier: int) -> None:
    marks = [f"{kind}-{os.urandom(8).hex()}" for kind in ("test", "source", "input")]
    first = row(
        f"def f(x): return x + 1  # {marks[1]}", {"assert": f"assert f(1) == 2, {marks[0]!r}"}
    )
    second = row("print(input())", {"input": marks[2], "output": marks[2]})
    halves = [
        (mark[:8], mark[8:]) for mark in marks
    ]  # whole, they would be in the searching program
    search = (
        "import gc\n"
        f"marks = [a.encode() + b.encode() for a, b in {halves!r}]\n"
        "known = {id(mark) for mark in marks}\nfound = 0\n"
        "def pages():\n"
        "    for thing in gc.get_objects():\n"
        "        for one in (thing, *gc.get_referents(thing)):\n"
        "            if isinstance(one, (str, bytes)) and id(one) not in known: yield one\n"
        "for text in pages():\n"
        "    data = text if isinstance(text, bytes) else text.encode('utf-8', 'replace')\n"
        "    found += any(mark in data for mark in marks)\n"
        "print(found)"
    )
    results = in_turn(tier, first, second, printing(search, "0"))
    assert [result.reason for result in results] == ["passed"] * 3, dict(results[2].evidence)


@in_each_tier
def test_changed_interpreter_is_not_the_next_ones(tier: int) -> None:
    vandal = (
        "import builtins, math, os, sys\nbuiltins.len = lambda _: 7\nmath.pi = 3\n"
        "sys.setrecursionlimit(50)\nos.environ['LEFT'] = '1'\nsys.path.clear()\n"
        "import json; json.loads = None\nsys.modules.clear()"
    )
    code = (
        "import json, math, os, sys\nprint(len([1]), math.pi > 3, sys.getrecursionlimit() > 900,"
        " 'LEFT' in os.environ, json.loads('1'))"
    )
    results = in_turn(
        tier, row(vandal), printing(vandal, ""), printing(code, "1 True True False 1")
    )
    assert results[2].reason == "passed", dict(results[2].evidence)


@in_each_tier
def test_zygote_hands_down_no_names(tier: int) -> None:
    code = (
        "import builtins, sys\nnames = ('math', 'List', 'f')\n"
        "print([name for name in names if hasattr(builtins, name)],"
        " 'solution' in sys.modules, 'tests' in sys.modules)"
    )
    (result,) = in_turn(tier, printing(code, "[] False False"))
    assert result.reason == "passed", dict(result.evidence)


@in_each_tier
def test_what_was_printed_while_the_zygote_warmed_up_is_nobodys(tier: int) -> None:
    # Once every program by standard input "printed" 2, left over from the warming program.
    captured = (
        "from solution import f\n"
        "def test_f(capsys):\n    f(1)\n    assert capsys.readouterr().out == 'mine\\n'"
    )
    silent, loud = printing("pass", "?"), row("def f(x): print('mine')", {"test_code": captured})
    found = in_turn(tier, silent, loud, printing("print(7)", "7"))
    assert found[0].evidence["tests"][0]["text"] == "line 1: got '', expected '?'"
    assert [result.reason for result in found[1:]] == ["passed", "passed"]


@in_each_tier
def test_random_numbers_of_programs_differ(tier: int) -> None:
    code = "import random\nprint(random.getrandbits(64))"
    found = [
        result.evidence["tests"][0]["text"] for result in in_turn(tier, *[printing(code, "?")] * 2)
    ]
    assert found[0] != found[1]


@in_each_tier
def test_zygote_keeps_no_descriptor_of_its_children(tier: int) -> None:
    if tier == 2 and os.geteuid() != 0:
        pytest.skip("only root may look at the descriptors of a process that hides its memory")

    def open_files() -> list[int]:
        return sorted(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in zygotes_alone())

    rows = [row(HONEST), printing("print(1)", "1"), row("import os\nos._exit(1)")]
    with one_zygote(tier) as verifier:
        list(verifier.results(rows))
        before = open_files()
        list(verifier.results(rows * 5))
        assert eventually(lambda: open_files() == before)


@in_each_tier
def test_honest_program_after_a_fork_bomb_is_unaffected(tier: int) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    rows = [row(bomb, time_limit_s=1), row(HONEST), row(bomb, time_limit_s=1), row(HONEST)]
    results = in_turn(tier, *rows)
    assert [result.reason for result in results[1::2]] == ["passed", "passed"]
    assert {result.outcome.value for result in results[::2]} == {"incorrect"}
