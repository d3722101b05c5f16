"""Runs whose constraints a served model proposes: a loopback server that also fails and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import load_config
from pipeline.records import Verdict
from pipeline.records_proposed import Proposal
from pipeline.stages import open_store
from tests.loopback_teacher import Server, loopback_teacher

CONFIG = """
name = "set"
version = "{version}"
[recipe]
shards = 2
[recipe.distill]
rounds = 0
[recipe.decontaminate]
semantic = false
[[recipe.sources]]
source = "local_files"
name = "mine"
licence = "MIT"
revision = "1"
path = "{folder}/q.jsonl"
kind = "instruction"
teacher = "me"
columns = {{ prompt = "question", response = "answer" }}
[recipe.label]
baseline = "words"
{propose}
[runtime]
data = "{folder}/data"
published = "{folder}/published"
workers = 1
{served}
"""
PROPOSE = '[recipe.propose]\nmodel = "small"\nrevision = "1"\n'
SERVED = '[runtime.proposer]\nurls = ["{url}"]\nretries = 1\nconcurrency = 2\n'
NO_COMMA = '{"constraints": [{"id": "punctuation:no_comma", "kwargs": {}}]}'
# question, its answer, what the model says (None: the server refuses), finding, why
CASES: list[tuple[str, str, str | None, tuple[str, str], str]] = [
    ("Name two rivers, no commas.", "Ebro and Po", NO_COMMA, ("correct", "followed"), ""),
    ("Name two lakes, no commas.", "Como, Garda", NO_COMMA, ("incorrect", "not_followed"), ""),
    ("Name two towns.", "Bonn, Bern", NO_COMMA, ("unverified", "nothing_to_check"), ""),
    ("Name two seas, no commas.", "Red, Dead", "I can't.", ("unverified", "nothing_to_check"),
     "unreadable"),
    ("Name two hills, no commas.", "A, B", None, ("unverified", "nothing_to_check"), "refused"),
    ("Name two isles.", "Elba, Rab", '{"constraints": []}', ("unverified", "nothing_to_check"), ""),
]  # fmt: skip


def write(folder: Path, url: str, version: str = "1") -> str:
    folder.mkdir(exist_ok=True)
    rows = [
        {"question": asked, "answer": f"<think>Hm, which ones?</think>{answer}"}
        for asked, answer, *_ in CASES
    ]
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    served = SERVED.format(url=url) if url else ""
    text = CONFIG.format(
        folder=folder, version=version, propose=PROPOSE if url else "", served=served
    )
    path = folder / f"set{version}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def serve(*more: dict[str, Any]) -> Any:
    rules = [{"contains": asked, "text": said} for asked, _, said, _, _ in CASES if said]
    refused = next(asked for asked, _, said, _, _ in CASES if said is None)
    faults = [*more, {"fault": "400", "contains": refused, "message": "no"}]
    return loopback_teacher(replies=rules, faults=faults)


def run(config: str) -> int:
    return main(["run", config, "--only", ALL])


ALL = "collect,embed,label,propose,deduplicate,decontaminate,choose,verify"


def rows(config: str, table: str, of: Any) -> list[Any]:
    store = open_store(load_config(config))
    return [row for shard in range(2) for row in of.from_table(store.read(table, shard))]


def asked_by_id(config: str) -> dict[str, str]:
    store = open_store(load_config(config))
    tables = [store.read("questions", shard).to_pylist() for shard in range(2)]
    return {row["id"]: row["prompt"][0]["content"] for table in tables for row in table}


def sent(server: Server) -> list[str]:
    return [line["body"]["messages"][0]["content"] for line in server.requests()]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    folder = tmp_path_factory.mktemp("proposed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with serve({"fault": "429", "retry_after": "0.05", "contains": "rivers", "tries": 1}) as on:
            config = write(folder, on.url)
            assert run(config) == 0
            yield config, sent(on)


def test_a_verdict_goes_by_what_was_proposed_and_says_so(ran: tuple[str, list[str]]) -> None:
    config, _ = ran
    texts = asked_by_id(config)
    found = {
        texts[one.id]: one
        for one in rows(config, "verdicts/round=00", Verdict)
        if one.verifier != "rules"
    }
    assert {asked: (one.outcome, one.reason) for asked, one in found.items()} == {
        asked: finding for asked, _, _, finding, _ in CASES
    }
    by = {asked: json.loads(one.evidence).get("proposed_by") for asked, one in found.items()}
    assert by == {
        asked: "small" if finding[1].endswith("followed") else None
        for asked, _, _, finding, _ in CASES
    }


def test_what_became_of_every_question_is_in_the_table(ran: tuple[str, list[str]]) -> None:
    config, _ = ran
    texts = asked_by_id(config)
    found = {texts[one.id]: one for one in rows(config, "proposed", Proposal)}
    assert {asked: one.why for asked, one in found.items()} == {
        asked: why for asked, _, _, _, why in CASES
    }
    (refused,) = json.loads(found["Name two towns."].refused)
    assert refused["why"] == "nothing in the prompt speaks of it"
    assert found["Name two towns."].constraints == "[]"


def test_another_version_asks_only_for_what_was_refused(tmp_path: Path) -> None:
    with serve() as server:
        assert run(write(tmp_path, server.url)) == 0
        before = len(sent(server))
        assert run(write(tmp_path, server.url, version="2")) == 0
        again = sent(server)[before:]
    assert [text for text in again if "Name two hills" in text] == again != []


def test_a_server_that_is_down_ends_the_run_and_it_goes_on_from_there(tmp_path: Path) -> None:
    with serve() as server:
        gone = server.url  # where nobody listens any more
    config = write(tmp_path, gone)
    assert run(config) == 1
    assert open_store(load_config(config)).manifest("proposed", 0) is None
    assert open_store(load_config(config)).complete("labels")
    with serve() as server:
        config = write(tmp_path, server.url)
        assert run(config) == 0
    assert len(rows(config, "proposed", Proposal)) == len(CASES)


def test_without_a_model_there_is_no_such_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write(tmp_path, "")
    assert main(["run", config, "--only", "propose"]) == 2
    assert "--only propose: the recipe names no model" in capsys.readouterr().err
    assert main(["run", config, "--only", ALL.replace("propose,", "")]) == 0
    assert not (tmp_path / "data" / "set" / "1" / "proposed").exists()


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (PROPOSE, "", "there is no [recipe.propose]"),
        ('urls = ["', "urls = [] # ", "is to propose constraints"),
    ],
)
def test_half_a_proposer_is_refused_before_any_work(
    old: str, new: str, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(write(tmp_path, "http://127.0.0.1:9/v1"))
    config.write_text(config.read_text().replace(old, new), encoding="utf-8")
    assert run(str(config)) == 2
    assert error in capsys.readouterr().err
    assert not list((tmp_path / "data").rglob("*.parquet"))
