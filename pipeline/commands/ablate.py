"""Train students on several selections of the rows by one recipe, and compare them.

TRAINING has two or more [training.selections], of which the first is the yardstick; EVALUATION
says what the students are asked, and how: its first model's settings are theirs. All learn from
as many rows as the smallest selection has. docs/training.md says how to read the table.
"""

from __future__ import annotations

import argparse


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("training", metavar="TRAINING", help="a file with [training]")
    parser.add_argument("evaluation", metavar="EVALUATION", help="a file with [evaluation]")
    parser.add_argument("--version", metavar="V", help="train this version, not the file's")
    parser.add_argument(
        "--unequal", action="store_true", help="let each learn from all rows of its selection"
    )


def main(arguments: argparse.Namespace) -> int:
    """Train, measure and compare; returns the exit code."""
    from pipeline.evaluation.config import load_evaluation
    from pipeline.training.ablation import ablate
    from pipeline.training.config import load_training

    config = load_training(arguments.training, arguments.version)
    found = ablate(config, load_evaluation(arguments.evaluation), not arguments.unequal)
    for name, trained in found.students.items():
        print(f"{name}: {next(trained.counts.lines())}")
    print(found.table.markdown())
    return 0
