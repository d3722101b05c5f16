r"""The 59 thousand questions from which s1K was chosen, with Gemini's thinking.

A row::

    {"question": "What is 1 + 1?", "solution": "2", "cot_type": "math",
     "source_type": "AI-MO/NuminaMath-CoT/olympiads", "metadata": "{…}",
     "thinking_trajectories": ["One and …"], "attempt": "It is 2."}

Shape: simplescaling/s1@77272c6e925d: data/collect_data.py, data/tokenization.py; rows: public
notes on the dataset.

Traps: `solution` is a short answer, a worked solution or nothing; half of the attempts of s1K
are wrong (its authors count 53.6 % right), so these will be too; it holds questions of
benchmarks (GPQA without Diamond, Omni-MATH, AGIEval, LiveCodeBench, TheoremQA);
`source_type` names the set inside.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.base import SourceResponse
from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, boxed, thought

KINDS = {
    "math": "math",
    "coding": "code",
    "science": "science",
    "health science": "science",
    "english": "science",
}
SHORT = 100  # characters of a solution that is an answer by itself (guess)
GEMINI = "Gemini-2.0-Flash-Thinking"


class DataAblationFull59K(HubSource):
    """Questions, each with one response of Gemini."""

    summary: ClassVar[str] = "data_ablation_full59K: all questions that s1K was chosen from"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code", "science", "instruction")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="simplescaling/data_ablation_full59K",
        columns=("question", "solution", "cot_type", "thinking_trajectories", "attempt"),
        optional=("source_type",),
        rows=58_986,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with its first thinking and the attempt after it."""
        think = "\n".join(row.texts("thinking_trajectories"))
        return asked(row, [thought(think, row.text("attempt"), GEMINI)])


def asked(row: HubRow, responses: list[SourceResponse | None]) -> Draft:
    """Return a question of s1's sets; its solution counts where it is short or has a box."""
    solution = row.maybe("solution")
    short = solution if solution and len(solution) <= SHORT and "\n" not in solution else None
    return Draft(
        prompt=row.text("question"),
        kind=KINDS.get(row.text("cot_type"), "instruction"),
        reference=boxed(solution) or short,
        responses=responses,
        nested=row.maybe("source_type"),
    )
