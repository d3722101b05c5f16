"""A whole training of a tiny student: what it makes, what it refuses, and how it goes on."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

from pipeline.errors import ConfigError, StaleTable, Unavailable, VersionBusy
from pipeline.training import sft
from pipeline.training.config import TrainingConfig
from pipeline.training.experiment import Trained, Work, run
from pipeline.training.sft import accumulation, learn, trainer
from pipeline.training.student import load_student
from tests.pipeline.training.student_support import TEMPLATES, config, row, student, write_rows

ROWS = 8


@pytest.fixture
def place(tmp_path: Path) -> Path:
    student(tmp_path / "student")
    write_rows(tmp_path / "rows.jsonl", [row(number) for number in range(ROWS)])
    return tmp_path


def made(place: Path, runtime: dict[str, Any] | None = None, **training: Any) -> TrainingConfig:
    found = config(place, place / "rows.jsonl", runtime, **training)
    assert isinstance(found, TrainingConfig)
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict())


def moved(trained: Trained, place: Path) -> set[str]:
    """The weights that are no longer those of the student as it was."""
    before, after = weights(place / "student"), weights(trained.model)
    return {name for name, old in before.items() if not torch.allclose(old, after[name], atol=1e-3)}


def test_a_student_loads_and_ends_its_turns_where_it_learnt_to(place: Path) -> None:
    trained = run(made(place, epochs=3))
    model = AutoModelForCausalLM.from_pretrained(trained.model)
    words = AutoTokenizer.from_pretrained(trained.model)
    assert words.eos_token == "<|im_end|>"
    assert model.generation_config.eos_token_id[0] == words.convert_tokens_to_ids("<|im_end|>")
    assert words.chat_template == AutoTokenizer.from_pretrained(place / "student").chat_template
    assert moved(trained, place)


def test_the_record_counts_every_row(place: Path) -> None:
    rows = [row(number) for number in range(ROWS)]
    long = {"messages": [*rows[1]["messages"][:-1], {"role": "assistant", "content": "x" * 900}]}
    write_rows(place / "rows.jsonl", [*rows, {**long, "id": "long"}])
    trained = run(made(place, limit=7))
    record = json.loads((trained.model.parent / "training.json").read_text())
    samples = record["made"]["samples"]
    assert samples["left_out"]["over_limit"] == 2
    assert samples["samples"] + sum(samples["left_out"].values()) == ROWS + 1


def test_a_row_that_is_too_long_is_left_out_and_counted(place: Path) -> None:
    shortest = run(made(place, max_tokens=100_000 // 100)).counts.longest - 1
    changed = made(place, max_tokens=shortest).model_copy(update={"version": "2"})
    counts = run(changed).counts
    assert counts.left_out["too_long"] >= 1
    assert counts.longest <= shortest
    assert counts.samples + counts.left_out["too_long"] == ROWS


def test_a_student_that_is_there_is_not_trained_again(place: Path) -> None:
    first = run(made(place))
    again = run(made(place))
    assert first.learnt is not None
    assert again.learnt is None
    assert again.counts == first.counts


@pytest.mark.parametrize("change", [{"learning_rate": 2e-2}, {"seed": 1}, {"limit": 3}])
def test_other_settings_under_a_version_are_refused(place: Path, change: dict[str, Any]) -> None:
    run(made(place))
    (name,) = change
    with pytest.raises(StaleTable, match=f"{name} was .*--rebuild"):
        run(made(place, **change))


def test_other_rows_under_a_version_are_refused(place: Path) -> None:
    run(made(place))
    write_rows(place / "rows.jsonl", [row(number) for number in range(ROWS - 1)])
    with pytest.raises(StaleTable, match="files"):
        run(made(place))


def test_where_it_runs_does_not_matter_to_a_version(place: Path) -> None:
    run(made(place))
    assert run(made(place, {"micro_batch": 2, "log_every": 3})).learnt is None


def test_a_version_that_may_change_is_trained_again(place: Path) -> None:
    free = {"version": "dev"}
    run(made(place).model_copy(update=free))
    assert run(made(place, seed=1).model_copy(update=free)).learnt is not None


def test_a_student_is_trained_again_when_asked(place: Path) -> None:
    run(made(place))
    assert run(made(place), rebuild=True).learnt is not None


def test_a_version_is_held_by_one_run(place: Path) -> None:
    with Work(made(place), "all", None).held(), pytest.raises(VersionBusy):
        run(made(place))


class Killed(Exception):
    """What ends a training in the middle."""


class Kill(TrainerCallback):  # type: ignore[misc]
    """Ends a training after so many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        if state.global_step > self.after:
            raise Killed


