"""Caps on what a teacher may cost: nothing is sent that could lead past them.

    [runtime.budget]
    tokens = 50_000_000            # prompts and responses of this version, from its first round on
    money = 200.0
    [runtime.prices]
    prompt_million = 0.55          # for a server that bills tokens
    response_million = 2.19
    gpu_hour = 0.0                 # for one of your own: times `gpus`, while it is asked

Each request is sent only if the most that it and all others in flight may still cost fits under
the cap, so that a cap is never passed: towards the end fewer and fewer are in flight. Two parts
are estimates, since no server counts them beforehand or at all: the length of a prompt, and
what had come of a reply that broke off.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from pipeline.config import Caps, Prices
from pipeline.errors import BudgetSpent
from pipeline.teacher.account import CHARS_A_TOKEN

PROMPT_CHARS_A_TOKEN = 2.0  # cautious: English has 4, Chinese between 1 and 2


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of prompts and of responses."""

    prompt: float = 0.0
    response: float = 0.0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.response + other.response)

    @property
    def total(self) -> float:
        """Both together."""
        return self.prompt + self.response

    def money(self, prices: Prices) -> float:
        """Return what a server that bills tokens asks for them."""
        millions = self.prompt * prices.prompt_million + self.response * prices.response_million
        return millions / 1e6


class Budget:
    """What is spent, what is promised to requests in flight, and what is left; thread-safe."""

    def __init__(self, caps: Caps, prices: Prices, seconds_before: float = 0.0) -> None:
        """`seconds_before` are those in which earlier runs asked, at `gpu_hour`."""
        self.caps, self.prices = caps, prices
        self.spent = Tokens()
        self._promised: dict[str, Tokens] = {}
        self._aside = Tokens()  # the sum of what is promised
        self._started = time.monotonic() - seconds_before
        self._lock = Lock()

    def add(self, spent: Tokens) -> None:
        """Count tokens that were paid for before."""
        with self._lock:
            self.spent += spent

    def promise(self, key: str, prompt_chars: int, max_tokens: int) -> bool:
        """Set aside what a request may cost; tell whether that fits, else nothing is set aside."""
        most = Tokens(prompt_chars / PROMPT_CHARS_A_TOKEN, max_tokens)
        with self._lock:
            if self._over(self.spent + self._aside + most):
                return False
            self._promised[key] = most
            self._aside += most
            return True

    def settle(self, key: str, cost: Tokens | None, chars: int = 0) -> None:
        """Replace what was set aside by what it cost; without a count, `chars` estimate it."""
        with self._lock:
            most = self._promised.pop(key, Tokens())
            self._aside += Tokens(-most.prompt, -most.response)
            if cost is None:
                cost = Tokens(most.prompt if chars else 0.0, chars / CHARS_A_TOKEN)
            self.spent += cost

    def money(self, tokens: Tokens | None = None) -> float:
        """Return what has been spent by now, at the prices, GPU time included."""
        hours = (time.monotonic() - self._started) / 3_600
        gpus = hours * self.prices.gpus * self.prices.gpu_hour
        return (self.spent if tokens is None else tokens).money(self.prices) + gpus

    def reached(self) -> BudgetSpent:
        """Return the error that ends a run at its cap."""
        spent = f"{self.spent.total:,.0f} tokens, {self.money():,.2f} {self.prices.currency}"
        return BudgetSpent(
            f"runtime.budget: the next request might lead past the cap ({self._caps()}); spent"
            f" are {spent}. What arrived is kept: raise the cap and run again, or lower"
            " rounds, attempts or samples"
        )

    def _over(self, tokens: Tokens) -> bool:
        caps = self.caps
        return (caps.tokens is not None and tokens.total > caps.tokens) or (
            caps.money is not None and self.money(tokens) > caps.money
        )

    def _caps(self) -> str:
        tokens = f"{self.caps.tokens:,} tokens" if self.caps.tokens is not None else ""
        money = f"{self.caps.money:,.2f} {self.prices.currency}" if self.caps.money else ""
        return " and ".join(filter(None, (tokens, money)))
