"""Write the report: one HTML page that opens with no network."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from pipeline.carried import carried
from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.stages import open_store
from pipeline.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    parser.add_argument("--against", metavar="V", help="show what differs from this version")
    parser.add_argument("--to", metavar="FILE", type=Path, help="write the page there")


def other_version(store: Store, version: str) -> Store:
    """Return another version of the same dataset, with its own number of shards."""
    other = replace(store, version=version, shards=1)
    manifest = other.manifest("questions", 0)
    if manifest is None:
        raise UserError(f"--against: {store.name} {version} has no questions; run it first")
    return replace(other, shards=int(manifest.recipe["shards"]))


def main(arguments: argparse.Namespace) -> int:
    """Write the page and print where it is; returns the exit code."""
    from pipeline.report import write_report

    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    other = None
    if arguments.against:
        other = other_version(store, arguments.against)
    if not store.complete("questions"):
        raise UserError(f"{store.name} {store.version}: has no questions; run it first")
    path = arguments.to or store.folder / "report.html"
    with carried(store):
        write_report(config, store, path, other)
    print(path)
    return 0