@pytest.mark.parametrize("lora", [None, {"rank": 4}], ids=["all weights", "lora"])
def test_a_killed_training_goes_on_and_comes_to_the_same_weights(
    place: Path, lora: dict[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(made(place, {"checkpoint_every": 1}, packing=False, lora=lora))
    assert whole.learnt is not None
    settings = made(place, {"checkpoint_every": 1}, packing=False, lora=lora)
    again = settings.model_copy(update={"version": "2"})
    kill = partial(learn, callbacks=[Kill(after=2)])
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.experiment.learn", kill)
        with pytest.raises(Killed):
            run(again)
    steps: list[int] = []
    watch = partial(learn, callbacks=[Watch(steps)])
    monkeypatch.setattr("pipeline.training.experiment.learn", watch)
    resumed = run(again)
    assert resumed.learnt is not None
    assert steps[0] == 3
    assert resumed.learnt.steps == whole.learnt.steps == 4
    one, two = weights(whole.model), weights(resumed.model)
    assert all(torch.equal(one[name], two[name]) for name in one)


class Watch(TrainerCallback):  # type: ignore[misc]
    """Notes which steps are made."""

    def __init__(self, steps: list[int]) -> None:
        self.steps = steps

    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        self.steps.append(state.global_step)


def test_an_adapter_moves_the_linear_layers_alone(place: Path) -> None:
    trained = run(made(place, epochs=3, lora={"rank": 4, "alpha": 64}))
    names = moved(trained, place)
    assert names
    assert all("proj" in name for name in names)


def test_an_adapter_may_be_for_some_layers(place: Path) -> None:
    lora = {"rank": 4, "alpha": 64, "targets": ["q_proj"]}
    names = moved(run(made(place, epochs=3, lora=lora)), place)
    assert names
    assert all("q_proj" in name for name in names)


def packed(place: Path) -> tuple[Any, dict[str, torch.Tensor]]:
    settings = made(place, max_tokens=2_000)
    model, chat = load_student(settings)
    work = Work(settings, "all", None)
    work.folder.mkdir(parents=True)
    work.samples(chat)
    loader = trainer(settings, model, chat, work.folder).get_train_dataloader()
    return model, max(loader, key=lambda batch: int((batch["position_ids"] == 0).sum()))


def test_rows_that_are_packed_together_do_not_see_each_other(place: Path) -> None:
    model, batch = packed(place)
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    assert len(starts) > 2
    model.eval()
    with torch.no_grad():
        together = model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False
        ).logits[0]
        for begin, end in zip(starts, [*starts[1:], batch["input_ids"].shape[1]], strict=True):
            alone = model(input_ids=batch["input_ids"][:, begin:end], use_cache=False).logits[0]
            torch.testing.assert_close(together[begin:end], alone, atol=1e-4, rtol=1e-4)


def test_the_batch_must_be_a_multiple_of_what_fits_at_once(place: Path) -> None:
    settings = made(place, {"micro_batch": 3}, batch=64)
    assert accumulation(made(place, {"micro_batch": 4}, batch=64), 8) == 2
    with pytest.raises(ConfigError, match=r"multiple of .*3 × 2 = 6.* got 64"):
        accumulation(settings, 2)


def test_the_recipe_reaches_the_trainer(place: Path) -> None:
    settings = made(
        place, {"micro_batch": 2, "checkpoint_every": 7}, batch=8, warmup=0.25, epochs=3
    )
    _, chat = load_student(settings)
    given = sft.arguments(settings, chat, place)
    assert (given.learning_rate, given.num_train_epochs) == (1e-2, 3)
    assert given.gradient_accumulation_steps * given.per_device_train_batch_size == 8
    assert (given.lr_scheduler_type, given.warmup_steps) == ("cosine", 0.25)
    assert (given.save_steps, given.max_length, given.packing) == (7, 700, True)


def test_a_template_of_ones_own_is_learnt_and_served(place: Path) -> None:
    path = place / "own.jinja"
    given = {"model": str(place / "student"), "revision": "1", "template": str(path)}
    with pytest.raises(ConfigError, match="own.jinja: no such file"):
        run(made(place, student=given))
    path.write_text(TEMPLATES["qwen"].replace("nobody", "somebody"), encoding="utf-8")
    trained = run(made(place, student=given))
    assert "somebody" in str(AutoTokenizer.from_pretrained(trained.model).chat_template)
    path.write_text(TEMPLATES["qwen"], encoding="utf-8")
    with pytest.raises(StaleTable, match="template"):
        run(made(place, student=given))


def test_a_sequence_is_no_longer_than_the_student_can_read(place: Path) -> None:
    with pytest.raises(ConfigError, match=r"max_tokens: must be at most 4096.* got 5000"):
        run(made(place, max_tokens=5_000))


def test_a_reporter_that_is_not_installed_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "wandb" else name)
    with pytest.raises(Unavailable, match="wandb is not installed"):
        run(made(place, {"report": "wandb"}))


def test_tensorboard_gets_the_losses_when_asked(place: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    trained = run(made(place, {"report": "tensorboard"}))
    assert list(trained.model.parent.rglob("events.out.tfevents.*"))
