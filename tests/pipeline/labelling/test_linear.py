"""The linear labeller: its file, its determinism, and what it says of plain requests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, InputError
from pipeline.labelling import linear, training
from pipeline.labelling.features import category_by_wording, features, width
from pipeline.labelling.linear import LINEAR, Linear, inputs
from pipeline.labelling.training import Row, examples, fit_difficulty, rank_correlation
from pipeline.recipe_labels import CATEGORIES
from pipeline.records import DIFFICULTIES

TEXTS = {
    "What is 17 times 23, and what is the remainder of that by 5?": "math",
    "Write a Python function that reverses a string.": "coding",
    "Which ocean lies between Africa and Australia?": "information_seeking",
    "Write a poem about an old bicycle.": "creative_writing",
    "Translate into Italian: Good morning, everyone.": "translation",
    "把下面的句子翻译成英文：我喜欢喝茶。": "translation",
    "Make a schedule for a week of revision before my exam.": "planning",
    "You are a grumpy dragon. Greet a knight who asks for gold.": "role_play",
    "Give me ideas for names of a boat.": "brainstorming",
    "Correct the grammar of this sentence: She go home.": "editing",
}


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return training.embedded([Row(text, "s") for text in TEXTS], training.ENCODER)


def test_plain_requests_are_what_they_ask_for(vectors: np.ndarray) -> None:
    found = linear.load("").label(vectors, list(TEXTS), tuple(CATEGORIES))
    wrong = [
        text for (text, wanted), (got, _) in zip(TEXTS.items(), found, strict=True) if wanted != got
    ]
    assert len(wrong) <= 1, wrong


def test_only_allowed_categories_are_given(vectors: np.ndarray) -> None:
    found = linear.load("").label(vectors, list(TEXTS), ("math", "others"))
    assert {category for category, _ in found} <= {"math", "others"}


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(ConfigError, match="numbers"):
        linear.load("").label(np.zeros((1, 12)), ["a"], ("others",))


def test_no_texts_are_no_labels() -> None:
    assert linear.load("").label(np.zeros((0, 384)), [], ("others",)) == []


def test_the_weights_that_come_along_know_every_category_and_say_where_they_are_from() -> None:
    model = Linear.load(LINEAR)
    assert set(model.categories) == set(CATEGORIES)
    assert model.category_weights.shape == (384 + width(), len(CATEGORIES))
    assert "labels_baseline.py" in model.made_by["command"]
    assert sum(model.made_by["sources"].values()) > 10_000
    assert model.figures["category"]["by_size"] >= 0.9
    assert model.figures["difficulty"]["spearman"] >= 0.35
    assert LINEAR.stat().st_size < 200_000


def test_weights_outlive_writing_and_reading(tmp_path: Path) -> None:
    model = Linear.load(LINEAR)
    model.save(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == LINEAR.read_bytes()


@pytest.mark.parametrize("content", ["", "{}", '{"head": "category"}', "no json", "[1, 2]"])
def test_a_file_that_holds_no_weights_is_a_fault_of_the_configuration(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "w.jsonl").write_text(content)
    with pytest.raises(ConfigError, match=r"recipe\.label\.weights"):
        Linear.load(tmp_path / "w.jsonl")
    with pytest.raises(ConfigError, match="no such file"):
        Linear.load(tmp_path / "none.jsonl")


def rows(number: int) -> list[Row]:
    """Return rows of two sources with difficulties that follow from their texts' length."""
    texts = [f"Compute {'1 + ' * k}{k}." for k in range(number)]
    mine = [Row(text, "sums", "math", len(text) / 40) for text in texts]
    return [*mine, *(Row(f"Why is number {k} odd?", "why", "reasoning") for k in range(number))]


def test_equal_rows_train_equal_weights(tmp_path: Path) -> None:
    data = rows(30)
    x = inputs(np.random.default_rng(0).normal(size=(60, 4)), [row.text for row in data])
    for name in ("one", "two"):
        training.train(x, data, "t", "e").save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_levels_are_as_frequent_as_the_difficulties_they_were_trained_on() -> None:
    data = rows(100)
    x = inputs(np.zeros((200, 4)), [row.text for row in data])
    model = training.train(x, data, "t", "e")
    known = [place for place, row in enumerate(data) if row.difficulty is not None]
    levels = model.levels(model.scores(x[known]))
    wanted = [min(4, round(row.difficulty or 0)) for row in data if row.difficulty is not None]
    for place, name in enumerate(DIFFICULTIES):
        assert abs(levels.count(name) - wanted.count(place)) <= 3


def test_a_source_is_labelled_by_weights_that_never_saw_it_or_its_group() -> None:
    odd = [Row(f"Translate {k} to Dutch", "a", "translation", group="g") for k in range(9)]
    same = [Row(f"Translate {k} into Dutch", "b", "translation", group="g") for k in range(9)]
    data = [*odd, *same, *rows(9)]
    x = inputs(np.zeros((len(data), 1)), [row.text for row in data])
    found = training.left_out(x, data)
    assert all(guess != "translation" for _, guess in found["a"] + found["b"])


def test_without_difficulties_all_are_alike() -> None:
    weights, cuts = fit_difficulty(np.ones((2, 3)), [Row("a", "s", "math"), Row("b", "s", "math")])
    assert not weights.any()
    assert len(cuts) == 4


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [([1, 2, 3], [10, 20, 30], 1.0), ([1, 2, 3], [3, 2, 1], -1.0), ([1, 1, 2], [1, 1, 2], 1.0)],
)
def test_spearman_is_of_ranks(a: list[float], b: list[float], expected: float) -> None:
    assert rank_correlation(np.array(a, float), np.array(b, float)) == pytest.approx(expected)


def test_spearman_agrees_with_scipy_on_ties() -> None:
    from scipy.stats import spearmanr

    draw = np.random.default_rng(1)
    a, b = draw.integers(0, 5, 200).astype(float), draw.normal(size=200)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b)[0])


@given(st.text(max_size=300))
@settings(max_examples=50)
def test_every_text_has_as_many_features(text: str) -> None:
    found = features(text)
    assert found.shape == (width(),)
    assert np.isfinite(found).all()


def test_the_examples_are_of_known_categories_and_none_stands_twice() -> None:
    found = examples()
    assert {row.category for row in found} == set(CATEGORIES)
    assert len({row.text for row in found}) == len(found)


def test_first_words_name_a_category_only_where_they_are_clear() -> None:
    assert category_by_wording("Translate this.") == "translation"
    assert category_by_wording("The cat sat.") is None


def test_training_from_a_file_writes_weights_that_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"text": r.text, "source": r.source, "category": r.category} for r in rows(5)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    arguments = ["training", str(tmp_path / "rows.jsonl"), "--to", str(tmp_path / "mine-1.jsonl")]
    monkeypatch.setattr("sys.argv", arguments)
    training.main()
    model = Linear.load(tmp_path / "mine-1.jsonl")
    assert (model.name, model.encoder) == ("mine-1", training.ENCODER)
    assert "13 categories" in capsys.readouterr().out


@pytest.mark.parametrize("line", ['{"text": 1, "source": "s"}', "no", '{"text": "a"}'])
def test_a_row_that_is_none_is_refused_by_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "source": "s"}\n' + line)
    with pytest.raises(InputError, match="row 2"):
        training.read_rows(tmp_path / "rows.jsonl")
