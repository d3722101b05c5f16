"""The sandbox itself: when it is refused, and what a program finds and can't reach in each tier."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge_in, lacks, needs_tier_1, prints
from verifiers import sandbox_probe
from verifiers.inside import kernel, landlock
from verifiers.sandbox import Confined, Namespaces, find_tool
from verifiers.sandbox_probe import attempt, probe

needs_tier_2 = lacks(2)


def output_of(tier: int, code: str) -> str:
    """Return what an expression is in the sandbox, by way of the difference to nothing."""
    result = prints(tier, f"print(repr(({code})))", "?", time_limit_s=5)
    shown: str = result.evidence["tests"][0]["text"]
    return shown.removeprefix("line 1: got ").removesuffix(", expected '?'").strip("'\"")


def test_missing_bubblewrap_is_reported_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "find_tool", lambda _: None)
    found = probe.__wrapped__(tier=1)
    assert (found.tier, found.reason, found.sandbox) == (None, "bwrap_missing", None)
    assert "install bubblewrap" in found.remedy


def test_interpreter_that_would_be_hidden_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "interpreter", lambda: "/tmp/python/bin/python3.11")
    found = probe.__wrapped__(tier=1)
    assert (found.tier, found.reason) == (None, "interpreter_in_tmp")
    assert found.detail == "/tmp/python/bin/python3.11"


def test_old_bubblewrap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "bubblewrap_version", lambda: (0, 6))
    found = probe.__wrapped__(tier=1)
    assert (found.tier, found.reason, found.detail) == (None, "bwrap_too_old", "bubblewrap 0.6")


def test_forbidden_namespaces_are_reported_with_their_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = ["/bin/sh", "-c", "echo no permissions to create namespace >&2; exit 1"]
    monkeypatch.setattr(Namespaces, "command", lambda *_: refusing)
    found = attempt(Namespaces())
    assert (found.tier, found.reason) == (None, "namespaces_forbidden")
    assert "no permissions" in found.detail and "user namespaces" in found.remedy


def test_kernel_without_landlock_has_no_second_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert probe.__wrapped__(tier=2).reason == "landlock_missing"


def test_other_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "ARCHITECTURE", "riscv64")
    found = probe.__wrapped__()
    assert (found.tier, found.reason) == (None, "machine_unsupported")


def test_reasons_of_both_tiers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "find_tool", lambda _: None)
    monkeypatch.setattr(landlock, "version", lambda: 0)
    found = probe.__wrapped__()
    assert (found.reason, found.detail) == ("bwrap_missing", "landlock_missing")


@needs_tier_2
def test_second_tier_is_taken_where_the_first_is_not_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox_probe, "find_tool", lambda _: None)
    assert probe.__wrapped__().tier == 2


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Have temporary files made where no program has a /tmp of its own in the way."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield folder


@needs_tier_1
def test_first_tier_with_a_hole_is_refused(monkeypatch: pytest.MonkeyPatch, elsewhere: str) -> None:
    whole = Namespaces.command

    def with_hole(self: Namespaces, settings: dict[str, Any]) -> list[str]:
        command = whole(self, settings)
        place = command.index("--remount-ro")
        return [*command[:place], "--bind", elsewhere, elsewhere, *command[place:]]

    monkeypatch.setattr(Namespaces, "command", with_hole)
    found = attempt(Namespaces(as_nobody=False))
    assert (found.tier, found.reason) == (None, "leaks")
    assert not found.checks["reads nothing outside"]
    assert found.checks["no network"] and found.checks["no foreign processes"]


@needs_tier_2
def test_second_tier_with_a_hole_is_refused(
    monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    whole = Confined.settings

    def with_hole(self: Confined) -> dict[str, Any]:
        settings = whole(self)
        return {**settings, "reads": [*settings["reads"], elsewhere]}

    monkeypatch.setattr(Confined, "settings", with_hole)
    found = attempt(Confined())
    assert (found.tier, found.reason) == (None, "leaks")
    assert [name for name, holds in found.checks.items() if not holds] == ["reads nothing outside"]


@needs_tier_2
@pytest.mark.parametrize("version", range(1, landlock.version() + 1))
def test_second_tier_holds_with_every_older_landlock(
    monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: version)
    found = attempt(Confined())
    assert (found.tier, found.landlock) == (2, version), found.detail


@needs_tier_2
@pytest.mark.skipif(
    os.geteuid() != 0 or find_tool("setpriv") is None, reason="only root has capabilities to lose"
)
def test_root_of_a_container_gets_the_second_tier(tmp_path: Path) -> None:
    # Containers' root can't read past permissions but by the capability to write past them, too;
    # `tmp_path` is root's alone.
    kept = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid"
    code = "from verifiers.sandbox_probe import probe; print(probe(('numpy',), 2).tier)"
    shell = ["setpriv", "--bounding-set", kept, "--inh-caps", "-all", sys.executable, "-c", code]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(shell, cwd=root, env=environment, stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"2\n"


@in_each_tier
def test_every_probe_held(tier: int) -> None:
    found = probe(("numpy",), tier)
    assert found.tier == tier and len(found.checks) > 20 and all(found.checks.values())


@needs_tier_1
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's processes are not counted")
def test_root_without_the_change_of_user_is_refused() -> None:
    found = attempt(Namespaces(as_nobody=False))
    assert (found.tier, found.checks["processes limited"]) == (None, False)


@in_each_tier
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/status", "/proc/1/environ", str(Path(__file__))]
)
def test_file_of_this_machine_can_not_be_read(tier: int, path: str) -> None:
    code = f"try: open({path!r}).read(1); print('read')\nexcept OSError: print('refused')"
    assert prints(tier, code, "refused").reason == "passed"


@in_each_tier
@pytest.mark.parametrize("path", ["/home", "/proc", "/var", "/sys", str(Path(__file__).parent)])
def test_folder_of_this_machine_can_not_be_listed(tier: int, path: str) -> None:
    code = f"import os\ntry: print(os.listdir({path!r}))\nexcept OSError: print('refused')"
    assert prints(tier, code, "refused").reason == "passed"


@needs_tier_1
def test_root_holds_only_what_python_needs() -> None:
    top = Path(sys.base_prefix).parts[1]
    allowed = {"dev", "etc", "lib", "lib64", "sandbox", "tmp", "usr", top}
    assert set(ast.literal_eval(output_of(1, "__import__('os').listdir('/')"))) <= allowed


@in_each_tier
def test_only_its_own_folder_can_be_written(tier: int) -> None:
    code = (
        "import os\nopen('mine', 'w').write('x')\nprint(os.listdir())\n"
        "for path in ('/x', '/usr/lib/x', '/dev/x', '/dev/shm/x', '/var/tmp/x', os.__file__):\n"
        "    try: open(path, 'a').write('x'); print(path)\n"
        "    except OSError: pass\n"
    )
    assert prints(tier, code, "['mine']").reason == "passed"


@in_each_tier
def test_environment_is_empty(tier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "planted")
    names = set(ast.literal_eval(output_of(tier, "list(__import__('os').environ)")))
    assert names <= {"PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "PWD", "LC_CTYPE"}


@in_each_tier
def test_open_files_of_this_process_are_not_inherited(tier: int, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("planted")
    with (tmp_path / "secret").open() as file:
        os.set_inheritable(file.fileno(), True)
        code = (
            "import os\nfor fd in range(64):\n    try: print(os.pread(fd, 9, 0))\n"
            "    except OSError: pass\n"
        )
        result = judge_in(tier, code, {"input": "in", "output": "b'in'"})
    assert result.reason == "passed", dict(result.evidence)


@in_each_tier
def test_listening_port_of_this_machine_is_out_of_reach(tier: int) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        code = (
            "import socket\n"
            f"try: socket.create_connection(('127.0.0.1', {port})); print('connected')\n"
            "except OSError: print('refused')"
        )
        assert prints(tier, code, "refused").reason == "passed"


@in_each_tier
def test_user_is_unprivileged_and_stays_so(tier: int) -> None:
    code = (
        "import os\nprint(os.getuid() != 0)\nfor change in (os.setuid, os.setgid):\n"
        "    try: change(0)\n    except OSError: print('refused')"
    )
    assert prints(tier, code, "True\nrefused\nrefused").reason == "passed"


@in_each_tier
@pytest.mark.parametrize("program", ["/bin/true", "/usr/bin/env", "/bin/sh", sys.executable])
def test_no_program_can_be_started(tier: int, program: str) -> None:
    code = (
        f"import os, subprocess\ntry: os.execv({program!r}, ['x'])\nexcept OSError: print('a')\n"
        f"try: subprocess.run([{program!r}])\nexcept OSError: print('b')"
    )
    assert prints(tier, code, "a\nb").reason == "passed"


@in_each_tier
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unshare", (0x10000000,)),
        ("unshare", (0x00020000,)),
        ("setns", (0, 0)),
        ("mount", (0, 0, 0, 0, 0)),
        ("chroot", (0,)),
        ("ptrace", (0, 0, 0, 0)),
        ("memfd_create", (0, 0)),
        ("shmget", (0, 4096, 0o1600)),
        ("semget", (0, 1, 0o1600)),
        ("msgget", (0, 0o1600)),
        ("personality", (0x0400000,)),
        ("reboot", (0,)),
        ("syscall", (425, 1, 0)),  # io_uring_setup
        ("syscall", (321, 0, 0, 0)),  # bpf
        ("syscall", (298, 0, 0, 0, 0)),  # perf_event_open
        ("syscall", (323, 0)),  # userfaultfd
        ("syscall", (250, 0, 0)),  # keyctl
        ("syscall", (438, 0, 0, 0)),  # pidfd_getfd
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are x86_64's")
def test_call_is_refused_with_an_ordinary_error(
    tier: int, name: str, arguments: tuple[int, ...]
) -> None:
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"print(libc.{name}(*map(ctypes.c_long, {arguments!r})), ctypes.get_errno() in (1, 38))"
    )
    assert prints(tier, code, "-1 True").reason == "passed"


@in_each_tier
def test_call_in_another_architecture_is_fatal(tier: int) -> None:
    machine = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, 20 (getpid of i386); int 0x80; ret
    if os.uname().machine != "x86_64":
        pytest.skip("the code is x86_64's")
    code = (
        "import ctypes, mmap\n"
        f"page = mmap.mmap(-1, 4096, prot=7)\npage.write({machine!r})\n"
        "call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))\n"
        "call()\nprint('alive')"
    )
    assert prints(tier, code, "alive").reason == "runtime_error"


@in_each_tier
def test_what_honest_programs_need_is_there(tier: int) -> None:
    code = (
        "import asyncio, os, random, shutil, signal, tempfile, threading, time, uuid\n"
        "import numpy as np\n"
        "async def one(): await asyncio.sleep(0); return 1\n"
        "print(asyncio.run(one()))\n"
        "out = []\nthread = threading.Thread(target=out.append, args=(2,))\n"
        "thread.start(); thread.join(); print(*out)\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    path = os.path.join(folder, 'a')\n"
        "    open(path, 'w').write('3'); shutil.copy(path, path + 'b')\n"
        "    print(open(path + 'b').read())\n"
        "signal.signal(signal.SIGALRM, lambda *_: print(4))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.1)\n"
        "print(np.arange(3).sum() + 2, len(str(uuid.uuid4())), random.random() < 1)\n"
    )
    assert prints(tier, code, "1\n2\n3\n4\n5 36 True").reason == "passed"


@needs_tier_1
def test_processes_can_be_started_where_namespaces_hold_them() -> None:
    code = "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('x', flush=True)"
    assert prints(1, code, "x\nx").reason == "passed"


@needs_tier_2
def test_processes_can_not_be_started_where_nothing_would_hold_them() -> None:
    code = "import os\ntry: os.fork()\nexcept OSError: print('refused')"
    assert prints(2, code, "refused").reason == "passed"


def test_probe_leaves_nothing_behind() -> None:
    before = set(Path(tempfile.gettempdir()).glob("sandbox-probe-*"))
    probe.__wrapped__()
    assert set(Path(tempfile.gettempdir()).glob("sandbox-probe-*")) == before
    assert not subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "zygote.main"], capture_output=True, check=False
    ).stdout
