from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.benchmarks import benchmark_name
from pipeline.config import Config
from pipeline.facts import Facts, gather, ordered, percent
from pipeline.lengths import lengths
from pipeline.records import Response
from pipeline.store import Origin, Store


@pytest.fixture
def facts(small_config: Config, small_store: Store) -> Facts:
    return gather(small_config, small_store)


def test_the_funnel_ends_at_what_is_published(facts: Facts) -> None:
    assert (facts.collected, facts.published, facts.dropped, facts.pending) == (16, 7, 9, 0)
    assert facts.balanced
    assert facts.steps[-1].left == facts.published
    left = facts.collected
    for step in facts.steps:
        left -= step.dropped
        assert step.left == left


def test_sources_sum_up_to_the_whole(facts: Facts) -> None:
    assert sum(of.collected for of in facts.sources) == facts.collected
    assert sum(of.published for of in facts.sources) == facts.published
    assert sum(of.rows_read for of in facts.sources) == facts.rows_read == 17
    for of in facts.sources:
        assert of.collected == of.published + of.pending + sum(of.dropped.values())
        assert sum(of.dropped.values()) == sum(of.reasons.values())


def test_a_source_shows_the_licences_and_revisions_of_its_rows(facts: Facts) -> None:
    assert [(of.name, of.licences, of.revisions) for of in facts.sources] == [
        ("alpha", ("MIT",), ("r1",)),
        ("beta", ("CC-BY-4.0",), ("r1",)),
    ]


@pytest.mark.parametrize("column", ["category", "difficulty", "kind", "outcome", "labeller"])
def test_every_column_counts_all_rows(facts: Facts, column: str) -> None:
    assert sum(facts.rows_by[column].values()) == facts.rows == sum(facts.configs.values()) == 7


def test_verdicts_are_counted_by_verifier_outcome_and_reason(facts: Facts) -> None:
    math = next(of for of in facts.verdicts if of.name == "math")
    assert (math.correct, math.incorrect, math.unverified) == (5, 3, 1)
    assert math.reasons["incorrect/not_equal"] == 3
    assert facts.published_unverified == {"nothing_to_check": 1}


def test_rules_never_make_a_response_correct(facts: Facts) -> None:
    first = facts.rounds[0]
    assert (first.correct, first.unverified) == (2, 1)  # the third passed the rules alone


def test_a_round_gains_only_what_no_earlier_one_had(facts: Facts) -> None:
    gained = {of.round: (of.questions, of.gained, of.rows) for of in facts.rounds}
    assert gained == {0: (3, 2, 3), 1: (7, 3, 3), 2: (2, 1, 1)}


def test_a_second_correct_response_gains_nothing(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def answer_again(data: Any) -> None:
        data.try_("by_source", 1, "<think>again</think>4", "correct", "equal")

    store = make_small_store(tmp_path / "data", change=answer_again)
    assert [of.gained for of in gather(small_config, store).rounds] == [2, 3, 1]


def test_responses_nobody_judged_are_not_counted_as_wrong(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def add_unjudged(data: Any) -> None:
        of = data.questions["left_out"]
        reply = Response(of.id, "t", 0, 0, "a", "b", None, "stop", None, None)
        data.add("responses/round=00", reply)

    facts = gather(small_config, make_small_store(tmp_path / "data", change=add_unjudged))
    assert (facts.rounds[0].unjudged, facts.rounds[0].incorrect) == (1, 0)


def test_contamination_names_benchmark_and_method(facts: Facts) -> None:
    assert [asdict(hit) for hit in facts.contamination] == [
        {"benchmark": "aime_2024", "method": "ngram", "questions": 1}
    ]
    assert facts.benchmarks == ("aime_2024",)


def test_how_near_pairs_were_looked_for_and_kept_apart_is_told(
    small_config: Config, small_store: Store
) -> None:
    rows = small_store.read("duplicates", 1)
    spared = {"pairs_spared_by_numbers": 4, "pairs_spared_by_chunks": 7}
    search = {"pairs_checked": 1_000, "pairs_missed": 3, "cells_widened_to": 10}
    small_store.write("duplicates", 1, rows, Origin({}, {}), {**spared, **search}, 0.0)
    facts = gather(small_config, small_store)
    assert facts.pairs_spared == {"chunks": 7, "numbers": 4}
    assert facts.pair_search.recall == 0.997
    assert facts.pair_search.widened_to == 10


def test_texts_longer_than_the_window_are_counted(small_config: Config, small_store: Store) -> None:
    nothing = pa.table({"id": pa.array([], pa.string())})
    for shard in range(2):
        small_store.write("vectors", shard, nothing, Origin({}, {}), {"clipped": 2}, 0.0)
    assert gather(small_config, small_store).long_texts == 4


def test_facts_are_the_same_for_any_number_of_shards(
    small_config: Config, facts: Facts, make_small_store: Any, tmp_path: Path
) -> None:
    other = gather(small_config, make_small_store(tmp_path / "other", shards=1))
    assert json.dumps(asdict(other)) == json.dumps(asdict(facts))


def test_an_unfinished_version_has_facts_too(small_config: Config, tmp_path: Path) -> None:
    facts = gather(small_config, Store(tmp_path, "small", "1", 3))
    assert (facts.collected, facts.rows, facts.rounds) == (0, 0, ())


@pytest.mark.parametrize(
    ("counts", "median", "p95", "longest"),
    [({10: 1}, 10, 10, 10), ({1: 94, 2: 5, 99: 1}, 1, 2, 99), ({1: 1, 3: 1}, 1, 3, 3)],
)
def test_quantiles_are_lengths_that_occur(
    counts: dict[int | None, int], median: int, p95: int, longest: int
) -> None:
    found = lengths(counts)
    assert (found.median, found.p95, found.longest) == (median, p95, longest)


def test_bars_hold_every_counted_row_once() -> None:
    found = lengths({0: 1, 15: 2, 16: 4, 70_000: 8, 200_000: 16, None: 32})
    assert sum(bar.rows for bar in found.bars) == found.counted == 31
    assert found.unknown == 32
    assert found.bars[0].low == 0 and found.bars[-1].high > 200_000


def test_difficulties_stand_in_the_order_of_degree() -> None:
    assert list(ordered("difficulty", {"hard": 9, "very_easy": 1, "medium": 5})) == [
        "very_easy",
        "medium",
        "hard",
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [("$DATA/aime_2024.parquet", "aime_2024"), ("x/gpqa/", "gpqa"), ("a.b.jsonl.zst", "a.b")],
)
def test_a_benchmark_is_called_by_its_file(path: str, name: str) -> None:
    assert benchmark_name(path) == name


def test_a_share_of_nothing_is_nothing() -> None:
    assert percent(0, 0) == 0.0
