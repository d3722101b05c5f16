"""Turns a published dataset into the rows that TRL's SFTTrainer reads, as JSONL.

    pip install datasets
    python examples/format_for_trl.py published/quickstart/1 sft.jsonl --config distilled

A line is {"prompt": [turns of role and content], "completion": [the assistant's last turn]}: with
these two columns the trainer computes the loss on the completion alone. To train with it::

    pip install trl
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer
    rows = load_dataset("json", data_files="sft.jsonl", split="train")
    SFTTrainer("Qwen/Qwen2.5-0.5B", SFTConfig(max_length=8192), train_dataset=rows).train()

Chat templates that cut `<think>` out of earlier turns, as those of some reasoning models do, cut it
out of these rows too; the completion stays whole.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset


def as_prompt_and_completion(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's conversation cut before its last turn, without what TRL does not read."""
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]]
    return {"prompt": turns[:-1], "completion": turns[-1:]}


def formatted(rows: Dataset) -> Dataset:
    """Return the rows with the two columns `prompt` and `completion` alone."""
    return rows.map(as_prompt_and_completion, remove_columns=rows.column_names)


def main() -> None:
    """Write a config's rows for TRL."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a published folder, or ORG/NAME on the Hub")
    parser.add_argument("out", type=Path)
    parser.add_argument("--config", default="open_source")
    parser.add_argument("--split", default="train")
    parser.add_argument("--cache", help="where datasets keeps what it read")
    options = parser.parse_args()
    rows = load_dataset(
        options.dataset, options.config, split=options.split, cache_dir=options.cache
    )
    formatted(rows).to_json(options.out, force_ascii=False)
    print(f"{len(rows):,} rows in {options.out}")


if __name__ == "__main__":
    main()
