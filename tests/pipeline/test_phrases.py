"""Phrases all over a dataset: what is a run, how often it is counted, and how it is named."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from pipeline import phrases
from pipeline.phrases import Common, find_common, runs, said, spill
from pipeline.recipe_select import Phrases
from pipeline.records import Message, Question, Response

WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "nprstx"]
PHRASE = "Okay so I need to find out what it is that the problem wants me to look for first"
POLICY = Phrases(words=15, more_than=3)


def question(name: str, text: str = "") -> Question:
    turns = [Message("user", text or f"What is {name}?")]
    return Question.new("s", turns, source_revision="1", licence="MIT", kind="chat")


def response(of: Question, think: str, answer: str = "So it is.", attempt: int = 0) -> Response:
    return Response.parse(
        f"<think>{think}</think>{answer}",
        id=of.id,
        teacher="t",
        round=0,
        attempt=attempt,
        finish_reason="stop",
        prompt_tokens=None,
        response_tokens=None,
    )


def babble(seed: int, size: int = 60) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=size))


def common(folder: Path, groups: list[tuple[Question, list[Response]]]) -> Common:
    spill(folder, 0, [said(of, given, POLICY) for of, given in groups])
    Common.count(folder, POLICY)
    return Common.load(folder, POLICY)


def with_phrase(count: int, text: str = PHRASE) -> list[tuple[Question, list[Response]]]:
    asked = [question(f"x{place}") for place in range(count)]
    return [(of, [response(of, f"{babble(n)} {text}")]) for n, of in enumerate(asked)]


def test_a_phrase_of_more_questions_than_allowed_is_found_and_named(tmp_path: Path) -> None:
    groups = with_phrase(4)
    found = common(tmp_path, groups).worst(groups[2][0], groups[2][1][0])
    assert found == (" ".join(PHRASE.split()[:15]), 4)


def test_a_phrase_of_as_many_questions_as_allowed_is_none(tmp_path: Path) -> None:
    groups = with_phrase(3)
    assert common(tmp_path, groups).worst(groups[2][0], groups[2][1][0]) is None


def test_responses_to_one_question_count_once(tmp_path: Path) -> None:
    of = question("x")
    given = [response(of, f"{babble(n)} {PHRASE}", attempt=n) for n in range(9)]
    assert common(tmp_path, [(of, given)]).worst(of, given[0]) is None


def test_what_the_question_says_itself_is_not_counted(tmp_path: Path) -> None:
    asked = [question(f"x{n}", f"Number {n}. {PHRASE}.") for n in range(6)]
    groups = [(of, [response(of, PHRASE)]) for of in asked]
    assert common(tmp_path, groups).worst(asked[0], groups[0][1][0]) is None


def test_fenced_code_is_not_counted_and_joins_nothing(tmp_path: Path) -> None:
    half = PHRASE.split()[:8]
    code = f"{' '.join(half)}\n```python\n{PHRASE}\n```\n{' '.join(PHRASE.split()[8:])}"
    groups = with_phrase(6, code)
    assert common(tmp_path, groups).worst(groups[0][0], groups[0][1][0]) is None


def test_case_and_punctuation_make_no_other_phrase(tmp_path: Path) -> None:
    spelled = PHRASE.upper().replace(" ", ", ")
    groups = [*with_phrase(3), *[(of := question("y"), [response(of, spelled)])]]
    found = common(tmp_path, groups).worst(of, groups[-1][1][0])
    assert found is not None
    assert found[0].startswith("OKAY, SO, I, NEED")
    assert found[1] == 4


@pytest.mark.parametrize(
    "text",
    [
        "今天我们先来看看这个问题到底想要我们求什么东西然后再一步一步算",
        r"Let \frac{1,200}{3} be 1,200 of ½ café items and 1.5 naïve ones so none is left at all",
    ],
)
def test_the_words_named_are_the_words_that_recur(text: str, tmp_path: Path) -> None:
    groups = with_phrase(4, text)
    found = common(tmp_path, groups).worst(groups[0][0], groups[0][1][0])
    assert found is not None
    hashes, _, _ = runs([found[0]], POLICY)
    assert len(hashes) <= 2  # ½ is two words to the hash, and one that is named
    assert int(hashes[0]) in {int(one) for one in runs([text], POLICY)[0]}


def test_order_of_shards_and_size_of_files_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = [said(of, given, POLICY) for of, given in with_phrase(40)]
    found = []
    for name, size, span in (("one", 1 << 24, 1 << 24), ("many", 50, 100)):
        monkeypatch.setattr(phrases, "FILE_HASHES", size)
        monkeypatch.setattr(phrases, "RANGE_HASHES", span)
        (tmp_path / name).mkdir()
        for shard in range(4) if name == "one" else reversed(range(4)):
            spill(tmp_path / name, shard, hashes[shard::4])
        found.append(find_common(tmp_path / name, 3))
    assert len(list((tmp_path / "many").glob("*.u64"))) > 8
    assert len(found[0][0]) == len(PHRASE.split()) - 14
    assert np.array_equal(found[0], found[1])


def test_counts_of_a_sample_are_exact(tmp_path: Path) -> None:
    groups = with_phrase(9, babble(99, 300))
    whole = [said(of, given, POLICY) for of, given in groups]
    few = POLICY.model_copy(update={"one_in": 8})
    for name, policy in (("all", POLICY), ("few", few)):
        (tmp_path / name).mkdir()
        spill(tmp_path / name, 0, [said(of, given, policy) for of, given in groups])
    (hashes, counts), (some, often) = (find_common(tmp_path / n, 3) for n in ("all", "few"))
    assert len(whole[0]) > 300
    assert 0 < len(some) < len(hashes) / 4
    assert np.array_equal(often, counts[np.isin(hashes, some)])
