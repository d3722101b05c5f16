"""One recipe, several selections of the rows: what each selection is worth.

    [training.selections.whole]
    [training.selections.hard]
    only = { difficulty = ["hard", "very_hard"] }

A student is trained on each and all are asked the same questions. By default all learn from as
many rows as the smallest selection has, drawn by the seed: else a selection would win or lose by
its size.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.experiment import run as evaluate
from pipeline.evaluation.grid import Grid
from pipeline.evaluation.report import Scores
from pipeline.evaluation.tables import open_store
from pipeline.training.config import TrainingConfig
from pipeline.training.experiment import Trained, Work, run
from pipeline.training.measuring import comparison, with_students
from pipeline.training.reading import count_rows


@dataclass(frozen=True, slots=True)
class Ablation:
    """The students by selection, and how they compare."""

    students: dict[str, Trained]
    config: EvaluationConfig
    scores: Scores
    table: Grid


def ablate(config: TrainingConfig, evaluation: EvaluationConfig, equal: bool = True) -> Ablation:
    """Train a student on each selection and compare them; raises ConfigError for fewer than two."""
    names = list(config.training.selections)
    if len(names) < 2:
        raise ConfigError(
            "training.selections: must have two or more to compare; the first is the yardstick"
        )
    limit = smallest(config) if equal else None
    students = {name: run(config, name, limit=limit) for name in names}
    measured = with_students(evaluation, students)
    scores, _ = evaluate(measured)
    return Ablation(students, measured, scores, comparison(measured, open_store(measured)))


def smallest(config: TrainingConfig) -> int:
    """Return the rows of the smallest selection, or the recipe's limit where that is less."""
    counts = {}
    for name in config.training.selections:
        work = Work(config, name, None)
        counts[name] = count_rows(work.places, work.rows)
    if empty := [name for name, count in counts.items() if not count]:
        raise ConfigError(f"training.selections: {empty} have no rows")
    return min(*counts.values(), config.training.limit or max(counts.values()))
