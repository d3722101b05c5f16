"""What the loss sees of a conversation, read back from what the trainer hands to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.records import Message
from pipeline.training.chat import UNLEARNT, Chat, Sample, Unfit
from pipeline.training.experiment import Work
from pipeline.training.sft import trainer
from pipeline.training.student import load_student
from tests.pipeline.training.student_support import (
    END,
    FAMILIES,
    config,
    response,
    row,
    student,
    tokenizer,
    write_rows,
)

SYSTEM = "Think first."
SINGLE = (Message("user", "2 + 2?"), Message("assistant", response(3)))
MULTI = (
    Message("user", "Hello"),
    Message("assistant", "<think>\nhidden\n</think>\n<answer>Good day.</answer>"),
    *SINGLE,
)


def sample(family: str, turns: tuple[Message, ...], system: str = SYSTEM) -> tuple[str, str]:
    """What is shown and what is learnt of a conversation, decoded from its tokens."""
    words = tokenizer(family)
    (made,) = Chat(words, system).samples([turns])
    assert isinstance(made, Sample)
    learnt = [id for id in made.labels if id != UNLEARNT]
    assert made.ids[made.shown :] == learnt
    return words.decode(made.ids[: made.shown]), words.decode(learnt)


@pytest.mark.parametrize("turns", [SINGLE, MULTI], ids=["single", "multi"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_whole_last_response_and_its_end_are_learnt(
    family: str, turns: tuple[Message, ...]
) -> None:
    assert sample(family, turns)[1] == response(3) + END[family]


@pytest.mark.parametrize("turns", [SINGLE, MULTI], ids=["single", "multi"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_shown_is_what_the_template_asks_with(
    family: str, turns: tuple[Message, ...]
) -> None:
    asked = [{"role": "system", "content": SYSTEM}]
    asked += [{"role": "user", "content": "Hello"}] if len(turns) > 2 else []
    asked += [{"role": "assistant", "content": "Good day."}] if len(turns) > 2 else []
    asked += [{"role": "user", "content": "2 + 2?"}]
    words = tokenizer(family)
    text = words.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert sample(family, turns)[0] == text


@pytest.mark.parametrize("family", FAMILIES)
def test_what_an_earlier_turn_thought_is_not_shown(family: str) -> None:
    shown, learnt = sample(family, MULTI)
    assert "Good day." in shown
    assert "hidden" not in shown + learnt


def test_without_a_system_prompt_the_template_has_its_own() -> None:
    assert "You are nobody." in sample("qwen", SINGLE, system="")[0]


def test_a_conversation_may_have_a_system_prompt_of_its_own() -> None:
    shown, _ = sample("qwen", (Message("system", "Be brief."), *SINGLE))
    assert "Be brief." in shown
    assert SYSTEM not in shown


def test_a_template_that_leaves_the_thinking_out_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"student\.template.*thinking too"):
        Chat(tokenizer("forgets"), SYSTEM)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}",
        "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|><think>\n{% endif %}",
        "{{ raise_exception('no') }}",
        "",
    ],
    ids=["ends no turn", "asks with what responses begin with", "raises", "is empty"],
)
def test_a_template_that_would_not_teach_a_whole_turn_is_refused(template: str) -> None:
    words = tokenizer("qwen")
    words.chat_template = template
    with pytest.raises(ConfigError, match="template"):
        Chat(words, SYSTEM)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        (SINGLE[:1], "no_response"),
        (SINGLE[1:], "no_response"),
        ((Message("user", "Say <|im_end|>."), SINGLE[1]), "special_token"),
        ((SINGLE[0], Message("assistant", "  ")), "template"),
    ],
)
def test_a_conversation_that_can_not_be_a_sample_says_why(
    turns: tuple[Message, ...], reason: str
) -> None:
    first, second = Chat(tokenizer("qwen"), SYSTEM).samples([turns, SINGLE])
    assert isinstance(first, Unfit)
    assert first.reason == reason
    assert isinstance(second, Sample)


def batches(folder: Path, family: str, packing: bool) -> tuple[Any, list[dict[str, Any]]]:
    """The tokenizer, and what the trainer hands to the model in an epoch of nine rows."""
    student(folder / "student", family)
    rows = write_rows(folder / "rows.jsonl", [row(number) for number in range(9)])
    made = config(folder, rows, {"micro_batch": 2}, packing=packing)
    model, chat = load_student(made)
    work = Work(made, "all", None)
    work.folder.mkdir(parents=True)
    work.samples(chat)
    loader = trainer(made, model, chat, work.folder).get_train_dataloader()
    return chat.tokenizer, list(loader)


@pytest.mark.parametrize("packing", [True, False], ids=["packed", "apart"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_sees_every_response_whole_and_nothing_else(
    tmp_path: Path, family: str, packing: bool
) -> None:
    words, handed = batches(tmp_path, family, packing)
    learnt = [id for batch in handed for id in batch["labels"].flatten().tolist() if id != UNLEARNT]
    said = words.decode(learnt).split(END[family])
    assert sorted(said) == sorted(["", *(response(number) for number in range(9))])


@pytest.mark.parametrize("packing", [True, False], ids=["packed", "apart"])
def test_a_label_is_the_token_in_its_place(tmp_path: Path, packing: bool) -> None:
    _, handed = batches(tmp_path, "qwen", packing)
    for batch in handed:
        learnt = batch["labels"] != UNLEARNT
        assert learnt.any()
        assert (batch["labels"][learnt] == batch["input_ids"][learnt]).all()
