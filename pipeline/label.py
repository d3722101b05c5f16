"""Stage label: category, difficulty, language and length of every question.

Category and difficulty are a served model's where the recipe names one, else those of a
baseline (pipeline/labelling/linear.py). `labeller` says whose they are::

    Qwen/Qwen2.5-7B-Instruct                                  the model's
    linear-1                                                  the baseline's
    linear-1 (unreadable reply of Qwen/Qwen2.5-7B-Instruct)   asked, and no help
    linear-1, difficulty from source                          metadata.difficulty

A difficulty that the source itself gives is taken before any other. The language is lingua's,
of prose only. Whether a label is right is for `build-dataset audit` to say.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipeline.config import Config
from pipeline.labelling import linear, words
from pipeline.labelling.asking import Heard, ask_all, heard
from pipeline.labelling.language import language
from pipeline.progress import meter
from pipeline.records import DIFFICULTIES, Label, Question
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store
from pipeline.teacher.journal import Journal
from pipeline.tokens import count_tokens
from pipeline.vectors import read_vectors

SOURCE = "difficulty from source"


class LabelStage(ShardStage):
    """Writes `labels`; a served labeller is asked before, its replies kept in the journal."""

    name = "label"
    revision = 4  # names count no more for the language of short texts

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("labels",)

    def alone(self, config: Config) -> bool:
        """One worker asks a served labeller."""
        return config.recipe.label.model is not None

    def reads(self) -> tuple[str, ...]:
        """Return the questions and their vectors."""
        return ("questions", "vectors")

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the labeller's settings, the content of its weights among them."""
        recipe = run.config.recipe.label
        fields = recipe.model_dump(exclude={"model", "weights"})
        if recipe.model is not None:
            fields["model"] = recipe.model.model_dump()
        if recipe.baseline == "linear":
            fields["weights"] = linear.digest(recipe.weights)
        return fields

    def prepare(self, run: Run) -> None:
        """Ask the labeller's servers about the questions of outdated shards."""
        if run.config.recipe.label.model is None:
            return
        shards = [shard for shard, _ in self.outdated(run)]
        questions = (
            question
            for shard in shards
            for question in Question.from_table(run.store.read("questions", shard))
        )
        total = self.rows_of(run, "questions", shards)
        with (
            Journal(run.store.root / "journal") as journal,
            meter(f"{self.title}: asking", total) as progress,
        ):
            ask_all(run.config, journal, questions, progress)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Label one shard."""
        recipe = config.recipe.label
        questions = list(Question.from_table(store.read("questions", shard)))
        texts = ["\n\n".join(turn.content for turn in q.prompt) for q in questions]
        tokens = count_tokens(recipe.tokenizer, texts)
        guesses = baseline(config, store, shard, questions, tokens)
        said: dict[str, Heard] = {}
        if recipe.model is not None:
            with Journal(store.root / "journal") as journal:
                said = heard(config, journal, questions)
        labels = [
            label(config, question, count, guess, said.get(question.id))
            for question, count, guess in zip(questions, tokens, guesses, strict=True)
        ]
        return {"labels": (Label.to_table(labels), counts(labels))}


def counts(labels: Sequence[Label]) -> dict[str, int]:
    """Return how many labels have which category, and who gave how many."""
    found = Counter(label.category for label in labels)
    found.update(f"labeller/{label.labeller}" for label in labels)
    return dict(sorted(found.items()))


def baseline(
    config: Config, store: Store, shard: int, questions: Sequence[Question], tokens: Sequence[int]
) -> list[tuple[str, str]]:
    """Return what the baseline says of a shard's questions: category and difficulty."""
    recipe = config.recipe.label
    allowed = tuple(recipe.categories)
    texts = [question.user_text for question in questions]
    if recipe.baseline == "linear":
        model = linear.load(recipe.weights)
        guesses = model.label(read_vectors(store, shard), texts, allowed)
    else:
        named = [words.category(text) for text in texts]
        levels = [words.difficulty(q, n) for q, n in zip(questions, tokens, strict=True)]
        names = [name if name in allowed else words.OTHERS for name in named]
        guesses = list(zip(names, levels, strict=True))
    by_kind = recipe.category_of_kind
    return [
        (by_kind.get(question.kind, name), level)
        for question, (name, level) in zip(questions, guesses, strict=True)
    ]


def label(
    config: Config, question: Question, tokens: int, guess: tuple[str, str], said: Heard | None
) -> Label:
    """Return a question's label; `tokens` is the length of its prompt."""
    recipe = config.recipe.label
    name = linear.load(recipe.weights).name if recipe.baseline == "linear" else words.NAME
    category, difficulty = guess
    if said is not None and recipe.model is not None:
        if said.why:
            name = f"{name} ({said.why} reply of {recipe.model.model})"
        else:
            name, category, difficulty = recipe.model.model, said.category, said.difficulty
    given = source_difficulty(question)
    return Label(
        id=question.id,
        category=category,
        difficulty=given or difficulty,
        language=language(question.user_text, recipe.languages),
        prompt_tokens=tokens,
        labeller=f"{name}, {SOURCE}" if given else name,
    )


def source_difficulty(question: Question) -> str | None:
    """Return the difficulty that a question's source gives, None where it gives no known one."""
    given = json.loads(question.metadata).get("difficulty")
    return given if isinstance(given, str) and given in DIFFICULTIES else None
