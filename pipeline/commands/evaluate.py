"""Measure models on benchmarks, in rounds of thinking.

Asks every model of CONFIG about every benchmark, shows it its last answer and asks again as
often as CONFIG says, and writes tables (Markdown, LaTeX, JSON) and plots. Run it again after
an interruption, and it goes on where it stopped. docs/think-twice.md explains the figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Config
    from pipeline.evaluation.config import EvaluationConfig
    from pipeline.evaluation.report import Scores
    from pipeline.rowfile import Row


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG", help="a file with [evaluation], or think-twice")
    parser.add_argument("--version", metavar="V", help="measure this version, not the file's")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="make all tables again; no reply that is kept is asked for again",
    )
    parser.add_argument(
        "--card",
        metavar="DATASET",
        help="keep the figures for the card of this configuration's version, from which the models"
        " have learnt; publish it again to show them",
    )
    parser.add_argument(
        "--think-twice",
        metavar="OUT",
        type=Path,
        help="measure nothing; write training data of answers that were wrong, then right, to"
        " OUT (.jsonl, .jsonl.zst or .parquet), of CONFIG's own questions or of a dataset's",
    )


def main(arguments: argparse.Namespace) -> int:
    """Measure, or export; returns the exit code."""
    if arguments.think_twice is not None:
        for option in ("rebuild", "card"):
            if getattr(arguments, option):
                raise UserError(f"--{option}: measures, and --think-twice doesn't; leave one out")
        return export(arguments.config, arguments.version, arguments.think_twice)
    from pipeline.config import load_config
    from pipeline.evaluation.config import load_evaluation
    from pipeline.evaluation.experiment import run

    config = load_evaluation(arguments.config, arguments.version)
    dataset = None if arguments.card is None else load_config(arguments.card)
    scores, files = run(config, arguments.rebuild)
    show(scores)
    for path in files:
        print(path)
    if dataset is not None:
        keep_for_card(dataset, config, scores)
    return 0


def keep_for_card(dataset: Config, config: EvaluationConfig, scores: Scores) -> None:
    """Keep the figures beside a dataset's versions."""
    from pipeline.stages import open_store
    from pipeline.students import keep
    from pipeline.training.measuring import scores_of

    store = open_store(dataset)
    keep(store, scores_of(config, scores, store.version))
    print(f"kept for the card of {store.name} {store.version}; publish it again to show them")


def show(scores: Scores) -> None:
    """Print pass@1 and how many responses could not be judged."""
    from rich.console import Console
    from rich.table import Table

    from pipeline.evaluation.report import accuracy

    grid = accuracy(scores)
    shown = Table(title=f"{grid.title} ({grid.note})", title_justify="left")
    for place, name in enumerate(grid.head):
        shown.add_column(name, justify="left" if place == 0 else "right")
    for row in grid.rows:
        shown.add_row(*(f"[bold]{cell.text}[/]" if cell.bold else cell.text for cell in row))
    Console().print(shown)
    every = [score for rounds in scores.rounds.values() for score in rounds]
    total = sum(sum(score.outcomes.values()) for score in every)
    unverified = sum(score.outcomes.get("unverified", 0) for score in every)
    print(f"{total:,} responses, {unverified:,} of them unverified: neither right nor wrong")


def export(config: str, version: str | None, path: Path) -> int:
    """Write think-twice training data and say how much; returns the exit code."""
    count = write_pairs(config, version, path)
    print(f"{path}: {count:,} questions answered wrongly, then rightly")
    return 0


def write_pairs(config: str, version: str | None, path: Path) -> int:
    """Write the pairs of an evaluation or of a dataset to a file; returns how many there are."""
    from pipeline.evaluation.export import SCHEMA
    from pipeline.rowfile import row_writer

    count = 0
    with row_writer(path, SCHEMA) as write:
        for row in rows(config, version):
            write(row)
            count += 1
    return count


def rows(config: str, version: str | None) -> Iterator[Row]:
    """Return the rows of an evaluation or of a dataset, whichever a configuration is of."""
    from pipeline.config import load_config
    from pipeline.evaluation import export, tables
    from pipeline.evaluation.config import is_evaluation, load_evaluation
    from pipeline.stages import open_store

    if is_evaluation(config):
        measured = load_evaluation(config, version)
        return export.from_evaluation(measured, tables.open_store(measured))
    dataset = load_config(config, version)
    return export.from_dataset(dataset, open_store(dataset))
