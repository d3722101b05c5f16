"""Runs programs by a SandboxFusion service; a `Runner` for who has one.

``FusionRunner(Fusion(url, stopped), "python")``. Programs with standard input are sent as they are;
what they print is compared here. Functions are called by a driver (`inside/distant.py`), which
sends back what they gave as data. What should come never goes there.

Weaker than this machine's sandbox, and said in the evidence by ``"tier": "remote"``: how well a
program is shut in is the service's matter (as it comes, SandboxFusion isolates nothing); a program
may keep something for the next one; CPU time and memory are not told, and older services ignore
the memory limit. Tests other than those of `code_fusion_calls.py` are unsupported.

The service reads what a program printed once, after its end, and may miss a part: a right
beginning is asked for again. More than `MOST_PRINTED` bytes fill its pipe, and look like a program
that does not end; such a test is unsupported.
"""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from verifiers.code_answer import CPP, PYTHON
from verifiers.code_cases import Case, Task
from verifiers.code_compare import EXACT
from verifiers.code_fusion_calls import Call, NotPlain, as_call, holds_foreign, revived
from verifiers.code_fusion_client import Command, Fusion, Reply
from verifiers.code_run import Ended, SandboxFailure, TestsBroken
from verifiers.inside import calls, distant, helpers
from verifiers.inside.excerpts import show

# A pipe holds 64 KiB, and nobody reads while the program runs.
MOST_PRINTED = 60_000
READ_ATTEMPTS = 3
KILLED = frozenset({-9, 137})  # by the service or its kernel: nobody knows why
LAST = frozenset({"time_limit", "memory_limit", "compile_error"})
EXCERPT = 200


