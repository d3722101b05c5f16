r"""OpenR1-Math-220k: NuminaMath 1.5 with two to four responses of R1 each.

A row::

    {"problem": "What is 1 + 1?", "answer": "2", "source": "olympiads", "uuid": "…",
     "generations": ["<think>\n…\n</think>\n\nIt is $\\boxed{2}$.", "<think>\n…"],
     "is_reasoning_complete": [true, false], "correctness_math_verify": [true, false], …}

Shape: public loaders, one of which lists all columns; the config `all` and `default`:
huggingface/open-r1@1416fa0cf215; the revision and the licence: public loaders.

Traps: a problem has right and wrong responses, which verify tells apart (the dataset's own
verdicts are not taken over); one that is not complete was cut off and has no closing tag;
`default` is a part of `all`, and both contain NuminaMath.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced, unless


class OpenR1Math(HubSource):
    """Problems with several responses each."""

    summary: ClassVar[str] = "OpenR1-Math-220k: NuminaMath with R1's responses"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="open-r1/OpenR1-Math-220k",
        columns=("problem", "answer", "generations", "is_reasoning_complete", "source"),
        configs=("all", "default", "extended"),
        licence="Apache-2.0",
        rows=220_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with its responses, those marked that were cut off."""
        complete = row.items("is_reasoning_complete")
        texts = row.texts("generations")
        known = [place < len(complete) and complete[place] is False for place in range(len(texts))]
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=unless(row.maybe("answer"), "proof", "notfound"),
            responses=[traced(text, whole=not cut) for text, cut in zip(texts, known, strict=True)],
            nested=row.maybe("source"),
        )
