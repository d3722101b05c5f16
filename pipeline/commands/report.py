"""Write the report: one HTML page that opens with no network."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.stages import open_store


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    parser.add_argument("--against", metavar="V", help="show what differs from this version")
    parser.add_argument("--to", metavar="FILE", type=Path, help="write the page there")


def main(arguments: argparse.Namespace) -> int:
    """Write the page and print where it is; returns the exit code."""
    from pipeline.report import write_report

    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    other = None
    if arguments.against:
        other = open_store(config.model_copy(update={"version": arguments.against}))
    for version in filter(None, (store, other)):
        if not version.complete("questions"):
            raise UserError(f"{version.name} {version.version}: has no questions; run it first")
    path = arguments.to or store.folder / "report.html"
    write_report(config, store, path, other)
    print(path)
    return 0
