"""The stand-in: trained from pairs, kept in a file, scored with, and honest about itself."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.audit import wilson
from pipeline.config import Runtime
from pipeline.errors import ConfigError, InputError
from pipeline.recipe_reward import Reward
from pipeline.rewards import open_reward
from pipeline.rewards.pairs import Pair, pair_of, read_pairs
from pipeline.rewards.training import Ridge, fit, held_out

HEAD: dict[str, Any] = {
    "engine": "head",
    "attributes": ("preference",),
    "weights": {"preference": 1.0},
    "divisor": 1.0,
    "threshold": 0.5,
}
THINGS = ("river", "town", "bird", "tool", "stone", "king", "metal", "fruit")


def write_pairs(path: Path, count: int = 60) -> Path:
    """Write pairs of which the better one is whole and the worse one repeats a word."""
    chance = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            thing = chance.choice(THINGS)
            row = {
                "prompt": f"Tell me of {thing} {number}.",
                "chosen": f"The {thing} with number {number} is old. It is well known, and large.",
                "rejected": f"{thing} " * chance.randint(3, 30),
            }
            file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("head")
    output = folder / "head.json"
    assert main(["train-reward", str(write_pairs(folder / "p.jsonl")), "-o", str(output)]) == 0
    return output, hashlib.sha256(output.read_bytes()).hexdigest()


def test_it_puts_the_better_answer_first(trained: tuple[Path, str]) -> None:
    path, revision = trained
    answers = ["A bridge is a way over a river. It is built of stone.", "bridge " * 12]
    rows = [{"prompt": "What is a bridge?", "answer": f"<think>x</think>{a}"} for a in answers]
    reward = Reward(model=str(path), revision=revision, **HEAD)
    with open_reward(reward, Runtime(), path.parent) as verifier:
        good, bad = verifier.results(rows)
    assert good.score is not None and bad.score is not None
    assert 0 < bad.score < 0.5 < good.score < 1
    assert good.evidence["stand_in"] is True


def test_the_file_tells_how_well_it_does_on_other_questions(trained: tuple[Path, str]) -> None:
    told = json.loads(trained[0].read_text())
    assert told["held_out"]["pairs"] == 60
    assert told["held_out"]["low"] < told["held_out"]["accuracy"] <= 1.0
    assert told["trained_on"] == [
        {"file": "p.jsonl", "pairs": 60, "left_out": 0, "held_out_accuracy": 1.0}
    ]


def test_training_again_gives_the_same_file(trained: tuple[Path, str], tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "p.jsonl")
    main(["train-reward", str(pairs), "-o", str(tmp_path / "again.json")])
    first, again = (json.loads(p.read_text()) for p in (trained[0], tmp_path / "again.json"))
    assert np.allclose(first["weights"], again["weights"], atol=1e-6)


def test_another_file_than_the_recipes_is_refused(trained: tuple[Path, str]) -> None:
    reward = Reward(model=str(trained[0]), revision="0" * 64, **HEAD)
    with (
        pytest.raises(ConfigError, match="must be the SHA-256"),
        open_reward(reward, Runtime(), trained[0].parent),
    ):
        pass


@pytest.mark.parametrize("content", ["", "{}", '{"format": "other"}', "[1]", "\x00\x01"])
def test_a_file_that_is_no_head_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "head.json").write_text(content)
    reward = Reward(model=str(tmp_path / "head.json"), revision="1", **HEAD)
    with (
        pytest.raises(ConfigError, match="no head of train-reward"),
        open_reward(reward, Runtime(), tmp_path),
    ):
        pass


def test_held_out_pairs_are_never_trained_on() -> None:
    """Random labels can't be learnt, so that only a head that saw its own pairs beats chance."""
    draw = np.random.default_rng(0)
    given = draw.normal(size=(200, 120))
    pairs = [Pair(f"q{k}", "a", "b") for k in range(200)]
    ridge = Ridge(form=1e-3, vectors=1e-3)
    fitted = fit(given, given, ridge)
    assert (given @ (fitted.weights / fitted.scale) > 0).mean() > 0.9
    assert 0.35 < held_out(given, pairs, ridge, 5).mean() < 0.65


def test_pairs_of_one_question_are_in_one_fold() -> None:
    given = np.ones((20, 30))
    pairs = [Pair("the same", "a", "b")] * 20
    assert not held_out(given, pairs, Ridge(), 5).any()  # nothing was left to learn from


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, Pair("q", "a", "b")),
        (
            {
                "prompt": [{"role": "user", "content": "q"}],
                "chosen": [{"role": "assistant", "content": "a"}],
                "rejected": [{"role": "assistant", "content": "b"}],
            },
            Pair("q", "a", "b"),
        ),
        (
            {
                "conversations": '[{"from": "human", "value": "q"}]',
                "chosen": '{"from": "gpt", "value": "a"}',
                "rejected": '{"from": "gpt", "value": "b"}',
            },
            Pair("q", "a", "b"),
        ),
        (
            {
                "instruction": "q", "input": "i", "response1": '"a"', "response2": "b",
                "annotator1": 2, "annotator2": 2, "annotator3": 1,
            },
            Pair("q\n\ni", "b", "a"),
        ),
        ({"instruction": "q", "response1": "a", "response2": "b", "annotator1": 0}, None),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, None),
        ({"prompt": "", "chosen": "a", "rejected": "b"}, None),
        ({"text": "x"}, None),
    ],
)  # fmt: skip
def test_three_forms_of_a_pair_are_read(row: dict[str, Any], wanted: Pair | None) -> None:
    assert pair_of(row) == wanted


def test_a_file_without_pairs_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"text": "x"}\nno json\n')
    with pytest.raises(InputError, match="none of its 2 rows"):
        read_pairs(path)


def test_too_few_pairs_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train-reward", str(write_pairs(tmp_path / "p.jsonl", 3))]) == 2
    assert "too few to learn from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_wilsons_interval(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=1e-4)
