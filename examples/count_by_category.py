"""Counts a published folder's rows by category and difficulty, without loading its texts.

    pip install duckdb          # or polars: the one that is there is used
    python examples/count_by_category.py published/quickstart/1 --config distilled

Reads two columns of the Parquet files. For a dataset on the Hub give DuckDB its address instead:
hf://datasets/ORG/NAME/distilled/train-*.parquet.
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec

Counts = list[tuple[str, str, int]]  # category, difficulty, rows: the most rows first
QUERY = """
    SELECT category, difficulty, count(*) AS rows
    FROM read_parquet(?)
    GROUP BY ALL
    ORDER BY rows DESC, category, difficulty
"""


def with_duckdb(files: str) -> Counts:
    """Count with SQL; `files` may have wildcards."""
    import duckdb  # type: ignore[import-not-found, unused-ignore]

    return list(duckdb.execute(QUERY, [files]).fetchall())


def with_polars(files: str) -> Counts:
    """Count with a lazy frame; `files` may have wildcards."""
    import polars as pl

    counted = (
        pl.scan_parquet(files)
        .group_by("category", "difficulty")
        .agg(pl.len().alias("rows"))
        .sort("rows", "category", "difficulty", descending=[True, False, False])
        .collect()
    )
    return list(counted.rows())


def main() -> None:
    """Print a line for each category and difficulty."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="a published folder")
    parser.add_argument("--config", default="open_source")
    parser.add_argument("--split", default="train")
    options = parser.parse_args()
    count = with_duckdb if find_spec("duckdb") else with_polars
    for category, difficulty, rows in count(
        f"{options.folder}/{options.config}/{options.split}-*.parquet"
    ):
        print(f"{category:<24} {difficulty:<10} {rows:>9,}")


if __name__ == "__main__":
    main()
