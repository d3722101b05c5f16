"""Asks the servers of `[runtime.labeller]` for labels (pipeline/labelling/served.py says how).

    ask_all(config, journal, questions, progress)
    heard(config, journal, questions)        {"1c0f…": Heard("math", "hard"), "2b9e…": Heard(…)}

A question whose request was refused has no label until a later run asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.labelling import linear
from pipeline.labelling.replies import read_label, request_of
from pipeline.labelling.served import Asked, check_served
from pipeline.progress import Meter
from pipeline.records import Question
from pipeline.teacher.journal import Journal

NAME, TABLE = "labeller", "recipe.label.model"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of asking about a question: a label, or `why` there is none."""

    category: str = ""
    difficulty: str = ""
    why: str = ""


def check_labeller(config: Config) -> None:
    """Raise ConfigError where a model has no server, a server no model, or weights do not fit."""
    label = config.recipe.label
    check_served(NAME, TABLE, label.model, config.runtime.labeller, "label")
    if label.model is not None:
        with asked(config).client():
            pass
    if label.baseline == "linear":
        _check_weights(config)


def _check_weights(config: Config) -> None:
    made_for = linear.load(config.recipe.label.weights).encoder
    if made_for != config.recipe.embed.model:
        raise ConfigError(
            f"recipe.label.weights: are made for the encoder {made_for}, and recipe.embed.model is"
            f" {config.recipe.embed.model}; train others with python -m pipeline.labelling.training"
            ' (docs/labels.md), or set recipe.label.baseline = "words"'
        )


def asked(config: Config) -> Asked:
    """Return the labeller and what it is asked; the recipe has one."""
    label = config.recipe.label
    labeller = label.model
    assert labeller is not None  # the caller's: only where a model labels
    return Asked(
        config,
        NAME,
        TABLE,
        labeller,
        config.runtime.labeller,
        lambda question: request_of(labeller, label.categories, question.user_text),
    )


def ask_all(
    config: Config, journal: Journal, questions: Iterable[Question], progress: Meter
) -> None:
    """Have a reply in the journal to every question, as far as the servers reply."""
    asked(config).ask_all(journal, questions, progress)


def heard(config: Config, journal: Journal, questions: Sequence[Question]) -> dict[str, Heard]:
    """Return what the journal holds about each question."""
    found = {}
    for id, reply in asked(config).replies(journal, questions).items():
        if reply is None:
            found[id] = Heard(why="refused")
        elif label := read_label(reply.text, config.recipe.label.categories):
            found[id] = Heard(*label)
        else:
            cut = reply.finish_reason == "length"
            found[id] = Heard(why="cut off" if cut else "unreadable")
    return found
