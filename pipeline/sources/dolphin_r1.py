r"""Dolphin-R1: general instructions with the thinking of DeepSeek-R1 or of Gemini.

A row of the config `reasoning-deepseek`::

    {"messages": [{"role": "user", "content": "Why is the sky blue?"}],
     "reasoning": "Light …", "answer": "Because …", "model": "deepseek-reasoner"}

Shape and revision: marin-community/marin@8db714b0926c:
experiments/posttrain/instruction_datasets.py (configs, messages, answer) and public loaders
(reasoning).

Traps: some rows have their instruction in the system turn and no user turn, and are refused;
there is no reference; the config `nonreasoning` shows no thinking, so that it can't be
asked for; the thinking has no tags; who wrote it follows from the config.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import R1, Draft, HubRow, thought

TEACHERS = {"reasoning-deepseek": R1, "reasoning-flash": "Gemini-2.0-Flash-Thinking"}


class DolphinR1(HubSource):
    """Instructions, each with one response."""

    summary: ClassVar[str] = "Dolphin-R1: general instructions with R1's or Gemini's thinking"
    kinds: ClassVar[tuple[str, ...]] = ("instruction",)
    carries: ClassVar[tuple[str, ...]] = ("responses",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="cognitivecomputations/dolphin-r1",
        columns=("messages", "reasoning", "answer"),
        configs=tuple(TEACHERS),
        licence="Apache-2.0",
        rows=300_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a conversation that ends with the user, and the response to it."""
        return Draft(
            prompt=row.turns("messages"),
            kind="instruction",
            responses=[thought(row.text("reasoning"), row.text("answer"), TEACHERS[self.config])],
        )
