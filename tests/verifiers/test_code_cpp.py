"""C++: compiled and run in the sandbox, by programs that mean well and by programs that don't."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.code_support import (
    eventually,
    lacks,
    processes_with,
    zygotes_of,
)
from verifiers import Result, code_cpp_build, code_cpp_open
from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_memory import Built
from verifiers.code_cpp_probe import PROGRAM
from verifiers.code_cpp_tools import NoTools, find_tools
from verifiers.code_run import SandboxFailure
from verifiers.code_tests import CodeVerifier
from verifiers.inside import landlock

try:
    find_tools()
    MISSING = "" if landlock.version() else "no Landlock here"
except NoTools as error:
    MISSING = str(error)
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "C++ can be had")

HEAD = "#include <bits/stdc++.h>\n#include <unistd.h>\n#include <fcntl.h>\nusing namespace std;\n"
TWICE = HEAD + "int main() { long long n; cin >> n; cout << 2 * n << endl; }"
PYTHON = "```py\nprint(2*int(input()))\n```"
TESTS = [{"input": "4\n", "output": "8\n"}, {"input": "-3", "output": "-6"}]


@pytest.fixture(scope="module", params=[pytest.param(tier, marks=lacks(tier)) for tier in (1, 2)])
def cpp(request: pytest.FixtureRequest) -> Iterator[CodeVerifier]:
    with CodeVerifier.create(workers=2, tier=request.param, compile_limit_s=8.0) as verifier:
        yield verifier


def judge(cpp: CodeVerifier, source: str, *tests: dict[str, Any], **fields: Any) -> Result:
    row = {"answer": f"```cpp\n{source}\n```", "language": "cpp", "test_cases": list(tests)}
    (result,) = cpp.results([{**row, **fields}])
    return result


def prints(cpp: CodeVerifier, body: str, expected: str, **fields: Any) -> Result:
    """Judge what the body of a `main` prints; `told` is what is on standard input."""
    source = f"{HEAD}int main() {{\n{body}\n}}"
    given = {"input": fields.pop("told", ""), "output": expected}
    return judge(cpp, source, given, **fields)


def test_program_is_compiled_and_run(cpp: CodeVerifier) -> None:
    found = judge(cpp, TWICE, *TESTS)
    assert (found.reason, found.evidence["passed"]) == ("passed", 2)
    assert all({"ms", "cpu_ms", "mb"} <= set(entry) for entry in found.evidence["tests"])


@pytest.mark.parametrize(
    "head",
    [
        "#include <iostream>\n#include <vector>",
        "#define x 1\n#include <bits/stdc++.h>",
        '#pragma GCC optimize("O3")\n#include <bits/stdc++.h>',
    ],
)
def test_headers_need_not_be_the_precompiled_ones(cpp: CodeVerifier, head: str) -> None:
    source = f"{head}\nint main() {{ int n; std::cin >> n; std::cout << 2 * n; }}"
    assert judge(cpp, source, *TESTS).reason == "passed"


@pytest.mark.parametrize(
    ("body", "reason", "text"),
    [
        ("cout << 1;", "wrong_answer", "got '1'"),
        ("return 1;", "runtime_error", ""),
        ("return 121;", "runtime_error", ""),
        ("return 122;", "runtime_error", ""),
        ("int* p = nullptr; *p = 1;", "runtime_error", ""),
        ("abort();", "runtime_error", ""),
        ('throw runtime_error("no");', "runtime_error", "no"),
        ("volatile int z = 0; cout << 7 / z;", "runtime_error", ""),
        ("while (true) {}", "time_limit", ""),
        ("sleep(60);", "time_limit", ""),
        ("vector<int> v; while (true) v.push_back(1);", "memory_limit", "bad_alloc"),
        ("while (true) puts(string(1000, 'x').c_str());", "output_limit", ""),
        ("undeclared();", "compile_error", "undeclared"),
        ("extern int missing(); return missing();", "compile_error", "missing"),
    ],
)
def test_program_that_fails_gets_its_own_outcome(
    cpp: CodeVerifier, body: str, reason: str, text: str
) -> None:
    found = prints(cpp, body, "?", time_limit_s=1, memory_limit_mb=256)
    assert (found.outcome, found.reason) == ("incorrect", reason)
    assert text in found.evidence["tests"][0].get("text", "")


def test_memory_that_is_taken_before_anything_runs_is_memory(cpp: CodeVerifier) -> None:
    source = f"{HEAD}int a[1 << 28];\nint main() {{ a[1] = 1; cout << 8; }}"
    found = judge(cpp, source, *TESTS, memory_limit_mb=256)
    assert found.reason == "memory_limit"


def test_deep_recursion_has_the_memory_of_the_program(cpp: CodeVerifier) -> None:
    source = f"{HEAD}int f(int n) {{ volatile int x = n; return n ? f(n - 1) + x - n : 8; }}\n"
    source += "int main() { cout << f(2000000); }"
    assert judge(cpp, source, {"input": "", "output": "8"}).reason == "passed"


def test_threads_are_fine(cpp: CodeVerifier) -> None:
    body = "int n = 0; thread t([&] { n = 8; }); t.join(); cout << n;"
    assert prints(cpp, body, "8").reason == "passed"


@pytest.mark.parametrize(
    "source",
    [
        '#include "{path}"\nint main() {{}}',
        "#include <{path}>\nint main() {{}}",
        'asm(".incbin \\"{path}\\"");\nint main() {{}}',
        '#if __has_include("{path}")\n#error found it\n#endif\n#error TOPSECRET?',
        '__asm__(".include \\"{path}\\"");\nint main() {{}}',
    ],
)
def test_compiler_shows_no_file_of_this_machine(
    cpp: CodeVerifier, source: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("#error TOPSECRET!\n")
    for path in (secret, Path("/etc/passwd"), Path(__file__)):
        found = judge(cpp, source.format(path=path), *TESTS)
        assert found.reason == "compile_error"
        shown = str(found.evidence)
        assert "TOPSECRET!" not in shown and "root:" not in shown and "found it" not in shown


@pytest.mark.parametrize(
    "source",
    [
        "#include </dev/zero>",
        "#include </dev/urandom>",
        '#include "main.cpp"\nint main() {}',
        "template<int n> struct A { typedef typename A<n + 1>::type type; };\nA<0>::type x;",
        "template<class T> struct B { B<B<T>>* next; static const int x = B<B<T>>::x; };\n"
        "int main() { return B<int>::x; }",
        "constexpr int f() { for (;;) {} return 1; }\nconstexpr int x = f();\nint main() {}",
        "int a[1 << 29] = {1};\nint main() {}",
        '__asm__(".rept 1000000000\\n.quad 1\\n.endr");\nint main() {}',
        '__asm__("nonsense");\nint main() {}',
        '#pragma GCC plugin "x.so"\n#pragma GCC system_header\nint main( {}',
        "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(x)))\n"
        "#define C(x) B(B(B(x)))\nC(C(C(int x;)))",
    ],
)
def test_compiler_is_bounded(cpp: CodeVerifier, source: str) -> None:
    started = time.monotonic()
    found = judge(cpp, source, *TESTS)
    assert (found.outcome, found.reason) == ("incorrect", "compile_error")
    assert time.monotonic() - started < 60
    assert len(str(found.evidence)) < 2000


HOSTILE = {
    "reads": 'cout << ifstream("{secret}").is_open() << ifstream("/etc/passwd").is_open();',
    "reads processes": 'cout << ifstream("/proc/1/environ").is_open() '
    '<< (open("/proc/self/mem", 2) >= 0);',
    "writes": 'cout << ofstream("{folder}/made").is_open() << (mkdir("{folder}/d", 0777) == 0);',
    "removes": 'cout << (unlink("{secret}") == 0) << (rename("{secret}", "{folder}/x") == 0);',
    "connects": "cout << (socket(2, 1, 0) >= 0) << (socket(1, 1, 0) >= 0);",
    "signals": "cout << (kill({victim}, 9) == 0) << (kill(-1, 0) == 0);",
    "traces": "cout << (ptrace(PTRACE_ATTACH, {victim}, 0, 0) == 0) << 0;",
    "executes": 'cout << (execl("{python}", "p", "-c", "print(11)", nullptr) == 0) '
    '<< (execl("/bin/sh", "sh", nullptr) == 0);',
    "executes a copy": 'ofstream("c", ios::binary) << ifstream("/bin/true", ios::binary).rdbuf(); '
    'chmod("c", 0755); int fd = open("c", 0); char* n[] = {{nullptr}}; '
    'cout << (syscall(322, fd, "", n, n, 0x1000) == 0) << (execl("./c", "c", nullptr) == 0);',
    "executes itself": 'cout << (execl("/proc/self/exe", "c", nullptr) == 0) << 0;',
    "makes memory files": 'cout << (syscall(319, "x", 0) >= 0) << 0;',
    "spawns a shell": 'cout << (system("echo 1") == 0) << (popen("echo 1", "r") && 0);',
    "makes namespaces": "cout << (unshare(0x10000000) == 0) << (unshare(0x20000) == 0);",
    "finds the environment": 'cout << (getenv("PATH") != nullptr) '
    "<< (environ && *environ != nullptr);",
    "finds descriptors": "int n = 0; for (int k = 3; k < 1000; k++) n += fcntl(k, F_GETFD) >= 0; "
    "cout << n << 0;",
    "raises limits": "rlimit r; getrlimit(RLIMIT_AS, &r); r.rlim_max *= 2; r.rlim_cur *= 2; "
    "cout << (setrlimit(RLIMIT_AS, &r) == 0) << 0;",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_program_gets_nowhere(cpp: CodeVerifier, what: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    tmp_path.chmod(0o777)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        body = HOSTILE[what].format(
            secret=secret, folder=tmp_path, victim=victim.pid, python=sys.executable
        )
        head = "#include <sys/ptrace.h>\n#include <sys/stat.h>\n#include <sys/resource.h>\n"
        head += "#include <sys/syscall.h>\n#include <sys/socket.h>\n#include <signal.h>\n"
        source = f"{HEAD}{head}int main() {{ {body} }}"
        found = judge(cpp, source, {"input": "", "output": "00"}, time_limit_s=5)
        alive = victim.poll() is None
        victim.communicate(b"\n")
    assert found.reason == "passed", found.evidence
    assert alive and [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert secret.read_text() == "TOPSECRET"


def test_fork_bomb_ends_with_its_program(cpp: CodeVerifier) -> None:
    before = set(zygotes_of(os.getpid()))
    found = prints(cpp, "while (true) fork();", "?", time_limit_s=2)
    assert found.outcome == "incorrect"
    assert eventually(lambda: len(set(zygotes_of(os.getpid())) - before) <= 2)
    assert judge(cpp, TWICE, *TESTS).reason == "passed"


def test_nothing_goes_on_after_a_program(cpp: CodeVerifier) -> None:
    prints(cpp, "if (fork() == 0) { setsid(); sleep(300); } cout << 1;", "1")
    assert eventually(lambda: not processes_with("solution\0"))


def test_what_one_program_leaves_is_not_there_for_the_next(cpp: CodeVerifier) -> None:
    body = 'cout << ifstream("left").is_open(); ofstream("left") << 1;'
    tests = [{"input": "", "output": "0"}] * 2
    source = f"{HEAD}int main() {{ {body} }}"
    assert judge(cpp, source, *tests).reason == "passed"


def test_compiler_that_ran_out_of_time_leaves_nothing(cpp: CodeVerifier) -> None:
    bomb = "template<int a, int b> struct F { static const unsigned long v = "
    bomb += "F<a - 1, b>::v + F<a - 1, b + 1>::v; };\n"
    bomb += "template<int b> struct F<0, b> { static const unsigned long v = 1; };\n"
    bomb += "int main() { return F<800, 0>::v; }"
    with CodeVerifier.create(workers=1, compile_limit_s=1.0, tier=2) as verifier:
        found = judge(verifier, bomb, *TESTS)
        assert found.reason == "compile_error", found
        assert "out of time" in found.evidence["tests"][0]["text"]
        assert eventually(lambda: not any(map(_is_ours, processes_with("cc1plus"))))
        assert judge(verifier, TWICE, *TESTS).reason == "passed"


def test_compiler_that_gets_no_time_says_nothing_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = f"{HEAD}int main() {{ map<string, regex> m; cout << 8 + m.size(); }}"
    for tier in (1, 2):
        with CodeVerifier.create(workers=1, tier=tier) as verifier:
            judge(verifier, TWICE, *TESTS)
            monkeypatch.setattr(code_cpp_build, "PATIENCE", 0.01)
            found = judge(verifier, source, *TESTS)
            monkeypatch.undo()
            assert (found.outcome, found.reason) == ("unverified", "sandbox_failure")
            assert eventually(lambda: not any(map(_is_ours, processes_with("cc1plus"))))
            assert judge(verifier, TWICE, *TESTS).reason == "passed"


def _is_ours(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"ONLINE_JUDGE" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_equal_programs_are_compiled_once(cpp: CodeVerifier) -> None:
    source = TWICE.replace("main()", "main( )")
    judge(cpp, source, *TESTS)
    tools = cpp._runners._tools
    assert tools is not None and tools._made is not None
    compiler = tools._made[0]
    assert compiler.built(source + "\n").file is compiler.built(source + "\n").file
    assert compiler.built(source + "\n").file is not None


def test_calls_of_a_program_are_not_supported(cpp: CodeVerifier) -> None:
    found = judge(cpp, TWICE, {"assert": "assert f(1) == 2"})
    assert (found.outcome, found.reason) == ("unverified", "unsupported_test")


def test_own_checker_judges_the_output(cpp: CodeVerifier) -> None:
    checker = "def check(input, output, expected): return int(output) == 2 * int(input)"
    tests = [{"input": "4", "output": ""}]
    assert judge(cpp, TWICE, *tests, comparison={"checker": checker}).reason == "passed"


@pytest.mark.parametrize(
    ("answer", "languages", "reason", "language"),
    [
        (f"```cpp\n{TWICE}\n```", ["python", "cpp"], "passed", "cpp"),
        (f"```\n{TWICE}\n```", ["python", "cpp"], "passed", "cpp"),
        (
            f"```cpp\n{TWICE}\n```\n```py\nprint(2*int(input()))\n```",
            ["c++", "py"],
            "passed",
            "python",
        ),
        (f"```py\nprint(0)\n```\n```C++\n{TWICE}\n```", ["python", "cpp"], "passed", "cpp"),
        (f"```cpp\n{TWICE}\n```\n```cpp\nint n;\n```", ["cpp"], "passed", None),
        (f"```cpp\n{TWICE}\n```\n```cpp\nint main( {{\n```", ["cpp"], "passed", None),
        (TWICE, ["cpp"], "passed", None),
        ("There is no program.", ["cpp"], "no_code", None),
    ],
)
def test_program_is_taken_in_a_language_that_the_row_allows(
    cpp: CodeVerifier, answer: str, languages: list[str], reason: str, language: str | None
) -> None:
    row = {"answer": answer, "language": languages, "test_cases": TESTS}
    (found,) = cpp.results([row])
    assert (found.reason, found.evidence.get("language")) == (reason, language)


def test_without_a_compiler_the_answer_is_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise NoTools("no g++ here: install g++")

    monkeypatch.setattr(code_cpp_open, "find_tools", none)
    with CodeVerifier.create() as verifier:
        found = judge(verifier, TWICE, *TESTS)
    assert (found.outcome, found.reason) == ("unverified", "no_compiler")
    assert "install g++" in found.evidence["error"]


def test_without_static_libraries_there_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Built(error="ld: cannot find -lstdc++")
    monkeypatch.setattr(Compiler, "precompile", lambda _: None)
    monkeypatch.setattr(Compiler, "built", lambda *_: missing)
    with CodeVerifier.create() as verifier:
        found = judge(verifier, TWICE, *TESTS)
    assert found.reason == "no_compiler" and "cannot find -lstdc++" in found.evidence["error"]


def test_compiler_that_crashes_is_no_error_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> Built:
        raise SandboxFailure("the compiler crashed (3): internal compiler error")

    with CodeVerifier.create() as verifier:
        assert judge(verifier, TWICE, *TESTS).reason == "passed"
        monkeypatch.setattr(Compiler, "built", crash)
        found = judge(verifier, TWICE, *TESTS)
    assert (found.outcome, found.reason) == ("unverified", "sandbox_failure")


def test_without_landlock_the_answer_is_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    with CodeVerifier.create() as verifier:
        verifier._runners.prepare()
        monkeypatch.setattr(landlock, "version", lambda: 0)
        found = judge(verifier, TWICE, *TESTS)
    assert (found.outcome, found.reason) == ("unverified", "language_unsupported")
    assert "Landlock" in found.evidence["error"]


def test_sandbox_that_leaks_runs_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cpp_open, "leaks", lambda *_: ["reads outside"])
    with CodeVerifier.create() as verifier:
        found = judge(verifier, TWICE, *TESTS)
    assert found.reason == "language_unsupported" and "reads outside" in found.evidence["error"]


def test_attempts_would_be_seen_if_they_succeeded(tmp_path: Path) -> None:
    """Outside of any sandbox the attempts to read, write and execute are told."""
    secret = tmp_path / "secret"
    secret.write_text("planted")
    source = tmp_path / "probe.cpp"
    harmless = PROGRAM.replace("kill(victim, SIGTERM) == 0 || kill(-1, 0) == 0", "false")
    harmless = harmless.replace('execute("/proc/self/exe");', "")
    assert harmless.count("\n") == PROGRAM.count("\n") and len(harmless) < len(PROGRAM) - 60
    source.write_text(harmless.replace("ptrace(PTRACE_ATTACH, victim, 0, 0) == 0", "false"))
    subprocess.run(
        ["g++", "-std=c++17", "-w", str(source), "-o", str(tmp_path / "probe")], check=True
    )
    told = f"{secret} {tmp_path} 9 {os.getpid()} /bin/true"
    made = subprocess.run(
        [str(tmp_path / "probe")],
        input=told,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "reads outside" in made.stdout and "writes outside" in made.stdout
    assert "held" not in made.stdout
