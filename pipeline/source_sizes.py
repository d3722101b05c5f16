"""How many rows sources are likely to have, told before any of them is read.

    rows_expected(NuminaMath(…))        896_215, as its page says
    rows_expected(LocalFiles(path="questions.parquet", every=5, …))        a fifth of the file's

For plans and for the look at the disk; nothing that is built depends on it. Rows that a filter
(`where`) leaves out are counted, as nobody knows them.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.base import Source
from pipeline.sources.local_files import LocalFiles
from pipeline.sources.reasoning_gym import ReasoningGym

BYTES_A_ROW = 1_000  # of a file that isn't Parquet, compressed or not; a guess
CARRIES_RESPONSES = "responses"


def rows_expected(source: Source) -> int | None:
    """Return how many rows a source is likely to have, None where nobody knows."""
    if isinstance(source, LocalFiles):
        found = _rows_of_files(source)
    elif isinstance(source, ReasoningGym):
        found = source.count
    else:
        found = source.about_rows
    if found is None or source.limit is None:
        return source.limit if found is None else found
    return min(found, source.limit)


def responses_expected(source: Source) -> int:
    """Return how many responses a source is likely to bring, at one a row."""
    if isinstance(source, LocalFiles):
        brings = source.columns.response is not None
    else:
        brings = CARRIES_RESPONSES in source.carries
    return (rows_expected(source) or 0) if brings else 0


def _rows_of_files(source: LocalFiles) -> int | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        files = [Path(path) for path in source.files()]
        rows = [
            pq.read_metadata(path).num_rows
            if path.suffix == ".parquet"
            else path.stat().st_size // BYTES_A_ROW
            for path in files
        ]
    except (OSError, SourceError, pa.ArrowInvalid):
        return None  # collect says what is wrong with it
    return sum(-(-count // source.every) for count in rows)
