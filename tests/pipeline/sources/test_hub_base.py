"""What all datasets of the Hub have in common: options, pins, columns, refusals."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.commands.sources import described
from pipeline.config import load_config
from pipeline.errors import ConfigError, SourceError
from pipeline.sources.base import Refused, describe_sources
from pipeline.sources.hub_pins import PINS, PINS_VARIABLE, Pin, read_pins, write_pins
from tests.pipeline.sources.hub_support import HUB, fixture, repository, source

KNOWN = {info.name: info for info in describe_sources() if info.dataset}
LIMO = fixture("limo")["rows"]


@pytest.fixture
def no_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the program to a file of pins that is not there yet."""
    path = tmp_path / "pins.jsonl"
    monkeypatch.setenv(PINS_VARIABLE, str(path))
    return path


def test_a_pinned_dataset_needs_no_more_than_its_name() -> None:
    made = HUB["deep_math"].model_validate({"source": "deep_math"})
    assert (made.name, made.licence, made.config) == ("deep_math", "MIT", "default")
    assert made.revision == read_pins(PINS)["deep_math"].revision


def test_an_unpinned_dataset_says_how_it_is_pinned(no_pins: Path) -> None:
    with pytest.raises(ValidationError, match="--check deep_math` where the Hub can be reached"):
        HUB["deep_math"].model_validate({"source": "deep_math"})


def test_a_licence_that_nobody_saw_must_be_named_or_checked(no_pins: Path) -> None:
    options = {"source": "prime", "revision": "abc1234"}
    with pytest.raises(ValidationError, match="licence: of PRIME-RL/Eurus-2-RL-Data was never"):
        HUB["prime"].model_validate(options)
    write_pins({"prime": Pin("prime", "abc1234", licence="MIT")})
    assert HUB["prime"].model_validate(options).licence == "MIT"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"config": "default"}, "config: must be one of"),
        ({"split": "tir"}, "split: must be one of"),
        ({"revision": "main"}, "revision: must be a commit"),
    ],
)
def test_what_the_file_cannot_read_cannot_be_asked_for(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        source("open_math_reasoning" if "split" in options else "open_thoughts", **options)


def test_a_mistake_in_a_configuration_is_one_line_with_its_place(
    no_pins: Path, tmp_path: Path
) -> None:
    text = 'name = "a"\nversion = "1"\n[[recipe.sources]]\nsource = "limo"\n'
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sources\[0\].*GAIR/LIMO is not pinned"):
        load_config(str(tmp_path / "c.toml"))


def test_a_column_that_moved_stops_everything_before_the_first_row(tmp_path: Path) -> None:
    rows = [{"question": "What is 2?", "text": "2"}]
    made = source("limo", folder=str(repository(tmp_path, "limo", rows)))
    with pytest.raises(SourceError, match=r"columns \['solution', 'answer'\].*limo.py"):
        next(made.rows())


def test_a_value_of_another_type_costs_one_row(tmp_path: Path) -> None:
    rows = [{**LIMO[0], "question": ["a", "list"]}]
    (found,) = source("limo", folder=str(repository(tmp_path, "limo", rows))).rows()
    assert isinstance(found, Refused) and found.reason == "wrong_type"
    assert '"a", "list"' in found.excerpt


def test_an_empty_folder_is_an_error_that_names_the_dataset(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="folder: must hold the files of GAIR/LIMO"):
        source("limo", folder=str(tmp_path)).files()


def test_where_a_copy_lies_decides_nothing_and_its_files_do(tmp_path: Path) -> None:
    made = source("limo", folder=str(repository(tmp_path, "limo", LIMO)))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("x", encoding="utf-8")
    assert "folder" not in made.identity() and made.identity()["dataset"] == "GAIR/LIMO"
    assert [Path(path).name for path in made.files()] == [
        "README.md",
        "train-00000-of-00001.parquet",
    ]


def test_a_dataset_without_the_config_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    made = source("open_r1_math", folder=str(repository(tmp_path, "limo", LIMO)), config="all")
    with pytest.raises(SourceError, match="open-r1/OpenR1-Math-220k: cannot be read .*config"):
        next(made.rows())


def test_the_same_files_give_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    made = source("limo", folder=str(repository(tmp_path, "limo", LIMO * 3)))
    assert [*made.rows()] == [*pickle.loads(pickle.dumps(made)).rows()]
    assert [row.origin for row in made.rows()] == [f"default/train#{n}" for n in range(6)]


def test_what_is_not_known_is_data_and_no_guess() -> None:
    pins = read_pins(PINS)
    assert {name for name, info in KNOWN.items() if info.revision is None} == set(KNOWN) - set(pins)
    assert KNOWN["prime"].licence is None
    assert KNOWN["kod_code"].unseen == ("conversations",)


def test_columns_that_a_check_has_read_are_no_longer_unseen(no_pins: Path) -> None:
    write_pins({"kod_code": Pin("kod_code", "abc1234", columns=("conversations",), rows=3)})
    info = HUB["kod_code"].describe("kod_code")
    assert (info.unseen, info.rows, info.revision) == ((), 3, "abc1234")


def test_pins_are_written_in_order_and_read_again(no_pins: Path) -> None:
    pins = {name: Pin(name, "1" * 7, columns=("a",)) for name in ("limo", "big_math")}
    write_pins(pins)
    assert read_pins() == pins
    lines = no_pins.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["source"] for line in lines] == ["big_math", "limo"]


def test_a_damaged_file_of_pins_is_named_with_its_line(no_pins: Path) -> None:
    no_pins.write_text('{"source": "limo", "revision": "1"}\n{"colour": 1}\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"pins.jsonl:2: is no pin"):
        read_pins()


def test_the_list_shows_what_is_not_known_in_words(no_pins: Path) -> None:
    told = list(described(HUB["prime"].describe("prime")))
    assert told == [
        "PRIME (Eurus-2-RL-Data): mathematics and programs to check, about 484,000 rows",
        "PRIME-RL/Eurus-2-RL-Data, licence never seen, revision unpinned",
        "kinds math, code; carries reference answers, test cases",
    ]
    last = list(described(HUB["kod_code"].describe("kod_code")))[-1]
    assert last == "columns that nobody has seen: conversations"
