"""When to ask again: how long to wait, and which servers to leave alone for a while.

A server that is restarting, as this sees it::

    connection refused  →  asked again after 0.5–1 s
    connection refused  →  … after 1–2 s
    503, Retry-After: 20  →  nothing at all goes to it for 20 s
    connection refused  →  a third failure in a row: left alone while another one is well

Nothing here knows HTTP clients or threads; times are those of a monotonic clock, in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PASSING = {408, 409, 425, 429}  # and every 5xx: worth asking again
REFUSED = {400, 413, 422}  # this one request is at fault (too long, a parameter out of range)
REMEDIES = {
    401: "the key is missing or wrong: set the variable {key_env}",
    403: "the key in {key_env} may not use this model",
    404: "the URL must end where the API begins, usually in /v1, and teacher.model must be"
    " a name that the server lists under /models",
}
OTHER_REMEDY = "this does not look like an OpenAI-compatible server: check the URL"


@dataclass(frozen=True, slots=True)
class Pace:
    """How waits grow. All guesses but `cap_s`, which the configuration's documentation names."""

    first_s: float = 1.0
    cap_s: float = 60.0
    strikes: int = 3  # failures in a row from which a server counts as sick

    def back_off(self, tries: int) -> float:
        """Return the wait before asking again after so many tries, 1 or more, jittered by half."""
        return self.rest(tries) * random.uniform(0.5, 1.0)

    def rest(self, times: int) -> float:
        """Return first_s doubled for each time after the first, cap_s at most."""
        return min(self.cap_s, self.first_s * 2.0 ** min(times - 1, 32))


def is_passing(status: int) -> bool:
    """Tell whether an HTTP status may be another one when asked again."""
    return status in PASSING or 500 <= status <= 599


def remedy(status: int, key_env: str) -> str:
    """Return what a person can do about a status that asking again does not change."""
    return REMEDIES.get(status, OTHER_REMEDY).format(key_env=key_env)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from now; None if neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until_date(value, now or datetime.now(UTC))
    return max(0.0, seconds) if seconds < float("inf") else None  # NaN compares false too


def _until_date(value: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:  # "-0000": UTC of unknown origin
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


@dataclass(eq=False, slots=True)
class Endpoint:
    """One base URL and how it has been doing."""

    url: str
    strikes: int = 0  # failures in a row, those of one burst counted once it is resting
    asked_to_wait_until: float = 0.0
    resting_until: float = 0.0
    probing: bool = False

    def succeeded(self) -> None:
        """Note an answer: the server is well."""
        self.strikes = 0
        self.resting_until = 0.0

    def asked_to_wait(self, seconds: float, now: float) -> None:
        """Note a Retry-After: it binds even if there is no other server."""
        self.asked_to_wait_until = max(self.asked_to_wait_until, now + seconds)

    def failed(self, pace: Pace, now: float) -> None:
        """Note a failure; from `pace.strikes` in a row on, rest, longer each time."""
        if now < self.resting_until:
            return  # what was in flight when the rest began says nothing new
        self.strikes += 1
        if self.is_sick(pace):
            self.resting_until = now + pace.rest(self.strikes - pace.strikes + 1)

    def is_sick(self, pace: Pace) -> bool:
        """Tell whether it kept failing and has not answered since."""
        return self.strikes >= pace.strikes


def wait_for(endpoint: Endpoint, all_of_them: Iterable[Endpoint], pace: Pace, now: float) -> float:
    """Return how long nothing may be sent to an endpoint; 0 means go ahead.

    A sick one rests only while another is well, and then gets one request at a time to
    show that it has recovered. Where all are sick, each ask's own back-off is the pace.
    """
    wait = endpoint.asked_to_wait_until - now
    others = (other for other in all_of_them if other is not endpoint)
    if endpoint.is_sick(pace) and any(not other.is_sick(pace) for other in others):
        wait = max(wait, endpoint.resting_until - now, pace.first_s if endpoint.probing else 0.0)
    return max(0.0, wait)
