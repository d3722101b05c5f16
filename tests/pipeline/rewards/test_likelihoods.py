"""Likelihoods from a small model in this process, and from a server."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from pipeline.__main__ import main
from pipeline.config import Local, PerplexityEndpoints, Runtime
from pipeline.errors import TeacherUnavailable, Unavailable
from pipeline.recipe_reward import Improbable
from pipeline.rewards.likelihoods import LocalLikelihoods, batches, open_perplexity, windows
from tests.loopback_rewards import RewardServer, loopback_rewards
from tests.pipeline.rewards.test_local_reward import model, tokenizer
from tests.whole_run import chat_config
from verifiers import Result

LOCAL = Local(threads=1)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("lm")
    model(AutoModelForCausalLM).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[RewardServer]:
    with loopback_rewards() as running:
        yield running


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.teacher.loading.fast_dtype", lambda _: torch.float32)


def recipe(name: str, **rest: Any) -> Improbable:
    return Improbable(engine="transformers", model=name, revision="1", **rest)


def by_hand(folder: str, text: str) -> float:
    """Return the sum of the log-likelihoods of all tokens but the first, one by one."""
    ids = tokenizer()(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        chances = loaded(ids).logits[0].log_softmax(-1)
    return sum(float(chances[k, ids[0, k + 1]]) for k in range(ids.shape[1] - 1))


def test_a_text_within_the_window_has_the_models_own_likelihood(saved: str) -> None:
    texts = ["a b c", "something rather longer than that", "ab"]
    found = LocalLikelihoods(recipe(saved), LOCAL)(texts)
    for text, one in zip(texts, found, strict=True):
        assert one.total == pytest.approx(by_hand(saved, text), abs=1e-3)
        assert one.tokens == len(text) - 1


def test_a_longer_text_counts_every_token_once(saved: str) -> None:
    (found,) = LocalLikelihoods(recipe(saved, window=16), LOCAL)(["abcdefgh" * 9])
    assert found.tokens == 71
    assert math.isfinite(found.total)


def test_texts_of_less_than_two_tokens_have_none(saved: str) -> None:
    found = LocalLikelihoods(recipe(saved), LOCAL)(["", "a"])
    assert [(one.total, one.tokens) for one in found] == [(0.0, 0), (0.0, 0)]


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9, 12, 13, 40, 41])
@pytest.mark.parametrize("window", [2, 3, 8])
def test_windows_cover_each_token_but_the_first_once(length: int, window: int) -> None:
    tokens = list(range(length))
    counted = [token for start, piece in windows(tokens, window) for token in piece[start:]]
    assert counted == tokens[1:]
    for start, piece in windows(tokens, window):
        assert start >= 1 and len(piece) <= window
        assert piece == tokens[piece[0] : piece[-1] + 1]


def test_batches_are_bounded_with_what_fills_them_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.rewards.likelihoods.BATCH_TOKENS", 12)
    pieces = [(place, 1, [0] * size) for place, size in enumerate((9, 2, 3, 3, 30))]
    found = [[place for place, _, _ in batch] for batch in batches(pieces)]
    assert found == [[1, 2, 3], [0], [4]]


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"recipe\.verify\.perplexity"):
        LocalLikelihoods(recipe(str(tmp_path)), LOCAL)


def served(
    url: str, folder: Path, *answers: str, outlive: bool = False, **settings: Any
) -> list[Result]:
    given = Improbable(engine="vllm", model="small", revision="1", fewest=2)
    endpoints = PerplexityEndpoints(urls=(url,), **{"retries": 3, "concurrency": 4, **settings})
    runtime = Runtime(perplexity=endpoints)
    with open_perplexity(given, runtime, folder, outlive=outlive) as verifier:
        return list(verifier.results({"answer": answer} for answer in answers))


def test_a_servers_likelihoods_are_read(server: RewardServer, tmp_path: Path) -> None:
    found = served(server.url, tmp_path, "a good good good", "a bad one here", "good")
    assert [one.reason for one in found] == ["probable", "improbable", "too_short"]
    assert found[0].evidence["perplexity"] == pytest.approx(math.e, abs=1e-2)
    assert found[0].evidence["tokens"] == 3


@pytest.mark.parametrize("fault", ["[429]", "[500]", "[garbage]", "[cut]"])
def test_a_fault_that_passes_changes_nothing(
    server: RewardServer, tmp_path: Path, fault: str
) -> None:
    found = served(server.url, tmp_path, f"a good{fault} good good", "a good good good good")
    assert [one.reason for one in found] == ["probable", "probable"]


@pytest.mark.parametrize("fault", ["[nan]", "[long]", "[refused]", "[words]", "[silence]"])
def test_no_finite_numbers_are_no_perplexity(
    server: RewardServer, tmp_path: Path, fault: str
) -> None:
    texts = (f"a good {fault}", "a good good good")
    found = served(server.url, tmp_path, *texts, retries=0, timeout_s=0.5)
    assert [one.reason for one in found] == ["perplexity_unavailable", "probable"]


def test_a_server_that_is_down_ends_a_run_or_leaves_rows_unverified(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/v1"
    with pytest.raises(TeacherUnavailable, match="perplexity small"):
        served(nobody, tmp_path, "a good good", retries=0)
    (found,) = served(nobody, tmp_path, "a good good", retries=0, outlive=True)
    assert (found.outcome.value, found.reason) == ("unverified", "perplexity_unavailable")


def test_a_run_publishes_nothing_that_is_improbable(server: RewardServer, tmp_path: Path) -> None:
    recipe = (
        '[recipe.verify.perplexity]\nengine = "vllm"\nmodel = "small"\nrevision = "1"\nfewest = 2'
    )
    runtime = f'[runtime.perplexity]\nurls = ["{server.url}"]'
    answers = ["good good good good", "gibberish, this one"]
    config = chat_config(tmp_path, answers, recipe, runtime)
    assert main(["run", config]) == 0
    shown = (tmp_path / "published" / "set" / "1" / "README.md").read_text()
    assert "improbable" in shown
    assert '"published": 1' in (tmp_path / "published" / "set" / "1" / "ledger.json").read_text()
