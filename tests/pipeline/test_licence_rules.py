"""Licences that a recipe allows: sources that are refused, and rows that are."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.collect import as_entry
from pipeline.recipe import Licences, Recipe
from pipeline.records import Message, Question
from pipeline.sources.base import SourceRow

NO_NC = {"deny": ["*-NC-*"]}


def recipe(licence: str, licences: dict[str, Any], columns: dict[str, str] | None = None) -> Recipe:
    files = {"source": "local_files", "name": "mine", "revision": "1", "path": "a.jsonl"}
    source = {
        **files,
        "kind": "math",
        "licence": licence,
        "columns": {"prompt": "q", **(columns or {})},
    }
    options = {"sources": [source], "licences": licences, "distill": {"rounds": 0}}
    return Recipe.model_validate(options)


def entry(licence: str, **rules: Any) -> dict[str, Any]:
    options = {"source_revision": "1", "licence": licence, "kind": "math"}
    question = Question.new("s", [Message("user", "What is 1 + 1?")], **options)
    licences = Licences.model_validate(rules)
    return as_entry("s", SourceRow("s#1", question), 1_000, licences)


def test_a_source_whose_licence_is_not_allowed_is_named_before_anything_is_read() -> None:
    with pytest.raises(ValidationError, match=r"does not allow 'CC-BY-NC-4.0'; take mine out"):
        recipe("CC-BY-NC-4.0", NO_NC)
    assert recipe("MIT", NO_NC).licences.deny == ("*-NC-*",)


def test_a_source_whose_rows_name_their_licence_is_judged_row_by_row() -> None:
    assert recipe("CC-BY-NC-4.0", NO_NC, {"licence": "l"}).sources[0].licence_by_row()


def test_a_licence_in_prose_is_refused_with_what_would_be_one() -> None:
    with pytest.raises(ValidationError, match="must be an SPDX expression such as MIT"):
        recipe("CC BY 4.0", {})


def test_rows_under_other_licences_become_drops_with_a_reason() -> None:
    assert "question" in entry("MIT", **NO_NC)
    assert entry("CC-BY-NC-4.0", **NO_NC)["reason"] == "licence"
    assert entry("GPL-3.0-only", allow=["MIT", "CC-*"])["reason"] == "licence"
    assert entry("all rights reserved")["reason"] == "bad_licence"
