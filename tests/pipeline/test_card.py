from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

from pipeline.card import citation_key, limitations
from pipeline.card_header import header, languages, size
from pipeline.config import Config
from pipeline.facts import gather
from pipeline.publish import publish_folder
from pipeline.records import Question
from pipeline.render import cell, coded
from pipeline.store import Store


@pytest.fixture
def card(published_small: Path) -> DatasetCard:
    return DatasetCard((published_small / "README.md").read_text(encoding="utf-8"))


def test_the_header_parses_and_names_files_that_are_there(
    card: DatasetCard, published_small: Path
) -> None:
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    assert set(configs) == {"open_source", "distilled"}
    for config in configs.values():
        (split,) = config["data_files"]
        assert split["split"] == "train"
        assert list(published_small.glob(split["path"]))


def test_the_header_counts_what_is_in_the_files(card: DatasetCard, published_small: Path) -> None:
    infos = DatasetInfosDict.from_dataset_card_data(card.data)
    for name, rows in (("open_source", 3), ("distilled", 4)):
        files = list((published_small / name).iterdir())
        assert infos[name].splits["train"].num_examples == rows
        assert infos[name].download_size == sum(path.stat().st_size for path in files)


def test_the_header_keeps_to_the_hubs_words(card: DatasetCard) -> None:
    data: dict[str, Any] = card.data.to_dict()  # type: ignore[no-untyped-call]
    assert all(re.fullmatch("[a-z]{2,3}", code) for code in data["language"])
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["text-generation"]
    assert data["license"] == "cc-by-4.0"  # of MIT and CC-BY-4.0, the one that asks for more


@pytest.mark.parametrize(
    ("rows", "name"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (1_400_000, "1M<n<10M")]
)
def test_sizes_have_the_hubs_names(rows: int, name: str) -> None:
    assert size(rows) == name


def test_an_unknown_language_is_not_stated(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def unknown(data: Any) -> None:
        rows = data.tables["examples"]
        data.tables["examples"] = [_with(row, language="und") for row in rows]

    facts = gather(small_config, make_small_store(tmp_path / "data", change=unknown))
    assert languages(facts) == []
    assert "language" not in header(small_config, facts, [])


def _with(row: Any, **changes: Any) -> Any:
    return replace(row, **changes)


@pytest.mark.parametrize(
    "section",
    [
        "Load it",
        "From collected to published",
        "Sources and licences",
        "Verdicts",
        "Shape",
        "Models, teacher and rounds",
        "Contamination",
        "Near-duplicates",
        "Limitations",
        "Make it again",
        "Citation",
        "Run",
    ],
)
def test_the_card_has_each_section_once_and_not_empty(card: DatasetCard, section: str) -> None:
    parts = re.split(r"^## (.*)$", card.text, flags=re.M)
    bodies = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert len(bodies[section].strip()) > 20
    assert list(bodies)[-1] == "Run"


def test_every_table_row_has_as_many_cells_as_its_head(card: DatasetCard) -> None:
    tables = re.findall(r"(?:^\|.*\|$\n)+", card.text, flags=re.M)
    assert len(tables) > 10
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_every_picture_of_the_card_is_there(card: DatasetCard, published_small: Path) -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", card.text)
    assert len(pictures) == 5
    for path in pictures:
        assert (published_small / path).read_bytes().startswith(b"\x89PNG")


def test_the_card_says_where_the_questions_went(card: DatasetCard) -> None:
    assert "16 collected = 7 published + 9 dropped + 0 pending" in card.text
    assert "| decontaminate | ngram | −1 | 11 |" in card.text
    assert "| aime_2024 | ngram | 1 |" in card.text
    assert "| math | 9 | 5 | 3 | 1 | 11.1 |" in card.text


def test_no_time_stands_above_the_last_section(card: DatasetCard) -> None:
    above, _, run = card.text.partition("## Run")
    assert not re.search(r"20\d\d-\d\d-\d\d|UTC|\d s\b", above)
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", run)


def test_one_licence_is_stated_by_its_hub_name(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def one(data: Any) -> None:
        for table in ("questions", "examples"):
            data.tables[table] = [_with(row, licence="Apache-2.0") for row in data.tables[table]]

    publish_folder(small_config, make_small_store(tmp_path / "data", change=one), tmp_path / "out")
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.license == "apache-2.0"
    assert "All rows are under Apache-2.0" in card.text


def test_names_from_data_cannot_break_the_card(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def hostile(data: Any) -> None:
        rows = [row for row in data.tables["questions"] if isinstance(row, Question)]
        licence = "MIT | x\n\n# head <script>"
        data.tables["questions"] = [_with(row, licence=licence) for row in rows]
        data.tables["examples"] = [_with(r, licence=licence) for r in data.tables["examples"]]

    publish_folder(
        small_config, make_small_store(tmp_path / "data", change=hostile), tmp_path / "out"
    )
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert "<script>" not in card.text
    assert "\n# head" not in card.text
    assert "MIT \\| x # head &lt;script&gt;" in card.text
    assert card.data.license == "other"


def test_limitations_follow_from_the_facts(small_config: Config, small_store: Store) -> None:
    facts = gather(small_config, small_store)
    said = " ".join(limitations(small_config, facts))
    assert "`heuristic-1`" in said and "14.3 % of the rows (1) are unverified" in said
    assert "small-teacher ran inside the building process" in said
    unchecked = small_config.recipe.model_copy(
        update={"decontaminate": type(small_config.recipe.decontaminate)()}
    )
    other = small_config.model_copy(update={"recipe": unchecked})
    assert "No benchmark was checked" in " ".join(limitations(other, gather(other, small_store)))


def test_programs_that_nobody_could_run_are_told(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def no_sandbox(data: Any) -> None:
        data.try_("left_out", 0, "<think>a</think>b", "unverified", "no_sandbox", verifier="code")

    facts = gather(small_config, make_small_store(tmp_path / "data", change=no_sandbox))
    assert "no sandbox: 1;" in " ".join(limitations(small_config, facts))


def test_programs_that_were_run_without_a_sandbox_are_told(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def unsafe(data: Any) -> None:
        for tier in (0, 1):
            given = {"verifier": "code", "tier": tier}
            data.try_("left_out", tier, "<think>a</think>b", "correct", "passed", **given)

    facts = gather(small_config, make_small_store(tmp_path / "data", change=unsafe))
    assert "without a sandbox, because somebody asked for that: 1;" in " ".join(
        limitations(small_config, facts)
    )


def test_a_title_and_description_of_the_recipe_are_shown(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    publish = small_config.recipe.publish.model_copy(
        update={"title": "Small: a test", "description": "It says what it is."}
    )
    recipe = small_config.recipe.model_copy(update={"publish": publish})
    publish_folder(
        small_config.model_copy(update={"recipe": recipe}), small_store, tmp_path / "out"
    )
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.to_dict()["pretty_name"] == "Small: a test"
    assert "\n# Small: a test\n" in card.text and "\nIt says what it is.\n" in card.text


def test_a_citation_key_is_made_of_the_name() -> None:
    assert citation_key("My-Set.v2") == "my_set_v2"


def test_text_in_a_cell_stays_text() -> None:
    assert cell("a|b\n<b>*c*</b> [d](e) `f`") == (
        "a\\|b &lt;b&gt;\\*c\\*&lt;/b&gt; \\[d\\](e) \\`f\\`"
    )


def test_code_marks_become_elements_and_the_rest_is_escaped() -> None:
    assert coded("<i> `a<b`") == "&lt;i&gt; <code>a&lt;b</code>"
