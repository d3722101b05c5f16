"""IFEval: 541 prompts with instructions that a program can check (arXiv 2311.07911).

A row has this form; a list may also be text (JSON or Python's way to write it)::

    {"key": 1000, "prompt": "Write two words. Use no comma.",
     "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}

What is measured is the strict accuracy of whole prompts: all of a prompt's instructions hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from pipeline.evaluation.base import (
    MAX_SAMPLES,
    PROMPT,
    SAMPLES,
    Benchmark,
    Item,
    Row,
    key_of,
    text,
)
from pipeline.evaluation.reading import Hub, unpacked


class Ifeval(Benchmark):
    """Instructions about form, each of which a program can check."""

    title: ClassVar[str] = "IFEval"
    kind: ClassVar[str] = "instruction"
    verifier: ClassVar[str] = "instruction"
    licence: ClassVar[str] = "Apache-2.0"
    hub: ClassVar[Hub | None] = Hub("google/IFEval", ("ifeval_input_data.jsonl",))
    votes: ClassVar[bool] = False
    # Words are counted as the benchmark does; the default counts characters in Chinese answers.
    settings: ClassVar[Mapping[str, Any]] = {"multilingual": False}

    samples: int = Field(1, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")
    prompt: str = Field("{question}", min_length=1, description=PROMPT)

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row; arguments that are null, as columns of a table are, are left out."""
        names, arguments = unpacked(row["instruction_id_list"]), unpacked(row["kwargs"])
        if len(names) != len(arguments):
            raise ValueError(f"kwargs: must be {len(names)}, one an instruction")
        constraints = [
            {"id": name, "kwargs": _given(one)} for name, one in zip(names, arguments, strict=True)
        ]
        asked = {"question": text(row, "prompt")}
        return Item(key_of(row, place, "key"), asked, constraints=constraints)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
