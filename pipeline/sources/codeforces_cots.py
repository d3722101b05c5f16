r"""CodeForces-CoTs: problems of competitions with R1's thinking and programs, Python or C++.

A row of the config `solutions_py`::

    {"id": "1/A", "prompt": "You will be given …", "description": "…", "input_format": "…",
     "output_format": "…", "note": null, "examples": [{"input": "1\n", "output": "2\n"}],
     "generation": "<think>\n…\n</think>\n\n```python\n…```", …}

Shape: public loaders (prompt, generation, examples, the configs); rows:
huggingface/open-r1@1416fa0cf215: README.md. Licence: public lists. `finish_reason` is unseen.

Traps: the only tests that are sure to be there are the statement's examples, which a wrong
program may pass, and which a right one fails where several outputs are right; answers of the
configs without `_py` are C++, which the metadata says; Codeforces' statements are their
authors'; LiveCodeBench holds problems of the same site.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced
from pipeline.sources.local_columns import ready_cases


class CodeforcesCots(HubSource):
    """Problems, each row with one response: in Python, unless `config` is one in C++."""

    summary: ClassVar[str] = "CodeForces-CoTs: competition problems with R1's programs"
    kinds: ClassVar[tuple[str, ...]] = ("code",)
    carries: ClassVar[tuple[str, ...]] = ("test cases", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="open-r1/codeforces-cots",
        columns=("id", "prompt", "generation", "examples"),
        optional=("finish_reason",),
        unseen=("finish_reason",),
        configs=(
            *("solutions_py", "solutions_py_decontaminated"),
            *("solutions", "solutions_decontaminated"),
        ),
        licence="CC-BY-4.0",
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem as R1 was asked it, with the examples of its statement as tests."""
        whole = row.text("finish_reason") != "length"
        return Draft(
            prompt=row.text("prompt"),
            kind="code",
            cases=ready_cases(row.value("examples")),
            responses=[traced(row.text("generation"), whole=whole)],
            keep={
                "problem": row.maybe("id"),
                "language": None if "_py" in self.config else "cpp",
            },
        )
