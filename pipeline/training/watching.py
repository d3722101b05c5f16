"""Watches a training: shows its steps, and ends one whose loss is no number any more.

    train                  120/400   0.8/s   ETA 0:05:50   loss 0.431

Under `accelerate launch` every process looks at the loss, and the first one shows the steps.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from transformers import TrainerCallback
from transformers.utils import logging

from pipeline.errors import BuildError
from pipeline.progress import Meter, meter
from pipeline.training.config import TrainingConfig
from pipeline.training.processes import leads


class Diverged(BuildError):
    """A loss is not finite: no later step can mend the weights."""


class Watch(TrainerCallback):  # type: ignore[misc]
    """Follows the steps of one training; a context, so that the bar ends with it."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config
        self.first_step = 1
        self._meter: Meter | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Begin to count the steps that are left."""
        self.first_step = state.global_step + 1
        if leads():
            left = state.max_steps - state.global_step
            self._meter = self._open.enter_context(meter("train", left))

    def on_step_end(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
        """Count a step."""
        if self._meter is not None:
            self._meter.advance()

    def on_log(
        self, _args: Any, state: Any, _control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """Show the loss; raises Diverged."""
        loss = (logs or {}).get("loss")
        if loss is not None:
            self.check(loss, state.global_step)
            if self._meter is not None:
                self._meter.note = f"loss {loss:.3f}"

    def check(self, loss: float, step: int) -> None:
        """Raise Diverged where a loss is not finite."""
        if not math.isfinite(loss):
            raise Diverged(
                f"training: the loss is {loss} by step {step}; lower training.learning_rate"
                f" ({self.config.training.learning_rate:g}) or training.max_grad_norm"
                f" ({self.config.training.max_grad_norm:g}), and train under a new version, or"
                " this one again with --rebuild"
            )


@contextlib.contextmanager
def without_bars() -> Iterator[None]:
    """Leave out the libraries' bars (rows packed, files of a checkpoint), which break ours."""
    from datasets import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = logging.is_progress_bar_enabled(), not are_progress_bars_disabled()
    logging.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        if shown[0]:
            logging.enable_progress_bar()
        if shown[1]:
            enable_progress_bars()
