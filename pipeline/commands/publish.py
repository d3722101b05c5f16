"""Publish the dataset with its card, to a folder or to the Hugging Face Hub."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pipeline.carried import carried
from pipeline.config import Config, load_config
from pipeline.stages import open_store, published_folder
from pipeline.store import Store


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
    """Publish, or tell what would change, and print where it is; returns the exit code."""
    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    folder = arguments.to or published_folder(config)
    with store.locked(), carried(store):
        if arguments.dry_run:
            return dry_run(config, store, folder, arguments)
        return publish(config, store, folder, arguments)


def publish(config: Config, store: Store, folder: Path, arguments: argparse.Namespace) -> int:
    """Write the folder, and upload it where a repository is named."""
    from pipeline.earlier import earlier_version
    from pipeline.hub import publish_hub
    from pipeline.publish import publish_folder

    earlier = earlier_version(store)
    done = publish_folder(config, store, folder, arguments.allow_open, earlier, repo=arguments.repo)
    for name, rows in done.rows.items():
        print(f"{name:<12} {rows:,} rows")
    for line in done.removed.told():
        print(line)
    print(f"dataset  {done.folder}")
    print(f"card     {done.folder / 'README.md'}")
    if arguments.repo:
        print(f"hub      {publish_hub(config, folder, arguments.repo, not arguments.public)}")
    return 0


def dry_run(config: Config, store: Store, to: Path, arguments: argparse.Namespace) -> int:
    """Write the dataset to a folder that is thrown away, and list what it would change."""
    from pipeline.changes import plan
    from pipeline.earlier import earlier_version
    from pipeline.hub import plan_hub
    from pipeline.publish import publish_folder

    with tempfile.TemporaryDirectory(dir=store.folder, prefix=".dry-run-") as name:
        folder = Path(name) / "dataset"
        earlier = earlier_version(store)
        publish_folder(config, store, folder, arguments.allow_open, earlier, True, arguments.repo)
        found = plan_hub(folder, arguments.repo) if arguments.repo else plan(folder, to)
    for change in found:
        print(f"{change.action:<8} {change.path}  {change.bytes:,} bytes")
    print(f"{len(found)} changes to {arguments.repo or to}; nothing was written")
    return 0
