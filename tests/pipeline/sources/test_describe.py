"""What is known of a source before it is configured."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from pipeline.records import KINDS
from pipeline.sources.base import available_sources, describe_sources

KNOWN = {info.name: info for info in describe_sources()}


def test_every_source_is_described() -> None:
    assert list(KNOWN) == sorted(available_sources())
    assert {"local_files", "quickstart", "reasoning_gym"} <= set(KNOWN)


@pytest.mark.parametrize("name", KNOWN)
def test_a_description_says_something_of_everything(name: str) -> None:
    info = KNOWN[name]
    assert info.summary and info.carries
    assert info.kinds and set(info.kinds) <= set(KINDS)


def test_defaults_are_shown_and_what_the_configuration_must_say_is_not() -> None:
    made, files = KNOWN["reasoning_gym"], KNOWN["local_files"]
    assert (made.licence, made.revision) == ("Apache-2.0", version("reasoning-gym"))
    assert made.kinds == ("math",)
    assert (files.licence, files.revision) == (None, None)
