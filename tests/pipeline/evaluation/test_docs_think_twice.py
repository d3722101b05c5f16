"""docs/think-twice.md says what the code does: benchmarks, keys, prompt, the paper's figures."""

from __future__ import annotations

import pytest

from pipeline.evaluation import paper
from pipeline.evaluation.base import Benchmark, available_benchmarks
from pipeline.evaluation.config import Evaluation, EvaluationRuntime
from pipeline.recipe import RETHINK_PROMPT
from pipeline.reference import DOCS

PAGE = (DOCS / "think-twice.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(available_benchmarks()))
def test_every_benchmark_is_there_with_its_verifier_and_samples(name: str) -> None:
    kind = available_benchmarks()[name]
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert f"`{kind.verifier}`" in cells[2]
    assert cells[3] == str(kind.model_fields["samples"].default)


@pytest.mark.parametrize("name", Evaluation.model_fields)
def test_every_key_of_an_evaluation_is_there(name: str) -> None:
    assert f"| `evaluation.{name}` |" in PAGE


@pytest.mark.parametrize("name", EvaluationRuntime.model_fields)
def test_every_key_of_its_runtime_is_there(name: str) -> None:
    assert f"| `runtime.{name}` |" in PAGE


def test_every_key_of_every_benchmark_is_there() -> None:
    part = PAGE.split("Keys of a benchmark:")[1].split("##")[0]
    kinds: list[type[Benchmark]] = list(available_benchmarks().values())
    for kind in kinds:
        assert [name for name in kind.model_fields if f"`{name}`" not in part] == []


def test_the_prompt_on_the_page_is_the_one_that_is_sent() -> None:
    sent = RETHINK_PROMPT.replace("{question}", "{original question}")
    assert sent.replace("{answer}", "{last answer}") in PAGE


@pytest.mark.parametrize("rows", [paper.PASS1, paper.TOKENS], ids=["pass1", "tokens"])
def test_the_figures_of_the_paper_are_those_of_the_report(rows: paper.Rows) -> None:
    for model, rounds in rows.items():
        for number, figures in rounds.items():
            cells = [model, str(number), *(f"{figures[name]:.1f}" for name in paper.BENCHMARKS)]
            assert f"| {' | '.join(cells)} |" in PAGE
