"""Labels as the stage gives them: whose they are, and what a source says before all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import Config, load_config
from pipeline.label import label, source_difficulty
from pipeline.labelling import words
from pipeline.labelling.asking import Heard
from pipeline.records import DIFFICULTIES, Label, Message, Question
from pipeline.stages import open_store


def question(text: str, kind: str = "math", **metadata: str) -> Question:
    return Question.new(
        "s",
        [Message("user", text)],
        source_revision="1",
        licence="MIT",
        kind=kind,
        metadata=json.dumps(metadata),
    )


def config(**label: Any) -> Config:
    recipe = {
        "sources": [{"source": "quickstart"}],
        "distill": {"rounds": 0},
        "label": label,
    }
    return Config.model_validate({"name": "set", "version": "1", "recipe": recipe})


MODEL = {"model": "m", "revision": "1"}
GUESS = ("math", "easy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write a short story about a clock.", "creative_writing"),
        ("Translate this sentence into French: …", "translation"),
        ("请把这句话翻译成英文", "translation"),
        ("Plan a trip of three days to Chengdu", "planning"),
        ("Why is the sky blue?", "information_seeking"),
        ("Hello there", "others"),
    ],
)
def test_words_alone_name_a_category(text: str, expected: str) -> None:
    assert words.category(text) == expected


def test_a_longer_harder_looking_question_is_not_easier() -> None:
    plain = words.difficulty(question("What is 2+2?"), 5)
    hard = "Let $a$, given $b$ such that $a^2=b$, suppose where $c$ if $d$, find \\frac{a}{b}."
    found = words.difficulty(question(hard), 300)
    assert DIFFICULTIES.index(found) > DIFFICULTIES.index(plain)


def test_a_label_says_whose_it_is() -> None:
    asked = question("2+2?")
    linear = label(config(), asked, 5, GUESS, None)
    assert (linear.category, linear.difficulty, linear.labeller) == (*GUESS, "linear-1")
    by_words = label(config(baseline="words"), asked, 5, GUESS, None)
    assert by_words.labeller == "words-1"
    said = label(config(model=MODEL), asked, 5, GUESS, Heard("coding", "hard"))
    assert (said.category, said.difficulty, said.labeller) == ("coding", "hard", "m")


@pytest.mark.parametrize("why", ["unreadable", "refused", "cut off"])
def test_a_reply_that_is_no_label_leaves_the_baselines_and_is_told(why: str) -> None:
    found = label(config(model=MODEL), question("2+2?"), 5, GUESS, Heard(why=why))
    assert (found.category, found.difficulty) == GUESS
    assert found.labeller == f"linear-1 ({why} reply of m)"


def test_a_sources_own_difficulty_is_taken_where_it_is_one() -> None:
    given = label(config(), question("2+2?", difficulty="very_hard"), 5, GUESS, None)
    assert (given.difficulty, given.labeller) == ("very_hard", "linear-1, difficulty from source")
    assert source_difficulty(question("2+2?", difficulty="9/10")) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"categories": {"math": "sums"}}, "others"),
        ({"category_of_kind": {"maths": "math"}}, "must be kinds"),
        ({"category_of_kind": {"math": "sums"}}, "must name categories"),
        ({"model": {**MODEL, "prompt": "label it"}}, "must contain"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config(**settings)


SET = """
name = "set"
version = "1"
[recipe]
shards = 2
[recipe.distill]
rounds = 0
[recipe.label]
baseline = "{baseline}"
categories = {{ math = "sums", translation = "languages", others = "all else" }}
category_of_kind = {{ math = "math" }}
[[recipe.sources]]
source = "local_files"
name = "mine"
licence = "MIT"
revision = "1"
path = "{folder}/q.jsonl"
kind = "{kind}"
columns = {{ prompt = "question" }}
[runtime]
data = "{folder}/data"
workers = 1
"""
ASKED = ("Translate to German: I am tired.", "Write a poem about a bicycle.", "!")


def labelled(folder: Path, baseline: str, kind: str) -> dict[str, Label]:
    lines = [json.dumps({"question": text}) for text in ASKED]
    (folder / "q.jsonl").write_text("\n".join(lines), encoding="utf-8")
    path = folder / "set.toml"
    path.write_text(SET.format(folder=folder, baseline=baseline, kind=kind), encoding="utf-8")
    assert main(["run", str(path), "--only", "collect,embed,label"]) == 0
    store = open_store(load_config(str(path)))
    found = {}
    for shard in range(store.shards):
        texts = {q.id: q.user_text for q in Question.from_table(store.read("questions", shard))}
        rows = Label.from_table(store.read("labels", shard))
        found |= {texts[row.id]: row for row in rows}
    return found


@pytest.mark.parametrize("baseline", ["linear", "words"])
def test_every_category_is_one_of_the_taxonomy(tmp_path: Path, baseline: str) -> None:
    found = labelled(tmp_path, baseline, "chat")
    assert found[ASKED[0]].category == "translation"
    assert {row.category for row in found.values()} <= {"math", "translation", "others"}


def test_a_kind_with_a_verifier_of_its_own_is_its_category(tmp_path: Path) -> None:
    assert {row.category for row in labelled(tmp_path, "linear", "math").values()} == {"math"}
