"""Asks the servers of `[runtime.labeller]` for labels, and keeps every reply for ever.

    ask_all(config, journal, questions, progress)
    heard(config, journal, questions)        {"1c0f…": Heard("math", "hard"), "2b9e…": Heard(…)}

A reply is in the data folder's journal before it counts, under the hash of what was asked, so
that no version ever asks again. Servers that answer nothing raise TeacherUnavailable, which
ends the run; it goes on from there the next time. A single request that is refused for good
isn't kept: its question has no label until a later run asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from pipeline.config import Config
from pipeline.errors import ConfigError, TeacherUnavailable, Unavailable
from pipeline.labelling import linear
from pipeline.labelling.replies import read_label, request_of
from pipeline.progress import Meter
from pipeline.recipe import Teacher
from pipeline.recipe_labels import Labeller
from pipeline.records import Question
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Client, ask_key
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper

LOOK_UP = 500  # asks looked up in the journal at once: as many as it takes in one query


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of asking about a question: a label, or `why` there is none."""

    category: str = ""
    difficulty: str = ""
    why: str = ""


def check_labeller(config: Config) -> None:
    """Raise ConfigError where a model has no server, a server no model, or weights do not fit."""
    label, urls = config.recipe.label, config.runtime.labeller.urls
    if label.model is None and urls:
        raise ConfigError(
            "runtime.labeller.urls: names a server, and there is no [recipe.label.model]; add it"
            " with model and revision, or remove the URLs"
        )
    if label.model is not None and not urls:
        raise ConfigError(
            f"runtime.labeller.urls: is empty, and {label.model.model} is to label; name its"
            ' server, such as urls = ["http://127.0.0.1:8002/v1"], or remove [recipe.label.model]'
        )
    if label.model is not None:
        with labeller_client(config, label.model):
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


@contextmanager
def labeller_client(config: Config, labeller: Labeller) -> Iterator[Client]:
    """Give the client for the labeller's servers; raises ConfigError for settings that fail."""
    runtime = config.runtime.model_copy(update={"endpoints": config.runtime.labeller})
    with _blamed(labeller):
        client = open_client(as_teacher(labeller), labeller.sampling, runtime)
    with client:
        yield client


def as_teacher(labeller: Labeller) -> Teacher:
    """Return a labeller as the client takes it."""
    return Teacher(
        name=labeller.model, model=labeller.model, revision=labeller.revision, engine="openai"
    )


@contextmanager
def _blamed(labeller: Labeller) -> Iterator[None]:
    """Say that an error of the client's is the labeller's, whose settings have other names."""
    try:
        yield
    except (ConfigError, Unavailable, TeacherUnavailable) as error:
        said = f"labeller {labeller.model} ([recipe.label.model], [runtime.labeller]): {error}"
        raise type(error)(said) from error


def ask_of(config: Config, labeller: Labeller, question: Question) -> Ask:
    """Return the request about one question."""
    request = request_of(labeller, config.recipe.label.categories, question.user_text)
    key = ask_key(as_teacher(labeller), labeller.sampling, request, 0)
    return Ask(question.id, 0, request, key)


def ask_all(
    config: Config, journal: Journal, questions: Iterable[Question], progress: Meter
) -> None:
    """Have a reply in the journal to every question, as far as the servers reply."""
    labeller = config.recipe.label.model
    assert labeller is not None  # the caller's: only where a model labels
    missing = _missing(config, labeller, journal, iter(questions), progress)
    first = next(missing, None)
    if first is None:
        return
    keeper = JournalKeeper(journal, labeller.model)
    with labeller_client(config, labeller) as client, _blamed(labeller):
        client.on_tick = lambda: progress.advance(0, client.note())
        for _ in client.replies(_chained(first, missing), keeper):
            progress.advance(1)


def _missing(
    config: Config,
    labeller: Labeller,
    journal: Journal,
    questions: Iterator[Question],
    progress: Meter,
) -> Iterator[Ask]:
    """Yield what the journal lacks, equal requests once."""
    sent: set[str] = set()
    while batch := list(islice(questions, LOOK_UP)):
        asks = [ask_of(config, labeller, question) for question in batch]
        known = journal.known([ask.key for ask in asks], labeller.sampling.max_tokens)
        new = {ask.key: ask for ask in asks if ask.key not in known and ask.key not in sent}
        sent |= new.keys()
        progress.advance(len(asks) - len(new))
        yield from new.values()


def _chained(first: Ask, rest: Iterator[Ask]) -> Iterator[Ask]:
    yield first
    yield from rest


def heard(config: Config, journal: Journal, questions: Sequence[Question]) -> dict[str, Heard]:
    """Return what the journal holds about each question."""
    labeller = config.recipe.label.model
    assert labeller is not None  # the caller's: only where a model labels
    keys = {q.id: ask_of(config, labeller, q).key for q in questions}
    replies = journal.get(list(keys.values()), labeller.sampling.max_tokens)
    found = {}
    for id, key in keys.items():
        reply = replies.get(key)
        if reply is None:
            found[id] = Heard(why="refused")
        elif label := read_label(reply.text, config.recipe.label.categories):
            found[id] = Heard(*label)
        else:
            cut = reply.finish_reason == "length"
            found[id] = Heard(why="cut off" if cut else "unreadable")
    return found
