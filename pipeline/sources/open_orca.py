r"""OpenOrca: FLAN's tasks, answered by GPT-4 and GPT-3.5.

A row::

    {"id": "flan.1", "system_prompt": "You are a helpful assistant.",
     "question": "Is 7 prime?", "response": "Yes."}

Shape: hiyouga/LLaMA-Factory@ff6d4d12eeb0: data/dataset_info.json; the revision and the licence:
public loaders. `id` is unseen.

Traps: the system turn may change the answer, and becomes the beginning of the question;
responses show no thinking and are left; FLAN holds the training parts of many benchmarks;
the same question comes with several system turns.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.records import Message
from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class OpenOrca(HubSource):
    """Tasks with the system turn before them."""

    summary: ClassVar[str] = "OpenOrca: FLAN's tasks as instructions"
    kinds: ClassVar[tuple[str, ...]] = ("chat",)
    carries: ClassVar[tuple[str, ...]] = ("instructions",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="Open-Orca/OpenOrca",
        columns=("question", "system_prompt"),
        optional=("id",),
        unseen=("id",),
        licence="MIT",
    )

    def read(self, row: HubRow) -> Draft:
        """Return a task; the part of FLAN is what its id begins with."""
        part, dot, _ = row.text("id").partition(".")
        turns = [
            Message("system", row.text("system_prompt")),
            Message("user", row.text("question")),
        ]
        return Draft(prompt=turns, kind="chat", nested=part if dot else None)
