"""List the sources that this program can read: licence, kind, rows, what each carries.

With --check, ten rows of each dataset of the Hub are read at its pin, or at the head of its
default branch where nobody has pinned it. Columns that moved are named, and what was read is
written as the new pin.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pipeline.errors import PassingError, SourceError
from pipeline.sources.base import SourceInfo, describe_sources
from pipeline.sources.hub_check import Found, check, hub_sources
from pipeline.sources.hub_pins import UNPINNED, pins_file, read_pins, write_pins

TO_SAY = "as the configuration says"
INDENT = 24


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--check",
        nargs="*",
        metavar="SOURCE",
        help="read ten rows from the Hub, of all datasets or of those named",
    )
    parser.add_argument(
        "--repin",
        action="store_true",
        help="with --check: take the head of the default branch, whatever the pin is",
    )


def main(arguments: argparse.Namespace) -> int:
    """Print the list, or check it; returns the exit code."""
    if arguments.check is not None:
        return check_all(arguments.check, arguments.repin)
    if arguments.repin:
        raise SourceError("--repin: goes with --check; add it")
    for source in describe_sources():
        for number, line in enumerate(described(source)):
            print(f"{source.name if number == 0 else '':<{INDENT}}{line}")
    return 0


def described(source: SourceInfo) -> Iterator[str]:
    """Yield the lines that are shown of a source."""
    hub = source.dataset is not None
    rows = f", about {source.rows:,} rows" if source.rows else ""
    licence = source.licence or ("never seen" if hub else TO_SAY)
    revision = source.revision or (UNPINNED if hub else TO_SAY)
    yield source.summary + rows
    yield f"{f'{source.dataset}, ' if hub else ''}licence {licence}, revision {revision}"
    yield f"kinds {', '.join(source.kinds)}; carries {', '.join(source.carries)}"
    if source.unseen:
        yield f"columns that nobody has seen: {', '.join(source.unseen)}"


def check_all(names: list[str], repin: bool) -> int:
    """Check datasets one after the other, pin what was read; raises SourceError for the rest."""
    failed = []
    for name, cls in hub_sources(names).items():
        found = check(cls, repin)
        for number, line in enumerate(report(found)):
            print(f"{name if number == 0 else '':<{INDENT}}{line}", flush=True)
        if found.pin is not None:
            write_pins({**read_pins(), name: found.pin})
        if found.problem is not None:
            failed.append(found)
    _refuse(failed)
    print(f"pins are in {pins_file()}")
    return 0


def report(found: Found) -> Iterator[str]:
    """Yield what a person should know of a check, the outcome first."""
    if found.problem is not None or found.pin is None:
        yield f"FAILED: {found.problem}"
        return
    yield f"ok: {found.rows} rows of {found.dataset} at {found.pin.revision}"
    if found.refused:
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(found.refused.items()))
        yield f"refused: {reasons}"
    if found.without:
        yield f"optional columns that are not there: {', '.join(found.without)}"
    if found.licence_differs:
        yield f"its page says licence {found.licence_differs}, this program's file another"
    if found.head:
        yield f"its default branch has moved to {found.head}; --repin takes that"


def _refuse(failed: list[Found]) -> None:
    """Raise one error for all that failed: passing only where all of them may pass."""
    if not failed:
        return
    names = ", ".join(found.source for found in failed)
    passing = all(isinstance(found.problem, PassingError) for found in failed)
    kind = PassingError if passing else SourceError
    raise kind(f"--check: could not read {names}; the lines above say why")
