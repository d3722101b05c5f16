"""What a recipe may say of a reward model, and a whole run with one."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.recipe import Verify
from pipeline.recipe_reward import Reward
from pipeline.records import Verdict
from pipeline.stages import open_store
from tests.loopback_rewards import loopback_rewards
from tests.loopback_teacher import loopback_teacher
from tests.whole_run import chat_config

RECIPE = """
[recipe.verify.by_kind]
chat = "reward"
[recipe.verify.reward]
engine = "vllm"
model = "small"
revision = "1"
"""
RUNTIME = """
[runtime.reward]
urls = ["{url}"]
retries = 2
"""
URLS = 'urls = ["http://127.0.0.1:9/v1"]\n'


def write(folder: Path, url: str) -> str:
    answers = ["good", "poor", "good [429]", "poor [500]", "good [two]"]
    return chat_config(folder, answers, RECIPE, RUNTIME.format(url=url))


def reasons(config: str, verifier: str = "reward") -> Counter[str]:
    store = open_store(load_config(config))
    tables = (store.read("verdicts/round=00", shard) for shard in range(2))
    rows = [verdict for table in tables for verdict in Verdict.from_table(table)]
    return Counter(row.reason for row in rows if row.verifier == verifier)


def test_a_run_publishes_what_the_model_likes(tmp_path: Path) -> None:
    with loopback_rewards() as server:
        config = write(tmp_path, server.url)
        assert main(["run", config]) == 0
        asked = len(server.asked())
        assert main(["run", config, "--rebuild", "verdicts"]) == 0
        assert len(server.asked()) == asked == 7  # five answers, two of which failed once
    counted = {"above_threshold": 2, "below_threshold": 2, "reward_unreadable": 1}
    assert reasons(config) == counted
    card = (tmp_path / "published" / "set" / "1" / "README.md").read_text()
    assert "reward" in card


def test_thresholds_are_read_off_the_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with loopback_rewards() as server:
        config = write(tmp_path, server.url)
        assert main(["run", config]) == 0
        capsys.readouterr()
        assert main(["thresholds", config, "--keep", "0.5"]) == 0
        told = capsys.readouterr().out
        lines = [line for line in told.splitlines() if " = " in line]
        assert sum(int(re.findall(r"# (\d+) scores", line)[0]) for line in lines) == 4
        text = Path(config).read_text()
        table = "\n".join(f"{line.split(' = ')[0]} = 0.2" for line in lines)
        more = f"[recipe.verify.reward.thresholds]\n{table}\n[runtime]"
        Path(config).write_text(text.replace("[runtime]", more).replace('"1"\n', '"2"\n', 1))
        assert main(["run", config]) == 0
    assert reasons(config)["above_threshold"] == 4


QUALITY = """[recipe.verify.quality]
model = "grader"
revision = "1"
asks = "{asks}"
[runtime.quality]
urls = ["{url}"]
retries = 2
"""


@pytest.mark.parametrize(
    ("asks", "asked", "published"),
    [("approved", {"good": 2}, 2), ("doubtful", {"two": 1}, 3)],
)
def test_a_second_opinion_is_asked_where_the_recipe_says(
    tmp_path: Path, asks: str, asked: dict[str, int], published: int
) -> None:
    """Of two approved answers the grader likes one; of the doubtful one it thinks well.

    Where nobody vouches for the doubtful one, it is kept because it came with the source.
    """
    said = [
        {"contains": "429", "text": "SCORE: 2"},
        {"contains": "It is good", "text": "Fine.\nSCORE: 5"},
    ]
    with loopback_rewards() as server, loopback_teacher(replies=said) as grader:
        config = write(tmp_path, server.url)
        with Path(config).open("a") as file:
            file.write(QUALITY.format(asks=asks, url=grader.url))
        assert main(["run", config]) == 0
        bodies = [json.dumps(line["body"]) for line in grader.requests()]
    assert {word: sum(word in body for body in bodies) for word in asked} == asked
    assert len(bodies) == sum(asked.values())
    ledger = json.loads((tmp_path / "published" / "set" / "1" / "ledger.json").read_text())
    assert ledger["published"] == published


def test_a_version_without_scores_has_no_thresholds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["thresholds", write(tmp_path, "http://127.0.0.1:9/v1")]) == 2
    assert "no response has a score" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((URLS, ""), "runtime.reward.urls: is empty"),
        (('engine = "vllm"', 'engine = "transformers"'), "names a server, and no"),
        (('chat = "reward"', 'math = "math"'), "go together"),
        (('model = "small"', "model = 'small'\ntrust_remote_code = true"), "40 hexadecimal digits"),
    ],
)
def test_settings_that_do_not_fit_are_told_before_anything_is_done(
    tmp_path: Path, change: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(write(tmp_path, "http://127.0.0.1:9/v1"))
    config.write_text(config.read_text().replace(*change))
    assert main(["run", str(config)]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weights": {"wit": 1.0}}, "must name attributes"),
        ({"engine": "head"}, "the stand-in gives one"),
        ({"engine": "vllm", "trust_remote_code": True, "revision": "a" * 40}, "means nothing"),
        ({"divisor": 0.0}, "greater than 0"),
    ],
)
def test_a_reward_that_can_not_be_meant_is_refused(change: dict[str, Any], told: str) -> None:
    given = {"engine": "transformers", "model": "m", "revision": "1"}
    with pytest.raises(ValidationError, match=told):
        Reward.model_validate({**given, **change})


def test_without_a_reward_model_verdicts_stay_current() -> None:
    assert Verify().identity().keys() == {"by_kind", "settings"}
