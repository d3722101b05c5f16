"""Where inner products of rows reach a threshold, by torch in bf16, on a CPU or a GPU.

    for left, right in near(rows, others, 0.9):      # two torch tensors (n, d), (m, d)
        ...                                          # int64 arrays: places in rows, in others

It proposes candidates: bf16 has eight bits, so an inner product near 1 is off by up to
0.002 from rounding the result and 0.001 from rounding the rows. Whoever calls lowers the
threshold by `SLACK` and scores again. Where the processor can't compute in bf16, fp32 is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Vectors = NDArray[np.float16] | NDArray[np.float32]

SLACK = 4e-3
BLOCK = 1_024  # rows compared at a time on a CPU; 1,024 x 4,096 products in bf16 are 8 MB
BLOCK_OTHERS = 4_096
BLOCK_GPU = 16_384


def device() -> str:
    """Return where products are computed."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@lru_cache(maxsize=1)
def kind() -> torch.dtype:
    """Return bf16 where the device computes in it natively, else fp32."""
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    able = torch.cpu.get_capabilities()
    native = able.get("amx_bf16") or able.get("avx512_bf16")
    return torch.bfloat16 if native else torch.float32


def tensor(vectors: Vectors, rows: Rows | slice = slice(None), block: int = 65_536) -> torch.Tensor:
    """Return rows of vectors, a memory map perhaps, as a tensor to multiply."""
    count = len(range(*rows.indices(len(vectors)))) if isinstance(rows, slice) else len(rows)
    whole = torch.empty((count, vectors.shape[1]), dtype=kind(), device=device())
    for start in range(0, count, block):
        if isinstance(rows, slice):
            part = vectors[rows][start : start + block]
        else:
            part = vectors[rows[start : start + block]]
        whole[start : start + len(part)] = torch.from_numpy(np.array(part))
    return whole


def near(rows: torch.Tensor, others: torch.Tensor, threshold: float) -> Iterator[tuple[Rows, Rows]]:
    """Yield (row, other) wherever their inner product reaches the threshold, some at a time."""
    on_gpu = rows.device.type == "cuda"
    height, width = (BLOCK_GPU, BLOCK_GPU) if on_gpu else (BLOCK, BLOCK_OTHERS)
    # The products of all blocks lie in the same place: to be given fresh pages for each took a
    # quarter of the processors' time of 1.4 M rows (docs/log.md).
    space = rows.new_empty(min(height, len(rows)) * min(width, len(others)))
    for start in range(0, len(rows), height):
        some = rows[start : start + height]
        for begin in range(0, len(others), width):
            part = others[begin : begin + width]
            products = space[: len(some) * len(part)].view(len(some), len(part))
            torch.matmul(some, part.T, out=products)
            left, right = _places(products, threshold)
            if len(left):
                yield left + start, right + begin


def _places(products: torch.Tensor, threshold: float) -> tuple[Rows, Rows]:
    """Return (row, column) of the products that reach the threshold, by row.

    Few do: the rows are found first, and only these looked through. Floats above zero are
    ordered as their bits, and the largest of integers is found ten times as fast.
    """
    as_bits = torch.int16 if products.dtype == torch.bfloat16 else torch.int32
    bits = products.view(as_bits)
    least = int(torch.tensor(threshold, dtype=products.dtype).view(as_bits))
    some = torch.nonzero(bits.amax(dim=1) >= least)[:, 0]
    if not len(some):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = torch.nonzero(bits.index_select(0, some) >= least)
    return some[found[:, 0]].cpu().numpy(), found[:, 1].cpu().numpy()
