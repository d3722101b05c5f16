r"""MATH in the form of lighteval: the training problems of Hendrycks' MATH.

A row::

    {"problem": "What is 1 + 1?", "level": "Level 1", "type": "Algebra",
     "solution": "The sum is $\\boxed{2}$."}

Shape: volcengine/verl@b178a3cd56f5: examples/data_preprocess/math_dataset.py (problem,
solution, splits); rows: modelscope/ms-swift@3602360a5623: its list of datasets. `level` and
`type` are those of MATH itself and unseen here.

Traps: the split `test` is the benchmark MATH, of which MATH-500 is a part, so that it can't
be asked for; the answer stands only in the solution's last box.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, boxed


class MathLighteval(HubSource):
    """Problems with the answer of their solution."""

    summary: ClassVar[str] = "MATH, training split, in lighteval's form"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="DigitalLearningGmbH/MATH-lighteval",
        columns=("problem", "solution"),
        optional=("level", "type"),
        unseen=("level", "type"),
        rows=7_500,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with what its solution's last box holds."""
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=boxed(row.text("solution")),
            keep={"level": row.maybe("level"), "type": row.maybe("type")},
        )
