"""List the sources that this program can read: licence, kind, what each carries."""

from __future__ import annotations

import argparse

from pipeline.sources.base import describe_sources

TO_SAY = "as the configuration says"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, of which there are none yet."""


def main(_: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
    for source in describe_sources():
        print(f"{source.name:<16} {source.summary}")
        print(f"{'':<16} licence {source.licence or TO_SAY}, revision {source.revision or TO_SAY}")
        print(f"{'':<16} kinds {', '.join(source.kinds)}; carries {', '.join(source.carries)}")
    return 0
