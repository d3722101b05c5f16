r"""NaturalReasoning: questions of many fields, made backwards from texts of the web.

A row::

    {"question": "Why …?", "reference_answer": "Because …",
     "responses": [{"response_model": "Llama3.3-70B-Instruct", "response": "## Step 1 …"}]}

Shape, licence and rows: the dataset's card; the revision:
marin-community/marin@8db714b0926c: experiments/posttrain/instruction_datasets.py.

Traps: of the 1.1 million, 18 % have no reference answer and 50 % one of several sentences
(the card), which no exact check can compare; the responses show no thinking and are left.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class NaturalReasoning(HubSource):
    """Questions, most with a reference answer."""

    summary: ClassVar[str] = "NaturalReasoning: questions of all sciences from web texts"
    kinds: ClassVar[tuple[str, ...]] = ("science",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="facebook/natural_reasoning",
        columns=("question", "reference_answer"),
        licence="CC-BY-NC-4.0",
        rows=1_100_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with its reference answer, if it has one."""
        return Draft(
            prompt=row.text("question"), kind="science", reference=row.maybe("reference_answer")
        )
