"""The commands that the pages about operations name are there, with the options that they show."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.__main__ import parser

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/operations.md", "README.md")
TEXT = "\n".join((ROOT / page).read_text() for page in PAGES)


def commands(pattern: str) -> list[str]:
    """Return the commands in code that begin with a pattern, comments cut off."""
    text = TEXT.replace("\\\n", " ")
    found = re.findall(rf"(?:^|`|&& )({pattern}[^`\n#]*)", text, flags=re.MULTILINE)
    return sorted({command.strip().rstrip(";.") for command in found})


def parsers(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = (a for a in of._actions if isinstance(a, argparse._SubParsersAction))
    return dict(next(actions).choices)


def options(of: argparse.ArgumentParser) -> set[str]:
    return {name for action in of._actions for name in action.option_strings}


def named(command: str) -> Iterator[str]:
    return (word for word in shlex.split(command) if word.startswith("--"))


@pytest.mark.parametrize("command", commands("build-dataset [a-z]"))
def test_a_command_has_the_options_that_are_shown(command: str) -> None:
    known = parsers(parser())
    name = command.split()[1]
    assert name in known
    assert set(named(command)) <= options(known[name])


@pytest.mark.parametrize("command", commands(r"python -m flows\."))
def test_a_module_has_the_options_that_are_shown(command: str) -> None:
    module = importlib.import_module(command.split()[2])
    assert set(named(command)) <= options(module.parser())


def test_the_pages_name_several_commands() -> None:
    assert len(commands("build-dataset [a-z]")) > 5
    assert len(commands(r"python -m flows\.")) > 2


def test_files_that_the_page_names_exist() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    names = re.findall(r"\b(?:flows|docs|benchmarks)/[\w.]+\.(?:py|md)\b", text)
    assert len(names) > 2
    assert [name for name in names if not (ROOT / name).is_file()] == []
