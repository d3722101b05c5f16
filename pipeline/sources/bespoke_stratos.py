r"""Bespoke-Stratos-17k: R1's thinking in the marks of Sky-T1.

A row::

    {"system": "Your role as an assistant …", "conversations": [
        {"from": "user", "value": "Return your final response within \\boxed{}. Find x."},
        {"from": "assistant", "value": "<|begin_of_thought|>\n\n…\n\n<|end_of_thought|>\n\n
            <|begin_of_solution|>\n\n…\n\n<|end_of_solution|>"}]}

Shape: bespokelabsai/curator@8f26600e0a6b: examples/bespoke-stratos-data-generation/
combine_data.py, which writes it; revision:
marin-community/marin@8db714b0926c: experiments/posttrain/instruction_datasets.py; rows:
modelscope/ms-swift@3602360a5623: its list of datasets.

Traps: thinking and answer stand in marks, not in tags; the system turn demands those marks
and is left out; there is neither reference nor test, though mathematics and programs were
checked when it was made; questions are NuminaMath's, APPS', TACO's and STILL-2's, and
no row says which.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, marked
from pipeline.sources.local_fields import BadRow

BOXED = "Return your final response within \\boxed{}."
PROGRAM = "Generate an executable Python function generated from the given prompt."


class BespokeStratos(HubSource):
    """Questions, each with one response of R1."""

    summary: ClassVar[str] = "Bespoke-Stratos-17k: mathematics, code, puzzles"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code", "science")
    carries: ClassVar[tuple[str, ...]] = ("responses",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="bespokelabs/Bespoke-Stratos-17k",
        columns=("conversations",),
        licence="Apache-2.0",
        rows=16_710,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question by the sentence that it begins with, and R1's response."""
        turns = row.turns("conversations")
        if [turn.role for turn in turns] != ["user", "assistant"]:
            raise BadRow("bad_conversation")
        asked, told = (turn.content.strip() for turn in turns)
        kind = "math" if asked.startswith(BOXED) else "science"
        return Draft(
            prompt=asked.removeprefix(BOXED),
            kind="code" if asked.startswith(PROGRAM) else kind,
            responses=[marked(told)],
        )
