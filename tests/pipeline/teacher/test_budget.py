"""A cap is never passed, and what is spent is what was counted."""

from __future__ import annotations

import pytest

from pipeline.config import Caps, Prices
from pipeline.errors import BudgetSpent
from pipeline.recipe import Sampling
from pipeline.teacher.budget import Budget, Tokens
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import MakeClient, questions


def budget(tokens: int | None = None, money: float | None = None, **prices: float) -> Budget:
    return Budget(Caps(tokens=tokens, money=money), Prices(**prices))  # type: ignore[arg-type]


def test_without_a_cap_everything_fits() -> None:
    assert budget().promise("a", 10**12, 10**12)


def test_what_is_promised_to_others_does_not_fit_twice() -> None:
    made = budget(tokens=100)
    assert made.promise("a", 0, 60)
    assert not made.promise("b", 0, 60)
    made.settle("a", Tokens(5, 10))
    assert made.promise("b", 0, 60)
    assert made.spent.total == 15


def test_a_broken_reply_costs_what_had_come_of_it() -> None:
    made = budget(tokens=1_000)
    made.promise("a", 20, 500)
    made.settle("a", None, chars=350)
    assert made.spent == Tokens(prompt=10, response=100)


def test_a_request_that_brought_nothing_costs_nothing() -> None:
    made = budget(tokens=1_000)
    made.promise("a", 20, 500)
    made.settle("a", None)
    assert made.spent.total == 0


def test_money_is_tokens_at_their_prices() -> None:
    made = budget(money=1.0, prompt_million=1.0, response_million=2.0)
    made.add(Tokens(200_000, 300_000))
    assert made.money() == pytest.approx(0.8)
    assert not made.promise("a", 0, 100_001)
    assert made.promise("a", 0, 99_999)


def test_money_is_also_the_gpus_time() -> None:
    made = Budget(Caps(), Prices(gpu_hour=2.0, gpus=8), seconds_before=1_800)
    assert made.money() == pytest.approx(8.0, abs=0.1)


def test_at_the_cap_a_run_ends_and_what_arrived_is_yielded(make_client: MakeClient) -> None:
    made = budget(tokens=2_000)
    got = []
    with loopback_teacher() as server:
        client = make_client(server.url, budget=made, sampling=Sampling(max_tokens=100))
        with pytest.raises(BudgetSpent, match=r"runtime\.budget.*2,000 tokens"):
            got += [reply for _, reply in client.replies(questions(500))]
            pytest.fail("it ended without an error")
        assert server.answered()["reply"] == client.account()[0]["replies"]
        replies = client.account()[0]["replies"]
    assert 1_800 < made.spent.total <= 2_000
    assert 30 < replies < 500


def test_under_the_cap_nothing_changes(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        client = make_client(server.url, budget=budget(tokens=10**9))
        assert len(list(client.replies(questions(50)))) == 50
