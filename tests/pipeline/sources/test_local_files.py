"""From a file's rows to questions with their responses."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.records import Message, question_id
from pipeline.sources.base import Refused, SourceResponse, SourceRow
from tests.pipeline.sources.local_support import Row, jsonl, made, only, refused, source


def test_a_row_becomes_a_question_that_knows_where_it_comes_from(tmp_path: Path) -> None:
    row = made(tmp_path, {"q": " What is 2 + 2?\n", "a": 4}, columns={"reference_answer": "a"})
    question = row.question
    assert row.origin == "a.jsonl#0" and question.origins == ("a.jsonl#0",)
    assert question.prompt == (Message("user", "What is 2 + 2?"),)
    assert question.id == question_id("mine", question.prompt)
    assert (question.source, question.source_revision, question.licence) == ("mine", "r1", "MIT")
    assert (question.kind, question.reference_answer, question.metadata) == ("math", "4", "{}")
    assert row.responses == ()


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_other_formats_make_the_same_question(tmp_path: Path, extension: str) -> None:
    wanted = made(tmp_path, {"q": "What?", "a": "4"}, columns={"reference_answer": "a"}).question
    path = tmp_path / f"a.{extension}"
    if extension == "csv":
        path.write_text("q,a\nWhat?,4\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"q": ["What?"], "a": ["4"]}), path)
    found = only(source(path, columns={"reference_answer": "a"}).rows()).question
    assert found.id == wanted.id
    assert found.reference_answer == wanted.reference_answer == "4"


def test_files_of_a_folder_name_their_rows_by_path_in_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    jsonl(tmp_path, {"q": "one"}, name="b.jsonl")
    jsonl(tmp_path / "sub", {"q": "two"}, name="c.jsonl")
    jsonl(tmp_path, name="empty.jsonl")
    read = source(tmp_path)
    assert [row.origin for row in read.rows()] == ["b.jsonl#0", "sub/c.jsonl#0"]
    assert len(read.files()) == 3


def test_an_empty_file_yields_nothing(tmp_path: Path) -> None:
    assert list(source(jsonl(tmp_path)).rows()) == []


def test_the_path_may_name_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_QUESTIONS", str(tmp_path))
    path = jsonl(tmp_path, {"q": "one"})
    assert source("$MY_QUESTIONS/a.jsonl").files() == (str(path),)
    monkeypatch.delenv("MY_QUESTIONS")
    with pytest.raises(ConfigError, match="not set"):
        source("$MY_QUESTIONS/a.jsonl").files()


def test_the_page_is_shown_and_is_no_part_of_the_identity(tmp_path: Path) -> None:
    told = source(tmp_path / "a.jsonl", page="https://example.org/set")
    assert told.web_page() == "https://example.org/set"
    assert told.identity() == source(tmp_path / "a.jsonl").identity()


@pytest.mark.parametrize("page", ["javascript:alert(1)", "https://a/b) [c](d", "http://a"])
def test_a_page_that_could_break_the_card_is_refused(tmp_path: Path, page: str) -> None:
    with pytest.raises(ValidationError, match="page"):
        source(tmp_path / "a.jsonl", page=page)


def test_the_place_of_the_files_is_no_part_of_the_identity(tmp_path: Path) -> None:
    here, there = source(tmp_path / "a.jsonl"), source(tmp_path / "b.jsonl")
    assert here.identity() == there.identity()
    assert here.identity() != source(tmp_path / "a.jsonl", kind="science").identity()
    json.dumps(here.identity())


def test_a_source_survives_the_way_to_a_worker(tmp_path: Path) -> None:
    here = source(jsonl(tmp_path, {"q": "one"}), columns={"difficulty": "d"})
    assert pickle.loads(pickle.dumps(here)) == here


def test_where_takes_rows_by_value_and_says_nothing_of_the_others(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"q": "one", "t": "x", "n": 1},
        {"q": "two", "t": "y", "n": 2},
        {"q": "3", "t": "z"},
    ]
    path = jsonl(tmp_path, *rows)
    taken = source(path, where={"t": ["x", "z"]}).rows()
    assert [row.origin for row in taken] == ["a.jsonl#0", "a.jsonl#2"]
    both = source(path, where={"t": ["x", "y"], "n": [2]}).rows()
    assert [row.origin for row in both] == ["a.jsonl#1"]


def test_every_takes_each_nth_row_of_each_file(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        jsonl(tmp_path, *({"q": f"{name} {n}"} for n in range(5)), name=name)
    places = [row.origin for row in source(tmp_path, every=3).rows()]
    assert places == ["a.jsonl#0", "a.jsonl#3", "b.jsonl#0", "b.jsonl#3"]


def test_an_empty_input_leaves_no_trace_in_a_template(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"i": "Translate.", "x": "Ja"}, {"i": "Sing.", "x": ""}, {"i": "Go."})
    rows = source(path, "{i}\n\n{x}").rows()
    texts = [row.question.user_text for row in rows if isinstance(row, SourceRow)]
    assert texts == ["Translate.\n\nJa", "Sing.", "Go."]


@pytest.mark.parametrize("content", ["content", "value"])
def test_a_conversation_is_a_prompt_and_its_last_answer_a_response(
    tmp_path: Path, content: str
) -> None:
    who = {"content": ("role", "user", "assistant"), "value": ("from", "human", "gpt")}[content]
    turns = [
        {who[0]: who[1], content: "Hi"},
        {who[0]: who[2], content: "Hello"},
        {who[0]: who[1], content: "2+2?"},
        {who[0]: who[2], content: "<think>x</think>4"},
    ]
    row = made(tmp_path, {"m": turns}, prompt="m", kind="chat", teacher="R1")
    assert [turn.role for turn in row.question.prompt] == ["user", "assistant", "user"]
    assert row.responses == (SourceResponse("R1", "<think>x</think>4"),)


def test_a_conversation_may_be_json_text(tmp_path: Path) -> None:
    text = json.dumps([{"from": "human", "value": "Hi"}])
    row = made(tmp_path, {"m": text}, prompt={"column": "m", "is_json": True}, kind="chat")
    assert row.question.user_text == "Hi"


def test_the_last_answer_goes_where_nobody_wrote_it(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    row = made(tmp_path, {"m": turns}, prompt="m", kind="chat")
    assert row.responses == () and len(row.question.prompt) == 1


def test_a_system_text_stands_in_front_of_the_question(tmp_path: Path) -> None:
    row = made(tmp_path, {"q": "What?", "s": "Be brief."}, columns={"system": "s"})
    assert row.question.prompt == (Message("user", "Be brief.\n\nWhat?"),)


@pytest.mark.parametrize("value", ["<think>a</think>b", ["<think>a</think>b", " ", None]])
def test_responses_come_from_a_text_or_a_list(tmp_path: Path, value: Any) -> None:
    row = made(tmp_path, {"q": "What?", "r": value}, columns={"response": "r"}, teacher="R1")
    assert row.responses == (SourceResponse("R1", "<think>a</think>b"),)


def test_a_column_may_say_who_wrote_the_response(tmp_path: Path) -> None:
    columns = {"response": "r", "teacher": "by"}
    row = made(tmp_path, {"q": "What?", "r": "4", "by": "phi"}, columns=columns)
    assert row.responses[0].teacher == "phi"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["(A)red", "(B) blue"], ["red", "blue"]),
        (["A. red", "B. blue"], ["red", "blue"]),
        (["A)red", "B)blue"], ["red", "blue"]),
        (["red", "A. blue"], ["red", "A. blue"]),
        (["A", "B"], ["A", "B"]),
        ([1, 2.5], ["1", "2.5"]),
    ],
)
def test_options_are_lettered_in_the_prompt_and_bare_in_the_metadata(
    tmp_path: Path, given: list[Any], kept: list[str]
) -> None:
    columns = {"options": "o", "reference_answer": "a"}
    row = made(tmp_path, {"q": "Which?", "o": given, "a": "B"}, columns=columns)
    assert row.question.user_text == f"Which?\n\n(A) {kept[0]}\n(B) {kept[1]}"
    assert json.loads(row.question.metadata)["options"] == kept
    assert row.question.reference_answer == "B"


def test_options_may_stand_in_several_columns(tmp_path: Path) -> None:
    columns = {"options": ["x", "y", "z"]}
    row = made(tmp_path, {"q": "Which?", "x": "red", "y": "blue", "z": ""}, columns=columns)
    assert row.question.user_text == "Which?\n\n(A) red\n(B) blue"


def test_an_empty_option_in_between_is_refused_for_it_would_shift_the_letters(
    tmp_path: Path,
) -> None:
    row = {"q": "Which?", "o": ["red", "", "blue"]}
    assert refused(tmp_path, row, columns={"options": "o"}).reason == "bad_options"


def test_a_question_without_options_stays_as_it_is(tmp_path: Path) -> None:
    row = made(tmp_path, {"q": "Which?", "o": None}, columns={"options": "o"})
    assert (row.question.user_text, row.question.metadata) == ("Which?", "{}")


def test_a_list_of_letters_is_one_reference_answer(tmp_path: Path) -> None:
    reader = {"column": "a", "is_json": True}
    row = made(tmp_path, {"q": "?", "a": '["A", "C"]'}, columns={"reference_answer": reader})
    assert row.question.reference_answer == "A, C"


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.0, "4"), (0.5, "0.5"), (-3, "-3"), (10**400, str(10**400)), (1e22, "1e+22")],
)
def test_a_number_is_a_reference_as_it_is_written(tmp_path: Path, value: Any, text: str) -> None:
    row = made(tmp_path, {"q": "?", "a": value}, columns={"reference_answer": "a"})
    assert row.question.reference_answer == text


def test_an_infinite_reference_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"q": ["?"], "a": [float("inf")]}), path)
    (row,) = source(path, columns={"reference_answer": "a"}).rows()
    assert isinstance(row, Refused) and row.reason == "wrong_type"


@pytest.mark.parametrize("value", [None, "", "  ", []])
def test_an_empty_reference_is_none(tmp_path: Path, value: Any) -> None:
    row = made(tmp_path, {"q": "?", "a": value}, columns={"reference_answer": "a"})
    assert row.question.reference_answer is None


def test_test_cases_are_json_in_the_form_of_verify(tmp_path: Path) -> None:
    columns = {"test_cases": {"test_code": "t", "entry_point": "e", "setup": "s"}}
    row = {"q": "?", "t": "def check(candidate): ...", "e": "f", "s": "import math"}
    cases = made(tmp_path, row, kind="code", columns=columns).question.test_cases
    assert json.loads(cases or "") == [
        {"test_code": row["t"], "entry_point": "f", "setup": "import math"}
    ]


def test_constraints_are_taken_as_a_list_or_as_json(tmp_path: Path) -> None:
    wanted = [{"id": "length:words", "kwargs": {"num_words": 5}}]
    for value in (wanted, json.dumps(wanted)):
        row = made(tmp_path, {"q": "?", "c": value}, columns={"constraints": "c"})
        assert json.loads(row.question.constraints or "") == wanted


def test_metadata_keeps_columns_with_their_types_and_what_all_rows_have(tmp_path: Path) -> None:
    row = {"q": "?", "level": 5, "deep": {"x": [1, None]}, "none": None, "d": "Hard"}
    options: Row = {
        "keep": {"level": "level", "deep": "deep.x", "none": "none"},
        "metadata": {"language": "cpp", "time_limit_s": 4},
        "columns": {"difficulty": {"column": "d", "values": {"Hard": "hard"}}},
    }
    assert json.loads(made(tmp_path, row, **options).question.metadata) == {
        "level": 5,
        "deep": [1, None],
        "language": "cpp",
        "time_limit_s": 4,
        "difficulty": "hard",
    }


def test_keep_may_be_a_list_of_columns(tmp_path: Path) -> None:
    row = made(tmp_path, {"q": "?", "x": "1", "y": 2}, keep=["x", "y"])
    assert json.loads(row.question.metadata) == {"x": "1", "y": 2}


def test_dates_and_missing_numbers_fit_into_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    day = pa.array([19_000], pa.date32())
    pq.write_table(pa.table({"q": ["?"], "day": day, "n": [float("nan")]}), path)
    row = only(source(path, keep=["day", "n"]).rows())
    assert json.loads(row.question.metadata) == {"day": "2022-01-08"}


def test_a_row_may_have_a_licence_of_its_own(tmp_path: Path) -> None:
    reader = {"column": "l", "values": {"CC BY 4.0": "CC-BY-4.0", "": "MIT"}}
    path = jsonl(tmp_path, {"q": "one", "l": "CC BY 4.0"}, {"q": "two", "l": None})
    rows = source(path, columns={"licence": reader}).rows()
    found = [row.question.licence for row in rows if isinstance(row, SourceRow)]
    assert found == ["CC-BY-4.0", "MIT"]