class FusionRunner:
    """Has programs in one language run elsewhere."""

    def __init__(self, service: Fusion, language: str) -> None:
        self._service, self._language = service, language

    def choose(self, task: Task, sources: Sequence[str]) -> int:
        """Return the place of the first source that compiles, 0 where none does."""
        if self._language == CPP:
            found = (k for k, one in enumerate(sources) if self._compiles(task, one))
            return next(found, 0)
        reply = self._drive(task, {"sources": list(sources)})
        place = None if reply is None else reply.get("place")
        return place if isinstance(place, int) and place in range(len(sources)) else 0

    def _compiles(self, task: Task, source: str) -> bool:
        compiled = self._service.run(source, CPP, "", task.seconds, task.memory_mb).compiled
        return compiled is None or compiled.code == 0

    def inputs(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run a program on the input of each case and compare what it prints."""
        ended: list[Ended] = []
        for case in cases:
            if ended and ended[-1].outcome in LAST | {"not_run"}:
                ended.append(Ended(case.place, "input", "not_run"))
            elif len(case.output.encode("utf-8", "replace")) > MOST_PRINTED:
                text = "the service passes on less than should be printed"
                ended.append(Ended(case.place, "input", "unsupported", 0, {"text": text}))
            else:
                ended.append(self._input(task, case, source))
        return ended

    def _input(self, task: Task, case: Case, source: str) -> Ended:
        """Run a program on one input, again where a part of its output may be missing."""
        for _ in range(READ_ATTEMPTS):
            given = (source, self._language, case.code, task.seconds, task.memory_mb)
            reply = self._service.run(*given)
            outcome, text = self._outcome(reply)
            if outcome == "passed" and reply.ran is not None:
                printed = reply.ran.stdout
                text = self._wrong(task, case, printed)
                outcome = "wrong_answer" if text else "passed"
                if text and _is_beginning(printed, case.output):
                    continue
            break
        last = reply.ran or reply.compiled
        ms = last.ms if last else 0
        return Ended(case.place, "input", outcome, ms, {"text": text} if text else {})

    def _outcome(self, reply: Reply) -> tuple[str, str]:
        """Say how a program ended, `passed` where only its output is still to be looked at."""
        if reply.ran is None:
            compiled = reply.compiled
            text = compiled.stderr if compiled and compiled.code is not None else ""
            return "compile_error", text.strip()[:EXCERPT] or "the compiler ran out of time"
        return self._end_of(reply.ran)

    def _end_of(self, ran: Command) -> tuple[str, str]:
        said = ran.stderr.strip()
        text, last = said[-EXCERPT:], said.rpartition("\n")[2]
        if ran.code is None:
            much = len(ran.stdout.encode("utf-8", "replace")) > MOST_PRINTED
            return ("unsupported", "printed more than is read") if much else ("time_limit", "")
        if ran.code in KILLED:
            raise SandboxFailure("the service killed the program, or its kernel did")
        if ran.code == 0:
            return "passed", ""
        if last.startswith("MemoryError") or "std::bad_alloc" in said:
            return "memory_limit", text
        if self._language == PYTHON and _is_syntax(ran.stderr):
            return "compile_error", text
        return "runtime_error", text

    def _wrong(self, task: Task, case: Case, printed: str) -> str:
        """Return what is wrong with an output, empty where nothing is; raises TestsBroken."""
        if not task.comparison.checker:
            right = task.comparison.same(printed, case.output)
            return "" if right else task.comparison.difference(printed, case.output)
        right = self._ask_checker(task, case.code, printed, case.output)
        return "" if right else f"the checker refuses {printed.strip()[:80]!r}"

    def _ask_checker(self, task: Task, given: Any, output: Any, expected: Any) -> bool:
        """Ask a question's own checker, in a run of its own; raises TestsBroken."""
        job = {"checker": task.comparison.checker, "input": given, "output": output}
        reply = self._drive(task, {**job, "expected": expected})
        if reply is None or type(reply.get("answer")) is not bool:
            raise TestsBroken(f"checker: {(reply or {}).get('broken') or 'gave no answer'}"[:300])
        return bool(reply["answer"])

    def calls(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run tests that call the program, as far as they are calls with data."""
        ended: list[Ended] = []
        for case in cases:
            if ended and ended[-1].outcome in LAST | {"not_run"}:
                ended.append(Ended(case.place, case.kind, "not_run"))
                continue
            call = as_call(case) if self._language == PYTHON else None
            if call is None:
                text = "a service can't keep this test apart from the program"
                ended.append(Ended(case.place, case.kind, "unsupported", 0, {"text": text}))
            else:
                ended.append(self._call(task, case, call, source))
        return ended

    def _call(self, task: Task, case: Case, call: Call, source: str) -> Ended:
        job = {
            "setup": task.setup,
            "source": source,
            "entry": call.entry,
            "arguments": call.data["arguments"],
            "keywords": call.keywords,
            "whole_keys": call.data["whole_keys"],
            "helpers": inspect.getsource(helpers),
        }
        ran, found = self._driven(task, job)
        if ran.code is None or ran.code in KILLED:
            outcome, text = self._end_of(ran)
        elif found is None:
            outcome, text = "runtime_error", ran.stderr.strip()[-EXCERPT:] or "ended early"
        elif "value" in found:
            rules = task.comparison if case.kind == "call" else EXACT
            outcome, text = self._judged(replace(task, comparison=rules), call, found["value"])
        else:
            outcome, text = _failure(found)
        return Ended(case.place, case.kind, outcome, ran.ms, {"text": text} if text else {})

    def _judged(self, task: Task, call: Call, node: Any) -> tuple[str, str]:
        """Compare what a call gave; what is no value at all is the program's forgery."""
        try:
            value = revived(node)
        except NotPlain:
            return "runtime_error", "the result is no value"
        if task.comparison.checker and not holds_foreign(value):
            wanted = calls.expected_of(call.data)[-1]
            given = (call.data["arguments"], calls.as_lists(value, call.data["depth"]), wanted)
            right = self._ask_checker(task, *given)
        else:
            rules = {
                name: getattr(task.comparison, name)
                for name in ("absolute", "relative", "ignore_case", "unordered")
            }
            right = not holds_foreign(value) and calls.is_right(value, call.data, rules)
        text = f"gave {show(value)}, {calls.expected_text(call.data)}"
        return ("passed", "") if right else ("wrong_answer", text)

    def _drive(self, task: Task, job: dict[str, Any]) -> dict[str, Any] | None:
        return self._driven(task, job)[1]

    def _driven(self, task: Task, job: dict[str, Any]) -> tuple[Command, dict[str, Any] | None]:
        """Have the driver do a job; returns what it printed, None where that is not there."""
        nonce = secrets.token_hex(16)
        stdin = json.dumps({"nonce": nonce, **job})
        given = (inspect.getsource(distant), PYTHON, stdin, task.seconds, task.memory_mb)
        for attempt in range(READ_ATTEMPTS):
            ran = self._service.run(*given).ran
            if ran is None:
                raise SandboxFailure("the service compiles Python")
            found = _printed(ran.stdout, nonce)
            if found is not None or ran.code != 0 or attempt == READ_ATTEMPTS - 1:
                return ran, found
        raise AssertionError("unreachable")


def _printed(text: str, nonce: str) -> dict[str, Any] | None:
    """Return the object on the last line that begins with a nonce."""
    lines = [line for line in text.splitlines() if line.startswith(nonce)]
    try:
        found = json.loads(lines[-1][len(nonce) :]) if lines else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _failure(found: dict[str, Any]) -> tuple[str, str]:
    known = ("compile_error", "memory_limit", "runtime_error")
    outcome = found.get("outcome")
    text = str(found.get("text"))[:EXCERPT]
    return (outcome if outcome in known else "runtime_error"), text


def _is_beginning(printed: str, expected: str) -> bool:
    """Say whether an output is a beginning of the right one, which may have lost its end."""
    return expected.strip().startswith(printed.strip())


def _is_syntax(said: str) -> bool:
    """Say whether Python refused the program itself: such a message has no traceback."""
    last = said.strip().rpartition("\n")[2]
    names = ("SyntaxError", "IndentationError", "TabError")
    return last.startswith(names) and not said.lstrip().startswith("Traceback")
