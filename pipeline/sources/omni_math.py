r"""Omni-MATH: problems of olympiads, graded by difficulty.

A row::

    {"domain": ["Mathematics -> Algebra"], "difficulty": 4.5, "problem": "Find …",
     "solution": "We …", "answer": "4", "source": "hmmt_11"}

Shape: NVIDIA/NeMo-Skills@0b012df8a09c: nemo_skills/dataset/omni-math/prepare.py;
simplescaling/s1@77272c6e925d: data/collect_data.py; the revision: public loaders.

Traps: it is a benchmark, with a split `test` alone. AM trains on it; who evaluates on it must
leave it out or name it under `recipe.decontaminate`. Many answers are proofs or several
cases; the domain may be missing.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class OmniMath(HubSource):
    """Problems with their answers."""

    summary: ClassVar[str] = "Omni-MATH: olympiad problems; also a benchmark"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="KbsdJames/Omni-MATH",
        columns=("problem", "answer"),
        optional=("difficulty", "domain", "source"),
        splits=("test",),
        licence="Apache-2.0",
        rows=4_428,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with its answer."""
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=row.maybe("answer"),
            nested=row.maybe("source"),
            keep={"source_difficulty": row.value("difficulty"), "domain": row.value("domain")},
        )
