"""What a path in a configuration may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.paths import expand


def test_variables_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DATA", "/data")
    assert expand("$MY_DATA/a.jsonl") == expand("${MY_DATA}/a.jsonl") == Path("/data/a.jsonl")


def test_a_variable_that_is_not_set_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"\$MY_DATA/a\.jsonl: names an environment variable"):
        expand("$MY_DATA/a.jsonl")


def test_the_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert expand("~/a.jsonl") == Path("/home/somebody/a.jsonl")


def test_a_home_folder_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ConfigError, match="home folder"):
        expand("~no-such-user-here/a.jsonl")


def test_a_relative_path_stays_relative() -> None:
    assert expand("data/a.jsonl") == Path("data/a.jsonl")


def test_a_file_in_a_package_is_found_wherever_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = expand("package:pipeline/sources/quickstart_data/benchmark.jsonl")
    assert found.is_absolute() and found.is_file()


@pytest.mark.parametrize("path", ["package:no_such_package/a", "package:", "package:../etc/a"])
def test_a_package_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(ConfigError, match="must name an installed package"):
        expand(path)
