r"""OpenMathReasoning: problems of the AoPS forums with long thinking of R1 and QwQ.

A row of the split `cot`::

    {"problem": "What is 1 + 1?", "expected_answer": "2", "inference_mode": "cot",
     "problem_type": "has_answer_extracted", "problem_source": "aops_c4_high_school_math",
     "generation_model": "DeepSeek-R1", "generated_solution": "<think>\n…\n</think>\n…",
     "pass_rate_72b_tir": "0.5", "used_in_kaggle": true}

Shape: NVIDIA/NeMo-Skills@0b012df8a09c: docs/releases/openmathreasoning/training.md; public
loaders, one of which lists all columns. Rows: that repository's index.md. Licence: public lists.

Traps: an answer is the forum's only where `problem_type` is `has_answer_extracted`; elsewhere
it is what most of the responses say, and is no reference; rates are texts, "n/a" among
them; thinking of the split `tir` calls tools and that of `genselect` compares solutions, so
that neither can be asked for; `additional_problems` has no responses; a problem comes
with many.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced, unless


class OpenMathReasoning(HubSource):
    """Problems, each row with one response."""

    summary: ClassVar[str] = "OpenMathReasoning: AoPS problems with R1's and QwQ's thinking"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="nvidia/OpenMathReasoning",
        columns=("problem", "expected_answer", "problem_type"),
        optional=("generated_solution", "generation_model", "problem_source", "pass_rate_72b_tir"),
        splits=("cot", "additional_problems"),
        licence="CC-BY-4.0",
        rows=3_200_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem; its answer counts where it was taken from the forum."""
        told = row.text("problem_type") == "has_answer_extracted"
        model = unless(row.maybe("generation_model"), "n/a")
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=unless(row.maybe("expected_answer"), "n/a") if told else None,
            responses=[traced(row.text("generated_solution"), model)] if model else [],
            nested=row.maybe("problem_source"),
            keep={"pass_rate_72b_tir": unless(row.maybe("pass_rate_72b_tir"), "n/a")},
        )
