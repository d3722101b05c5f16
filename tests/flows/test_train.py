"""The flows that train and measure, on a real server: what is left behind, and what is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.request import Train
from flows.train import on_version
from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.store import Store
from pipeline.students import Score, known
from pipeline.training.config import load_training
from tests.flows.conftest import Server
from tests.pipeline.training.student_support import student

DATASET = """
name = "set"
version = "1"
[recipe]
shards = 1
[[recipe.sources]]
source = "local_files"
name = "numbers"
licence = "Apache-2.0"
revision = "1"
path = "{folder}/rows.jsonl"
kind = "math"
teacher = "by-rule"
columns.prompt = "question"
columns.reference_answer = "answer"
columns.response = "response"
[recipe.distill]
rounds = 0
[recipe.decontaminate]
benchmarks = ["{folder}/asked.jsonl"]
[runtime]
workers = 1
data = "{folder}/data"
published = "{folder}/published"
"""
TRAINING = """
name = "tiny"
version = "1"
[training]
batch = 2
epochs = 1
max_tokens = 700
[training.student]
model = "{folder}/student"
revision = "1"
system = "Think."
[[training.data]]
path = "stands/for/the/version"
configs = ["open_source"]
[runtime]
data = "{folder}/data"
device = "cpu"
precision = "fp32"
"""
EVALUATION = """
name = "asked"
version = "1"
[evaluation]
rounds = 2
shards = 1
[[evaluation.models]]
name = "form"
model = "{folder}/student"
revision = "1"
engine = "transformers"
sampling = {{ max_tokens = 4 }}
[[evaluation.benchmarks]]
benchmark = "local_questions"
path = "{folder}/asked.jsonl"
samples = 1
[runtime]
data = "{folder}/data"
workers = 1
"""


def prepared(folder: Path) -> None:
    """Write a student, twelve worked questions, three others, and the configurations."""
    student(folder / "student")
    things = ("bolt", "cup", "drum", "egg", "fan", "gem", "hat", "ink", "jar", "key", "log", "mat")
    rows = [
        {
            "question": f"A {thing} costs {n} coins and a lid for it one more. What do both cost?",
            "answer": str(2 * n + 1),
            "response": f"<think>\n{n} + {n} + 1 = {2 * n + 1}\n</think>\n\\boxed{{{2 * n + 1}}}",
        }
        for n, thing in enumerate(things, start=3)
    ]
    asked = [{"question": "Is 1 + 1 two? And what is 9 - 4?", "answer": "5"}]
    for name, lines in (("rows", rows), ("asked", asked)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    for name, text in (("set", DATASET), ("training", TRAINING), ("asked", EVALUATION)):
        (folder / f"{name}.toml").write_text(text.format(folder=folder), encoding="utf-8")


def called(server: Server, program: str) -> str:
    """Run a flow in a process of its own against the server; returns what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=server.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout + done.stderr


def shown(server: Server, key: str) -> str:
    """Return the artifact of a key."""
    found = server.post("/artifacts/filter", artifacts={"key": {"any_": [key]}}).json()
    return str(found[0]["data"])


@dataclass
class Story:
    folder: Path
    said: str
    scores: list[Score]


@pytest.fixture(scope="module")
def story(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A dataset built, a student trained on it and measured, in one run of the flow."""
    folder = tmp_path_factory.mktemp("train")
    prepared(folder)
    program = (
        "from flows.train import train_student; from flows.request import Train;"
        f"train_student(Train(config='{folder}/set.toml', training='{folder}/training.toml',"
        f" evaluation='{folder}/asked.toml'))"
    )
    said = called(server, program)
    return Story(folder, said, known(Store(folder / "data", "set", "1", 1)))


def test_the_card_ties_the_version_to_its_students_scores(story: Story) -> None:
    (score,) = story.scores
    assert (score.version, score.student) == ("1", "tiny-1-set-1")
    assert (score.benchmark, score.round, score.questions) == ("Own questions", 2, 1)
    card = (story.folder / "published" / "set" / "1" / "README.md").read_text(encoding="utf-8")
    assert "## Students" in card
    assert f"| 1 | tiny-1-set-1 | Own questions | 2 | 1 | {100 * score.pass1:.1f} |" in card


def test_the_student_learnt_what_the_version_publishes(story: Story) -> None:
    folder = story.folder / "data" / "students" / "tiny" / "1-set-1" / "all"
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    ledger = json.loads((story.folder / "published/set/1/ledger.json").read_text(encoding="utf-8"))
    assert record["made"]["samples"]["samples"] == ledger["published"] > 0
    assert record["fingerprint"] == story.scores[0].training


def test_the_run_shows_the_scores(story: Story, server: Server) -> None:
    assert "tiny-1-set-1" in shown(server, "tiny-students-compared")


def test_rounds_are_measured_as_a_flow(story: Story, server: Server) -> None:
    program = (
        "from flows.think_twice import think_twice; from flows.request import Rounds;"
        f"think_twice(Rounds(config='{story.folder}/asked.toml',"
        f" pairs='{story.folder}/pairs.jsonl'))"
    )
    said = called(server, program)
    assert "pairs, wrong then right" in said
    assert (story.folder / "pairs.jsonl").is_file()
    assert "| form | 2 |" in shown(server, "asked-accuracy")


def test_a_training_on_several_places_does_not_stand_for_a_version(tmp_path: Path) -> None:
    prepared(tmp_path)
    path = tmp_path / "training.toml"
    path.write_text(path.read_text() + '[[training.data]]\npath = "more"\n', encoding="utf-8")
    with pytest.raises(UserError, match="must be one place"):
        on_version(load_training(str(path)), load_config(str(tmp_path / "set.toml")))


def test_another_version_of_the_dataset_makes_another_student(tmp_path: Path) -> None:
    prepared(tmp_path)
    training = load_training(str(tmp_path / "training.toml"))
    versions = [
        on_version(training, load_config(str(tmp_path / "set.toml"), version)).version
        for version in ("1", "2")
    ]
    assert versions == ["1-set-1", "1-set-2"]


def test_a_request_names_what_it_needs() -> None:
    with pytest.raises(ValueError, match="training"):
        Train.model_validate({"config": "quickstart", "evaluation": "think-twice"})
