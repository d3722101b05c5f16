"""CPU time of compiling C++ programs in the sandbox, with the standard headers precompiled and not.

``python benchmarks/code_cpp.py [--limit 40] [--tier 1]`` compiles the forty programs of
`cpp_programs.py` in this verifier's sandbox, each one both ways in turn, then with `g++` as people
start it, without any sandbox. CPU time is what the kernel counted for the processes of each
compilation. The last line is a second verdict on a program that was compiled before.

Needs g++ and a sandbox; exits 2 without.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter

from cpp_programs import PROGRAMS

from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_tools import FLAGS, LINK, NoTools, Tools, find_tools
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox import Sandbox
from verifiers.sandbox_probe import probe

LIMIT_S = 60.0


@contextmanager
def compiler(sandbox: Sandbox, tools: Tools) -> Iterator[Compiler]:
    """Lend a compiler."""
    made = Compiler(sandbox, tools, 1, LIMIT_S, Event())
    try:
        yield made
    finally:
        made.close()


def in_sandbox(one: Compiler, source: str) -> float:
    """Return the CPU milliseconds that compiling a program takes."""
    built = one.built(source)
    if built.file is None:
        raise SystemExit(f"does not compile: {built.error}")
    return built.cpu_ms


def bare(source: str) -> float:
    """Return the same for g++ without a sandbox; the programs are this repository's own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "main.cpp")
        path.write_text(source)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = str(Path(folder, "main"))
        subprocess.run(["g++", *FLAGS, *LINK, str(path), "-o", result], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000


def verdicts(tier: int, source: str) -> tuple[float, float]:
    """Return the wall milliseconds of a first and of a second verdict on one program."""
    row = {"answer": f"```cpp\n{source}```", "language": "cpp"}
    row["test_cases"] = [{"input": "5 3", "output": "1 5"}]  # type: ignore[assignment]
    seconds = []
    with CodeVerifier.create(tier=tier) as verifier:
        list(verifier.results([{**row, "answer": f"```cpp\n{PROGRAMS['gcd']}```"}]))  # gets ready
        for _ in range(2):
            started = perf_counter()
            (result,) = verifier.results([row])
            seconds.append(perf_counter() - started)
            if result.reason not in ("passed", "wrong_answer"):
                raise SystemExit(f"not run: {result}")
    return seconds[0] * 1000, seconds[1] * 1000


def measure(sandbox: Sandbox, tools: Tools, sources: list[str]) -> None:
    """Compile everything and print one line for each figure."""
    with compiler(sandbox, tools) as quick, compiler(sandbox, tools) as slow:
        quick.precompile()
        pairs = [(in_sandbox(quick, one), in_sandbox(slow, one), bare(one)) for one in sources]
    ours, without, alone = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    ratios = [b / a for a, b, _ in pairs]
    print(f"precompiled headers, in the sandbox  {ours:5.0f} ms CPU a program")
    print(f"the same without them                {without:5.0f} ms CPU, {without / ours:.2f} times")
    print(f"  of single programs   {min(ratios):.2f} times at least, {median(ratios):.2f} median")
    print(f"g++ without a sandbox, nor them      {alone:5.0f} ms CPU, {alone / ours:.2f} times")


def main() -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=len(PROGRAMS), help="so many programs")
    parser.add_argument("--tier", type=int, default=0, help="the sandbox; 0 is the best that holds")
    given = parser.parse_args()
    found = probe(tier=given.tier)
    try:
        tools = find_tools()
    except NoTools as error:
        print(error)
        return 2
    if found.sandbox is None:
        print(f"no sandbox here: {found.reason}")
        return 2
    sources = list(PROGRAMS.values())[: given.limit]
    print(f"{len(sources)} programs, {tools.version}, tier {found.tier}")
    measure(found.sandbox, tools, sources)
    first, second = verdicts(given.tier, PROGRAMS["gcd"].replace("main()", "main( )"))
    print(
        f"a verdict on a new program {first:.0f} ms, on an equal one {second:.1f} ms of wall time"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
