"""The report's figures that one can hover over, as JSON for plotly.js.

    figures(facts)["difficulties"]      '{"data": [...], "layout": {...}}'

The JSON is safe inside a <script> element: it holds no `<`. Colours of text and grid are
left to the page, which knows whether it is dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline import original
from pipeline.facts import STAGES, Facts, percent
from pipeline.plots import OURS, THEIRS, funnel_bars

GOOD, BAD, UNSURE = "#3d9970", "#c8553d", "#9aa3ad"
STAGE_COLOURS = ("#7a8ba6", "#b08bbb", "#c8553d", "#d9a441", "#8c6d46", "#3b3f46")


def figures(facts: Facts) -> dict[str, str]:
    """Return each figure that has data, by name, as JSON without `<`."""
    made = {
        "funnel": funnel(facts),
        "sources": sources(facts),
        "verdicts": verdicts(facts),
        "lengths": lengths(facts),
        "categories": beside(facts.share("category"), original.CATEGORIES),
        "difficulties": beside(facts.share("difficulty"), original.DIFFICULTIES),
    }
    # Plotly escapes `<` too; the page's safety does not rest on that.
    return {
        name: figure.to_json().replace("<", "\\u003c")
        for name, figure in made.items()
        if figure is not None
    }


def funnel(facts: Facts) -> Any:
    """Return what is left after each stage."""
    import plotly.graph_objects as go

    bars = funnel_bars(facts)
    if not facts.collected:
        return None
    trace = go.Funnel(
        y=list(bars),
        x=list(bars.values()),
        textinfo="value+percent initial",
        marker={"color": [*[OURS] * (len(bars) - 1), THEIRS]},
        connector={"line": {"width": 0}, "fillcolor": "rgba(127,140,160,.18)"},
    )
    return _figure([trace], 60 + 44 * len(bars))


def sources(facts: Facts) -> Any:
    """Return each source as one bar: published, pending, and dropped by stage, in percent."""
    import plotly.graph_objects as go

    of = [source for source in facts.sources if source.collected]
    if not of:
        return None
    parts = [("published", GOOD, [s.published for s in of])]
    for stage, colour in zip(STAGES, STAGE_COLOURS, strict=True):
        parts.append((f"dropped: {stage}", colour, [s.dropped[stage] for s in of]))
    parts.append(("pending", UNSURE, [s.pending for s in of]))
    traces = [
        go.Bar(
            name=name,
            y=[source.name for source in of],
            x=[percent(n, source.collected) for n, source in zip(counts, of, strict=True)],
            customdata=counts,
            hovertemplate="%{y}<br>%{customdata:,} questions (%{x} %)",
            orientation="h",
            marker={"color": colour},
        )
        for name, colour, counts in parts
        if any(counts)
    ]
    return _bars(traces, 110 + 34 * len(of), barmode="stack")


def verdicts(facts: Facts) -> Any:
    """Return each verifier as one bar of its outcomes, in percent."""
    import plotly.graph_objects as go

    if not facts.verdicts:
        return None
    traces = []
    for outcome, colour in (("correct", GOOD), ("incorrect", BAD), ("unverified", UNSURE)):
        counts = [getattr(of, outcome) for of in facts.verdicts]
        traces.append(
            go.Bar(
                name=outcome,
                y=[of.name for of in facts.verdicts],
                x=[percent(n, of.total) for n, of in zip(counts, facts.verdicts, strict=True)],
                customdata=counts,
                hovertemplate="%{y}<br>%{customdata:,} verdicts (%{x} %)",
                orientation="h",
                marker={"color": colour},
            )
        )
    return _bars(traces, 110 + 38 * len(facts.verdicts), barmode="stack")


def lengths(facts: Facts) -> Any:
    """Return the histogram of response lengths."""
    import plotly.graph_objects as go

    bars = facts.response_tokens.bars
    if not bars:
        return None
    trace = go.Bar(
        x=[f"{bar.low:,}–{bar.high - 1:,}" for bar in bars],
        y=[bar.rows for bar in bars],
        hovertemplate="%{x} tokens<br>%{y:,} rows",
        marker={"color": OURS},
        name="",
    )
    figure = _figure([trace], 320)
    figure.update_xaxes(title="tokens of the response", type="category")
    figure.update_yaxes(title="rows")
    return figure


def beside(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Any:
    """Return percentages of this dataset beside the original's."""
    import plotly.graph_objects as go

    if not ours:
        return None
    names = [*ours, *(name for name in theirs if name not in ours)]
    traces = [
        go.Bar(
            name=label,
            y=[name.replace("_", " ") for name in names],
            x=[shares.get(name, 0.0) for name in names],
            hovertemplate="%{y}: %{x} %",
            orientation="h",
            marker={"color": colour},
        )
        for label, shares, colour in (
            ("this dataset", ours, OURS),
            (original.NAME, theirs, THEIRS),
        )
    ]
    return _bars(traces, 120 + 40 * len(names), barmode="group")


def _bars(traces: list[Any], height: int, barmode: str) -> Any:
    """Return horizontal bars, the first name on top, in percent."""
    figure = _figure(traces, height)
    legend = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    legend |= {"maxheight": 240}  # pixels; without it half the plot, then it scrolls
    figure.update_layout(barmode=barmode, bargap=0.28, showlegend=True, legend=legend)
    figure.update_xaxes(ticksuffix=" %")
    return figure


def _figure(traces: list[Any], height: int) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(traces)
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 10, "b": 30},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    figure.update_xaxes(automargin=True, fixedrange=True)
    figure.update_yaxes(automargin=True, fixedrange=True)
    if traces[0].orientation == "h" or traces[0].type == "funnel":
        figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
        figure.update_yaxes(ticks="outside", ticklen=8, tickcolor="rgba(0,0,0,0)")
    return figure
