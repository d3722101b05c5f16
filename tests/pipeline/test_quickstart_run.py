"""The quickstart dataset as `make dataset` builds it, with the small teacher really answering."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from datasets import load_dataset

from pipeline.__main__ import main
from pipeline.config import Config, load_config
from pipeline.ledger import read_ledger
from pipeline.records import Drop, Question, Verdict
from pipeline.stages import open_store, published_folder
from pipeline.store import Store

TEMPLATE = re.compile(r"<think>(.+?)</think>\n<answer>(.+?)</answer>", re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The configuration of a quickstart dataset that has been built in an empty folder."""
    folder = tmp_path_factory.mktemp("quickstart")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", "quickstart"]) == 0
        yield load_config("quickstart")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def store(built: Config) -> Store:
    return open_store(built)


def every(store: Store, record: Any, *tables: str) -> list[Any]:
    return [
        row
        for table in tables
        for shard in range(store.shards)
        for row in record.from_table(store.read(table, shard))
    ]


def published(built: Config, name: str) -> list[dict[str, Any]]:
    return list(load_dataset(str(published_folder(built)), name, split="train"))


def planted(store: Store) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for question in every(store, Question, "questions"):
        words.setdefault(json.loads(question.metadata).get("planted"), []).append(question.id)
    return words


def test_enough_is_published_in_both_configs(built: Config) -> None:
    distilled, open_source = (published(built, name) for name in ("distilled", "open_source"))
    assert len(distilled) >= 15
    assert len(open_source) >= 15
    assert {row["teacher"] for row in distilled} == {"SmolLM2-135M-Instruct"}
    assert {row["outcome"] for row in distilled} == {"correct"}


def test_responses_are_rejected_for_at_least_five_reasons(store: Store) -> None:
    tables = [f"verdicts/round={number:02d}" for number in range(3)]
    verdicts = every(store, Verdict, *tables)
    reasons = Counter(v.reason for v in verdicts if v.outcome == "incorrect")
    assert reasons.total() >= 15
    assert len(reasons) >= 5


def test_every_kind_of_drop_occurs_and_the_ledger_closes(store: Store) -> None:
    ledger = read_ledger(store)
    ledger.check()
    expected = {
        ("collect", "reference_conflict"),
        ("deduplicate", "exact"),
        ("deduplicate", "semantic"),
        ("decontaminate", "exact"),
        ("decontaminate", "ngram"),
        ("decontaminate", "semantic"),
        ("choose", "no_thinking"),
        ("choose", "not_checkable"),
        ("select", "no_correct_response"),
    }
    assert expected <= set(ledger.dropped)


def test_what_was_planted_is_found_and_nothing_else_is_taken_for_it(store: Store) -> None:
    words = planted(store)
    duplicates = {drop.id for drop in every(store, Drop, "duplicates")}
    contaminated = {drop.id for drop in every(store, Drop, "contaminated")}
    assert contaminated == set(words["contaminated"])
    assert not duplicates & set(words["other_numbers"])
    pairs = [*words["near_duplicate"], *words["exact_duplicate"]]
    assert len(duplicates & set(pairs)) == len(pairs) // 2


@pytest.mark.parametrize(
    "word",
    ["wrong_answer", "failing_code", "cut_off", "repetition", "other_language", "empty_thinking"],
)
def test_no_response_that_is_wrong_on_purpose_is_published(
    built: Config, store: Store, word: str
) -> None:
    ids = {row["id"] for row in published(built, "open_source")}
    assert planted(store)[word]
    assert not ids & set(planted(store)[word])


def test_every_row_is_in_the_published_form(built: Config) -> None:
    for row in (*published(built, "distilled"), *published(built, "open_source")):
        roles = [turn["role"] for turn in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        for turn in row["messages"]:
            if turn["role"] == "user":
                assert turn["info"]["source"] == row["source"]
                continue
            found = TEMPLATE.fullmatch(turn["content"])
            assert found
            assert found[1] == turn["info"]["think_content"]
            assert found[2] == turn["info"]["answer_content"]


def test_messages_drop_into_a_chat_template_unchanged(built: Config) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # The ChatML template, as SmolLM2 and Qwen2.5 have it.
    template = ImmutableSandboxedEnvironment().from_string(
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    )
    row = published(built, "distilled")[0]
    text = template.render(messages=row["messages"])
    assert row["messages"][0]["content"] in text
    assert text.endswith("</answer><|im_end|>\n")


@pytest.mark.parametrize("table", ["examples", "duplicates", "unselected", "refused"])
def test_show_tells_a_questions_whole_life(
    built: Config, store: Store, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    shards = (store.read(table, shard, ["id"]) for shard in range(store.shards))
    id = next(id for shard in shards for id in shard.column("id").to_pylist())
    assert main(["show", "quickstart", id[:12], "--json"]) == 0
    life = json.loads(capsys.readouterr().out)
    assert table in life
    assert ("questions" in life) == (table != "refused")
    assert {row["id"] for rows in life.values() for row in rows} == {id}


def test_status_shows_the_closed_ledger(built: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "quickstart"]) == 0
    assert "closed" in capsys.readouterr().out


def test_a_dry_run_of_publish_changes_nothing_but_the_cards_run_section(
    built: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "quickstart", "--dry-run"]) == 0
    changes = capsys.readouterr().out.splitlines()
    # In the same minute not even the card's run section differs.
    assert {line.split()[1] for line in changes[:-1]} <= {"README.md"}
    assert "nothing was written" in changes[-1]
