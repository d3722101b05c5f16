r"""OpenCoder, second stage of its instructions: programming tasks, one config with tests.

A row of the config `educational_instruct`::

    {"seq_id": 7, "instruction": "Write a function that doubles.", "output": "```python …",
     "code": "def twice(n): …", "entry_point": "twice", "testcase": ["assert twice(2) == 4"]}

The configs `evol_instruct`, `mceval_instruct` and `package_instruct` have no tests. Shape:
public loaders of all four configs; the id: OpenCoder-llm/OpenCoder-llm@6131c472c87d:
README.md.

Traps: an instruction need not name the function that the tests call, so its name is added;
outputs show no thinking and are left; without tests nothing can check an answer.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow


class OpenCoder(HubSource):
    """Tasks, with the tests that they come with."""

    summary: ClassVar[str] = "OpenCoder stage 2: programming tasks, one config with tests"
    kinds: ClassVar[tuple[str, ...]] = ("code",)
    carries: ClassVar[tuple[str, ...]] = ("test cases",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="OpenCoder-LLM/opc-sft-stage2",
        columns=("instruction",),
        optional=("entry_point", "testcase"),
        configs=("educational_instruct", "evol_instruct", "mceval_instruct", "package_instruct"),
        licence="MIT",
    )

    def read(self, row: HubRow) -> Draft:
        """Return a task; the name that its tests call is told where it does not tell it."""
        task, name = row.text("instruction").strip(), row.maybe("entry_point")
        told = name is None or name in task
        return Draft(
            prompt=task if told else f"{task}\n\nName the function `{name}`.",
            kind="code",
            cases=[{"assert": text} for text in row.texts("testcase") if text.strip()],
            nested=self.config,
        )
