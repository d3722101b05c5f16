r"""KodCode V1 with R1's responses: synthetic programming tasks with pytest modules.

A row::

    {"question_id": "Algorithm_1_I", "style": "instruct", "subset": "Algorithm",
     "question": "Write a function …", "test": "from solution import twice\n…",
     "test_info": [{"function_declaration": "def twice(n):", …}], "gpt_difficulty": "easy",
     "conversations": [{"from": "human", "value": "…"},
                       {"from": "gpt", "value": "<think>…</think> …"}], …}

Shape: public loaders; KodCode-AI/kodcode@1d3515baeb18: demo/, whose rows have R1's answers
with <think>. Nobody shows the turns of `conversations`, so the column is unseen. Licence: that
repository's README.

Traps: R1's answers are right and wrong (`r1_correctness`), which verify tells apart; tests
of the subset `Package` and `Docs` need other packages; a question need not name the
function that the test imports, so its declaration is added.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced
from pipeline.sources.local_fields import as_text


class KodCode(HubSource):
    """Tasks with tests and one response each."""

    summary: ClassVar[str] = "KodCode V1 (SFT-R1): programming tasks with pytest modules"
    kinds: ClassVar[tuple[str, ...]] = ("code",)
    carries: ClassVar[tuple[str, ...]] = ("test cases", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="KodCode/KodCode-V1-SFT-R1",
        columns=("question", "test", "test_info", "subset", "conversations"),
        optional=("gpt_difficulty", "style"),
        unseen=("conversations",),
        licence="CC-BY-NC-4.0",
    )

    def read(self, row: HubRow) -> Draft:
        """Return a task, the declarations that its test needs added where it lacks them."""
        task, turns = row.text("question").strip(), row.turns("conversations")
        wanted = [text for text in declarations(row) if text.rstrip(":") not in task]
        last = turns[-1].content if turns and turns[-1].role == "assistant" else None
        test = row.maybe("test")
        return Draft(
            prompt="\n\n".join([task, *wanted]),
            kind="code",
            cases=[{"test_code": test}] if test else [],
            responses=[traced(last)],
            nested=row.maybe("subset"),
            difficulty=row.maybe("gpt_difficulty"),
            keep={"style": row.maybe("style")},
        )


def declarations(row: HubRow) -> list[str]:
    """Return the declarations of the functions that a row's test calls."""
    infos = row.items("test_info")
    found = (info.get("function_declaration") for info in infos if isinstance(info, dict))
    return [text for value in found if (text := (as_text(value) or "").strip())]
