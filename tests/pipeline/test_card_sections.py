"""What the card says of sources, licences, models, rates, cost and citation; it renders."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from pipeline.card_models import base_models, models
from pipeline.config import Config, Prices
from pipeline.facts import gather
from pipeline.instruments import MEASURED, MODELS, of_verifier
from pipeline.publish import publish_folder
from pipeline.recipe import Reward, Verify
from pipeline.recipe_judges import Judge
from pipeline.store import Store
from tests.pipeline.publish_support import with_publish

Publish = Callable[..., Any]  # a card; its data has the attributes that its header has


@pytest.fixture
def published(small_config: Config, make_small_store: Any, tmp_path: Path) -> Publish:
    """Return a function that publishes the small version, changed, and gives its card."""

    def publish(config: Config = small_config, change: Any = None, **rest: Any) -> Any:
        store = make_small_store(tmp_path / "data", change=change)
        publish_folder(config, store, tmp_path / "out", **rest)
        return DatasetCard.load(tmp_path / "out" / "README.md")

    return publish


def licensed(alpha: str, beta: str) -> Callable[[Any], None]:
    """Return a change that puts the two sources under other licences."""
    names = {"alpha": alpha, "beta": beta}

    def change(data: Any) -> None:
        for table in ("questions", "examples"):
            rows = data.tables[table]
            data.tables[table] = [replace(row, licence=names[row.source]) for row in rows]

    return change


def section(card: Any, name: str) -> str:
    """Return what stands under a heading of any level."""
    found = re.search(rf"^(#+) {re.escape(name)}$(.*?)(?=^##? |\Z)", card.text, re.M | re.S)
    assert found, name
    return found[2]


# Sources and licences


def test_the_most_restrictive_licence_holds_for_the_whole_and_is_explained(
    published: Publish,
) -> None:
    card = published()
    said = section(card, "Sources and licences")
    assert card.data.license == "cc-by-4.0"
    assert "CC-BY-4.0 is the most restrictive of the rows' licences (CC-BY-4.0 and MIT)" in said
    assert "The header says `other`" not in card.text


def test_licences_that_cannot_be_combined_are_named_with_the_reason(published: Publish) -> None:
    card = published(change=licensed("CC-BY-SA-4.0", "CC-BY-NC-4.0"))
    assert card.data.license == "other"
    said = section(card, "Sources and licences")
    assert "the header says `other`: CC-BY-NC-4.0 and CC-BY-SA-4.0 can't be combined." in said
    assert "CC-BY-SA-4.0 (3 rows)" in said and "CC-BY-NC-4.0 (4 rows)" in said


def test_every_source_of_a_row_is_attributed_with_its_licences_text(published: Publish) -> None:
    said = section(published(), "Attribution")
    mit, by = "<https://spdx.org/licenses/MIT.html>", "<https://spdx.org/licenses/CC-BY-4.0.html>"
    assert f"| alpha | no page was named | r1 | MIT {mit} | 3 |" in said
    assert f"| beta | no page was named | r1 | CC-BY-4.0 {by} | 4 |" in said


def test_sets_inside_of_sources_and_questions_of_several_are_told(published: Publish) -> None:
    def whence(data: Any) -> None:
        id = data.questions["by_source"].id
        rows = data.tables["questions"]
        place = next(place for place, row in enumerate(rows) if row.id == id)
        told = json.dumps({"nested_source": "inner | set"})
        origins = ("alpha#1", "beta: beta#9")
        rows[place] = replace(rows[place], metadata=told, origins=origins)

    said = section(published(change=whence), "Attribution")
    assert "| alpha | inner \\| set | 1 |" in said
    assert "Of the published questions 1 stand word for word in several sources" in said


def test_a_set_that_is_mostly_one_source_says_so(published: Publish) -> None:
    said = section(published(), "Limitations")
    assert "57.1 % of the rows are from one source, `beta`, of the 2 that were read" in said


# Models, error rates, cost


def asked(config: Config, **verify: Any) -> Config:
    recipe = config.recipe.model_copy(update={"verify": Verify(**verify)})
    return config.model_copy(update={"recipe": recipe})


def test_judge_and_reward_model_are_named_with_their_revisions(
    small_config: Config, published: Publish
) -> None:
    judge = Judge(model="Qwen/Qwen2.5-7B-Instruct", revision="a09a354")
    reward = Reward(engine="vllm", model="org/reward", revision="77b1")
    kinds = {"math": "math", "chat": "reward"}
    card = published(asked(small_config, by_kind=kinds, judge=judge, reward=reward))
    said = section(card, "Models, teacher and rounds")
    assert (
        "| judges answers where no rule could tell | Qwen/Qwen2.5-7B-Instruct | a09a354 |" in said
    )
    assert "| scores answers (reward) | org/reward | 77b1 |" in said
    assert "| writes responses | small | 1 |" in said


def test_only_models_that_are_asked_are_named(small_config: Config) -> None:
    uses = [of.use for of in models(small_config.recipe)]
    assert uses == ["labels category and difficulty", "embeds questions", "writes responses"]


@pytest.mark.parametrize(
    ("model", "found"),
    [("deepseek-ai/DeepSeek-R1", ["deepseek-ai/DeepSeek-R1"]), ("small", []), ("a/b/c.gguf", [])],
)
def test_the_header_names_a_teacher_of_the_hub_as_base_model(
    small_config: Config, published: Publish, model: str, found: list[str]
) -> None:
    teacher = small_config.recipe.teacher
    assert teacher is not None
    recipe = small_config.recipe.model_copy(
        update={"teacher": teacher.model_copy(update={"model": model})}
    )
    card = published(small_config.model_copy(update={"recipe": recipe}))
    assert getattr(card.data, "base_model", []) == found


def test_a_teacher_of_no_published_row_is_no_base_model(
    small_config: Config, small_store: Store
) -> None:
    facts = gather(small_config, small_store)
    none = replace(facts, configs={"open_source": 7, "distilled": 0})
    teacher = small_config.recipe.teacher
    assert teacher is not None
    named = teacher.model_copy(update={"model": "org/name"})
    recipe = small_config.recipe.model_copy(update={"teacher": named})
    assert base_models(recipe, facts) == ["org/name"] and base_models(recipe, none) == []


def test_the_error_rates_are_those_of_the_verifiers_that_judged(published: Publish) -> None:
    said = section(published(), "Verdicts")
    listed = {
        line.split(" | ")[0].strip("| ") for line in said.splitlines() if "benchmarks/" in line
    }
    assert listed == {"code", "math", "rules"}


def test_a_verifier_without_a_known_rate_is_said_to_have_none(published: Publish) -> None:
    def judged(data: Any) -> None:
        good = "<think>a</think><answer>4</answer>"
        data.try_("first_round", 2, good, "correct", "approved", verifier="reward")

    said = section(published(change=judged), "Verdicts")
    assert "No error rate is known of reward; a model that judges is as good as the model." in said


def test_the_scripts_that_print_the_rates_are_there_and_rates_are_shares() -> None:
    root = Path(__file__).parent.parent.parent
    for of in MEASURED:
        assert (root / of.command).is_file(), of.command
        assert 0 <= of.wrong_accepted <= of.cases - of.as_labelled
        assert 0 < of.as_labelled <= of.cases
    assert not any(of_verifier(name) for name in MODELS)


ACCOUNT = {
    **{"stage": "distill 1", "teacher": "small-teacher", "seconds": 3600.0, "ended": "done"},
    "servers": [
        {"prompt_tokens": 2_000_000, "response_tokens": 1_000_000, "lost_chars": 0, "replies": 9}
    ],
}


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        (Prices(prompt_million=1.0, response_million=2.0, gpu_hour=3.0), "7.00 USD, at 1 and 2"),
        (Prices(), "not known: runtime.prices names none"),
    ],
)
def test_tokens_and_cost_stand_under_run_where_the_prices_are(
    small_config: Config, small_store: Store, tmp_path: Path, prices: Prices, said: str
) -> None:
    (small_store.folder / "accounts.jsonl").write_text(json.dumps(ACCOUNT) + "\n")
    runtime = small_config.runtime.model_copy(update={"prices": prices})
    config = small_config.model_copy(update={"runtime": runtime})
    publish_folder(config, small_store, tmp_path / "out")
    run = section(DatasetCard.load(tmp_path / "out" / "README.md"), "Run")
    assert "| the teacher's tokens | 2,000,000 of prompts, 1,000,000 of responses |" in run
    assert f"| cost | {said}" in run


# Loading and citing


def test_the_card_names_the_repository_to_which_it_goes(published: Publish) -> None:
    card = published(repo="org/name")
    assert 'load_dataset("org/name", "open_source", split="train")' in card.text
    assert "url    = {https://huggingface.co/datasets/org/name}" in card.text
    assert "path/to/this/folder" not in card.text


def test_authors_and_year_are_cited_and_their_absence_is_said(
    small_config: Config, published: Publish
) -> None:
    nobody = section(published(), "Citation")
    assert "author" not in nobody.split("```")[1]
    assert "have not named themselves" in nobody
    config = with_publish(small_config, authors=["A. Author", "B. Writer"], year=2026)
    somebody = section(published(config), "Citation")
    assert "author = {A. Author and B. Writer}" in somebody and "year   = {2026}" in somebody
    assert "have not named themselves" not in somebody


# Rendering


def test_every_table_and_list_of_the_card_renders_as_one(published: Publish) -> None:
    card = published(change=licensed("CC-BY-SA-4.0", "CC-BY-NC-4.0"))
    html = MarkdownIt("commonmark").enable("table").render(card.text)
    tables = re.findall(r"(?:^\|.*\|$\n)+", card.text, flags=re.M)
    assert html.count("<table>") == len(tables) > 10
    shown = re.sub(r"<pre>.*?</pre>", "", html, flags=re.S)
    assert not re.search(r"<p>[^<]*\|", shown)  # a table that is none would stand in a paragraph
    assert html.count("<img ") == 5 and html.count("<h2>") == card.text.count("\n## ")
