"""The report: one HTML page that shows a whole version and opens with no network.

    write_report(config, store, Path("report.html"), against=None)

Questions and responses are hostile by assumption: all text is escaped, nothing in it
becomes a link, and the page's own policy forbids every request and every script but its
two own, which it names by their hashes. Formulas, Markdown and code are drawn without a script
(pipeline/report_text.py), with the text as it was written beside it.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from pipeline import original
from pipeline.accounts import spent
from pipeline.card import limitations, teacher_rows
from pipeline.card_header import title
from pipeline.compare import compare_versions
from pipeline.compare_verdicts import compare_verdicts
from pipeline.config import Config
from pipeline.facts import STAGES, Facts, gather
from pipeline.forecast import beside, read_forecast
from pipeline.provenance import stage_seconds
from pipeline.render import asset, page
from pipeline.report_hits import contamination_hits
from pipeline.report_plots import figures
from pipeline.report_rows import SHORTEST, STATES, clip, conversation, evidence, sample
from pipeline.report_text import coloured, formula, rendered, styles
from pipeline.store import Store, replacing, writing

HITS = 5_000  # of contamination: 400 bytes each (guess)
ROWS = 200  # in the explorer: enough to read, small enough to open at once


def write_report(config: Config, store: Store, path: Path, against: Store | None = None) -> None:
    """Write the page to `path`, in the state in which the version is.

    With `against` it also tells what differs from that version. Raises StoreUnwritable.
    """
    html = build_report(config, store, against)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(html.encode())


def build_report(config: Config, store: Store, against: Store | None = None) -> str:
    """Return the page."""
    from plotly.offline import get_plotlyjs

    facts = gather(config, store)
    scripts = (get_plotlyjs(), asset("report.js"))
    before = gather(config, against) if against else None
    return page(
        "report.html.jinja",
        title=title(config),
        recipe=config.recipe,
        facts=facts,
        stages=STAGES,
        states=STATES,
        original=original,
        teacher=teacher_rows(config.recipe.teacher),
        limitations=list(limitations(config, facts)),
        seconds=stage_seconds(store),
        forecast=forecast_rows(config, store, facts),
        figures={name: Markup(text) for name, text in figures(facts).items()},
        rows=sample(store, ROWS),
        hits=list(contamination_hits(store, HITS)),
        before=before,
        side_by_side=side_by_side(facts, before) if before else [],
        differences=compare_versions(store, against) if against else None,
        verdict_changes=compare_verdicts(store, against) if against else None,
        style=Markup(asset("report.css") + styles()),
        scripts=[Markup(script) for script in scripts],
        policy=policy(*scripts),
        conversation=conversation,
        evidence=evidence,
        clip=clip,
        shortest=SHORTEST,
        rendered=rendered,
        formula=formula,
        as_json=as_json,
    )


def as_json(text: str) -> Markup:
    """Return JSON text in colours, cut off where it is long."""
    return Markup(coloured(clip(text, SHORTEST), "json"))


def forecast_rows(config: Config, store: Store, facts: Facts) -> list[tuple[str, ...]]:
    """Return what was forecast beside what has happened; nothing without a forecast."""
    forecast = read_forecast(store.folder)
    if forecast is None:
        return []
    return list(beside(forecast, facts.rounds, spent(store), config.runtime.prices))


def policy(*scripts: str) -> str:
    """Return the page's content security policy: no request, and no script but these."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"
        "; base-uri 'none'; form-action 'none'"
    )


def side_by_side(new: Facts, old: Facts) -> list[tuple[str, str, int, int, int]]:
    """Return the two funnels as rows: stage, reason, new and old count, and the difference."""
    mine = {(step.stage, step.reason): step.dropped for step in new.steps}
    theirs = {(step.stage, step.reason): step.dropped for step in old.steps}
    ways = sorted({*mine, *theirs}, key=lambda way: (STAGES.index(way[0]), way[1]))
    lines = [
        ("", "collected", new.collected, old.collected),
        *((*way, mine.get(way, 0), theirs.get(way, 0)) for way in ways),
        ("", "pending", new.pending, old.pending),
        ("", "published", new.published, old.published),
    ]
    return [(*line, line[2] - line[3]) for line in lines]
