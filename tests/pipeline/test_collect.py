"""Collect's merging and refusing, on sources made for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.collect import Merged, Rules, as_entry, spill
from pipeline.errors import SourceError
from pipeline.records import Message, Question
from pipeline.sources.base import Refused, Source, SourceResponse, SourceRow
from pipeline.spill import read_spill, spill_path
from pipeline.store import Store

MAX = 1_000
RULES = Rules(MAX)


def question(*turns: str, **rest: Any) -> Question:
    roles = ("user", "assistant")
    prompt = [Message(roles[place % 2], text) for place, text in enumerate(turns)]
    fields = {"source_revision": "1", "licence": "MIT", "kind": "math", **rest}
    return Question.new("s", prompt, **fields)


def row(
    *turns: str, origin: str = "f#1", responses: tuple[str, ...] = (), **rest: Any
) -> SourceRow:
    carried = tuple(SourceResponse("t", text) for text in responses)
    return SourceRow(origin, question(*turns, **rest), carried)


TWO_USER_TURNS = Question.new(
    "s",
    [Message("user", "a"), Message("user", "b")],
    source_revision="1",
    licence="MIT",
    kind="chat",
)


def merged(*rows: SourceRow | Refused) -> Merged:
    result = Merged()
    for item in rows:
        # Through JSON, as a spill file would carry it.
        result.add(json.loads(json.dumps(as_entry("s", item, MAX))))
    return result


def reasons(result: Merged) -> list[str]:
    return [drop.reason for drop in result.refused.values()]


def test_rows_with_one_id_become_one_question_with_all_origins() -> None:
    result = merged(row("2+2?", origin="a#1"), row("2+2?", origin="b#7"))
    (only,) = result.questions.values()
    assert only.origins == ("a#1", "b#7")
    assert result.repeated == 1


def test_what_one_row_lacks_the_other_gives() -> None:
    result = merged(row("2+2?"), row("2+2?", reference_answer="4"))
    assert [q.reference_answer for q in result.questions.values()] == ["4"]


@pytest.mark.parametrize("later", [(), ("4",), ("4", "5")])
def test_contradicting_references_refuse_the_question_for_good(later: tuple[str, ...]) -> None:
    rows = [row("2+2?", reference_answer=answer) for answer in ("4", "5", *later)]
    result = merged(*rows)
    assert not result.questions
    assert reasons(result) == ["reference_conflict"]
    assert result.tables()["questions"][1]["repeated"] == len(rows) - 1


def test_references_that_differ_in_outer_space_do_not_contradict() -> None:
    assert merged(row("q", reference_answer="4"), row("q", reference_answer=" 4\n")).questions


def test_responses_of_repeated_rows_are_all_kept_once() -> None:
    result = merged(row("q", responses=("a", "b")), row("q", responses=("b", "c")))
    table = result.tables()["responses/round=00"][0]
    assert table.column("answer").to_pylist() == ["a", "b", "c"]
    assert table.column("attempt").to_pylist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(" \n"), "empty_prompt"),
        (row("x" * (MAX + 1)), "prompt_too_long"),
        (row("lone \ud800 surrogate"), "invalid_unicode"),
        (row("q", responses=("\udfff",)), "invalid_unicode"),
        (row("q", "an answer"), "turns_not_alternating"),
        (SourceRow("f#1", TWO_USER_TURNS), "turns_not_alternating"),
        (Refused("f#1", "malformed", "{broken", "{broken"), "malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_question_is_refused_with_its_place(
    bad: SourceRow | Refused, reason: str
) -> None:
    result = merged(bad)
    assert not result.questions
    (drop,) = result.refused.values()
    assert (drop.reason, drop.of, drop.stage) == (reason, "s", "collect")
    assert json.loads(drop.evidence)["origin"] == "f#1"


def test_every_row_read_is_a_question_a_repetition_or_refused() -> None:
    result = merged(row("a"), row("a"), row("b"), row(""), row(""), Refused("f#9", "x", "y"))
    counts = result.tables()["questions"][1]
    questions, refused = len(result.questions), len(result.refused)
    assert counts["rows_read"] == questions + refused + counts["repeated"] == 6


class Made(Source):
    """A source of as many rows as `limit` says."""

    total: int = 5

    def rows(self) -> Iterator[SourceRow | Refused]:
        for number in range(self.total):
            yield row(f"question {number}", origin=f"made#{number}")


def made(**options: Any) -> Made:
    return Made(source="made", name="s", licence="MIT", revision="1", **options)


def test_a_spill_has_every_row_in_its_shard(tmp_path: Path) -> None:
    store = Store(tmp_path, "set", "1", 3)
    assert spill(made(), store, RULES, "mark") == ("s", 5)
    entries = [e for k in range(3) for e in read_spill(spill_path(store, "s", k))]
    origins = sorted(entry["question"]["origins"][0] for entry in entries)
    assert origins == [f"made#{number}" for number in range(5)]


def test_a_source_is_read_up_to_its_limit(tmp_path: Path) -> None:
    assert spill(made(limit=2), Store(tmp_path, "set", "1", 1), RULES, "mark") == ("s", 2)


def test_a_source_without_rows_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="source s: has no rows"):
        spill(made(total=0), Store(tmp_path, "set", "1", 1), RULES, "mark")


def test_a_spill_that_was_cut_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    store = Store(tmp_path, "set", "1", 1)
    spill(made(), store, RULES, "mark")
    done = spill_path(store, "s", 0).parent / "done.json"
    assert done.read_text(encoding="utf-8") == "mark"
    done.unlink()  # as after a kill
    assert spill(made(), store, RULES, "mark") == ("s", 5)
    assert len(list(read_spill(spill_path(store, "s", 0)))) == 5
