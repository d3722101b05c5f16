"""Publish the dataset with its card, to a folder or to the Hugging Face Hub."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.config import load_config
from pipeline.stages import open_store, published_folder


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", metavar="FOLDER", type=Path, help="publish to this folder")
    where.add_argument("--repo", metavar="ORG/NAME", help="publish to this dataset of the Hub")
    parser.add_argument("--public", action="store_true", help="make a new Hub dataset public")
    parser.add_argument("--dry-run", action="store_true", help="only list what would change")
    parser.add_argument(
        "--allow-open", action="store_true", help="publish although questions are pending"
    )
    parser.epilog = "Without --to and --repo it goes to the folder that `run` uses."


def main(arguments: argparse.Namespace) -> int:
    """Publish and print where it is; returns the exit code."""
    from pipeline.publish import plan, publish_folder, publish_hub

    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    folder = arguments.to or published_folder(config)
    return 0
