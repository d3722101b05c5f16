import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import (
    Drop,
    Example,
    Label,
    Message,
    Question,
    Response,
    Verdict,
    content_hash,
    shard_of,
)

QUESTION = Question.new(
    "s",
    [Message("user", "2+2?")],
    source_revision="1",
    licence="MIT",
    kind="math",
    reference_answer="4",
    origins=("a#1", "b#2"),
)
RESPONSE = Response.parse(
    "<think>a</think>b",
    id="0" * 32,
    teacher="t",
    round=1,
    attempt=0,
    finish_reason="stop",
    prompt_tokens=3,
    response_tokens=None,
)


@pytest.mark.parametrize(
    "record",
    [
        QUESTION,
        RESPONSE,
        Label("1", "math", "easy", "en", 3, "heuristic-1"),
        Drop("1", "collect", "empty_prompt", of="s"),
        Verdict("1", "t", 0, 0, "math", "correct", 1.0, "equal", "{}", 0.1),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_survives_its_table(record: object) -> None:
    kind = type(record)
    table = kind.to_table([record])  # type: ignore[attr-defined]
    assert table.schema == kind.SCHEMA  # type: ignore[attr-defined]
    assert list(kind.from_table(table)) == [record]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Question, Label, Drop, Response, Verdict, Example])
def test_a_table_without_rows_has_the_schema(kind: type[Question]) -> None:
    assert kind.to_table([]).schema == kind.SCHEMA


def test_a_missing_required_value_is_refused() -> None:
    with pytest.raises(ValueError, match="Drop.id: must not be missing"):
        Drop.to_table([Drop(None, "collect", "x")])  # type: ignore[arg-type]


def test_the_id_depends_on_source_and_prompt_alone() -> None:
    same = Question.new(
        "s", [Message("user", "2+2?")], source_revision="9", licence="x", kind="chat"
    )
    other = Question.new(
        "t", [Message("user", "2+2?")], source_revision="1", licence="MIT", kind="math"
    )
    assert same.id == QUESTION.id
    assert other.id != QUESTION.id


def test_equal_values_have_equal_hashes_whatever_their_order() -> None:
    assert content_hash({"a": 1, "b": "ü"}) == content_hash({"b": "ü", "a": 1})
    assert content_hash("\ud800") != content_hash("\ud801")  # lone surrogates do not crash


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32)), st.integers(1, 100))
def test_shards_are_ranges_of_ids(ids: list[str], shards: int) -> None:
    places = [shard_of(id, shards) for id in sorted(ids)]
    assert places == sorted(places)
    assert all(0 <= place < shards for place in places)


def test_a_system_turn_becomes_part_of_the_user_turn_after_it() -> None:
    turns = [Message("system", "Be brief."), Message("user", "Hi")]
    question = Question.new("s", turns, source_revision="1", licence="MIT", kind="chat")
    assert question.prompt == (Message("user", "Be brief.\n\nHi"),)


@pytest.mark.parametrize(
    "text",
    ["<think>a</think>b", "plain", "<think>open", "<think>\nx\n</think>\n\n<answer>y</answer>"],
)
def test_a_response_keeps_its_text_without_raw(text: str) -> None:
    response = Response.parse(text, **_rest())
    assert response.text == text
    assert response.raw is None


@pytest.mark.parametrize("text", ["Sure! <think>a</think>b"])
def test_a_response_that_its_parts_do_not_make_again_is_kept_raw(text: str) -> None:
    response = Response.parse(text, **_rest())
    assert response.raw == response.text == text


def test_the_first_tag_that_templates_swallow_is_put_back() -> None:
    assert Response.parse("a</think>b", **_rest()).text == "<think>a</think>b"


def _rest() -> dict[str, object]:
    return {
        "id": "1",
        "teacher": "t",
        "round": 1,
        "attempt": 0,
        "finish_reason": "stop",
        "prompt_tokens": None,
        "response_tokens": None,
    }
