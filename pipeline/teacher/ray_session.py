"""One stream of asks through a Ray cluster: a thread that feeds, and one that keeps what arrives.

What comes out of `arrivals`: pipeline/teacher/delivery.py. A reply is with the keeper before it
comes out, and comes out when its worker has finished it. A worker that dies is
replaced by Ray, and what it had is generated again by another one; nobody sees that here.
"""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Condition, Thread, current_thread
from typing import Any

import ray
from ray.exceptions import RayError

from pipeline.cluster import Cluster
from pipeline.config import Local
from pipeline.errors import BuildError, TeacherUnavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Keeper, Reply
from pipeline.teacher.budget import Budget, Tokens
from pipeline.teacher.delivery import Arrival
from pipeline.teacher.ray_engines import ask_row, here, replies_of, reply_in
from pipeline.teacher.ray_rows import Feed

JOIN_S = 30.0  # a guess: Ray takes seconds to let its workers go
WORDS = 300  # of what Ray says; a guess that keeps an error on a few lines


class Session:
    """The threads; `start` them once, `submit` asks, take from `arrivals`, `end` or `stop`."""

    def __init__(
        self,
        teacher: Teacher,
        sampling: Sampling,
        settings: Cluster,
        local: Local,
        *,
        keeper: Keeper | None,
        budget: Budget | None,
        account: Account,
    ) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._teacher, self._sampling = teacher, sampling
        self._keeper, self._budget, self._account = keeper or Keeper(), budget, account
        self._submitted: SimpleQueue[Ask | None] = SimpleQueue()
        self._changed = Condition()  # guards the next two
        self._flying: dict[str, Ask] = {}
        self._stopped = False
        self._feed: Any = ray.remote(num_cpus=0, label_selector=here())(Feed).remote()
        self._replies = replies_of(self._feed, teacher, sampling, settings, local)
        self._threads = [
            Thread(target=self._send, name="teacher-asks", daemon=True),
            Thread(target=self._receive, name="teacher-replies", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, ask: Ask) -> None:
        """Hand over an ask."""
        self._submitted.put(ask)

    def end(self) -> None:
        """Say that nothing more will be submitted: what waits for a full batch goes off."""
        self._submitted.put(None)

    def in_flight(self) -> int:
        """Return how many asks are with the workers."""
        return len(self._flying)

    def stop(self) -> None:
        """Give up what is in flight; what has arrived is kept first."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._submitted.put(None)
        ray.kill(self._feed)  # the read fails, and with it everything behind it
        for thread in self._threads:
            if current_thread() is not thread and thread.ident is not None:
                thread.join(JOIN_S)

    def _send(self) -> None:
        """Pass asks on as the budget has room for them."""
        while (ask := self._submitted.get()) is not None:
            if self._stopped or not self._affords(ask):
                return
            with self._changed:
                self._flying[ask.key] = ask
                self._account.requests += 1
            self._feed.put.remote(ask_row(ask, self._sampling))
        if not self._stopped:
            self._feed.end.remote()

    def _affords(self, ask: Ask) -> bool:
        """Wait until an ask fits under the cap; without anything in flight the cap is the end."""
        if self._budget is None:
            return True
        chars = len(str(ask.request))
        with self._changed:
            while not self._stopped:
                if self._budget.promise(ask.key, chars, self._sampling.max_tokens):
                    return True
                if not self._flying:
                    self.arrivals.put(self._budget.reached())
                    return False
                self._feed.hurry.remote()
                self._changed.wait()
        return False

    def _receive(self) -> None:
        """Keep what arrives, then hand it on; what goes wrong comes instead of it."""
        try:
            for arrived in self._arrived():
                self._keeper.replies(arrived)
                for ask, reply in arrived:
                    self._count(ask, reply)
                    self.arrivals.put((ask, reply))
        except BuildError as error:
            self.arrivals.put(error)
        except RayError as error:
            if not self._stopped:
                self.arrivals.put(_lost(self._teacher, error))
        finally:
            self.arrivals.put(None)

    def _arrived(self) -> Iterator[list[tuple[Ask, Reply]]]:
        """Yield what comes back, block by block."""
        limit = self._sampling.max_tokens
        stream = self._replies.iter_batches(
            batch_size=None, batch_format="pyarrow", prefetch_batches=0
        )
        block: Any  # a pyarrow.Table
        for block in stream:
            rows = block.to_pylist()
            yield [(self._flying[row["key"]], reply_in(row, limit)) for row in rows]

    def _count(self, ask: Ask, reply: Reply) -> None:
        cost = Tokens(reply.prompt_tokens or 0, reply.response_tokens or 0)
        self._account.chars += len(reply.text)
        self._account.ended(reply, len(reply.text))
        if self._budget is not None:
            self._budget.settle(ask.key, cost)
        with self._changed:
            del self._flying[ask.key]
            self._changed.notify_all()


def _lost(teacher: Teacher, error: RayError) -> TeacherUnavailable:
    said = " ".join(str(error).split())
    said = said if len(said) <= WORDS else f"… {said[-WORDS:]}"
    return TeacherUnavailable(
        f"teacher {teacher.name}: Ray gave the run up ({type(error).__name__}: {said}); see its"
        " logs (/tmp/ray/session_latest/logs on each node) and run again: replies that arrived"
        " are kept"
    )
