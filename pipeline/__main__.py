"""The command `build-dataset`, also `python -m pipeline`.

Exit codes: 0 when the job finished, whatever its outcomes; 2 for the user's fault; 130
for Ctrl-C; 1 otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from pipeline import logs
from pipeline.errors import BuildError
from pipeline.runtime_watch import Logs

COMMANDS = (
    "run",
    "forecast",
    "sources",
    "status",
    "show",
    "report",
    "audit",
    "publish",
    "verify",
    "deduplicate",
    "decontaminate",
    "fingerprints",
    "train-reward",
    "thresholds",
    "evaluate",
    "train",
    "ablate",
    "doctor",
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = argparse.ArgumentParser(
        prog="build-dataset",
        description="Turns open question sets into a verified, published reasoning dataset.",
        epilog="CONFIG is a TOML file, or the name of one that comes along: quickstart.",
    )
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"pipeline.commands.{name.replace('-', '_')}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        sub = commands.add_parser(name, help=summary.rstrip("."), description=module.__doc__)
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        module.add(sub)
        sub.add_argument(
            "--log-json", action="store_true", help="write JSON lines to stderr, and no bars"
        )
        sub.set_defaults(main=module.main)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = parser().parse_args(argv)
    if arguments.log_json:
        logs.configure(Logs(format="json"))
    code = run(arguments)
    logs.end()  # not where an error comes through that nobody foresaw: it is still to be logged
    return code


def run(arguments: argparse.Namespace) -> int:
    """Run a command and return its exit code, having said why where it is not 0."""
    try:
        return int(arguments.main(arguments))
    except BuildError as error:
        tell(str(error), error=type(error).__name__, exit_code=error.exit_code)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, say) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        tell("interrupted; run the same command again to go on where it stopped", exit_code=130)
        return 130


def tell(text: str, **fields: Any) -> None:
    """Say on stderr why a command ends: a line that begins with "error:", or an event."""
    if logs.as_json():
        logs.event("error", logging.ERROR, text=text, **fields)
    elif "error" in fields:
        print(f"error: {logs.hide(text)}", file=sys.stderr)
    else:
        print(f"\n{text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
