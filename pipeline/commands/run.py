"""Build the whole dataset, resuming what is done.

Goes through the stages in order, publishes to a local folder and writes the report. Run
it again after an interruption, and it goes on where it stopped. It needs no server.
"""

from __future__ import annotations

import argparse
from typing import Any

from pipeline import logs
from pipeline.config import Config, load_config
from pipeline.ledger import read_ledger
from pipeline.runtime_watch import CHECKS, Checks
from pipeline.sharing import publish_once, shared, sharing
from pipeline.stages import STAGES, build, open_store, published_folder
from pipeline.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="build this version instead of the file's")
    parser.add_argument(
        "--only",
        metavar="STAGE,…",
        type=names,
        default=(),
        help=f"run only these of {', '.join(STAGES)}",
    )
    parser.add_argument(
        "--rebuild",
        metavar="TABLE,…",
        type=names,
        default=(),
        help="build these tables of `status` again, and what follows from them",
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="let other runs with --share work on the version at the same time",
    )
    parser.add_argument(
        "--skip-checks",
        action="store_true",
        help="begin even where disk, memory or open files look too small for the run",
    )
    parser.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run programs to judge them even where no sandbox holds",
    )


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def main(arguments: argparse.Namespace) -> int:
    """Run; returns the exit code."""
    config = load_config(arguments.config, arguments.version)
    if arguments.unsafe_no_sandbox:
        config = with_runtime(config, unsafe_no_sandbox=True)
    if arguments.skip_checks:
        config = with_runtime(config, checks=Checks(skip=CHECKS))
    if arguments.share:
        config = shared(config)
    logs.begin(config.runtime.logs, config.name, config.version)
    store = open_store(config)
    with store.locked(config.runtime.share.on):
        build(config, arguments.only, arguments.rebuild)
        if not arguments.only or "publish" in arguments.only:
            with sharing(config, store) as leases:
                publish_once(config, store, leases, lambda: publish(config, store))
    return 0


def with_runtime(config: Config, **changes: Any) -> Config:
    """Return a configuration with other settings of `[runtime]`."""
    runtime = config.runtime.model_copy(update=changes)
    return config.model_copy(update={"runtime": runtime})


def publish(config: Config, store: Store) -> None:
    """Publish to the local folder, write the report, and say where they are."""
    from pipeline.earlier import earlier_version
    from pipeline.publish import publish_folder
    from pipeline.report import write_report

    with logs.timed("stage", stage="publish"):
        to, earlier = published_folder(config), earlier_version(store)
        done = publish_folder(config, store, to, against=earlier)
    report = store.folder / "report.html"
    write_report(config, store, report)
    ledger = read_ledger(store)
    print(
        f"{config.name} {config.version}: {ledger.collected:,} questions collected,"
        f" {ledger.published:,} published, {ledger.dropped.total():,} dropped, 0 pending"
    )
    for name, rows in done.rows.items():
        print(f"  {name:<12} {rows:,} rows")
    for line in done.removed.told():
        print(f"  {line}")
    print(f"dataset  {done.folder}")
    print(f"card     {done.folder / 'README.md'}")
    print(f"report   {report.resolve()}")
    print(f"a row's life: build-dataset show {config.name} ID")
