"""What goes wrong in a training: wrong settings, a loss that is none, a kill amid a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, TrainerCallback

from pipeline.errors import ConfigError, UserError
from pipeline.training.experiment import run
from pipeline.training.sft import learn
from pipeline.training.watching import Diverged
from tests.pipeline.training.student_support import config, row, student, write_rows


@pytest.fixture
def place(tmp_path: Path) -> Path:
    student(tmp_path / "student")
    write_rows(tmp_path / "rows.jsonl", [row(number) for number in range(8)])
    return tmp_path


def made(place: Path, runtime: dict[str, Any] | None = None, **training: Any) -> Any:
    return config(place, place / "rows.jsonl", runtime, **training)


class Killed(Exception):
    """What ends a training in the middle."""


class KillWhileSaving(TrainerCallback):  # type: ignore[misc]
    """Leaves the third step's checkpoint as a kill would: the file that is written last is cut."""

    def __init__(self, keeps: int) -> None:
        self.keeps = keeps

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        if state.global_step == 3:
            last = Path(args.output_dir) / "checkpoint-3" / "trainer_state.json"
            text = last.read_bytes()
            last.unlink()
            if self.keeps:
                last.write_bytes(text[: self.keeps])
            raise Killed


@pytest.mark.parametrize("keeps", [0, 40], ids=["not begun", "cut"])
def test_a_checkpoint_that_was_half_written_is_passed_over(
    place: Path, keeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = made(place, {"checkpoint_every": 1}, packing=False)
    whole = run(settings)
    again = settings.model_copy(update={"version": "2"})
    kill = partial(learn, callbacks=[KillWhileSaving(keeps)])
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.training.experiment.learn", kill)
        with pytest.raises(Killed):
            run(again)
    resumed = run(again)
    assert whole.learnt is not None
    assert resumed.learnt is not None
    assert resumed.learnt.first_step == 3
    assert same_weights(whole.model, resumed.model)


def same_weights(one: Path, two: Path) -> bool:
    models = [AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in (one, two)]
    return all(torch.equal(models[0][name], models[1][name]) for name in models[0])


def test_what_never_learnt_may_be_put_right_under_its_version(place: Path) -> None:
    with pytest.raises(UserError, match=r"no row is left to learn from \(too_long 8\)"):
        run(made(place, max_tokens=20))
    assert run(made(place)).learnt is not None


def test_a_loss_that_is_no_number_ends_the_training_and_leaves_no_student(place: Path) -> None:
    settings = made(place, learning_rate=1e30, packing=False)
    with pytest.raises(Diverged, match=r"training.learning_rate \(1e\+30\)"):
        run(settings)
    assert not list((place / "data").rglob("model"))


def test_it_is_noticed_though_no_loss_was_logged(place: Path) -> None:
    with pytest.raises(Diverged):
        run(made(place, {"log_every": 1_000}, learning_rate=1e30, packing=False))


def test_targets_that_the_student_has_not_are_named_with_those_it_has(place: Path) -> None:
    lora = {"targets": ["q_proj", "query"]}
    with pytest.raises(ConfigError, match=r"lora.targets: .*'query'.*down_proj, gate_proj"):
        run(made(place, lora=lora))


def test_settings_that_can_not_be_are_told_before_rows_are_read(place: Path) -> None:
    with pytest.raises(ConfigError, match="micro_batch"):
        run(made(place, {"micro_batch": 3}))
    assert not list((place / "data").rglob("samples*"))


def test_steps_are_shown_with_their_loss_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(made(place, packing=False))
    said = capsys.readouterr()
    assert "train" in said.err
    assert "4/4" in said.err
    assert "loss " in said.err
    assert said.out == ""
