"""A SandboxFusion for tests: speaks its protocol, and runs what it is sent in our own sandbox.

As a process, which ends when its standard input does::

    python -m tests.loopback_fusion

Its first line of output is its URL. In a test::

    with loopback_fusion() as url:
        httpx.post(f"{url}/run_code", json={"code": "print(1)", "language": "python"}).json()
        {"status": "Success", "run_result": {"status": "Finished", "stdout": "1\\n", …}, …}

``POST /faults`` with a JSON list says how the next requests fail, one word each: a status
(``"429"``), ``"garbage"``, ``"half"``, ``"silence"``, ``"sandbox_error"``, ``"empty"`` (what was
printed is lost), ``"cut"`` (half of it is), ``"wrong_types"``, or ``"none"``. ``GET /seen`` gives
the bodies of all requests so far, and their headers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from verifiers.code_cases import Case, Task
from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_tools import find_tools
from verifiers.code_inputs import Run, limits_of
from verifiers.inside.exceeded import EXITS
from verifiers.inside.programs import SYNTAX_EXIT
from verifiers.inside.seccomp import NATIVE
from verifiers.sandbox import Profile
from verifiers.sandbox_child import Job, Order
from verifiers.sandbox_pool import Zygotes
from verifiers.sandbox_probe import probe

ROOT = Path(__file__).parent.parent
SILENCE = 60.0


class Service:
    """Runs programs; `faults` are those of the next requests."""

    def __init__(self) -> None:
        found = probe()
        assert found.sandbox is not None, "the tests that use this need a sandbox"
        self._zygotes = Zygotes(found.sandbox, 2)
        self._natives = Zygotes(found.sandbox.shaped(Profile(NATIVE)), 2)
        self._sandbox, self._stopped = found.sandbox, threading.Event()
        self._compiler: Compiler | None = None
        self.faults: deque[str] = deque()
        self.seen: list[dict[str, Any]] = []

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a request."""
        compiled = None
        if asked["language"] == "cpp":
            compiled = self._compile(asked["code"])
            if compiled["return_code"] != 0:
                return reply("Failed", compiled, None)
        ran = self._execute(asked)
        good = ran["status"] == "Finished" and ran["return_code"] == 0
        return reply("Success" if good else "Failed", compiled, ran)

    def _compile(self, source: str) -> dict[str, Any]:
        if self._compiler is None:
            self._compiler = Compiler(self._sandbox, find_tools(), 1, 30.0, self._stopped)
        built = self._compiler.built(source)
        return command(0 if built.file else 1, "", built.error)

    def _execute(self, asked: dict[str, Any]) -> dict[str, Any]:
        cases = (Case(0, "input", asked.get("stdin") or ""),)
        task = Task(cases, "", (asked["language"],), asked["run_timeout"], asked["memory_limit_MB"])
        order = Order("program", -1, limits_of(task, 1 << 20))
        if asked["language"] != "cpp":
            with Job({"source": asked["code"]}) as job, self._zygotes.lease([]) as zygote:
                return self._follow(Run(zygote, replace(order, job=job.fd), self._stopped), task)
        assert self._compiler is not None
        file = self._compiler.built(asked["code"]).file
        assert file is not None
        with Job({"memory_mb": task.memory_mb}) as job, self._natives.lease([]) as zygote:
            native = replace(order, role="native", job=job.fd, fds=(file.fd, 1))
            return self._follow(Run(zygote, native, self._stopped), task)

    def _follow(self, run: Run, task: Task) -> dict[str, Any]:
        killed = run.run(task.cases[0].code, task.seconds)
        out, err = bytes(run._out.data).decode("utf-8", "replace"), run._err.text()
        assert run._exit is not None
        if killed:
            return {**command(None, out, err), "status": "TimeLimitExceeded"}
        code = 1 if run._exit.code in (SYNTAX_EXIT, *EXITS.values()) else run._exit.code
        if run._exit.code == EXITS["memory_limit"]:
            err += "MemoryError"
        if run._exit.code == SYNTAX_EXIT:
            err = f'  File "/tmp/x.py", line 1\n    {err}'.replace("    SyntaxError", "SyntaxError")
        return command(code, out, err)


def command(code: int | None, out: str, err: str) -> dict[str, Any]:
    """Return how a command ended, as the service tells it."""
    texts = {"stdout": out, "stderr": err}
    return {"status": "Finished", "execution_time": 0.01, "return_code": code, **texts}


def reply(status: str, compiled: Any, ran: Any) -> dict[str, Any]:
    """Return a whole reply."""
    results = {"compile_result": compiled, "run_result": ran}
    return {"status": status, "message": "", **results, "executor_pod_name": None, "files": {}}


def broken(fault: str, found: dict[str, Any]) -> bytes:
    """Return a reply with a fault in it."""
    ran = found.get("run_result") or {}
    if fault == "sandbox_error":
        found = reply("SandboxError", None, None) | {"message": "out of order"}
    elif fault in ("empty", "cut"):
        out = ran["stdout"]
        found["run_result"] = {**ran, "stdout": out[: len(out) // 2] if fault == "cut" else ""}
    elif fault == "wrong_types":
        found["run_result"] = {**ran, "stdout": 5}
    data = json.dumps(found).encode()
    return {"garbage": b"<html>", "half": data[: len(data) // 2]}.get(fault, data)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        """Tell what was asked."""
        self._answer(200, json.dumps(self.service.seen).encode())

    def do_POST(self) -> None:
        """Take faults, or run a program."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/faults":
            self.service.faults.extend(body)
            self._answer(200, b"{}")
            return
        self.service.seen.append({"body": body, "headers": dict(self.headers)})
        fault = self.service.faults.popleft() if self.service.faults else "none"
        if self.path != "/run_code":
            self._answer(404, b"{}")
        elif fault.isdecimal():
            self._answer(int(fault), b"{}")
        elif fault == "silence":
            time.sleep(SILENCE)
        else:
            self._answer(200, broken(fault, self.service.run(body)))

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def loopback_fusion() -> Iterator[str]:
    """Start the service as a process and give its URL; it ends with the context."""
    command = [sys.executable, "-m", "tests.loopback_fusion"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def fail(url: str, *faults: str) -> None:
    """Have the next requests fail."""
    httpx.post(f"{url}/faults", json=list(faults)).raise_for_status()


def seen(url: str) -> list[dict[str, Any]]:
    """Return what was asked so far."""
    found: list[dict[str, Any]] = httpx.get(f"{url}/seen").json()
    return found


def main() -> None:
    """Serve until standard input ends."""
    Handler.service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
