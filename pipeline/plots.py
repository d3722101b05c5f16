"""The card's figures as PNG, by matplotlib without a display.

    draw(facts, folder / "plots")      ["plots/funnel.png", "plots/lengths.png", …]

A figure without data is not drawn. Equal facts give equal bytes with one matplotlib
release; another release may draw other bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import original
from pipeline.facts import Facts, percent

OURS, THEIRS, INK, GRID = "#2f6f9f", "#d9a441", "#2b2f36", "#d8dce2"
DPI = 144  # sharp on a screen of two pixels a point, 100 KB a figure


def draw(facts: Facts, folder: Path) -> list[str]:
    """Draw every figure that has data into `folder`; returns their paths beside the card."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Callable[[Facts], Any]] = {
        "funnel": funnel,
        "lengths": response_lengths,
        "categories": categories,
        "difficulties": difficulties,
        "references": references,
    }
    drawn = {name: make(facts) for name, make in figures.items()}
    for name, figure in drawn.items():
        if figure is not None:
            # Without "Software" the file does not name the release that drew it.
            figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})
    return [f"{folder.name}/{name}.png" for name, figure in drawn.items() if figure is not None]


def funnel(facts: Facts) -> Any:
    """Return how many questions are left after each stage, or None where there are none."""
    bars = funnel_bars(facts)
    if not facts.collected:
        return None
    figure, axes = _axes(0.42 * len(bars) + 0.9)
    names, counts = list(bars), list(bars.values())
    axes.barh(names, counts, color=[*[OURS] * (len(bars) - 1), THEIRS], height=0.62)
    for place, count in enumerate(counts):
        text = f" {count:,} ({percent(count, facts.collected)} %)"
        axes.text(count, place, text, va="center", color=INK, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.28 * max(counts))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("questions")
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    return figure


def funnel_bars(facts: Facts) -> dict[str, int]:
    """Return what is left after collecting, after each stage that drops, and at the end."""
    bars = {"collected": facts.collected}
    for step in facts.steps:
        bars[f"after {step.stage}"] = step.left
    return {**bars, "published": facts.published}


def response_lengths(facts: Facts) -> Any:
    """Return the histogram of response lengths, each bar twice as wide as the one before."""
    bars = facts.response_tokens.bars
    if not bars:
        return None
    figure, axes = _axes(2.9)
    labels = [f"{bar.low:,}–\n{bar.high - 1:,}" for bar in bars]
    shares = [percent(bar.rows, facts.response_tokens.counted) for bar in bars]
    axes.bar(labels, shares, color=OURS, width=0.86)
    axes.set_ylabel("% of rows")
    axes.set_xlabel("tokens of the response")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    return figure


def categories(facts: Facts) -> Any:
    """Return the shares of categories beside the original's."""
    return _beside(facts.share("category"), original.CATEGORIES)


def difficulties(facts: Facts) -> Any:
    """Return the shares of difficulties beside the original's, in the order of degree."""
    shares = facts.share("difficulty")
    known = {name: shares.get(name, 0.0) for name in original.DIFFICULTIES}
    return _beside({**known, **shares} if shares else {}, original.DIFFICULTIES)


def references(facts: Facts) -> Any:
    """Return the shares of questions by what an answer is checked against, and the original's."""
    shares = {name: percent(n, facts.published) for name, n in facts.references.items()}
    return _beside(shares, original.REFERENCES, "% of questions")


def _beside(ours: Mapping[str, float], theirs: Mapping[str, float], unit: str = "% of rows") -> Any:
    """Return two bars for each name: this dataset's percentage and the original's."""
    if not ours:
        return None
    ours = {**ours, **{name: 0.0 for name in theirs if name not in ours}}
    names = list(ours)
    figure, axes = _axes(0.44 * len(names) + 1.2)
    places = range(len(names))
    for shift, color, label, shares in (
        (-0.2, OURS, "this dataset", ours),
        (0.2, THEIRS, original.NAME, theirs),
    ):
        widths = [shares.get(name, 0.0) for name in names]
        axes.barh([p + shift for p in places], widths, 0.38, color=color, label=label)
        for place, name in enumerate(names):
            text = f" {shares[name]:g} %" if name in shares else " –"
            axes.text(shares.get(name, 0), place + shift, text, va="center", fontsize=7, color=INK)
    axes.set_yticks(list(places), [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(*ours.values(), *theirs.values()))
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    figure.legend(loc="outside upper left", ncols=2, fontsize=8, frameon=False)
    return figure


def _axes(height: float) -> tuple[Any, Any]:
    """Return a figure (7.2 inches wide) with plain axes; it is not kept by pyplot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.set_axisbelow(True)
    return figure, axes
