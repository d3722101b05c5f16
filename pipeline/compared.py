"""What deduplicate compares of questions, as columns read from their tables.

    questions = Compared()
    questions.add(config, store, shard)             # or some rows of it, by their places
    questions.ids, questions.texts, questions.priorities, questions.vectors()

Which of two questions stays follows from `recipe.deduplicate.prefer`; the default is: has a
reference answer or tests, then carries a response, then is harder, then its source stands
earlier in `source_priority`, then has the lower id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Config
from pipeline.recipe import Deduplicate
from pipeline.records import DIFFICULTIES
from pipeline.store import Store
from pipeline.vectors import chunks_of, read_chunks, read_vectors

if TYPE_CHECKING:
    from dedup.chunks import Chunks

Array = np.ndarray[Any, Any]
SOURCES_AT_MOST = 1 << 20  # room for the place of a source in a priority
NONE = np.empty((0, 0), np.float16)
COLUMNS = ["id", "source", "prompt", "kind", "reference_answer", "test_cases"]


@dataclass(slots=True)
class Compared:
    """Questions as parallel columns in the order in which they were added."""

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    numeric: list[bool] = field(default_factory=list)
    _vectors: list[Array] = field(default_factory=list)
    _chunks: list[tuple[Array, Array]] = field(default_factory=list)

    @classmethod
    def read(cls, config: Config, store: Store) -> Compared:
        """Return all questions of a version."""
        everything = cls()
        for shard in range(store.shards):
            everything.add(config, store, shard)
        return everything

    def add(
        self,
        config: Config,
        store: Store,
        shard: int,
        places: Array | None = None,
        vectors: Array | None = None,
    ) -> None:
        """Add a shard's questions, or those at some places of it.

        `vectors` are the shard's where they were read before; `NONE` leaves them out.
        """
        recipe = config.recipe.deduplicate
        rows = store.read("questions", shard, COLUMNS)
        every = rows.column("id").to_pylist()
        places = np.arange(rows.num_rows) if places is None else places
        rows = rows.take(places)
        ids = rows.column("id").to_pylist()
        self.ids += ids
        self.texts += map(user_text, rows.column("prompt").to_pylist())
        kinds = rows.column("kind").to_pylist()
        self.numeric += [kind in recipe.numbers_must_agree for kind in kinds]
        labels = store.read("labels", shard, ["difficulty"]).take(places)
        answered = set(store.read("responses/round=00", shard, ["id"]).column("id").to_pylist())
        self.priorities += priorities(
            recipe,
            checkable=checkable(rows),
            answered=[id in answered for id in ids],
            difficulties=labels.column("difficulty").to_pylist(),
            sources=rows.column("source").to_pylist(),
        )
        vectors = read_vectors(store, shard) if vectors is None else vectors
        self._vectors.append(np.empty((len(places), 0)) if vectors is NONE else vectors[places])
        self._chunks.append(_of_places(*read_chunks(store, shard, every), places))

    def vectors(self) -> Array:
        """Return all vectors, float16 (n, d)."""
        return np.concatenate(self._vectors)

    def chunks(self) -> Chunks | None:
        """Return the vectors of chunks, None where no text is longer than a window."""
        return chunks_of(self._chunks, [len(part) for part in self._vectors])


def _of_places(owner: Array, vectors: Array, places: Array) -> tuple[Array, Array]:
    """Return the chunks of the rows at some places, ascending, by their number among these."""
    number = np.full(int(max(places.max(initial=-1), owner.max(initial=-1))) + 1, -1)
    number[places] = np.arange(len(places))
    mine = number[owner] >= 0
    return number[owner[mine]], vectors[mine]


def user_text(prompt: Iterable[dict[str, str]]) -> str:
    """Return all user turns of a prompt, as `Question.user_text` does."""
    return "\n\n".join(turn["content"] for turn in prompt if turn["role"] == "user")


def checkable(rows: pa.Table) -> list[bool]:
    """Return which questions have a reference answer or tests."""
    there = [
        pc.greater(pc.fill_null(pc.binary_length(rows.column(name)), 0), 0)
        for name in ("reference_answer", "test_cases")
    ]
    return list(pc.or_(*there).to_pylist())


def priorities(
    recipe: Deduplicate,
    *,
    checkable: list[bool],
    answered: list[bool],
    difficulties: list[str],
    sources: list[str],
) -> list[int]:
    """Return how much each question deserves to stay, higher is better."""
    place = {name: at for at, name in enumerate(recipe.source_priority)}
    degrees = [DIFFICULTIES.index(name) for name in difficulties]
    hardest = len(DIFFICULTIES) - 1
    columns: dict[str, tuple[list[int], int]] = {
        "checkable": ([int(yes) for yes in checkable], 2),
        "answered": ([int(yes) for yes in answered], 2),
        "harder": (degrees, len(DIFFICULTIES)),
        "easier": ([hardest - degree for degree in degrees], len(DIFFICULTIES)),
        "source": (
            [SOURCES_AT_MOST - 1 - place.get(name, len(place)) for name in sources],
            SOURCES_AT_MOST,
        ),
    }
    ranks = [0] * len(sources)
    for name in recipe.prefer:
        values, room = columns[name]
        ranks = [rank * room + value for rank, value in zip(ranks, values, strict=True)]
    return ranks
