"""The command `build-dataset`, also `python -m pipeline`.

Exit codes: 0 when the job finished, whatever its outcomes; 2 for the user's fault; 130
for Ctrl-C; 1 otherwise.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from pipeline.errors import BuildError

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
        sub.set_defaults(main=module.main)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.main(arguments))
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, say) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(
            "\ninterrupted; run the same command again to go on where it stopped", file=sys.stderr
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
