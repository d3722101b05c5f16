"""Stage embed: a unit vector for every question, from all of its user turns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.progress import meter
from pipeline.records import Question, vector_schema
from pipeline.stage import Run, Stage

if TYPE_CHECKING:  # torch takes seconds to import; commands that embed nothing do without
    from dedup.encoder import Encoder


class EmbedStage(Stage):
    """Writes `vectors`; one encoder for all shards, in this process."""

    name = "embed"

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("vectors",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions."""
        return ("questions",)

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the encoder's name."""
        return run.config.recipe.embed.model_dump()

    def build(self, run: Run) -> None:
        """Embed the outdated shards one after the other."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        from dedup.encoder import Encoder

        encoder = Encoder.load(run.config.recipe.embed.model, threads=run.config.runtime.workers)
        with meter(self.title, None) as progress:
            for shard, origin in jobs:
                start = time.monotonic()
                rows = run.store.read("questions", shard)
                made = embed(encoder, list(Question.from_table(rows)))
                counts = {"clipped": int(np.sum(made.column("clipped").to_numpy(False)))}
                self.save(
                    run.store, shard, origin, {"vectors": (made, counts)}, time.monotonic() - start
                )
                progress.advance(rows.num_rows)


def embed(encoder: Encoder, questions: list[Question]) -> pa.Table:
    """Return the `vectors` rows of questions, in their order."""
    vectors, clipped = encoder.encode([question.user_text for question in questions])
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float16).reshape(-1), pa.float16())
    column = pa.FixedSizeListArray.from_arrays(flat, encoder.dimension)
    ids = pa.array([question.id for question in questions], pa.string())
    return pa.Table.from_arrays(
        [ids, column, pa.array(clipped, pa.bool_())], schema=vector_schema(encoder.dimension)
    )
