"""Lets a hostile C++ program loose, in its compiler first and then as itself.

``leaks(runner, compiler, tools)`` names what succeeded, such as ``["executes a program"]``; an
empty list says that these attempts failed here today, not that none could succeed. What all
programs are kept from alike (memory, disk, processes) is tried in Python (`inside/probing.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from verifiers.code_cases import Case, Task
from verifiers.code_cpp import Cpp
from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_tools import Tools
from verifiers.sandbox_prober import SECRET, Outside
from verifiers.sandbox_root import interpreter

SECONDS, MEMORY_MB = 20.0, 256
HELD = "held"
# Reads where things are from standard input and prints what it could do to them.
PROGRAM = r"""
#include <bits/stdc++.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
using namespace std;

static bool found = false;
static void tell(bool succeeded, const char* what) {
    if (succeeded) { cout << what << endl; found = true; }
}
static bool readable(const string& path) {
    char byte;
    int fd = open(path.c_str(), O_RDONLY);
    return fd >= 0 && read(fd, &byte, 1) == 1;
}
static void execute(const string& path) {
    char name[] = "started", option[] = "--version";
    char* arguments[] = {name, option, nullptr};
    char* nothing[] = {nullptr};
    execve(path.c_str(), arguments, nothing);
    syscall(SYS_execveat, AT_FDCWD, path.c_str(), arguments, nothing, 0);
    int fd = open(path.c_str(), O_RDONLY);
    if (fd >= 0) syscall(SYS_execveat, fd, "", arguments, nothing, AT_EMPTY_PATH);
}
static bool connects(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
}
int main() {
    string secret, folder, program;
    int port, victim;
    cin >> secret >> folder >> port >> victim;
    tell(readable(secret) || readable("/etc/passwd"), "reads outside");
    tell(readable("/proc/self/environ"), "reads of processes");
    tell(ofstream(folder + "/made").is_open(), "writes outside");
    tell(connects(port), "connects");
    tell(kill(victim, 0) == 0 || kill(victim, SIGTERM) == 0 || kill(-1, 0) == 0, "signals");
    tell(ptrace(PTRACE_ATTACH, victim, 0, 0) == 0, "traces");
    tell(unshare(CLONE_NEWUSER) == 0, "makes namespaces");
    tell(syscall(SYS_memfd_create, "x", 0) >= 0, "makes memory files");
    ofstream("copy", ios::binary) << "\x7f" "ELF";
    chmod("copy", 0755);
    execute("/proc/self/exe");
    execute("./copy");
    while (cin >> program) {
        ifstream from(program, ios::binary);
        ofstream("copy", ios::binary) << from.rdbuf();
        chmod("copy", 0755);
        execute(program);
        execute("./copy");
    }
    if (!found) cout << "held" << endl;
}
"""
# What of this a compiler must refuse, for it would show a file to whoever reads the program.
STEALS = (
    '#include "{path}"\nint main() {{}}',
    'asm(".incbin \\"{path}\\"");\nint main() {{}}',
    '#if __has_include("{path}")\nint main() {{}}\n#endif',
)


def leaks(runner: Cpp, compiler: Compiler, tools: Tools) -> list[str]:
    """Attack and name what succeeded; raises SandboxFailure."""
    with Outside() as outside:
        told = outside.job()
        found = list(_stolen(compiler, told["secret"]))
        places = [told["secret"], told["folder"], told["port"], outside.victim.pid]
        programs = [*tools.parts, interpreter(), "/bin/true", "/usr/bin/true", "/bin/sh"]
        found += _printed(runner, "\n".join(map(str, [*places, *programs])))
        return found + [f"not {name}" for name, holds in outside.seen().items() if not holds]


def _stolen(compiler: Compiler, secret: str) -> Iterator[str]:
    for path in (secret, "/etc/passwd", "/etc/hostname"):
        for text in STEALS:
            built = compiler.built(text.format(path=path))
            if built.file is not None or SECRET in built.error:
                yield f"the compiler reads {path}"


def _printed(runner: Cpp, given: str) -> list[str]:
    """Run the program; returns what it did not say that it should have."""
    cases = [Case(0, "input", given, HELD)]
    task = Task(tuple(cases), "", ("cpp",), SECONDS, MEMORY_MB)
    (ended,) = runner.inputs(task, cases, PROGRAM)
    if ended.outcome == "passed":
        return []
    text = ended.detail.get("text") or "executes a program"
    return [f"{ended.outcome}: {text}"]
