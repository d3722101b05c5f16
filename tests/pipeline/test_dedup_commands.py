"""`deduplicate` with indexes and engines, `decontaminate` with limits, `fingerprints`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.__main__ import main

ITEM = "Twelve candles burn on a cake, and the wind puts out a third of them. How many still burn?"


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_later_file_is_compared_with_an_index_and_becomes_part_of_it(tmp_path: Path) -> None:
    first = [{"id": "a", "text": "What is 2+2?"}, {"id": "b", "text": "what is 2 + 2"}]
    second = [{"id": "A", "text": "What is 2+2 ?"}, {"id": "c", "text": "Name a river."}]
    third = [{"id": "0", "text": "name a river"}, {"id": "1", "text": "Name a lake."}]
    out, index = tmp_path / "out.jsonl", str(tmp_path / "index")
    made = ["deduplicate", write(tmp_path / "1.jsonl", first), str(out), "--exact"]
    assert main([*made, "--save-index", index]) == 0
    more = ["deduplicate", write(tmp_path / "2.jsonl", second), str(out), "--exact"]
    assert main([*more, "--against", index, "--save-index", index]) == 0
    assert [(row["id"], row["of"]) for row in read(out)] == [("A", "a")]
    last = ["deduplicate", write(tmp_path / "3.jsonl", third), str(out), "--exact"]
    assert main([*last, "--against", index]) == 0
    assert [(row["id"], row["of"]) for row in read(out)] == [("0", "c")]


@pytest.mark.parametrize("engine", ["auto", "cells", "exact"])
def test_vectors_of_a_batch_meet_those_of_the_index(tmp_path: Path, engine: str) -> None:
    def rows(name: str, ids: list[int], vectors: list[list[float]]) -> str:
        flat = pa.array(np.array(vectors, np.float32).reshape(-1))
        lists = pa.FixedSizeListArray.from_arrays(flat, 2)
        pq.write_table(pa.table({"id": ids, "vector": lists}), tmp_path / name)
        return str(tmp_path / name)

    first = rows("1.parquet", [5, -7], [[1, 0], [0, 1]])
    second = rows("2.parquet", [1, 2, 3], [[1, 0.1], [1, 1], [1, 0.9]])
    out, pairs, index = tmp_path / "o.jsonl", tmp_path / "p.jsonl", str(tmp_path / "index")
    options = ["--engine", engine, "--ignore-numbers", "--threshold", "0.99"]
    assert main(["deduplicate", first, str(out), "--save-index", index, *options]) == 0
    against = ["--against", index, "--pairs", str(pairs), *options]
    assert main(["deduplicate", second, str(out), *against]) == 0
    assert [(row["id"], row["of"]) for row in read(out)] == [(1, 5), (3, 2)]
    assert {(row["id"], row["of"]) for row in read(pairs)} == {(1, 5), (3, 2)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--against", "{0}/nothing"], "is no index"),
        (["--save-index", "{0}"], "exists and is no index"),
        (["--against", "{0}/index"], "holds no vectors (--exact)"),
    ],
)
def test_an_index_that_is_none_or_does_not_fit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    row = {"id": "a", "text": "x", "vector": [1.0, 0.0]}
    source, out = write(tmp_path / "in.jsonl", [row]), str(tmp_path / "o.jsonl")
    save = ["--exact", "--save-index", str(tmp_path / "index")]
    assert main(["deduplicate", source, out, *save]) == 0
    given = [option.format(tmp_path) for option in options]
    assert main(["deduplicate", source, out, *given]) == 2
    assert said in capsys.readouterr().err


def test_an_engine_that_the_machine_lacks_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import faiss

    if getattr(faiss, "get_num_gpus", lambda: 0)():
        pytest.skip("faiss sees a GPU")
    rows = [{"id": k, "text": "x", "vector": [1.0, 0.0]} for k in range(3)]
    command = ["deduplicate", write(tmp_path / "in.jsonl", rows), str(tmp_path / "o.jsonl")]
    assert main([*command, "--engine", "faiss-gpu"]) == 2
    assert "faiss-gpu needs the package" in capsys.readouterr().err


def test_rules_that_keep_pairs_apart_can_be_left_out(tmp_path: Path) -> None:
    texts = ["列出气候变化的三个危险。", "给出标点符号的三个例子。"]
    rows = [{"id": str(k), "text": t, "vector": [1.0, 0.0]} for k, t in enumerate(texts)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "o.jsonl"
    for options, expected in ([], 0), (["--ignore-letters"], 1):
        assert main(["deduplicate", source, str(out), *options]) == 0
        assert len(read(out)) == expected


def test_limits_of_decontaminate_are_options(tmp_path: Path) -> None:
    benchmark = write(tmp_path / "bench.jsonl", [{"question": ITEM}])
    text = ITEM.replace("candles", "lamps").replace("cake", "wall").replace("wind", "storm")
    source, out = write(tmp_path / "in.jsonl", [{"id": "1", "text": text}]), tmp_path / "o.jsonl"
    command = ["decontaminate", source, str(out), "--benchmarks", benchmark, "--no-semantic"]
    found = []
    for coverage in ("0.1", "0.9"):
        options = ["--coverage", coverage, "--short-coverage", "0.1", "--contained", "1"]
        assert main([*command, *options, "--said", "50"]) == 0
        found.append(len(read(out)))
    assert found == [1, 0]


@pytest.mark.parametrize("wrong", [["--coverage", "0"], ["--said", "-1"], ["--contained", "x"]])
def test_a_limit_out_of_range_is_refused(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["decontaminate", "i.jsonl", "o.jsonl", "--benchmarks", "b.jsonl", *wrong])


def test_probes_of_decontaminate_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = write(tmp_path / "bench.jsonl", [{"question": ITEM}])
    source = write(tmp_path / "in.jsonl", [{"id": "1", "text": "Nothing of the kind."}])
    command = ["decontaminate", source, str(tmp_path / "o.jsonl"), "--benchmarks", benchmark]
    assert main([*command, "--no-semantic", "--probes", "3"]) == 0
    assert "probes: bench, case: 1 of 1 found" in capsys.readouterr().err
    assert read(tmp_path / "o.jsonl") == []


def test_fingerprints_are_made_shown_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = write(tmp_path / "bench.jsonl", [{"task_id": "t/1", "question": ITEM}])
    prints, out = str(tmp_path / "bench.fingerprints"), tmp_path / "o.jsonl"
    make = ["fingerprints", "make", benchmark, "-o", prints, "--no-vectors"]
    assert main([*make, "--salt", "00112233445566778899"]) == 0
    assert main(["fingerprints", "show", prints]) == 0
    said = capsys.readouterr().out
    assert "bench 1 texts" in said
    assert "salt 00112233445566778899" in said
    assert "case 1 of 1" in said
    rows = [{"id": "copy", "text": ITEM.upper()}, {"id": "clean", "text": "Name a river."}]
    source = write(tmp_path / "in.jsonl", rows)
    command = ["decontaminate", source, str(out), "--no-semantic", "--benchmarks", prints]
    assert main(command) == 0
    (hit,) = read(out)
    assert (hit["id"], hit["benchmark"], hit["item"]) == ("copy", "bench", "t/1")


def test_fingerprints_need_their_own_extension_and_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark = write(tmp_path / "bench.jsonl", [{"question": ITEM}])
    assert main(["fingerprints", "make", benchmark, "-o", str(tmp_path / "x.npz")]) == 2
    assert "must end in .fingerprints" in capsys.readouterr().err
    assert main(["fingerprints", "show", benchmark]) == 2
    assert "is no file of fingerprints" in capsys.readouterr().err
