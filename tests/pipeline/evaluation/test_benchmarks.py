"""Rows of every benchmark become questions that its verifier can judge; all rows are invented."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import SourceError
from pipeline.evaluation.base import Benchmark, available_benchmarks
from pipeline.evaluation.loading import load_questions
from pipeline.evaluation.tables import read_questions
from pipeline.files import FileHashes
from pipeline.records import Question
from pipeline.store import Store
from pipeline.verify import as_row
from tests.pipeline.conftest import response
from verifiers import available

TESTS = [{"input": "4\n", "output": "8\n", "testtype": "stdin"}]
CALLS = [{"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}]
STUB = "import math\n\ndef helper(x):\n    return x\n\ndef double(x):\n    '''Twice x.'''\n"
CHECK = "def check(candidate):\n    assert candidate(2) == helper(4)\n"


def squeezed(value: object) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


GPQA = {
    "Record ID": "rec1",
    "Question": "Which is a noble gas?",
    "Correct Answer": "argon",
    "Incorrect Answer 1": "iron",
    "Incorrect Answer 2": "zinc",
    "Incorrect Answer 3": "tin",
}
LCB = {
    "question_id": "made1",
    "question_content": "Read n and print 2n.",
    "starter_code": "",
    "contest_date": "2024-09-01T00:00:00",
    "public_test_cases": json.dumps(TESTS),
    "private_test_cases": squeezed(json.dumps(TESTS)),
    "metadata": "{}",
}
HUMANEVAL = {"task_id": "Made/0", "prompt": STUB, "entry_point": "double", "test": CHECK}
MBPP = {"task_id": 11, "text": "Write a function to double a number.", "test_list": []}
MMLU = {"question_id": 7, "question": "2 + 3?", "options": ["4", "5", "6"], "answer_index": 1}
# benchmark → an invented row, a right answer, a wrong answer
ROWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "aime24": ({"id": 60, "problem": "How many is 3 and 4?", "answer": "7"}, r"\boxed{7}", "8"),
    "aime25": ({"problem": "How many is 3 and 4?", "expected_answer": "7"}, r"\boxed{7}", "8"),
    "math500": ({"problem": "Half of 1?", "answer": r"\frac{1}{2}"}, r"\boxed{0.5}", r"\boxed{2}"),
    "gsm8k": ({"question": "3 bags of 4?", "answer": "3*4=12\n#### 12"}, r"\boxed{12}", "#### 7"),
    "gpqa_diamond": (GPQA, "", ""),
    "mmlu_pro": ({**MMLU, "options": str(MMLU["options"])}, r"\boxed{B}", r"\boxed{A}"),
    "ifeval": (
        {
            "key": 1,
            "prompt": "Two words, no comma.",
            "instruction_id_list": "['punctuation:no_comma']",
            "kwargs": '[{"num_words": null}]',
        },
        "two words",
        "two, words",
    ),
    "humaneval": (
        HUMANEVAL,
        "```python\ndef double(x):\n    return 2 * x\n```",
        "```python\ndef double(x):\n    return x\n```",
    ),
    "mbpp": (
        {**MBPP, "test_list": ["assert double(2) == 4", "assert double(0) == 0"]},
        "```python\ndef double(x):\n    return 2 * x\n```",
        "```python\ndef double(x):\n    return x + 2\n```",
    ),
    "livecodebench": (
        LCB,
        "```python\nprint(2 * int(input()))\n```",
        "```python\nprint(input())\n```",
    ),
    "local_questions": ({"question": "3 and 4?", "answer": 7}, r"\boxed{7}", r"\boxed{8}"),
}


def asked(
    name: str, folder: Path, rows: list[dict[str, Any]], seed: int = 0, **options: Any
) -> list[Question]:
    """Return the questions that a benchmark makes of rows in a file."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    benchmark = made(name, path=str(path), **options)
    return list(benchmark.questions(benchmark.located(), seed))


def made(name: str, **options: Any) -> Benchmark:
    return available_benchmarks()[name](benchmark=name, **options)


def right_letter(question: Question) -> str:
    options = json.loads(question.metadata)["options"]
    return "ABCD"[options.index("argon")]


