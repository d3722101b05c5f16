"""A reward model in this process, with two small layers and random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from pipeline.config import Local, Runtime
from pipeline.errors import ConfigError, Unavailable
from pipeline.recipe_reward import Reward
from pipeline.rewards import open_reward
from pipeline.rewards.local import LocalReward, batches
from verifiers.reward_model import FIVE, Scores, Turns

TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}<end>"
ONE_THREAD = Local(batch_size=4, threads=1)


def tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    letters = {letter: place for place, letter in enumerate(sorted(ByteLevel.alphabet()))}
    made = Tokenizer(BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.add_special_tokens(["<end>"])
    found = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")
    found.chat_template = template
    return found


def model(loader: Any = AutoModelForSequenceClassification, outputs: int = 5) -> Any:
    values = {
        "vocab_size": 257,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 120,
        "initializer_range": 0.4,
        "num_labels": outputs,
        "eos_token_id": 256,
    }
    torch.manual_seed(0)
    return loader.from_config(AutoConfig.for_model("llama", **values)).eval()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("reward")
    model().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.rewards.local.fast_dtype", lambda _: torch.float32)


def reward(name: str, **rest: Any) -> Reward:
    return Reward(engine="transformers", model=name, revision="1", **rest)


def turns(answer: str) -> Turns:
    return ({"role": "user", "content": "?"}, {"role": "assistant", "content": answer})


def test_a_conversation_scores_the_same_whatever_stands_beside_it(saved: str) -> None:
    scorer = LocalReward(reward(saved), ONE_THREAD)
    texts = ["a", "a much longer answer than the others are", "b", "bb", "bbb", "bbbb"]
    alone = [scorer([turns(text)])[0].values for text in texts]
    together = [scores.values for scores in scorer([turns(text) for text in texts])]
    assert torch.allclose(torch.tensor(alone), torch.tensor(together), atol=1e-4)
    assert len(set(together)) == len(texts)


def test_outputs_are_those_of_the_model_at_the_templates_last_token(saved: str) -> None:
    (found,) = LocalReward(reward(saved), ONE_THREAD)([turns("abc")])
    ids = tokenizer()("<user>?<assistant>abc<end>", return_tensors="pt")["input_ids"]
    loaded = AutoModelForSequenceClassification.from_pretrained(saved)
    with torch.inference_mode():
        states = loaded.model(ids).last_hidden_state
        wanted = loaded.score(states)[0, -1].tolist()
    assert found.values == pytest.approx(wanted, abs=1e-4)


def test_a_model_that_names_its_padding_is_scored_as_transformers_does(tmp_path: Path) -> None:
    """Its padding ends its turns too, so that the token before counts."""
    named = model()
    named.config.pad_token_id = 256
    named.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    (found,) = LocalReward(reward(str(tmp_path)), ONE_THREAD)([turns("abc")])
    ids = tokenizer()("<user>?<assistant>abc<end>", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        wanted = named(ids).logits[0].tolist()
    assert found.values == pytest.approx(wanted, abs=1e-4)


def test_a_conversation_beyond_the_context_is_not_cut(saved: str) -> None:
    found = LocalReward(reward(saved), ONE_THREAD)([turns("a" * 200), turns("a")])
    assert found[0].too_long and "the model takes 120" in found[0].failure
    assert len(found[1].values) == len(FIVE)


def test_it_judges_rows_through_the_verifier(saved: str) -> None:
    rows = [{"prompt": "?", "answer": f"<think>x</think>{text}"} for text in "abc"]
    with open_reward(reward(saved), Runtime(local=ONE_THREAD), Path("unused")) as verifier:
        found = list(verifier.results(rows))
    assert {one.reason for one in found} <= {"above_threshold", "below_threshold"}
    assert all("stand_in" not in one.evidence for one in found)


def test_a_model_whose_head_would_be_random_is_refused(tmp_path: Path) -> None:
    model(AutoModelForCausalLM).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(Unavailable, match=r"score\.weight: its head would be random"):
        LocalReward(reward(str(tmp_path)), ONE_THREAD)


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    model().save_pretrained(tmp_path)
    tokenizer(None).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="no chat template"):
        LocalReward(reward(str(tmp_path)), ONE_THREAD)


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be loaded"):
        LocalReward(reward(str(tmp_path)), ONE_THREAD)


def test_an_output_that_the_model_lacks_is_told(saved: str) -> None:
    scorer = LocalReward(reward(saved, output="rewards"), ONE_THREAD)
    with pytest.raises(ConfigError, match=r"'rewards'; it gives .*'logits'"):
        scorer([turns("a")])


def test_batches_hold_conversations_of_like_length() -> None:
    ids = [[0] * length for length in (9, 1, 8, 2, 7)]
    assert list(batches(range(5), ids, 2)) == [[1, 3], [4, 2], [0]]


def test_a_batch_is_bounded_in_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.rewards.local.BATCH_TOKENS", 20)
    ids = [[0] * length for length in (5, 5, 5, 15, 30)]
    assert list(batches(range(5), ids, 8)) == [[0, 1, 2], [3], [4]]


def test_no_conversations_need_no_batch(saved: str) -> None:
    assert LocalReward(reward(saved), ONE_THREAD)([]) == list[Scores]()
