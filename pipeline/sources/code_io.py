r"""CodeI/O, the part made of PyEdu: predict a program's output, or an input for an output.

A row::

    {"prompt": "… predict the output …", "turn_1": "… {\"output\": 4}",
     "feedback_1": "Correct output! …", "turn_2": null, "feedback_2": null}

Shape: hkust-nlp/CodeIO@1d3541cc928e: src/assemble_codeio_demo.py, which writes these columns;
the revision, the words of the feedback and the licence: public loaders and lists.

Traps: no column holds the true output; a first turn that the authors' program found right
tells it, as the last JSON object. A question for an input has many right answers and
gets no reference. The turns show no thinking and are left.
"""

from __future__ import annotations

import json
import re
from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow
from pipeline.sources.local_fields import as_text

RIGHT = "Correct output!"
OUTPUT = re.compile(r'\{\s*"output"\s*:')


class CodeIO(HubSource):
    """Questions about small programs."""

    summary: ClassVar[str] = "CodeI/O (PyEdu): predict outputs and inputs of programs"
    kinds: ClassVar[tuple[str, ...]] = ("science",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="hkust-nlp/CodeIO-PyEdu-Reasoning",
        columns=("prompt", "turn_1", "feedback_1"),
        licence="ODC-By-1.0",
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with the output that was found right, if one was."""
        right = row.text("feedback_1").startswith(RIGHT)
        output = last_output(row.text("turn_1")) if right else None
        return Draft(prompt=row.text("prompt"), kind="science", reference=output)


def last_output(text: str) -> str | None:
    """Return the value of "output" in the last JSON object that has one, as text."""
    for start in reversed([found.start() for found in OUTPUT.finditer(text)]):
        try:
            value, _ = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            continue
        output = value["output"]
        simple = isinstance(output, (str, int, float)) and not isinstance(output, bool)
        return as_text(output) if simple else json.dumps(output, ensure_ascii=False)
    return None
