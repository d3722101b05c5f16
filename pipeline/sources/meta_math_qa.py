r"""MetaMathQA: GSM8K and MATH training questions, rephrased and turned around by GPT-3.5.

A row::

    {"type": "GSM_Rephrased", "query": "How many …?", "original_question": "…",
     "response": "First … #### 7\nThe answer is: 7"}

Shape: allenai/open-instruct@e6c3044aa620: scripts/data/sft/metamath.py (query, response);
marin-community/marin@8db714b0926c: experiments/posttrain/instruction_datasets.py (type, the
revision).

Traps: answers are GPT-3.5's and some are wrong; questions of FOBAR and Self-Verification ask
for an unknown x of a question whose answer they tell; a response shows no thinking, so only
the answer after its last "The answer is:" is taken, as the reference.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow

MARK = "The answer is:"


class MetaMathQA(HubSource):
    """Questions with the answers of GPT-3.5."""

    summary: ClassVar[str] = "MetaMathQA: GSM8K and MATH training questions, rephrased"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="meta-math/MetaMathQA",
        columns=("query", "response", "type"),
        licence="MIT",
        rows=395_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with what its response says after the mark."""
        _, found, answer = row.text("response").rpartition(MARK)
        kind = row.maybe("type")
        return Draft(
            prompt=row.text("query"),
            kind="math",
            reference=answer if found else None,
            nested=kind.partition("_")[0] if kind else None,
            keep={"type": kind},
        )
