"""Fine-tune a student on a published dataset, a file or a dataset of the Hub.

CONFIG names the student, the rows and the recipe; configs/training/ has those of the papers. Run
it again after an interruption, and it goes on at the newest checkpoint. On several GPUs, start it
with `accelerate launch --config_file FILE -m pipeline train CONFIG`. docs/training.md says more.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pipeline.errors import UserError

if TYPE_CHECKING:
    from pipeline.training.experiment import Trained


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG", help="a file with [training]")
    parser.add_argument("--version", metavar="V", help="train this version, not the file's")
    parser.add_argument("--selection", metavar="NAME", help="learn from these of the rows")
    parser.add_argument("--rebuild", action="store_true", help="train again from the beginning")


def main(arguments: argparse.Namespace) -> int:
    """Train; returns the exit code."""
    from pipeline.training.config import WHOLE, load_training
    from pipeline.training.experiment import run
    from pipeline.training.processes import leads

    config = load_training(arguments.config, arguments.version)
    known = config.training.selections
    if known and arguments.selection is None:
        raise UserError(f"--selection: must be one of {sorted(known)}; ablate trains all of them")
    trained = run(config, arguments.selection or WHOLE, arguments.rebuild)
    if leads():
        show(trained)
    return 0


def show(trained: Trained) -> None:
    """Print what was read, what was learnt and where the student is."""
    for line in trained.counts.lines():
        print(line)
    if trained.learnt is None:
        print("the student is there already; --rebuild trains it again")
    else:
        learnt = trained.learnt
        first, last = learnt.first_loss, learnt.last_loss
        losses = "" if first is None or last is None else f", loss {first:.3f} to {last:.3f}"
        rate = learnt.tokens / learnt.seconds
        print(
            f"{learnt.steps:,} steps over {learnt.sequences:,} sequences in {learnt.seconds:,.0f}"
            f" s, {rate:,.0f} tokens/s{losses}"
        )
    print(trained.model)
