"""Moves asks into a session and replies out of it, in the thread of whoever wants the replies.

    delivery = Delivery(session, iter(asks), room=lambda: 512, tick=lambda: None)
    for ask, reply in delivery.run(): ...

A session asks in threads of its own. Refusals are held back until something succeeds: when the
first ones are all refused, the configuration is at fault, and no question loses its turn for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.teacher.base import Ask, Reply

# A reply that the keeper has already; an error, after which nothing more will come; or None, the
# session's threads are over.
Arrival = tuple[Ask, Reply] | BaseException | None

# Asks admitted for each request that may be in flight: enough that nobody idles while the
# consumer seals a shard. A guess.
LOOK_AHEAD = 2
TICK_S = 1.0  # between two looks at what a person may want to see
# So many refusals without one success mean that the configuration is at fault. A guess.
REFUSALS = 10


class Asking(Protocol):
    """What a delivery needs of a session."""

    arrivals: SimpleQueue[Arrival]

    def submit(self, ask: Ask) -> None:
        """Take an ask."""

    def stop(self) -> None:
        """Give up what is in flight; what has arrived is kept first."""


class Delivery:
    """Moves asks into a session and replies out of it, in the consumer's thread."""

    def __init__(
        self,
        session: Asking,
        asks: Iterator[Ask],
        room: Callable[[], int],
        tick: Callable[[], None],
    ) -> None:
        self.session, self.asks, self.room, self.tick = session, asks, room, tick
        self.more = True
        self.open = 0
        self.succeeded = False
        self.held: list[tuple[Ask, Reply]] = []

    def run(self) -> Iterator[tuple[Ask, Reply]]:
        """Yield until every ask is answered, or what had arrived when the session failed."""
        while self._admit():
            try:
                arrival = self.session.arrivals.get(timeout=TICK_S)
            except Empty:
                self.tick()
                continue
            if not isinstance(arrival, tuple):
                yield from self._fail(arrival)
            elif self._is_believed(arrival):
                yield from self._release(arrival)
            elif len(self.held) >= REFUSALS:
                yield from self._fail(_all_refused(self.held))
        yield from self.held

    def _admit(self) -> bool:
        """Submit asks while there is room and nothing has arrived; tell whether more will."""
        while self.more and self.open < self.room() and self.session.arrivals.empty():
            ask = next(self.asks, None)
            if ask is None:
                self.more = False
            else:
                self.session.submit(ask)
                self.open += 1
        return self.more or self.open > 0

    def _is_believed(self, arrival: tuple[Ask, Reply]) -> bool:
        """Count an arrival; hold it back if it is a refusal and nothing has succeeded yet."""
        self.open -= 1
        self.succeeded = self.succeeded or arrival[1].finish_reason != "error"
        if not self.succeeded:
            self.held.append(arrival)
        return self.succeeded

    def _release(self, arrival: tuple[Ask, Reply]) -> Iterator[tuple[Ask, Reply]]:
        held, self.held = self.held, []
        yield from held
        yield arrival

    def _fail(self, arrival: BaseException | None) -> Iterator[tuple[Ask, Reply]]:
        """Stop asking, yield every reply that has arrived, then raise.

        Refusals that no success vouches for are kept back: they are asked again next time.
        """
        self.session.stop()
        for arrived in _drain(self.session):
            if self._is_believed(arrived):
                yield from self._release(arrived)
        if arrival is None:
            raise RuntimeError("the thread that asks the teacher has ended; was the client closed?")
        raise arrival


def _drain(session: Asking) -> Iterator[tuple[Ask, Reply]]:
    while True:
        try:
            arrival: Arrival = session.arrivals.get_nowait()
        except Empty:
            return
        if isinstance(arrival, tuple):
            yield arrival


def _all_refused(held: list[tuple[Ask, Reply]]) -> ConfigError:
    return ConfigError(
        f"recipe.teacher: the teacher refused all of the first {len(held)} requests, the last one"
        f" with {held[-1][1].error}; put the setting right that it names (style, sampling,"
        " template) or serve the model with other options"
    )
