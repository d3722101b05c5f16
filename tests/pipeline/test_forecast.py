"""The forecast against populations whose truth is known, and the pilot against a teacher."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.accounts import Spent
from pipeline.config import Prices
from pipeline.facts import RoundFacts
from pipeline.forecast import beside, predict, read_forecast, write_forecast
from pipeline.forecast_pilot import Trial, pilot_store, plant, run_rounds, sample, strata_of, trials
from pipeline.stages import running
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.rounds_support import rounds
from tests.pipeline.test_rounds import ALL, RULES
from tests.whole_run import WholeRun

SIZES = {"math/easy": 3_000, "math/hard": 1_000}


def population(dice: random.Random) -> list[Trial]:
    """Questions of which the hard ones are long and seldom answered."""
    easy = [Trial("math/easy", 1, 50, int(dice.lognormvariate(7, 0.5)), dice.random() < 0.8)
            for _ in range(SIZES["math/easy"])]  # fmt: skip
    hard = [Trial("math/hard", 2, 90, int(dice.lognormvariate(9, 0.7)), dice.random() < 0.2)
            for _ in range(SIZES["math/hard"])]  # fmt: skip
    return easy + hard


def test_the_interval_holds_the_truth_about_nine_times_of_ten() -> None:
    inside: Counter[str] = Counter()
    for seed in range(60):
        dice = random.Random(seed)
        everyone = population(dice)
        drawn = dice.sample(everyone[:3_000], 150) + dice.sample(everyone[3_000:], 50)
        found = predict(SIZES, drawn, 1_000.0, Prices()).figures
        truth = {
            "response_tokens": sum(trial.response_tokens for trial in everyone),
            "answered": sum(trial.answered for trial in everyone),
            "requests": 5_000,
        }
        for name, value in truth.items():
            inside[name] += found[name].low <= value <= found[name].high
    assert inside["requests"] == 60
    assert 46 <= inside["response_tokens"] <= 60
    assert 46 <= inside["answered"] <= 60


def test_a_larger_pilot_gives_a_narrower_interval() -> None:
    everyone = population(random.Random(1))
    widths = []
    for size in (50, 500):
        drawn = random.Random(2).sample(everyone[:3_000], size) + everyone[3_000 : 3_000 + size]
        found = predict(SIZES, drawn, 0.0, Prices()).figures["response_tokens"]
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2


def test_time_and_money_follow_from_tokens_and_prices() -> None:
    same = [Trial("math/easy", 1, 100, 1_000, True)] * 5
    prices = Prices(prompt_million=1.0, response_million=2.0, gpu_hour=3.0, gpus=8)
    figures = predict({"math/easy": 3_600}, same, 1_000.0, prices).figures
    assert figures["seconds"].middle == 3_600
    assert figures["gpu_hours"].middle == 8
    assert figures["money"].middle == pytest.approx(0.36 + 7.2 + 24.0)
    assert figures["yield"].middle == 1.0


def test_without_a_throughput_no_time_is_told() -> None:
    figures = predict({"a": 10}, [Trial("a", 1, 1, 1, False)], 0.0, Prices()).figures
    assert "seconds" not in figures and "gpu_hours" not in figures


def test_a_stratum_without_a_trial_takes_the_mean_of_all() -> None:
    drawn = [Trial("a", 1, 0, 100, True), Trial("b", 1, 0, 300, False)]
    figures = predict({"c": 10}, drawn, 0.0, Prices()).figures
    assert figures["response_tokens"].middle == 2_000


def test_a_forecast_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = predict(SIZES, [Trial("math/easy", 1, 50, 900, True)], 5.0, Prices())
    write_forecast(made, tmp_path)
    assert read_forecast(tmp_path) == made


def test_the_sample_has_its_size_and_some_of_everything() -> None:
    strata = {"a": [f"a{n}" for n in range(9_000)], "b": [f"b{n}" for n in range(900)], "c": ["c1"]}
    taken = sample(strata, 200, seed=3)
    assert sum(map(len, taken.values())) == pytest.approx(200, abs=2)
    assert {name: bool(ids) for name, ids in taken.items()} == {"a": True, "b": True, "c": True}
    assert len(taken["a"]) > 5 * len(taken["b"])
    assert taken == sample(strata, 200, seed=3) != sample(strata, 200, seed=4)


def test_fewer_questions_than_asked_for_are_all_taken() -> None:
    assert sample({"a": ["2", "1"], "b": ["3"]}, 200, seed=0) == {"a": ["1", "2"], "b": ["3"]}


def test_the_pilot_finds_what_its_questions_cost_and_the_run_asks_none_of_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback_teacher(replies=RULES) as server:
        made = rounds(tmp_path, server.url, ALL, rounds=2, policy="rethink")
        strata = strata_of(made.config, made.store)
        taken = sample(strata, 5, made.config.recipe.seed)
        pilot = pilot_store(made.store)
        plant(made.store, pilot, [id for ids in taken.values() for id in ids])
        with running(made.config, pilot) as run:
            run_rounds(run)
        found = trials(made.config, pilot, taken)
        asked = server.arrived()
        made.run()
        assert server.arrived() == 8 + 4  # what a run without a pilot asks
        assert asked == sum(trial.requests for trial in found) < 12
    assert len(found) == 5
    assert {trial.stratum for trial in found} == {"math/hard"}
    answered = {made.names[id] for id in taken["math/hard"]} - {"eight"}
    assert sum(trial.answered for trial in found) == len(answered)
    assert all(trial.response_tokens > 0 for trial in found)


def test_another_sample_replaces_the_pilot_and_the_same_one_keeps_it(tmp_path: Path) -> None:
    made = rounds(tmp_path, "http://127.0.0.1:9/v1", ALL, rounds=1)
    ids, pilot = sorted(made.names), pilot_store(made.store)
    plant(made.store, pilot, ids[:3])
    before = pilot.manifest("chosen", 0)
    plant(made.store, pilot, ids[:3])
    assert pilot.manifest("chosen", 0) == before
    plant(made.store, pilot, ids[:4])
    assert pilot.manifest("chosen", 0) != before
    assert sum(pilot.read("chosen", shard).num_rows for shard in range(2)) == 4


def test_the_forecast_stands_beside_what_happened(tmp_path: Path) -> None:
    rounds_ = [
        RoundFacts(0, 4, 4, 1, 3, 0, 0, 1, 1, 999),
        RoundFacts(1, 3, 3, 2, 1, 0, 0, 2, 2, 3_300),
    ]
    made = predict({"a": 4}, [Trial("a", 1, 100, 1_000, True)] * 3, 1_000.0, Prices(gpus=2))
    lines = beside(made, rounds_, Spent(7_200.0, 300, 3_000, 0.0), Prices(gpus=2))
    found = {name: (expected, now) for name, expected, _, now in lines}
    assert found["tokens, prompts and responses"] == ("4,400", "3,300")
    assert found["questions answered"] == ("4", "3")
    assert found["GPU hours"] == ("0.00222", "4")


def test_the_command_tells_what_the_run_then_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with loopback_teacher() as server:
        config = str(WholeRun(tmp_path, server.url, limit=40).config)
        assert main(["forecast", config, "--offline"]) == 0
        assert "from recorded rates" in capsys.readouterr().out
        assert server.arrived() == 0
        assert main(["forecast", config, "--questions", "1000"]) == 0
        said, asked = capsys.readouterr().out, server.arrived()
        assert main(["forecast", config, "--offline", "--questions", "1000"]) == 0
        assert main(["run", config]) == 0
        assert server.arrived() == asked > 0
    # All questions were in the pilot, so that the forecast is what happens.
    expected = re.search(r"requests +([\d,]+)", said)
    assert expected is not None and int(expected[1].replace(",", "")) == asked
    report = (tmp_path / "data" / "set" / "1" / "report.html").read_text()
    assert "Forecast, and what has happened by now" in report
