"""What an evaluation's runtime limits and names: tokens, and where programs run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BudgetSpent, ConfigError
from pipeline.evaluation.config import EvaluationConfig, EvaluationRuntime
from pipeline.evaluation.judging import Judges, where_programs_run
from pipeline.evaluation.rounds import open_budget
from pipeline.evaluation.tables import open_store
from pipeline.teacher.budget import Budget
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.evaluation.support import Plan, config_of, replies_of, scores_of

PLANS = [Plan(f"Which number is {n}?", str(n), rounds=[[str(n)], [str(n)]]) for n in range(3, 7)]
CAP = "\n[runtime.budget]\ntokens = {}\n"


def test_a_cap_ends_a_run_before_it_is_passed(tmp_path: Path) -> None:
    with loopback_teacher(replies=replies_of(PLANS)) as teacher:
        config = config_of(tmp_path, teacher.url, PLANS, CAP.format(20_000))
        with pytest.raises(BudgetSpent, match=r"runtime\.budget.*20,000 tokens"):
            scores_of(config)
        assert teacher.requests() == []


def test_what_earlier_runs_asked_counts(tmp_path: Path) -> None:
    with loopback_teacher(replies=replies_of(PLANS)) as teacher:
        config = config_of(tmp_path, teacher.url, PLANS, CAP.format(10_000_000))
        assert open_budget(config, open_store(config)).spent.total == 0
        scores = scores_of(config)
        told = [score.lengths for rounds in scores.rounds.values() for score in rounds]
        assert len(told) == 2
        written = sum(one.tokens * one.counted for one in told if one.tokens is not None)
        assert open_budget(config, open_store(config)).spent.response == pytest.approx(written)


def test_what_is_asked_again_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard of which a reply was refused is written again, with what it had cost before."""
    budgets: list[Budget] = []

    def opened(*given: Any) -> Budget:
        budgets.append(open_budget(*given))
        return budgets[-1]

    monkeypatch.setattr("pipeline.evaluation.experiment.open_budget", opened)
    fault = {"fault": "400", "contains": PLANS[0].question, "until": 8}
    with loopback_teacher(replies=replies_of(PLANS), faults=[fault]) as teacher:
        config = config_of(tmp_path, teacher.url, PLANS, CAP.format(10_000_000))
        scores_of(config)
        assert teacher.answered()["400"] > 0
        scores_of(config)
    assert budgets[-1].spent.response > budgets[0].spent.response
    assert budgets[-1].spent == open_budget(config, open_store(config)).spent


def test_the_machine_says_where_programs_run() -> None:
    url = "http://127.0.0.1:8080"
    assert where_programs_run(EvaluationRuntime()) == {}
    assert where_programs_run(EvaluationRuntime(sandbox_fusion_url=url)) == {
        "sandbox_fusion_url": url
    }
    assert where_programs_run(EvaluationRuntime(unsafe_no_sandbox=True)) == {
        "unsafe_no_sandbox": True
    }


def test_the_code_verifier_is_made_with_it(tmp_path: Path) -> None:
    """An address that is none is refused by the verifier, so it did arrive there."""
    model = {"name": "m", "model": "m", "revision": "1", "engine": "transformers"}
    config = EvaluationConfig.model_validate(
        {
            "name": "e",
            "version": "1",
            "evaluation": {"models": [model], "benchmarks": ["mbpp"]},
            "runtime": {"data": str(tmp_path), "sandbox_fusion_url": "not an address"},
        }
    )
    with Judges(config) as judges, pytest.raises(ConfigError, match="sandbox_fusion_url"):
        judges.of(config.evaluation.benchmarks[0])
