"""The same question in several sources: the one that stays names all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.collect import Merged, Rules, spill
from pipeline.records import Message, Question
from pipeline.shared_prompts import find_shared, shared_origins
from pipeline.sources.base import Refused, Source, SourceRow
from pipeline.spill import read_spill, spill_path
from pipeline.store import Store

SHARDS = 3


class Listed(Source):
    """Questions from a list."""

    texts: tuple[str, ...] = ()

    def rows(self) -> Iterator[SourceRow | Refused]:
        rest = {"source_revision": "1", "licence": "MIT", "kind": "math"}
        for place, text in enumerate(self.texts):
            question = Question.new(self.name, [Message("user", text)], **rest)
            yield SourceRow(f"rows#{place}", question)


def origins(root: Path, **sources: tuple[str, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Collect sources given as texts; returns the origins by source and text."""
    store = Store(root, "set", "1", SHARDS)
    for name, texts in sources.items():
        made = Listed(source="listed", name=name, licence="MIT", revision="1", texts=texts)
        spill(made, store, Rules(1_000), "mark")
    find_shared(store, sources)
    found = {}
    for shard in range(SHARDS):
        merged = Merged()
        for name in sources:
            for entry in read_spill(spill_path(store, name, shard)):
                merged.add(entry)
        table, _ = merged.tables(shared_origins(store, shard))["questions"]
        for question in Question.from_table(table):
            found[(question.source, question.user_text)] = question.origins
    return found


def test_each_copy_names_the_rows_of_the_others_after_its_own(tmp_path: Path) -> None:
    found = origins(
        tmp_path,
        small=("What is 2 + 2?", "Only here?"),
        big=("Something else.", "What is 2 + 2?", "What is 2 + 2?"),
        third=("What is 2 + 2?",),
    )
    asked = "What is 2 + 2?"
    assert found[("small", asked)] == ("rows#0", "big: rows#1", "big: rows#2", "third: rows#0")
    assert found[("big", asked)] == ("rows#1", "rows#2", "small: rows#0", "third: rows#0")
    assert found[("small", "Only here?")] == ("rows#1",)


def test_what_deduplicate_calls_exact_is_shared_and_other_numbers_are_not(tmp_path: Path) -> None:
    found = origins(
        tmp_path,
        one=("Find $2 \\times 3$.", "Find 2 + 3."),
        two=("Question: find 2*3", "Find 2 + 4."),
    )
    assert found[("one", "Find $2 \\times 3$.")] == ("rows#0", "two: rows#0")
    assert found[("one", "Find 2 + 3.")] == ("rows#1",)


def test_a_repeated_row_of_one_source_is_not_shared(tmp_path: Path) -> None:
    found = origins(tmp_path, one=("Twice?", "Twice?"), two=("Other.",))
    assert found[("one", "Twice?")] == ("rows#0", "rows#1")


def test_what_an_earlier_run_found_is_forgotten(tmp_path: Path) -> None:
    origins(tmp_path, one=("Same?",), two=("Same?",))
    found = origins(tmp_path, one=("Same?",), two=("Changed?",))
    assert found[("one", "Same?")] == ("rows#0",)
