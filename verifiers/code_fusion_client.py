"""Asks a SandboxFusion service to run one program: ``POST URL/run_code``.

A request and its reply (bytedance/SandboxFusion: sandbox/server/sandbox_api.py)::

    {"code": "print(1)", "language": "python", "stdin": "", "run_timeout": 10, …}
    {"status": "Success", "message": "", "compile_result": null, "run_result": {"status":
     "Finished", "execution_time": 0.03, "return_code": 0, "stdout": "1\\n", "stderr": ""}, …}

A service that refuses for now (429, 5xx), does not answer in time, breaks off, answers something
else or reports an error of its own (`SandboxError`) is asked again, `ATTEMPTS` times in all. Then,
or at once for any other status, `SandboxFailure` is raised: none of that is the program's doing.

A key comes from the environment variable `SANDBOX_FUSION_KEY`, as a bearer token, for services
behind a gateway; the service itself knows none.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx

from verifiers.code_run import SandboxFailure

KEY = "SANDBOX_FUSION_KEY"
ATTEMPTS = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0  # seconds; doubled each time. Guesses
GRACE_SECONDS = 30.0  # for the service's queue and its own work; a guess
COMPILE_SECONDS = 30.0
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
# The service keeps at most 1 MiB of each of four texts, which JSON may write in six times that.
MAX_REPLY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """How one command ended; `code` is None where it ran out of time."""

    code: int | None
    stdout: str
    stderr: str
    ms: int


@dataclass(frozen=True, slots=True)
class Reply:
    """How a program was compiled, where it was, and how it ran, where it came to that."""

    compiled: Command | None
    ran: Command | None


class Garbled(Exception):
    """What the service sent is no reply, or says that the service failed; worth another try."""

    def __init__(self, text: str, pause: float = 0.0) -> None:
        super().__init__(text)
        self.pause = pause


class Fusion:
    """A service at a URL; several threads may ask. `stopped` ends waiting between attempts."""

    def __init__(self, url: str, stopped: Event, first_pause: float = FIRST_PAUSE) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"sandbox_fusion_url: expected http://… or https://…, got {url!r}")
        key = os.environ.get(KEY)
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        self._url, self._stopped, self._pause = f"{url.rstrip('/')}/run_code", stopped, first_pause
        self._client = httpx.Client(headers=headers, follow_redirects=False)

    def run(self, code: str, language: str, stdin: str, seconds: float, memory_mb: int) -> Reply:
        """Have a program run; raises SandboxFailure."""
        asked = {
            "code": code,
            "language": language,
            "stdin": stdin,
            "run_timeout": seconds,
            "compile_timeout": COMPILE_SECONDS,
            "memory_limit_MB": memory_mb,
        }
        body = json.dumps(asked).encode("ascii")
        within = seconds + COMPILE_SECONDS + GRACE_SECONDS
        pause, why = self._pause, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._stopped.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            if self._stopped.is_set():
                raise SandboxFailure("the verifier was closed while this ran")
            try:
                return self._ask(body, within)
            except Garbled as error:
                why, pause = str(error), max(pause, min(error.pause, LONGEST_PAUSE))
            except httpx.HTTPError as error:
                why = f"{type(error).__name__}: {error}"
        raise SandboxFailure(f"the service did not answer {ATTEMPTS} times; the last: {why}"[:300])

    def _ask(self, body: bytes, within: float) -> Reply:
        """Ask once; raises Garbled, httpx's errors, and SandboxFailure for a final refusal."""
        deadline = time.monotonic() + within
        timeout = httpx.Timeout(within, connect=min(within, 10.0))
        with self._client.stream("POST", self._url, content=body, timeout=timeout) as reply:
            if reply.status_code in AGAIN:
                raise Garbled(f"status {reply.status_code}", _seconds(reply.headers))
            if reply.status_code != httpx.codes.OK:
                raise SandboxFailure(f"the service answers with status {reply.status_code}")
            data = bytearray()
            for part in reply.iter_bytes():
                data += part
                if len(data) > MAX_REPLY or time.monotonic() > deadline:
                    raise Garbled("a reply without end")
        return read_reply(bytes(data))

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()


def _seconds(headers: Mapping[str, str]) -> float:
    """Return how long the service wants to be left alone."""
    value = headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0


def read_reply(data: bytes) -> Reply:
    """Read a reply; raises Garbled."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"no JSON: {data[:50]!r}") from error
    if not isinstance(found, dict) or found.get("status") not in ("Success", "Failed"):
        text = found.get("message") if isinstance(found, dict) else found
        raise Garbled(f"the service failed: {text!r:.200}")
    compiled, ran = _command(found, "compile_result"), _command(found, "run_result")
    compiles = compiled is not None and compiled.code != 0
    if ran is None and not compiles:
        raise Garbled("a reply without a result")
    return Reply(compiled, None if compiles else ran)


def _command(found: dict[str, Any], name: str) -> Command | None:
    given = found.get(name)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Garbled(f"{name}: expected an object, got {given!r:.50}")
    out, err = given.get("stdout") or "", given.get("stderr") or ""
    seconds = given.get("execution_time") or 0
    status, code = given.get("status"), given.get("return_code")
    numbers = isinstance(seconds, int | float) and not isinstance(code, bool)
    if not (isinstance(out, str) and isinstance(err, str) and numbers):
        raise Garbled(f"{name}: not what is documented")
    if status == "TimeLimitExceeded":
        return Command(None, out, err, round(seconds * 1000))
    if status != "Finished" or not isinstance(code, int):
        raise Garbled(f"{name}: {status!r:.50}, {err[:150]}")
    return Command(code, out, err, round(seconds * 1000))
