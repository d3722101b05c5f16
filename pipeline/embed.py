"""Stage embed: a unit vector for every question, from all of its user turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.config import Config
from pipeline.encoding import encode, on_gpu
from pipeline.records import Question, vector_schema
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store


class EmbedStage(ShardStage):
    """Writes `vectors`; on a CPU in the worker processes, on a GPU in this one."""

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

    def runs_here(self) -> bool:
        """A GPU is kept busy by this process alone."""
        return on_gpu()

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Embed one shard."""
        questions = list(Question.from_table(store.read("questions", shard)))
        vectors, clipped = encode(config.recipe.embed.model, [q.user_text for q in questions])
        dimension = vectors.shape[1]
        flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float16).reshape(-1), pa.float16())
        columns = [
            pa.array([question.id for question in questions], pa.string()),
            pa.FixedSizeListArray.from_arrays(flat, dimension),
            pa.array(clipped, pa.bool_()),
        ]
        rows = pa.Table.from_arrays(columns, schema=vector_schema(dimension))
        return {"vectors": (rows, {"clipped": int(np.sum(clipped))})}
