"""The index that `deduplicate --save-index` writes and `--against` reads: a folder.

    vectors.npy   cells.npz       dedup/stored.py; 1.09 GB for 1.4 million rows of 384 numbers
    keys.npy                      coarse keys of the texts, 8 bytes a row
    rows.parquet                  id, text and priority of each row, to confirm pairs
    about.json                    {"model": "…", "rows": 1400000}

Only rows that were kept are in it: what was dropped stands in nobody's way. It appears as a
whole, under its name, when everything is written; one that it replaces stays until then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError, UserError
from pipeline.store import writing
from pipeline.temporary import replace_folder, restore_folder, sweep, temporary_folder
from pipeline.textfile import Texts

if TYPE_CHECKING:
    from dedup.incremental import Kept, LookedUp
    from dedup.stored import Stored

Array = np.ndarray[Any, Any]
KEYS, ROWS, ABOUT = "keys.npy", "rows.parquet", "about.json"
GIVEN = ""  # the model of vectors that came with the rows
OFFSET = 1 << 63  # makes whole numbers of 64 bits sort as text


def sortable(ids: Sequence[Any], path: Path) -> list[str]:
    """Return ids as strings that sort as the ids do, in every file alike."""
    if all(isinstance(id, str) for id in ids):
        return list(ids)
    if all(isinstance(id, int) and not isinstance(id, bool) for id in ids):
        return [f"{id + OFFSET:020d}" for id in ids]
    raise InputError(f"{path}: id: must be all strings or all whole numbers")


@dataclass(frozen=True, slots=True)
class TextIndex:
    """A folder with kept rows; `vectors` is None where only equal texts are looked for."""

    folder: Path
    model: str | None
    stored: Stored | None
    keys: Array

    @classmethod
    def load(cls, folder: Path) -> TextIndex:
        """Open an index; raises InputError where there is none."""
        from dedup.stored import Stored

        try:
            restore_folder(folder.resolve())
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            stored = Stored.load(folder) if about["model"] is not None else None
            return cls(folder, about["model"], stored, np.load(folder / KEYS))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"--against {folder}: is no index: {error}") from None

    def rows(self, columns: list[str] | None = None) -> pa.Table:
        """Return the columns of all rows."""
        return pq.read_table(self.folder / ROWS, columns=columns)

    def kept(self, numeric: bool) -> Kept:
        """Return what a batch is compared with."""
        from dedup.incremental import Kept

        return Kept(self.stored, self.keys, lambda rows: self._look_up(rows, numeric))

    def _look_up(self, places: Array, numeric: bool) -> LookedUp:
        from dedup.incremental import LookedUp

        rows = self.rows().take(places)
        return LookedUp(
            sortable(rows.column("id").to_pylist(), self.folder),
            rows.column("text").to_pylist(),
            np.full(len(places), numeric),
            rows.column("priority").to_pylist(),
        )


def save_index(
    folder: Path, rows: Texts, stay: Array, vectors: Array | None, model: str | None,
    before: TextIndex | None, cells: tuple[Array, Array] | None,
) -> None:  # fmt: skip
    """Write an index of the rows at the places `stay`, and of those of an earlier one.

    `cells` are the centres and homes of the new rows where these are known.
    """
    place = free_place(folder)
    sweep(place)
    with writing(place.parent), temporary_folder(place) as new:
        _write(new, rows, stay, vectors, model, before, cells)
        replace_folder(new, free_place(place))


def free_place(folder: Path) -> Path:
    """Return where an index of this name goes, links followed.

    Raises UserError where it would take the place of something else.
    """
    place = folder.resolve()
    restore_folder(place)
    if place.exists() and not (place / ABOUT).is_file():
        raise UserError(f"--save-index {folder}: exists and is no index; name another folder")
    return place


def _write(
    folder: Path, rows: Texts, stay: Array, vectors: Array | None, model: str | None,
    before: TextIndex | None, cells: tuple[Array, Array] | None,
) -> None:  # fmt: skip
    from dedup.coarse import coarse_keys
    from dedup.stored import Stored

    table = _rows_table(rows, stay)
    keys = coarse_keys([rows.texts[place] or "" for place in stay.tolist()])
    if before is not None:
        table = pa.concat_tables([before.rows(), table])
        keys = np.concatenate([before.keys, keys])
    pq.write_table(table, folder / ROWS, compression="zstd")
    np.save(folder / KEYS, keys)
    if vectors is not None:
        mine = np.asarray(vectors[stay], np.float16)
        if before is not None and before.stored is not None:
            before.stored.extended(mine).save(folder)
        elif cells is not None:
            Stored(mine, *cells).save(folder)
        else:
            Stored.build(mine).save(folder)
    about = {"model": None if vectors is None else model, "rows": table.num_rows}
    (folder / ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")


def _rows_table(rows: Texts, stay: Array) -> pa.Table:
    places = stay.tolist()
    whole = bool(rows.ids) and isinstance(rows.ids[0], int)
    columns = {
        "id": pa.array([rows.ids[k] for k in places], pa.int64() if whole else pa.string()),
        "text": pa.array([rows.texts[k] for k in places], pa.large_string()),
        "priority": pa.array([float(rows.priorities[k]) for k in places], pa.float64()),
    }
    return pa.table(columns)
