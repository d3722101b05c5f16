"""The teachers that come along, and the page about them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline.config import CONFIGS, Endpoints, Runtime
from pipeline.recipe import Distill, Teacher

FILES = sorted((CONFIGS / "teachers").glob("*.toml"))
PAGE = (CONFIGS.parent / "docs" / "teachers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_teacher_that_comes_along_is_valid_and_on_the_page(path: Path) -> None:
    teacher = Teacher.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    assert f"`{path.name}`" in PAGE
    assert teacher.thinks


def test_the_same_model_in_and_outside_the_process_is_asked_in_the_same_words() -> None:
    inside, outside = (
        Teacher.model_validate(tomllib.loads((CONFIGS / "teachers" / name).read_text()))
        for name in ("smollm2-135m.toml", "local-vllm.toml")
    )
    same = ("style", "shots", "template", "reply_prefix", "sampling", "revision")
    assert {n: getattr(inside, n) for n in same} == {n: getattr(outside, n) for n in same}


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_the_settings_on_the_page_are_settings(block: str) -> None:
    Runtime.model_validate(tomllib.loads(block)["runtime"])


def test_the_figures_on_the_page_are_the_defaults() -> None:
    fields = Endpoints.model_fields
    assert f"`timeout_s`, {fields['timeout_s'].default:g} s" in PAGE
    assert fields["patience_s"].default == 3_600 and "`patience_s` (an hour" in PAGE
    assert fields["reread_s"].default == 10 and "every ten seconds" in PAGE


def test_the_settings_of_rounds_on_the_page_exist() -> None:
    section = PAGE.partition("## Rounds")[2]
    named = set(re.findall(r"`(\w+)(?: = [^`]*)?`", section)) - {"sample", "rethink", "both"}
    assert named <= set(Distill.model_fields)
    assert {"rounds", "attempts", "correct", "most_attempts", "policy", "temperatures"} <= named
