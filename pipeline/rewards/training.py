"""Fits the stand-in's head to pairs of a better and a worse answer.

A Bradley-Terry model: the chance that the better answer wins is the logistic function of the
difference of two linear scores (Bradley and Terry 1952; as reward models are trained, Ouyang et
al. 2022, section 3.5), fitted by Newton's method with a ridge. What is told of it is measured
on folds that share no question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.records import content_hash
from pipeline.rewards.head import FORMS, features
from pipeline.rewards.pairs import Pair

Array = NDArray[np.float64]
STEPS = 12  # Newton's method has converged to the last bits by then


@dataclass(frozen=True, slots=True)
class Ridge:
    """How strongly weights are pulled to 0; chosen on PandaLM and two DPO sets (docs/log.md).

    With 1,514 pairs the encoder's features add nothing: `vectors` keeps them small until there
    are many more.
    """

    form: float = 100.0
    vectors: float = 3_000.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head: weights of scaled features, the scale, and the mean score of the answers."""

    weights: Array
    scale: Array
    centre: float


def differences(encoder: str, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """Return the features of better less worse answers, (n, f), and their mean, (n, f)."""
    first = [(pair.question, pair.better) for pair in pairs]
    given = features(encoder, first + [(pair.question, pair.worse) for pair in pairs])
    better, worse = np.split(given, 2)
    return better - worse, (better + worse) / 2


def fit(given: Array, middle: Array, ridge: Ridge) -> Fitted:
    """Fit a head to differences of features."""
    scale = np.sqrt((given**2).mean(0)) + 1e-6
    scaled = given / scale
    pull = np.full(given.shape[1], ridge.vectors)
    pull[:FORMS] = ridge.form
    weights = np.zeros(given.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(scaled @ weights)))
        slope = scaled.T @ (1 - chance) - pull * weights
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + np.diag(pull)
        weights = weights + np.linalg.solve(curve, slope)
    return Fitted(weights, scale, float((middle @ (weights / scale)).mean()))


def held_out(given: Array, pairs: Sequence[Pair], ridge: Ridge, folds: int) -> NDArray[np.bool_]:
    """Return for each pair whether a head fitted to the other folds puts its better one first."""
    fold = np.array([int(content_hash(pair.question)[:8], 16) % folds for pair in pairs])
    won = np.zeros(len(pairs), bool)
    for number in range(folds):
        inside = fold == number
        if inside.any() and not inside.all():
            head = fit(given[~inside], given[~inside], ridge)
            won[inside] = given[inside] @ (head.weights / head.scale) > 0
    return won
