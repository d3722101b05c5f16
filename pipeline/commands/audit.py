"""Draw published rows for a person to mark, and turn the marks into error rates.

    build-dataset audit CONFIG --draw sample.html --rows 200
    build-dataset audit CONFIG --marks sample-marked.jsonl

The sample is a page (.html), which saves its marks as a file, or a file to fill in (.jsonl, .csv).
The marks' error rates, with Wilson's intervals at 95 %, are kept beside the version's tables; the
card and the report show them from then on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.carried import carried
from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.stages import open_store

BY = "category,outcome"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--draw", metavar="FILE", type=Path, help="write a sample: html, jsonl, csv")
    what.add_argument("--marks", metavar="FILE", type=Path, help="read a marked sample")
    parser.add_argument("--rows", type=int, default=200, metavar="N", help="about (default 200)")
    parser.add_argument("--by", default=BY, metavar="COLUMNS", help=f"strata (default {BY})")


def main(arguments: argparse.Namespace) -> int:
    """Draw, or read marks; returns the exit code."""
    from pipeline.audit import COLUMNS, draw, rates_of, write_audit
    from pipeline.audit_files import read_marks, write_sample

    by = tuple(arguments.by.split(","))
    if strange := set(by) - set(COLUMNS):
        raise UserError(f"--by: must be among {', '.join(COLUMNS)}, got {sorted(strange)}")
    if arguments.rows < 1:
        raise UserError(f"--rows: must be at least 1, got {arguments.rows}")
    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    if not store.complete("examples"):
        raise UserError(f"{store.name} {store.version}: has no selected rows; run it first")
    if arguments.draw:
        rows = draw(store, arguments.rows, by, config.recipe.seed)
        write_sample(arguments.draw, f"{store.name} {store.version}", rows)
        print(f"{arguments.draw}: {len(rows)} rows in {len({row.stratum for row in rows})} strata")
        return 0
    audit = rates_of(store, read_marks(arguments.marks), by)
    with carried(store):
        write_audit(store, audit)
    for name, of in audit.rates.items():
        print(
            f"{name:12} {of.wrong} of {of.marked} marked wrong: {100 * of.share:.1f} %"
            f" ({100 * of.low:.1f} to {100 * of.high:.1f} %)"
        )
    return 0
