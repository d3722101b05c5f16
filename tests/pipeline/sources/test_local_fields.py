"""How one value is read out of a row."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.sources.local_columns import CaseColumns, paired_cases, ready_cases
from pipeline.sources.local_fields import BadRow, Value, fill, look_up


class Holder(BaseModel):
    value: Value


def read(value: Any, row: dict[str, Any]) -> Any:
    return Holder.model_validate({"value": value}).value.read(row)


def refusal(value: Any, row: dict[str, Any]) -> str:
    with pytest.raises(BadRow) as raised:
        read(value, row)
    return raised.value.reason


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": [10, 20], "t": '{"c": {"d": 5}}'}),
        ("a.b.1", 20),
        ("a.b.7", None),
        ("a.x", None),
        ("a.t.c.d", 5),
        ("dotted.name", "whole"),
        ("dotted.name.x", 1),
        ("nothing.at.all", None),
        ("empty.x", None),
    ],
)
def test_a_path_walks_through_nested_data(path: str, found: Any) -> None:
    row = {
        "a": {"b": [10, 20], "t": '{"c": {"d": 5}}'},
        "dotted": {"name": "nested", "x": 0},
        "empty": None,
    }
    row["dotted.name"] = {"x": 1} if path.endswith(".x") else "whole"
    assert look_up(row, path) == found


def test_a_path_through_text_that_is_not_json_is_refused() -> None:
    assert refusal("a.b", {"a": "plain"}) == "not_json"


def test_a_path_through_a_number_is_refused() -> None:
    assert refusal("a.b", {"a": 4}) == "wrong_type"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{a}\n\n{b}", "one\n\ntwo"),
        ("{a}\n\n{blank}", "one"),
        ("{a}\n\nIn {blank}, please.\n\n{b}", "one\n\ntwo"),
        ("{a}\n\nIn {missing}.", "one"),
        ("{blank}", ""),
        ("Always.\n\n{blank}", "Always."),
        ("{a}, {n} and {f}", "one, 7 and 2.5"),
        ("{{a}} is \\boxed{{}} or {}", "{a} is \\boxed{} or {}"),
        ("{nested.x}", "deep"),
    ],
)
def test_a_template_leaves_out_paragraphs_with_an_empty_column(template: str, text: str) -> None:
    row = {"a": " one ", "b": "two", "blank": " \n", "n": 7, "f": 2.5, "nested": {"x": "deep"}}
    assert fill(template, row) == text


def test_a_value_with_braces_is_not_filled_again() -> None:
    assert fill("{a} {b}", {"a": "{b}", "b": "two"}) == "{b} two"


def test_a_list_in_a_template_is_refused() -> None:
    assert refusal("{a}", {"a": ["x"]}) == "wrong_type"


def test_after_keeps_what_follows_the_last_marker() -> None:
    assert read({"column": "a", "after": "####"}, {"a": "x #### 1 #### 72"}) == " 72"


def test_a_missing_marker_is_refused() -> None:
    assert refusal({"column": "a", "after": "####"}, {"a": "72"}) == "marker_missing"


def test_replace_works_in_its_order() -> None:
    reader = {"column": "a", "replace": {"<end>": "", "x": "y", "y": "z"}}
    assert read(reader, {"a": "x<end>"}) == "z"


@pytest.mark.parametrize(("value", "name"), [(5, "hard"), (5.0, "hard"), (" 5 ", "hard")])
def test_values_are_named_by_their_text(value: Any, name: str) -> None:
    assert read({"column": "a", "values": {"5": "hard"}}, {"a": value}) == name


@pytest.mark.parametrize("row", [{}, {"a": None}, {"a": ""}, {"a": math.nan}])
def test_a_missing_value_is_named_by_the_empty_text(row: dict[str, Any]) -> None:
    assert read({"column": "a", "values": {"": "none"}}, row) == "none"


def test_a_value_without_a_name_is_refused() -> None:
    assert refusal({"column": "a", "values": {"5": "hard"}}, {"a": 6}) == "unmapped_value"


def test_json_is_taken_before_it_is_changed() -> None:
    reader = {"column": "a", "is_json": True, "values": {"C": "third"}}
    assert read(reader, {"a": '"C"'}) == "third"


def test_the_items_of_a_list_are_changed_one_by_one() -> None:
    assert read({"column": "a", "replace": {"x": "y"}}, {"a": ["x1", "x2"]}) == ["y1", "y2"]


@pytest.mark.parametrize(
    "value", [{}, {"column": "a", "template": "{b}"}, {"column": "a", "afer": "#"}, 4, ""]
)
def test_a_reader_that_says_nothing_clear_is_an_error(value: Any) -> None:
    with pytest.raises(ValidationError):
        Holder.model_validate({"value": value})


ROW = {
    "code": "def check(candidate): pass",
    "name": "Solution().f",
    "prelude": "import math",
    "asserts": ["assert f(1) == 2", "assert f(2) == 3"],
    "ins": ["1\n", "2\n"],
    "outs": ["2\n", "3\n"],
    "blank": "",
}


@pytest.mark.parametrize(
    ("options", "cases"),
    [
        (
            {"test_code": "code", "entry_point": "name", "setup": "prelude"},
            [{"test_code": ROW["code"], "entry_point": "Solution().f", "setup": "import math"}],
        ),
        ({"test_code": "code", "entry_point": "blank"}, [{"test_code": ROW["code"]}]),
        ({"test_code": "blank", "entry_point": "name"}, []),
        (
            {"asserts": "asserts", "setup": "prelude"},
            [{"assert": text, "setup": "import math"} for text in ROW["asserts"]],
        ),
        (
            {"inputs": "ins", "outputs": "outs"},
            [{"input": "1\n", "output": "2\n"}, {"input": "2\n", "output": "3\n"}],
        ),
        ({"inputs": "nope", "outputs": "nope"}, []),
    ],
)
def test_columns_make_test_cases_in_the_form_of_verify(
    options: dict[str, str], cases: list[dict[str, str]]
) -> None:
    assert CaseColumns.model_validate(options).read(ROW) == cases


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cases": "a", "asserts": "b"},
        {"inputs": "a"},
        {"asserts": "a", "entry_point": "b"},
        {"setup": "a"},
    ],
)
def test_tests_that_are_made_in_no_single_way_are_an_error(options: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CaseColumns.model_validate(options)


@pytest.mark.parametrize(
    ("value", "cases"),
    [
        ('[{"input": "1", "output": "2"}]', [{"input": "1", "output": "2"}]),
        ({"inputs": ["1"], "outputs": ["2"]}, [{"input": "1", "output": "2"}]),
        ([{"assert": "assert 1", "setup": None}], [{"assert": "assert 1"}]),
        (
            [{"test_code": "t", "entry_point": "f", "setup": "s"}],
            [{"test_code": "t", "entry_point": "f", "setup": "s"}],
        ),
        ([{"input": "1", "output": "2", "testtype": "stdin"}], [{"input": "1", "output": "2"}]),
        (
            [{"input": "1", "output": "2", "testtype": "functional", "fn_name": "f"}],
            [{"input": "1", "output": "2", "testtype": "functional", "fn_name": "f"}],
        ),
        (
            '{"fn_name": "f", "inputs": [[1]], "outputs": [[2]]}',
            [{"fn_name": "f", "inputs": [[1]], "outputs": [[2]]}],
        ),
        (
            {"fn_name": None, "inputs": ["1"], "outputs": ["2"]},
            [{"input": "1", "output": "2"}],
        ),
        (None, []),
        ("", []),
        ([], []),
    ],
)
def test_ready_cases_are_taken_as_they_are(value: Any, cases: list[dict[str, str]]) -> None:
    assert ready_cases(value) == cases


@pytest.mark.parametrize(
    "value",
    [
        [{"input": "1", "output": "2", "testtype": "functional"}],
        [{"input": "1"}],
        [{"input": 1, "output": 2}],
        [{"assert": "a", "entry_point": "f"}],
        ["assert 1"],
        {"functional": "check(f)"},
        {"inputs": ["1"], "outputs": []},
        {"fn_name": "f", "inputs": [[1]], "outputs": []},
        {"fn_name": "f.g", "inputs": [[1]], "outputs": [1]},
        {"fn_name": "f", "inputs": ["{"], "outputs": [1]},
        {"fn_name": "f", "inputs": [1], "outputs": [1]},
        7,
    ],
)
def test_cases_that_verify_would_not_understand_are_refused(value: Any) -> None:
    with pytest.raises(BadRow, match="bad_test_cases"):
        ready_cases(value)


def test_inputs_without_outputs_are_refused() -> None:
    with pytest.raises(BadRow, match="bad_test_cases"):
        paired_cases(["1"], None)
