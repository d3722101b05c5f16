"""List the sources that this program can read: licence, kind, what each carries."""

from __future__ import annotations

import argparse

from pipeline.sources.base import available_sources


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, of which there are none yet."""


def main(_: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
    for name, source in available_sources().items():
        print(f"{name:<16} {source.summary}")
        print(f"{'':<16} carries {', '.join(source.carries)}")
    return 0
