r"""s1K-1.1: a thousand hard questions with the thinking of DeepSeek-R1 and of Gemini.

A row::

    {"question": "What is 1 + 1?", "solution": "2", "cot_type": "math", "source_type": "…",
     "deepseek_thinking_trajectory": "One and …", "deepseek_attempt": "It is 2.",
     "gemini_thinking_trajectory": "…", "gemini_attempt": "…", "deepseek_grade": "Yes", …}

Shape: public loaders; simplescaling/s1@77272c6e925d: data/, README.md.

Traps: those of data_ablation_full59k, of which it is a part; two models answer each
question, often wrongly; the thinking has no tags.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.data_ablation_full59k import GEMINI, asked
from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import R1, Draft, HubRow, thought

MODELS = {"deepseek": R1, "gemini": GEMINI}


class S1K(HubSource):
    """Questions, each with two responses."""

    summary: ClassVar[str] = "s1K-1.1: a thousand hard questions, R1's and Gemini's thinking"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code", "science", "instruction")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="simplescaling/s1K-1.1",
        columns=("question", "solution", "deepseek_thinking_trajectory", "deepseek_attempt"),
        optional=(
            "gemini_thinking_trajectory",
            "gemini_attempt",
            "cot_type",
            "source_type",
        ),
        unseen=("cot_type", "source_type"),
        licence="MIT",
        rows=1_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with the response of each model."""
        found = [
            thought(row.text(f"{name}_thinking_trajectory"), row.text(f"{name}_attempt"), teacher)
            for name, teacher in MODELS.items()
        ]
        return asked(row, found)