@pytest.mark.parametrize("name", sorted(available_benchmarks()))
def test_a_right_answer_is_correct_and_a_wrong_one_is_not(name: str, tmp_path: Path) -> None:
    row, right, wrong = ROWS[name]
    (question,) = asked(name, tmp_path, [row])
    if name == "gpqa_diamond":
        letter = right_letter(question)
        right, wrong = f"\\boxed{{{letter}}}", f"\\boxed{{{'B' if letter == 'A' else 'A'}}}"
    benchmark = made(name)
    if benchmark.verified_by() not in available():
        pytest.skip(f"the verifier {benchmark.verified_by()} is not here yet")
    replies = [response(question, 1, f"<think>Hm.</think>\n{text}") for text in (right, wrong)]
    with available()[benchmark.verified_by()].create(workers=1, **benchmark.settings) as verifier:
        found = list(verifier.results(as_row(question, reply) for reply in replies))
    if any(one.reason == "no_sandbox" for one in found):
        pytest.skip("there is no sandbox here")
    assert [one.outcome.value for one in found] == ["correct", "incorrect"], found


@pytest.mark.parametrize("name", sorted(available_benchmarks()))
def test_a_row_without_its_columns_is_named_with_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rows\.jsonl#0: is no row of .*columns: nothing"):
        asked(name, tmp_path, [{"nothing": 1}])


def test_a_solution_without_its_mark_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rows\.jsonl#0: is no row of GSM8K: answer: .*####"):
        asked("gsm8k", tmp_path, [{"question": "3 bags of 4?", "answer": "3 * 4 = 12"}])


def test_a_line_of_csv_with_too_many_cells_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Question,Correct Answer\nWhich?,this,that\n", encoding="utf-8")
    benchmark = made("gpqa_diamond", path=str(path))
    with pytest.raises(SourceError, match=r"rows\.csv#0: is no row of GPQA-Diamond"):
        list(benchmark.questions(benchmark.located(), 0))


def test_the_same_item_twice_is_an_error(tmp_path: Path) -> None:
    row = ROWS["aime24"][0]
    with pytest.raises(SourceError, match=r"rows.jsonl#1: '60' is the item of rows.jsonl#0 too"):
        asked("aime24", tmp_path, [row, row])


def test_a_limit_takes_the_first_questions(tmp_path: Path) -> None:
    rows = [{"id": n, "problem": f"What is {n} + 0?", "answer": str(n)} for n in range(5)]
    found = asked("aime24", tmp_path, rows, limit=2)
    assert [question.reference_answer for question in found] == ["0", "1"]


def test_options_are_shuffled_by_the_seed_and_the_letter_follows(tmp_path: Path) -> None:
    rows = [{**GPQA, "Record ID": f"rec{number}"} for number in range(40)]
    first = asked("gpqa_diamond", tmp_path, rows)
    again, other = asked("gpqa_diamond", tmp_path, rows), asked("gpqa_diamond", tmp_path, rows, 1)
    assert [one.prompt for one in first] == [one.prompt for one in again]
    assert [one.prompt for one in first] != [one.prompt for one in other]
    letters = [question.reference_answer for question in first]
    assert letters == [right_letter(question) for question in first]
    assert set(letters) == set("ABCD")
    for question in first:
        assert f"({question.reference_answer}) argon" in question.prompt[0].content


def test_leaving_questions_out_does_not_shuffle_the_others_anew(tmp_path: Path) -> None:
    rows = [{**GPQA, "Record ID": f"rec{number}"} for number in range(8)]
    assert asked("gpqa_diamond", tmp_path, rows)[5].prompt == (
        asked("gpqa_diamond", tmp_path, rows[5:])[0].prompt
    )


def test_gpqa_reads_the_csv_of_its_authors(tmp_path: Path) -> None:
    path = tmp_path / "gpqa_diamond.csv"
    head = ",".join(f'"{name}"' for name in GPQA)
    path.write_text(f"{head}\n{','.join(GPQA.values())}\n", encoding="utf-8")
    benchmark = made("gpqa_diamond", path=str(path))
    (question,) = benchmark.questions(benchmark.located(), 0)
    assert question.reference_answer == right_letter(question)


@pytest.mark.parametrize(
    ("day", "inside"),
    [("2024-07-31", 0), ("2024-08-01", 1), ("2025-01-31T20:00:00", 1), ("2025-02-01", 0)],
)
def test_the_window_of_dates_has_both_its_ends(day: str, inside: int, tmp_path: Path) -> None:
    assert len(asked("livecodebench", tmp_path, [{**LCB, "contest_date": day}])) == inside


def test_all_tests_of_a_contest_problem_are_there_public_and_private(tmp_path: Path) -> None:
    (question,) = asked("livecodebench", tmp_path, [LCB])
    assert json.loads(question.test_cases or "") == 2 * [{"input": "4\n", "output": "8\n"}]
    assert made("livecodebench").settings["max_tests"] > 1_000


