"""The examples of docs/adding.md run as they are printed, found by their names."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pipeline.sources
import verifiers
from pipeline.collect import Merged, as_entry
from pipeline.config import Config, Endpoints
from pipeline.recipe import Recipe, Teacher, Verify
from pipeline.sources.base import Source, SourceRow, available_sources

PAGE = (Path(__file__).parent.parent / "docs" / "adding.md").read_text(encoding="utf-8")
# A file's name in code marks, then the fenced block that it holds.
FILES = dict(
    re.findall(r"`((?:pipeline|verifiers|tests)/[\w./]+)`[^`]*?\n\n```\w+\n(.*?)```", PAGE, re.S)
)
TOML = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def printed(name: str, folder: Path) -> Path:
    """Write the file that the page prints under a name, and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FILES[name], encoding="utf-8")
    return path


def beside(package: ModuleType, name: str, folder: Path) -> Iterator[None]:
    """Let a package find one more module, the page's, and forget it afterwards."""
    path, before = printed(name, folder), package.__path__
    package.__path__ = [*before, str(path.parent)]
    yield
    package.__path__ = before
    sys.modules.pop(f"{package.__name__}.{path.stem}", None)
    vars(package).pop(path.stem, None)
    gc.collect()  # verifiers are found among the living subclasses


@pytest.fixture
def flash_cards(tmp_path: Path) -> Iterator[None]:
    yield from beside(pipeline.sources, "pipeline/sources/flash_cards.py", tmp_path)
    assert "flash_cards" not in available_sources(), "left behind for the other tests"


@pytest.fixture
def town_quiz(tmp_path: Path) -> Iterator[None]:
    yield from beside(pipeline.sources, "pipeline/sources/town_quiz.py", tmp_path)
    assert "town_quiz" not in available_sources(), "left behind for the other tests"


@pytest.fixture
def same_text(tmp_path: Path) -> Iterator[None]:
    yield from beside(verifiers, "verifiers/same_text.py", tmp_path)
    assert "same_text" not in verifiers.available(), "left behind for the other tests"


def run_tests(path: Path, *arguments: object) -> int:
    """Call every test of a printed test file; returns how many there were."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        test(*arguments)
    return len(tests)


def test_the_page_prints_a_file_and_a_test_of_each() -> None:
    assert sorted(FILES) == [
        "pipeline/sources/flash_cards.py",
        "pipeline/sources/town_quiz.py",
        "tests/pipeline/sources/test_flash_cards.py",
        "tests/verifiers/cases/same_text.jsonl",
        "tests/verifiers/test_same_text.py",
        "verifiers/same_text.py",
    ]
    assert PAGE.count("```python") == 5


@pytest.mark.usefixtures("flash_cards")
def test_the_source_is_found_and_configured_as_printed() -> None:
    (source,) = tomllib.loads(TOML[0])["recipe"]["sources"]
    recipe = Recipe.model_validate({"sources": [source], "distill": {"rounds": 0}})
    assert type(recipe.sources[0]) is available_sources()["flash_cards"]
    assert "path" not in recipe.sources[0].identity()


@pytest.mark.usefixtures("flash_cards")
def test_every_option_of_the_source_is_described() -> None:
    made: type[Source] = available_sources()["flash_cards"]
    assert all(field.description for field in made.model_fields.values())
    assert made.summary and made.carries and made.kinds == ("math",)


@pytest.mark.usefixtures("flash_cards")
def test_the_source_yields_questions_that_collect_takes(tmp_path: Path) -> None:
    file = tmp_path / "cards.tsv"
    file.write_text("What is 6 * 7?\t42\t<think>a</think>42\nno tab\nWhat is 6 * 7?\t42\n")
    options = tomllib.loads(TOML[0])["recipe"]["sources"][0] | {"path": str(file)}
    source = available_sources()["flash_cards"](**options)
    merged = Merged()
    for row in source.rows():
        merged.add(as_entry(source.name, row, 1_000))
    (question,) = merged.questions.values()
    assert (question.reference_answer, question.licence) == ("42", "CC0-1.0")
    assert question.origins == ("cards.tsv#0", "cards.tsv#2")
    assert [drop.reason for drop in merged.refused.values()] == ["no_answer_field"]
    assert [r.teacher for r in merged.responses[question.id]] == ["card-author"]
    assert source.files() == (str(file),)


@pytest.mark.usefixtures("flash_cards")
def test_the_printed_test_of_the_source_passes(tmp_path: Path) -> None:
    path = printed("tests/pipeline/sources/test_flash_cards.py", tmp_path)
    assert run_tests(path, tmp_path) == 1


@pytest.mark.usefixtures("town_quiz")
def test_the_dataset_of_the_hub_reads_a_copy_of_its_files(tmp_path: Path) -> None:
    row = {"ask": "Why?", "truth": "none", "trace": "<think>Hm.</think>So.", "from": "fair"}
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "train.jsonl").write_text(f"{json.dumps(row)}\n", encoding="utf-8")
    options = {"source": "town_quiz", "revision": "abc1234", "folder": str(tmp_path / "copy")}
    made = available_sources()["town_quiz"].model_validate(options)
    (found,) = made.rows()
    assert isinstance(found, SourceRow)
    assert (found.question.reference_answer, found.question.licence) == (None, "CC0-1.0")
    assert [response.teacher for response in found.responses] == ["Town-R1"]


@pytest.mark.usefixtures("same_text")
def test_the_verifier_is_found_and_keeps_its_settings() -> None:
    made = verifiers.available()["same_text"]
    row = {"answer": "<think>a</think>PAR IS", "reference_answer": "par is"}
    with made.create(workers=2) as lenient, made.create(ignore_case=False) as strict:
        found = [*lenient.results([row]), *strict.results([row])]
    assert [one.reason for one in found] == ["equal", "different"]
    with pytest.raises(TypeError, match="unknown"):
        made.create(unknown=1)


@pytest.mark.usefixtures("same_text")
def test_the_verifier_answers_every_row_in_order_whatever_it_is() -> None:
    rows = [{}, {"answer": "a", "reference_answer": "a"}, 7, {"answer": None}]
    with verifiers.available()["same_text"].create() as verifier:
        found = list(verifier.results(rows))  # type: ignore[arg-type]
    assert [one.reason for one in found] == ["bad_input", "equal", "bad_input", "bad_input"]
    assert {one.verifier for one in found} == {"same_text"}


@pytest.mark.usefixtures("same_text")
def test_the_printed_cases_and_the_test_of_the_verifier_pass(tmp_path: Path) -> None:
    printed("tests/verifiers/cases/same_text.jsonl", tmp_path)
    assert run_tests(printed("tests/verifiers/test_same_text.py", tmp_path)) == 1


def test_the_other_configurations_of_the_page_are_valid() -> None:
    tables = [tomllib.loads(text) for text in TOML[1:]]
    verify, chat, completion, served = tables
    Verify.model_validate(verify["recipe"]["verify"])
    assert [Teacher.model_validate(t).style for t in (chat, completion)] == ["chat", "completion"]
    assert len(Endpoints.model_validate(served["runtime"]["endpoints"]).urls) == 2
    assert set(served) <= set(Config.model_fields)


def test_a_reply_that_continues_the_printed_prompt_has_a_think_part() -> None:
    teacher = Teacher.model_validate(tomllib.loads(TOML[3]))
    sent = teacher.shots + teacher.template
    assert sent.endswith(teacher.reply_prefix) and "</think>" in sent
