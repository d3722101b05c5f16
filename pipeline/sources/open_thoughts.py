r"""OpenThoughts-114k: mathematics, programs, puzzles and science with R1's thinking.

A row of the config `metadata`::

    {"problem": "What is 1 + 1?", "deepseek_reasoning": "One and one …",
     "deepseek_solution": "It is $\\boxed{2}$.", "ground_truth_solution": "$\\boxed{2}$",
     "domain": "math", "source": "numina_math", "test_cases": null, "starter_code": null}

For programs `test_cases` is JSON, `{"inputs": […], "outputs": […], "fn_name": …}`. Shape:
open-thoughts/open-thoughts@e3ad6c98b0e0: open_thoughts/prompt.py, open_thoughts/math,
open_thoughts/code; the config's columns: public loaders; rows: modelscope/ms-swift's list.

Traps: the config `default` has neither references nor domains, and its traces stand in
<|begin_of_thought|> marks; thinking and answer are columns of their own here, without
tags; science and puzzles have no reference; outputs of functions are wrapped in a list;
its 8,000 tokens cut off long thinking (open_thoughts/math/reason.py).
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, boxed, thought

KINDS = {"math": "math", "code": "code"}


class OpenThoughts(HubSource):
    """Questions, each with one response of R1."""

    summary: ClassVar[str] = "OpenThoughts-114k: mathematics, code, puzzles, science"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code", "science")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "test cases", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="open-thoughts/OpenThoughts-114k",
        columns=("problem", "deepseek_reasoning", "deepseek_solution", "domain", "source"),
        optional=("ground_truth_solution", "test_cases", "starter_code"),
        configs=("metadata",),
        licence="Apache-2.0",
        rows=113_957,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with R1's response, thinking and answer put together."""
        kind = KINDS.get(row.text("domain"), "science")
        starter = row.maybe("starter_code")
        problem = row.text("problem").strip()
        return Draft(
            prompt=f"{problem}\n\n{starter}" if starter else problem,
            kind=kind,
            reference=boxed(row.text("ground_truth_solution")) if kind == "math" else None,
            cases=row.cases("test_cases") if kind == "code" else (),
            responses=[thought(row.text("deepseek_reasoning"), row.text("deepseek_solution"))],
            nested=row.maybe("source"),
            keep={"domain": row.maybe("domain")},
        )
