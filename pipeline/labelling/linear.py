"""The labeller for machines without a model: a linear function of a text's vector and words.

    linear = Linear.load(LINEAR)                    # pipeline/labelling/linear-1.jsonl
    linear.label(vectors, texts, ("math", "coding", "others"))
    # [("math", "hard"), ("others", "easy")]

The file's first line says what it is: name, encoder, by which command and from which sources it
was made, and what was measured. The others are its weights. Its categories are those that it
learned; a text that fits none gets the nearest. Of difficulty it knows little: `figures`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.labelling.features import features, width
from pipeline.paths import expand
from pipeline.records import DIFFICULTIES

LINEAR = Path(__file__).parent / "linear-1.jsonl"
SCALE = 3.0  # of a vector's components, against features of 0 and 1 (measured: docs/labels.md)
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Linear:
    """The weights: (dimension + features, categories), one column for difficulty, and its cuts."""

    name: str
    encoder: str
    categories: tuple[str, ...]
    category_weights: Array
    difficulty_weights: Array
    cuts: tuple[float, ...]
    made_by: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the weights of a file; raises ConfigError where they are none."""
        try:
            head, *lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            weights = {line["head"]: _unpacked(line) for line in lines}
            return cls(
                category_weights=weights["category"],
                difficulty_weights=weights["difficulty"],
                **{**head, "categories": tuple(head["categories"]), "cuts": tuple(head["cuts"])},
            )
        except FileNotFoundError:
            raise ConfigError(
                f"recipe.label.weights: no such file, got {path}; train it (docs/labels.md)"
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(
                f"recipe.label.weights: {path} holds no weights ({error}); train it again"
                " (docs/labels.md)"
            ) from None

    def save(self, path: Path) -> None:
        """Write the weights: equal weights make equal bytes."""
        head = {
            "name": self.name,
            "encoder": self.encoder,
            "categories": self.categories,
            "cuts": self.cuts,
            "made_by": self.made_by,
            "figures": self.figures,
        }
        heads = {"category": self.category_weights, "difficulty": self.difficulty_weights}
        lines = [head, *({"head": name, **_packed(values)} for name, values in heads.items())]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path.write_text(text, encoding="utf-8")

    def label(
        self, vectors: NDArray[Any], texts: Sequence[str], allowed: Sequence[str]
    ) -> list[tuple[str, str]]:
        """Return category, one of those allowed, and difficulty of each text.

        Raises ConfigError where vectors or features are others than those of the training.
        """
        if not texts:
            return []
        rows = inputs(vectors, texts)
        if rows.shape[1] != len(self.category_weights):
            raise ConfigError(
                f"recipe.label.weights: {self.name} is made for {len(self.category_weights)}"
                f" numbers a question, and there are {rows.shape[1]}; train it again"
                " (docs/labels.md)"
            )
        known = [place for place, name in enumerate(self.categories) if name in allowed]
        names = [self.categories[place] for place in known]
        best = (rows @ self.category_weights[:, known]).argmax(axis=1)
        return [
            (names[place], level)
            for place, level in zip(best, self.levels(self.scores(rows)), strict=True)
        ]

    def scores(self, rows: Array) -> Array:
        """Return how hard texts are on the scale of training, about 0 to 4."""
        return np.asarray(rows @ self.difficulty_weights[:, 0])

    def levels(self, scores: Array) -> list[str]:
        """Return the names of difficulties for scores."""
        return [DIFFICULTIES[place] for place in np.searchsorted(self.cuts, scores, side="right")]


def inputs(vectors: NDArray[Any], texts: Sequence[str]) -> Array:
    """Return rows of a text's scaled vector and its features."""
    seen = np.array([features(text) for text in texts]).reshape(len(texts), width())
    return np.hstack([SCALE * np.asarray(vectors, np.float64), seen])


def _packed(values: Array) -> dict[str, Any]:
    """Return an array as JSON: float16, which loses nothing that counts (docs/labels.md)."""
    data = np.ascontiguousarray(values, "<f2").tobytes()
    return {"shape": values.shape, "float16": base64.b64encode(data).decode()}


def _unpacked(line: dict[str, Any]) -> Array:
    data = np.frombuffer(base64.b64decode(line["float16"]), "<f2")
    return np.asarray(data.reshape(line["shape"]), np.float64)


def load(path: str) -> Linear:
    """Return the weights of a path, those that come along where it is empty; read once."""
    file = _file(path)
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _loaded(file, changed)


@lru_cache(maxsize=2)
def _loaded(file: Path, _changed: int) -> Linear:
    return Linear.load(file)


def digest(path: str) -> str:
    """Return what a weights file holds, as 16 digits; "" where it cannot be read."""
    try:
        return hashlib.sha256(_file(path).read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def _file(path: str) -> Path:
    return expand(path) if path else LINEAR
