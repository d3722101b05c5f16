"""The plan from recorded rates: what it adds up, and that it says what it knows from whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import Config
from pipeline.forecast_plan import is_recorded, lines, make_plan, throughputs
from pipeline.recorded import ANSWERED, LENGTHS, TOKENS, tokens_of
from pipeline.records import DIFFICULTIES, KINDS

R1 = {"name": "R1", "model": "deepseek-ai/DeepSeek-R1", "revision": "1", "engine": "openai"}
SOURCE = {"source": "open_r1_math"}  # 220,000 rows that carry responses


def config_of(**recipe: Any) -> Config:
    values = {"sources": [SOURCE], "teacher": R1, **recipe}
    prices = {"gpus": 16, "gpu_hour": 2.0}
    data = {"name": "set", "version": "1", "recipe": values, "runtime": {"prices": prices}}
    return Config.model_validate(data)


def test_there_is_a_rate_for_every_kind_and_difficulty() -> None:
    assert set(TOKENS) == set(DIFFICULTIES)
    assert set(LENGTHS) == set(KINDS)


def test_tokens_are_those_of_each_stratum_times_the_requests() -> None:
    plan = make_plan(config_of(), {"math/hard": 10, "code/medium": 4})
    assert plan.requests == 14
    expected = 10 * tokens_of("math", "hard") + 4 * tokens_of("code", "medium")
    assert plan.response_tokens == pytest.approx(expected)


def test_later_rounds_ask_what_the_first_left_open() -> None:
    plan = make_plan(config_of(distill={"rounds": 3, "attempts": 2}), {"math/hard": 100})
    assert plan.requests == pytest.approx(100 * (2 + 2 * 2 * (1 - ANSWERED.value)))


def test_no_response_is_longer_than_max_tokens() -> None:
    short = {**R1, "sampling": {"max_tokens": 100}}
    assert make_plan(config_of(teacher=short), {"math/hard": 7}).response_tokens == 700


def test_before_anything_is_built_a_limit_and_a_quota_bound_a_source() -> None:
    open_ = 1 - ANSWERED.value  # of a source that carries responses
    whole = make_plan(config_of(), None)
    limited = make_plan(config_of(sources=[{**SOURCE, "limit": 1_000}]), None)
    cut = make_plan(config_of(choose={"per_source": {"open_r1_math": 500}}), None)
    sums = [sum(plan.sizes.values()) for plan in (whole, limited, cut)]
    assert sums == pytest.approx([220_000 * open_, 1_000 * open_, 500 * open_])


def test_a_share_of_the_easy_ones_is_a_share_of_them_in_the_plan() -> None:
    plan = make_plan(config_of(choose={"keep": {"medium": 0.5}}), None)
    whole = make_plan(config_of(), None)
    assert plan.sizes["math/medium"] == pytest.approx(whole.sizes["math/medium"] / 2)
    assert plan.sizes["math/hard"] == pytest.approx(whole.sizes["math/hard"])


def test_hours_of_another_model_are_not_told_without_its_speed() -> None:
    assert is_recorded("deepseek-ai/DeepSeek-R1")
    assert not is_recorded("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    other = config_of(teacher={**R1, "model": "Qwen/QwQ-32B"})
    assert not throughputs(other, None)
    (given,) = throughputs(other, 3_200.0)
    assert given.tokens == 200  # of each of 16 GPUs
    assert any("--tokens-per-second" in line for line in lines(make_plan(other, None), other, None))


def test_the_recipe_of_the_original_has_a_plan_and_its_guesses_are_called_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["forecast", "am-1.4m", "--offline"]) == 0
    said = capsys.readouterr().out
    recorded, assumed = said.split("reckoned from what others published:")[1].split("assumed:")
    assert "guess" not in recorded
    assert "tokens of a prompt" in assumed
    assert "GPU hours" in said
    assert not list(tmp_path.rglob("*.parquet"))  # nothing was built
