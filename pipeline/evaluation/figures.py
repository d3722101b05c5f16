"""An evaluation's plots as PNG, like Figures 1, 3, 4 and 5 of arXiv 2503.19855.

    rounds-QwQ-32B.png                 pass@1 of each benchmark, round by round, with its error
    words-aime24-QwQ-32B.png           but, wait, maybe and therefore per response, by round
    word-paths-aime24-QwQ-32B.png      the same from round 1 to 2, for each path
    lengths-aime24-QwQ-32B.png         tokens per response from round 1 to 2, for each path

Equal figures give equal bytes with one matplotlib release. A bar on few responses says little;
how many there are stands under it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import Model
from pipeline.evaluation.scores import TRAJECTORIES, RoundScore
from pipeline.evaluation.words import WORDS
from pipeline.plots import DPI, GRID, INK, OURS, THEIRS

if TYPE_CHECKING:
    from pipeline.evaluation.report import Scores

COLOURS = (THEIRS, OURS, "#3d9970", "#8c6d46", "#b08bbb", "#7a8ba6")


def draw(scores: Scores, folder: Path) -> list[Path]:
    """Draw every plot that has data; returns their paths."""
    import matplotlib

    matplotlib.use("Agg")
    drawn = {f"rounds-{model.name}": _rounds(scores, model) for model in scores.models}
    for model in scores.models:
        for benchmark in scores.benchmarks:
            of, rounds = f"{benchmark.label}-{model.name}", scores.of(model, benchmark)
            drawn[f"words-{of}"] = _words(rounds, benchmark, model)
            if len(rounds) > 1:
                drawn[f"word-paths-{of}"] = _word_paths(rounds[1], benchmark, model)
                drawn[f"lengths-{of}"] = _lengths(rounds[1], benchmark, model)
    paths = []
    for name, figure in drawn.items():
        if figure is not None:
            paths.append(folder / f"{name}.png")
            # Without "Software" the file does not name the release that drew it.
            figure.savefig(paths[-1], dpi=DPI, metadata={"Software": None})
    return paths


def _rounds(scores: Scores, model: Model) -> Any:
    """Return pass@1 of each benchmark, a bar for each round."""
    names = [benchmark.heading for benchmark in scores.benchmarks]
    columns = [scores.of(model, benchmark) for benchmark in scores.benchmarks]
    figure, axes = _axes(1, 3.2)
    count = len(columns[0])
    for number in range(count):
        estimates = [column[number].pass1 for column in columns]
        heights = [_percent(one.value) for one in estimates]
        errors = [100 * (one.error or 0.0) for one in estimates]
        places = _places(len(names), number, count)
        bars = {"color": COLOURS[number % len(COLOURS)], "label": f"round {number + 1}"}
        drawn = axes[0].bar(places, heights, 0.8 / count, yerr=errors, ecolor=INK, **bars)
        # Without its figure, no bar at all (nothing was decided) would look like one of 0.
        labels = ["?" if one.value is None else f"{100 * one.value:.0f}" for one in estimates]
        for bar, label in zip(drawn, labels, strict=True):
            middle = bar.get_x() + bar.get_width() / 2
            axes[0].text(middle, 1, label, ha="center", va="bottom", fontsize=6, color=INK)
    axes[0].set_xticks(range(len(names)), names)
    axes[0].set_xlim(-0.6, len(names) - 0.4)  # where all bars are missing, none would be found
    axes[0].set_ylabel("pass@1, %", fontsize=8)
    axes[0].set_ylim(0, 100)
    return _titled(figure, model.name)


def _percent(share: float | None) -> float:
    return math.nan if share is None else 100 * share


def _words(rounds: Sequence[RoundScore], benchmark: Benchmark, model: Model) -> Any:
    """Return how often each word occurs in a response, a bar for each round (Figure 3)."""
    figure, axes = _axes(1, 2.9)
    for number, score in enumerate(rounds):
        heights = [score.lengths.words[word] for word in WORDS]
        _bars(axes[0], heights, number, len(rounds), f"round {number + 1}")
    axes[0].set_xticks(range(len(WORDS)), WORDS)
    axes[0].set_ylabel("per response", fontsize=8)
    return _titled(figure, f"{model.name}, {benchmark.heading}")


def _word_paths(score: RoundScore, benchmark: Benchmark, model: Model) -> Any:
    """Return the words in rounds 1 and 2, one plot for each path (Figure 4)."""
    figure, axes = _axes(4, 5.2)
    for place, name in enumerate(TRAJECTORIES):
        path = score.trajectories[name]
        for number, lengths in enumerate((path.before, path.after)):
            heights = [lengths.words[word] for word in WORDS]
            label = f"round {number + 1}" if place == 0 else None
            _bars(axes[place], heights, number, 2, label)
        axes[place].set_xticks(range(len(WORDS)), WORDS)
        axes[place].set_title(f"{name} ({path.after.responses:,} responses)", fontsize=9, color=INK)
    return _titled(figure, f"{model.name}, {benchmark.heading}: words per response")


def _lengths(score: RoundScore, benchmark: Benchmark, model: Model) -> Any:
    """Return the tokens of a response in rounds 1 and 2 for each path (Figure 5)."""
    paths = [score.trajectories[name] for name in TRAJECTORIES]
    if not any(path.after.counted and path.before.counted for path in paths):
        return None  # the server counted no tokens
    figure, axes = _axes(1, 2.9)
    for number, side in enumerate(("before", "after")):
        heights = [getattr(path, side).tokens or 0.0 for path in paths]
        _bars(axes[0], heights, number, 2, f"round {number + 1}")
    counts = zip(TRAJECTORIES, paths, strict=True)
    labels = [f"{name}\n({path.after.responses:,})" for name, path in counts]
    axes[0].set_xticks(range(len(labels)), labels)
    axes[0].set_ylabel("tokens per response", fontsize=8)
    return _titled(figure, f"{model.name}, {benchmark.heading}")


def _bars(axes: Any, heights: Sequence[float], number: int, count: int, label: str | None) -> None:
    places = _places(len(heights), number, count)
    colour = COLOURS[number % len(COLOURS)]
    bars = axes.bar(places, heights, 0.8 / count, color=colour, label=label)
    axes.bar_label(bars, fmt="{:,.4g}", fontsize=6, color=INK)


def _places(bars: int, number: int, count: int) -> list[float]:
    """Return where the bars of one round stand, beside those of `count` rounds."""
    return [place + (number - (count - 1) / 2) * 0.8 / count for place in range(bars)]


def _titled(figure: Any, title: str) -> Any:
    figure.legend(loc="outside upper right", ncols=6, fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10, color=INK, x=0.02, ha="left")
    return figure


def _axes(plots: int, height: float) -> tuple[Any, list[Any]]:
    """Return a figure (7.2 inches wide) with one plot or four; it is not kept by pyplot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained", facecolor="white")
    side = 2 if plots == 4 else 1
    axes = list(figure.subplots(side, side, squeeze=False).flat)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(GRID)
        one.tick_params(colors=INK, labelsize=8, length=0)
        one.grid(axis="y", color=GRID, linewidth=0.6)
        one.set_axisbelow(True)
        one.margins(y=0.12)
    return figure, axes
