"""Show a version's tables, the shards that are done, and the ledger."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from pipeline.config import Config, load_config
from pipeline.ledger import Ledger, read_ledger
from pipeline.stages import open_store, stages_of
from pipeline.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")


def main(arguments: argparse.Namespace) -> int:
    """Print the state; returns the exit code."""
    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    console = Console()
    console.print(tables(config, store))
    console.print(funnel(read_ledger(store)))
    return 0


def tables(config: Config, store: Store) -> Table:
    """Return the tables in the order of the stages, with what each holds."""
    shown = Table(title=f"{config.name} {config.version}: tables", title_justify="left")
    for heading in ("stage", "table", "shards", "rows", "counts"):
        shown.add_column(heading, justify="right" if heading in ("shards", "rows") else "left")
    for stage in stages_of(config):
        for table in stage.writes():
            made = [store.manifest(table, shard) for shard in range(store.shards)]
            done = [manifest for manifest in made if manifest]
            counts: dict[str, int] = {}
            for manifest in done:
                for name, count in manifest.counts.items():
                    counts[name] = counts.get(name, 0) + count
            rows = sum(manifest.rows for manifest in done)
            text = "\n".join(f"{count:>8,}  {name}" for name, count in sorted(counts.items()))
            shown.add_row(stage.title, table, f"{len(done)}/{store.shards}", f"{rows:,}", text)
    return shown


def funnel(ledger: Ledger) -> Table:
    """Return the ledger as a table that ends in its sum."""
    shown = Table(title="ledger", title_justify="left")
    shown.add_column("questions")
    shown.add_column("count", justify="right")
    shown.add_row("collected", f"{ledger.collected:,}")
    for (stage, reason), count in ledger.dropped.items():
        shown.add_row(f"  dropped by {stage}: {reason}", f"{count:,}")
    shown.add_row("  pending", f"{ledger.pending:,}")
    shown.add_row("  published", f"{ledger.published:,}")
    shown.add_row("balance", "closed" if ledger.balanced else "BROKEN")
    return shown