def test_a_test_that_calls_a_function_becomes_an_assert(tmp_path: Path) -> None:
    row = {**LCB, "private_test_cases": json.dumps(CALLS), "public_test_cases": "[]"}
    row |= {"metadata": json.dumps({"func_name": "total"}), "starter_code": "class Solution:"}
    (question,) = asked("livecodebench", tmp_path, [row])
    expected = [{"testtype": "functional", "fn_name": "total", "input": "[1, 2]\n3", "output": "6"}]
    assert json.loads(question.test_cases or "") == expected
    assert "class Solution:" in question.prompt[0].content


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch harmed",))


def test_a_pickle_that_would_run_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = {**LCB, "private_test_cases": squeezed(Harmful())}
    with pytest.raises(SourceError, match=r"cannot be read \(names posix.system\)"):
        asked("livecodebench", tmp_path, [row])
    assert not (tmp_path / "harmed").exists()


def test_without_tests_there_is_a_question_but_nothing_to_check(tmp_path: Path) -> None:
    row = {name: LCB[name] for name in ("question_id", "question_content", "contest_date")}
    (question,) = asked("livecodebench", tmp_path, [row])
    assert question.test_cases is None


def test_a_stub_brings_its_imports_and_helpers_along(tmp_path: Path) -> None:
    (question,) = asked("humaneval", tmp_path, [HUMANEVAL])
    (case,) = json.loads(question.test_cases or "")
    assert case["setup"] == "import math\n\ndef helper(x):\n    return x"


def test_mbpp_is_read_in_the_form_with_a_stub_too(tmp_path: Path) -> None:
    (question,) = asked("mbpp", tmp_path, [HUMANEVAL])
    assert json.loads(question.test_cases or "")[0]["entry_point"] == "double"


def test_arguments_of_an_instruction_that_are_null_are_left_out(tmp_path: Path) -> None:
    (question,) = asked("ifeval", tmp_path, [ROWS["ifeval"][0]])
    assert json.loads(question.constraints or "") == [{"id": "punctuation:no_comma", "kwargs": {}}]


def test_without_a_network_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    try:
        with pytest.raises(SourceError, match="path may name a file of yours instead.*OFFLINE"):
            made("math500").located()
    finally:
        huggingface_hub.close_session()


class Hub:
    """What is called of the Hub's client, with one dataset of one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def dataset_info(self, repo: str, revision: str | None) -> SimpleNamespace:
        self.asked += 1
        assert (repo, revision) == ("HuggingFaceH4/MATH-500", None)
        return SimpleNamespace(sha="c0ffee")

    def download(self, repo: str, name: str, repo_type: str, revision: str) -> str:
        assert (repo_type, revision) == ("dataset", "c0ffee")
        path = self.folder / name
        path.write_text(json.dumps(ROWS["math500"][0]) + "\n", encoding="utf-8")
        return str(path)


def test_a_benchmark_of_the_hub_is_fetched_once_and_its_commit_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    hub = Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.download)
    store, benchmark = Store(tmp_path / "data", "e", "1", 2), made("math500")
    for _ in range(2):
        assert load_questions(store, benchmark, 0, FileHashes(tmp_path / "hashes.json")) == 1
    assert hub.asked == 1
    (question,) = [one for shard in (0, 1) for one in read_questions(store, benchmark, shard)]
    assert question.source_revision == "c0ffee"


REAL = {
    "aime24": ("aime24", 30),
    "aime25": ("aime25", 30),
    "math500": ("math500", 500),
    "gsm8k": ("gsm8k_test", 1_319),
    "mmlu_pro": ("mmlu_pro", 12_012),
    "ifeval": ("ifeval", 540),
    "humaneval": ("humaneval", 164),
    "mbpp": ("mbpp_test", 500),
    "livecodebench": ("livecodebench_880", 279),
}


@pytest.mark.skipif("REAL_DATA" not in os.environ, reason="REAL_DATA is not set")
@pytest.mark.parametrize("name", sorted(REAL))
def test_the_real_files_are_read_whole(name: str) -> None:
    file, count = REAL[name]
    benchmark = made(name, path=f"$REAL_DATA/benchmarks/{file}.parquet")
    questions = list(benchmark.questions(benchmark.located(), 0))
    assert len({question.id for question in questions}) == len(questions) == count


def test_parquet_is_read_like_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist([ROWS["math500"][0]]), path)
    benchmark = made("math500", path=str(path))
    (question,) = benchmark.questions(benchmark.located(), 0)
    assert question.reference_answer == r"\frac{1}{2}"
    assert question.origins == ("rows.parquet#0",)
