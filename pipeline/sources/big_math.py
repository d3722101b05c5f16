r"""Big-Math: verified problems with short answers, chosen for reinforcement learning.

A row::

    {"problem": "What is 1 + 1?", "answer": "2", "source": "orca_math",
     "domain": ["Mathematics -> Algebra"], "llama8b_solve_rate": 0.9}

Shape: public loaders, one of which lists these columns; the id:
SynthLabsAI/big-math@420b9a771a7e: README.md, which says that it has no rollouts.

Traps: its terms must be accepted on its page; it contains GSM8K, MATH, Omni-MATH and HARP, of
which some are benchmarks; choices were rewritten into open questions; the rate is that of a
small model and says little of hard problems.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class BigMath(HubSource):
    """Problems with their answers."""

    summary: ClassVar[str] = "Big-Math-RL-Verified: problems with short, checked answers"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="SynthLabsAI/Big-Math-RL-Verified",
        columns=("problem", "answer", "source"),
        optional=("domain", "llama8b_solve_rate"),
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with its answer and how often a small model solved it."""
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=row.maybe("answer"),
            nested=row.maybe("source"),
            keep={"solve_rate": row.value("llama8b_solve_rate"), "domain": row.value("domain")},
        )
