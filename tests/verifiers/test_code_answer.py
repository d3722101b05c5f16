"""Which program is taken out of an answer."""

from __future__ import annotations

import time

import pytest

from verifiers.code_answer import blocks, programs


def first(answer: str, *wanted: str) -> str | None:
    found = programs(answer, set(wanted))
    return found[0].source.strip() if found else None


def fenced(*parts: tuple[str, str]) -> str:
    return "\n".join(f"text\n```{tag}\n{body}\n```" for tag, body in parts)


def test_last_block_counts() -> None:
    assert first(fenced(("python", "a = 1"), ("python", "a = 2"))) == "a = 2"


def test_block_that_defines_a_wanted_name_comes_first() -> None:
    answer = fenced(("python", "def f(): pass"), ("python", "def g(): pass"), ("python", "f()"))
    assert first(answer, "f", "assert") == "def f(): pass"


def test_block_that_defines_something_comes_before_usage() -> None:
    assert first(fenced(("python", "def g(): pass"), ("python", "g()")), "f") == "def g(): pass"


def test_whole_programs_are_taken_from_the_end() -> None:
    assert first(fenced(("python", "def g(): pass"), ("python", "print(1)"))) == "print(1)"


@pytest.mark.parametrize("tag", ["python", "py", "python3", "Python", "python {.numbers}"])
def test_python_tag_comes_before_others(tag: str) -> None:
    answer = fenced((tag, "a = 1"), ("", "b"), ("bash", "pip"))
    assert first(answer) == "a = 1"


def test_untagged_comes_before_another_language() -> None:
    assert first(fenced(("", "a = 1"), ("json", "{}"))) == "a = 1"


def test_indented_block_loses_its_indentation() -> None:
    assert first("1. So:\n   ```python\n   if a:\n       b\n   ```") == "if a:\n    b"


def test_fence_inside_a_longer_fence_is_text() -> None:
    assert blocks("````md\n```python\nx\n```\n````") == [("md", "```python\nx\n```\n")]


def test_opening_fence_with_a_tag_does_not_close() -> None:
    assert blocks("```python\n'''\n```py\n'''\n```") == [("python", "'''\n```py\n'''\n")]


def test_unclosed_block_runs_to_the_end() -> None:
    assert first("```python\na = 1\nb = 2") == "a = 1\nb = 2"


def test_inline_backticks_are_no_fence() -> None:
    assert programs("use ```x``` here\ny = 1", set())[0].index is None


def test_text_without_a_fence_is_taken_whole() -> None:
    assert first("  a = 1\n") == "a = 1"


@pytest.mark.parametrize("answer", ["", " \n", "```python\n```"])
def test_nothing_gives_nothing(answer: str) -> None:
    assert first(answer) is None


@pytest.mark.parametrize("line", ["~" * 200_000 + "`", "`" * 200_000 + "x`", " " * 200_000 + "x"])
def test_long_lines_take_linear_time(line: str) -> None:
    started = time.perf_counter()
    programs(f"{line}\n```python\n{line}\n```", {"x"})
    assert time.perf_counter() - started < 1


def test_long_answers_take_linear_time() -> None:
    assert len(programs("```python\nx\n```\n" * 20_000, {"x"})) == 16


CPP = "#include <iostream>\nint main() { return 0; }"


@pytest.mark.parametrize("tag", ["cpp", "c++", "C++", "cc", "cxx", "c++17", "cpp20 is none"])
def test_tags_of_cpp(tag: str) -> None:
    found = programs(fenced(("", "x"), (tag, CPP)), set(), ["cpp"])
    assert (found[0].source.strip() == CPP) is (tag != "cpp20 is none")


def test_last_cpp_block_with_a_main_is_taken() -> None:
    found = programs(fenced(("cpp", CPP), ("cpp", "int f();")), set(), ["cpp"])
    assert [one.source.strip() for one in found] == [CPP]


def test_cpp_without_a_main_is_taken_if_there_is_nothing_else() -> None:
    assert programs(fenced(("cpp", "int f();")), set(), ["cpp"])[0].source.strip() == "int f();"


@pytest.mark.parametrize(
    ("blocks_given", "language"),
    [
        ([("python", "a = 1"), ("cpp", CPP)], "cpp"),
        ([("cpp", CPP), ("python", "a = 1")], "python"),
        ([("cpp", CPP), ("", "a = 1")], "cpp"),
        ([("", CPP), ("", "a = 1")], "python"),
        ([("", "a = 1"), ("", CPP)], "cpp"),
        ([("rust", "fn main() {}"), ("", CPP)], "cpp"),
        ([("rust", "fn main() {}")], "python"),
    ],
)
def test_last_block_that_is_allowed_decides_the_language(
    blocks_given: list[tuple[str, str]], language: str
) -> None:
    found = programs(fenced(*blocks_given), set(), ["python", "cpp"])
    assert {one.language for one in found} == {language}


def test_text_without_a_fence_is_cpp_where_it_includes() -> None:
    assert programs(CPP, set(), ["python", "cpp"])[0].language == "cpp"
    assert programs("a = 1", set(), ["python", "cpp"])[0].language == "python"
    assert programs("a = 1", set(), ["cpp"])[0].language == "cpp"
