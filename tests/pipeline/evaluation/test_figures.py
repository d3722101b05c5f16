"""Plots: what has no figure must not look like a figure of zero."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pipeline.evaluation.figures import _rounds, draw
from pipeline.evaluation.scores import round_score
from tests.pipeline.evaluation.test_scores import samples


def test_a_round_of_which_nothing_was_decided_has_no_bar() -> None:
    undecided = round_score(samples("a", "UU"), None, None)
    wrong = round_score(samples("a", "II"), None, None)
    model, benchmark = SimpleNamespace(name="m"), SimpleNamespace(heading="b", label="b")
    scores: Any = SimpleNamespace(
        benchmarks=[benchmark], of=lambda _model, _benchmark: [undecided, wrong]
    )
    (axes,) = _rounds(scores, model).axes  # type: ignore[arg-type]
    heights = [bar.get_height() for bar in axes.patches]
    assert math.isnan(heights[0])
    assert heights[1] == 0
    assert [text.get_text() for text in axes.texts] == ["?", "0"]


def test_a_model_of_which_nothing_was_decided_has_a_plot_all_the_same(tmp_path: Path) -> None:
    undecided = round_score(samples("a", "UU"), None, None)
    model, benchmark = SimpleNamespace(name="m"), SimpleNamespace(heading="b", label="b")
    scores: Any = SimpleNamespace(
        models=[model], benchmarks=[benchmark], of=lambda _model, _benchmark: [undecided]
    )
    assert [path.name for path in draw(scores, tmp_path)] == ["rounds-m.png", "words-b-m.png"]
