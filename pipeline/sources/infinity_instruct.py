r"""InfinityInstruct: millions of instructions for chat.

A row of the config `0625`::

    {"id": 1, "conversations": [{"from": "human", "value": "Write a poem."},
                                {"from": "gpt", "value": "…"}], "label": {…}, …}

Shape: hiyouga/LLaMA-Factory@ff6d4d12eeb0: data/dataset_info.json (sharegpt); the configs:
modelscope/ms-swift@3602360a5623: swift/dataset/data/dataset_info.json; public loaders.

Traps: answers show no thinking and are left, and so would be a conversation with earlier
answers, so only its first question is taken, with the system turn before it; its terms must
be accepted on its page; it contains GSM8K-like sets (MetaMathQA, OpenOrca and others), and no
column says which; there is nothing to check an answer against.
"""

from __future__ import annotations

from itertools import takewhile
from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class InfinityInstruct(HubSource):
    """The first question of each conversation."""

    summary: ClassVar[str] = "InfinityInstruct: instructions for chat"
    kinds: ClassVar[tuple[str, ...]] = ("chat",)
    carries: ClassVar[tuple[str, ...]] = ("instructions",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="BAAI/Infinity-Instruct",
        columns=("conversations",),
        optional=("source",),
        unseen=("source",),
        configs=("0625", "3M", "7M", "Gen", "7M_domains"),
        licence="CC-BY-SA-4.0",
        rows=659_808,
    )

    def read(self, row: HubRow) -> Draft:
        """Return the turns before the first answer."""
        turns = row.turns("conversations")
        first = list(takewhile(lambda turn: turn.role != "assistant", turns))
        return Draft(prompt=first, kind="chat", nested=row.maybe("source"))
