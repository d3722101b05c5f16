"""The stand-alone commands on files, in every format."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.__main__ import main

FORMATS = ("jsonl", "jsonl.zst", "parquet")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.name.endswith(".parquet"):
        names = dict.fromkeys(name for row in rows for name in row)  # of all rows, not the first
        pq.write_table(pa.table({n: [row.get(n) for row in rows] for n in names}), path)
    else:
        path.write_bytes(zstandard.compress(lines) if path.suffix == ".zst" else lines)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return [json.loads(line) for line in data.splitlines()]


MATH = [
    {"id": "right", "answer": "<think>6*7</think>\\boxed{42}", "reference_answer": "42"},
    {"id": "wrong", "answer": "<think>6*7</think>\\boxed{41}", "reference_answer": "42"},
    {"id": "open", "answer": "<think>it must be 42", "reference_answer": "42"},
    {"id": "bare", "answer": "The answer is 42.", "reference_answer": "42"},
]


@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("made", FORMATS)
def test_verify_reads_and_writes_every_format_in_order(
    tmp_path: Path, given: str, made: str
) -> None:
    source, target = write(tmp_path / f"in.{given}", MATH), tmp_path / f"out.{made}"
    assert main(["verify", str(source), str(target), "--verifier", "math", "--workers", "1"]) == 0
    rows = read(target)
    assert [(row["id"], row["outcome"]) for row in rows] == [
        ("right", "correct"),
        ("wrong", "incorrect"),
        ("open", "incorrect"),
        ("bare", "correct"),
    ]
    names = {"id", "outcome", "score", "reason", "verifier", "evidence", "seconds"}
    assert all(set(row) == names for row in rows)


def test_verify_gives_a_line_for_each_malformed_line_too(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps(MATH[0]), "{half", "[]", json.dumps({"id": "bare"}), json.dumps(MATH[1])]
    path.write_text("\n".join(lines))
    assert main(["verify", str(path), str(tmp_path / "out.jsonl"), "--verifier", "math"]) == 0
    rows = read(tmp_path / "out.jsonl")
    assert [row["reason"] for row in rows] == [
        "equal",
        "bad_input",
        "bad_input",
        "bad_input",
        "different",
    ]
    assert rows[1]["id"] is None
    assert "line 2" in rows[1]["evidence"]["error"]
    assert rows[3]["id"] == "bare"


def test_verify_of_an_empty_file_writes_an_empty_file(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", [])
    assert main(["verify", str(path), str(tmp_path / "out.jsonl"), "--verifier", "rules"]) == 0
    assert read(tmp_path / "out.jsonl") == []


def test_verify_takes_settings_and_refuses_unknown_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "in.jsonl", [{"id": 1, "answer": "<think>a</think>b"}])
    command = ["verify", str(path), str(tmp_path / "out.jsonl"), "--verifier", "rules"]
    assert main([*command, "--set", "require_answer_tags=true"]) == 0
    assert read(tmp_path / "out.jsonl")[0]["reason"] == "no_answer_tags"
    assert main([*command, "--set", "colour='red'"]) == 2
    assert "colour" in capsys.readouterr().err
    command[-1] = "code"
    assert main([*command, "--set", "packages=['no-such-package']"]) == 2
    assert "no-such-package" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("no.jsonl", "o.jsonl"),
        ("i.csv", "o.jsonl"),
        ("i.jsonl", "o.txt"),
        ("i.jsonl", "no/o.jsonl"),
    ],
)
def test_a_file_that_is_not_there_or_of_no_format_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, target: str
) -> None:
    write(tmp_path / "i.jsonl", MATH)
    (tmp_path / "i.csv").write_text("id,answer\n")
    code = main(["verify", str(tmp_path / source), str(tmp_path / target), "--verifier", "math"])
    assert code == 2
    assert "error: " in capsys.readouterr().err


TEXTS = [
    {"id": "b", "text": "Which city is the capital of France?"},
    {"id": "a", "text": "which city is  the capital of France ?"},
    {"id": "c", "text": "What is the capital city of France?", "priority": 2},
    {"id": "d", "text": "Add 12 and 30."},
    {"id": "e", "text": "Add 12 and 31."},
]


@pytest.mark.parametrize("given", ["jsonl", "parquet"])
def test_deduplicate_drops_all_but_the_best_and_spares_other_numbers(
    tmp_path: Path, given: str
) -> None:
    source, target = write(tmp_path / f"in.{given}", TEXTS), tmp_path / "out.jsonl"
    assert main(["deduplicate", str(source), str(target)]) == 0
    drops = {row["id"]: row for row in read(target)}
    assert set(drops) == {"a", "b"}
    assert {row["of"] for row in drops.values()} == {"c"}
    assert all(row["score"] >= 0.9 for row in drops.values())


def test_deduplicate_exact_needs_no_vectors_and_pairs_shows_all(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.jsonl", TEXTS), tmp_path / "out.jsonl"
    pairs = tmp_path / "pairs.jsonl"
    command = ["deduplicate", str(source), str(target), "--exact", "--pairs", str(pairs)]
    assert main(command) == 0
    assert read(target) == [{"id": "b", "of": "a", "score": 1.0, "reason": "exact"}]
    assert read(pairs) == read(target)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_deduplicate_takes_given_vectors_of_any_length(tmp_path: Path, kind: type) -> None:
    vectors = np.array([[3, 4, 0], [6, 8.01, 0], [0, 0, 2], [0, 0, 0]], kind)
    flat = pa.array(vectors.reshape(-1))
    table = pa.table({"id": [1, 2, 3, 4], "vector": pa.FixedSizeListArray.from_arrays(flat, 3)})
    pq.write_table(table, tmp_path / "in.parquet")
    target = tmp_path / "out.parquet"
    assert main(["deduplicate", str(tmp_path / "in.parquet"), str(target)]) == 0
    (drop,) = read(target)
    assert (drop["id"], drop["of"], drop["reason"]) == (2, 1, "semantic")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "x"}, "a text or a vector"),
        ({"text": "x"}, "id: is missing"),
        ({"id": "x", "text": 5}, "text: must be a string"),
        ({"id": "b", "text": "x"}, "'b'"),
        ({"id": 7, "text": "x"}, "all strings or all whole numbers"),
    ],
)
def test_deduplicate_names_the_row_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: dict[str, Any], said: str
) -> None:
    source = write(tmp_path / "in.jsonl", [*TEXTS, row])
    assert main(["deduplicate", str(source), str(tmp_path / "out.jsonl"), "--exact"]) == 2
    assert said in capsys.readouterr().err


def test_decontaminate_names_benchmark_item_method_and_text(tmp_path: Path) -> None:
    item = "Twelve candles burn on a cake, and the wind puts out a third of them. How many burn?"
    benchmark = write(tmp_path / "bench.jsonl", [{"task_id": "t/1", "question": item}])
    rows = [
        {"id": "copy", "text": f"Solve the following problem: {item.upper()}"},
        {"id": "clean", "text": "How far is it from Vienna to Graz?"},
    ]
    target = tmp_path / "out.jsonl"
    command = ["decontaminate", str(write(tmp_path / "in.jsonl", rows)), str(target)]
    assert main([*command, "--benchmarks", str(benchmark)]) == 0
    (hit,) = read(target)
    assert (hit["id"], hit["benchmark"], hit["item"]) == ("copy", "bench", "t/1")
    assert hit["method"] == "exact"
    assert set(hit) == {"id", "benchmark", "item", "method", "score", "matched"}


def test_decontaminate_refuses_a_benchmark_without_a_known_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = write(tmp_path / "bench.jsonl", [{"frage": "Wie spät ist es?"}])
    source = write(tmp_path / "in.jsonl", [{"id": "1", "text": "x"}])
    command = ["decontaminate", str(source), str(tmp_path / "o.jsonl"), "--benchmarks"]
    assert main([*command, str(benchmark), "--no-semantic"]) == 2
    assert "frage" in capsys.readouterr().err
    assert main([*command, str(benchmark), "--no-semantic", "--column", "frage"]) == 0


@pytest.mark.parametrize("command", ["doctor", "sources"])
def test_commands_that_only_look(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 6


def test_a_hub_token_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_secret_secret")
    assert main(["doctor"]) == 0
    assert "hf_secret" not in capsys.readouterr().out
