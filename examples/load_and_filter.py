"""Loads a published dataset and keeps the rows that suit a training run.

    pip install datasets
    python examples/load_and_filter.py published/quickstart/1
    python examples/load_and_filter.py ORG/NAME --config distilled --difficulty hard very_hard

Prints how many rows are left and the beginning of the first. Rows whose answers nobody could
check are left out, as are long ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection

from datasets import Dataset, load_dataset


def load(dataset: str, config: str, split: str = "train", cache: str | None = None) -> Dataset:
    """Return a split of a dataset, which is a folder or a name on the Hub."""
    return load_dataset(dataset, config, split=split, cache_dir=cache)


def suitable(
    rows: Dataset, difficulties: Collection[str] = (), most_tokens: int = 8_192
) -> Dataset:
    """Return the verified rows of these difficulties (all where none is given) and lengths."""

    def is_suitable(outcome: str, difficulty: str, tokens: int | None) -> bool:
        wanted = not difficulties or difficulty in difficulties
        return outcome == "correct" and wanted and tokens is not None and tokens <= most_tokens

    # Only three columns are read, so that the texts need not be.
    return rows.filter(is_suitable, input_columns=["outcome", "difficulty", "response_tokens"])


def main() -> None:
    """Print what is left of a dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a published folder, or ORG/NAME on the Hub")
    parser.add_argument("--config", default="open_source")
    parser.add_argument("--difficulty", nargs="*", default=[])
    parser.add_argument("--most-tokens", type=int, default=8_192)
    parser.add_argument("--cache", help="where datasets keeps what it read")
    options = parser.parse_args()
    rows = load(options.dataset, options.config, cache=options.cache)
    left = suitable(rows, options.difficulty, options.most_tokens)
    print(f"{len(left):,} of {len(rows):,} rows")
    if len(left):
        print(left[0]["messages"][0]["content"][:200])


if __name__ == "__main__":
    main()
