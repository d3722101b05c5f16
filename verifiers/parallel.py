"""Runs a judge of single rows over many: here, or in worker processes.

A judge is a function from a row to a `Result`; it may raise `BadInput`, and whatever
else it raises becomes an `unverified` result here and nowhere else::

    for result in judged(Rules(), rows, name="rules", workers=2): ...

With one worker everything runs in the calling process, where nothing can be killed:
judges that may never end belong into a pool of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from verifiers.base import BadInput, Outcome, Result, Row, bad_input
from verifiers.pool import Pool, Reply

Judge = Callable[[Row], Result]


@dataclass(frozen=True, slots=True)
class Guarded:
    """A judge that always gives a result, with the time it took; can be sent to a worker."""

    judge: Judge
    name: str

    def __call__(self, row: Row) -> Result:
        """Judge one row."""
        start = time.perf_counter()
        return replace(self._result(row), seconds=time.perf_counter() - start)

    def _result(self, row: Row) -> Result:
        if not isinstance(row, Mapping):
            return bad_input(self.name, f"row: expected an object, got {type(row).__name__}")
        try:
            return self.judge(row)
        except BadInput as error:
            return bad_input(self.name, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            return crashed(self.name, f"{type(error).__name__}: {error}")


def crashed(name: str, error: str) -> Result:
    """Return the result for a row on which the verifier itself failed."""
    return Result(Outcome.UNVERIFIED, "crashed", name, evidence={"error": error[:500]})


def from_reply(reply: Reply, name: str) -> Result:
    """Return the result that came from a worker, or the one for a worker that failed.

    The reason is the pool's word for the failure: `timeout`, `memory` or `crashed`.
    """
    if reply.failure is None:
        result: Result = reply.value
        return replace(result, seconds=reply.seconds)
    reason = "crashed" if reply.failure == "error" else reply.failure
    evidence = {"error": reply.detail, "attempts": reply.attempts}
    return Result(Outcome.UNVERIFIED, reason, name, evidence=evidence, seconds=reply.seconds)


def judged(judge: Judge, rows: Iterable[Row], name: str, pool: Pool | None) -> Iterator[Result]:
    """Yield one result for each row, in order; in a pool made for `Guarded`, or here."""
    if pool is None:
        yield from map(Guarded(judge, name), rows)
    else:
        yield from (from_reply(reply, name) for reply in pool.map(rows))
