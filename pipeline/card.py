"""The dataset's card (README.md): what it is, how it came about, and what it falls short of.

    build_card(config, facts, made, figures, provenance(store), run_record(store, prices))

Everything above the section "Run" is equal for equal inputs. Names that come from data
(sources, benchmarks, reasons) are escaped; no text of a question or response is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline import original
from pipeline.card_header import Part, header, title
from pipeline.card_labels import label_limits
from pipeline.card_models import models
from pipeline.compare import Differences
from pipeline.config import Config
from pipeline.exports import asked_for
from pipeline.facts import STAGES, Facts, percent
from pipeline.instruments import MODELS, of_verifier
from pipeline.licences import attributions, combine
from pipeline.original_files import OriginalFile
from pipeline.provenance import Provenance, RunRecord
from pipeline.recipe import Teacher
from pipeline.render import text
from pipeline.splits import Split
from pipeline.students import Score

FOLDER = "path/to/this/folder"  # of the card, where nobody knows under which name it will lie
MOSTLY = 0.5  # of the rows, from which on one source is a limitation (guess)
NOT_RUN = "unverified/no_sandbox"  # the code verifier runs nothing outside a sandbox


@dataclass(frozen=True, slots=True)
class Made:
    """What was written, how questions for testing were drawn, and what students came to.

    `parts` are the configs, `files` the original's two.
    """

    parts: tuple[Part, ...]
    files: tuple[OriginalFile, ...] = ()
    split: Split | None = None
    students: tuple[Score, ...] = ()


def build_card(
    config: Config,
    facts: Facts,
    made: Made,
    figures: Sequence[str],
    made_by: Provenance,
    run: RunRecord,
    changes: tuple[str, Differences] | None = None,
    repo: str | None = None,
) -> str:
    """Return the whole card, header included; `figures` are paths beside it.

    `changes` are an earlier version's name and what differs from it, `repo` is the Hub's
    repository where it goes to one.
    """
    names = {of.name for of in facts.verdicts} - {"none"}
    unmeasured = sorted(name for name in names if not of_verifier(name))
    body = text(
        "card.md.jinja",
        title=title(config),
        recipe=config.recipe,
        facts=facts,
        parts=made.parts,
        files=made.files,
        stages=STAGES,
        figures={figure.rpartition("/")[2].removesuffix(".png"): figure for figure in figures},
        original=original,
        teacher=teacher_rows(config.recipe.teacher),
        limitations=list(limitations(config, facts)),
        made_by=made_by,
        run=run,
        changes=changes,
        split=made.split,
        students=made.students,
        exports=asked_for(config),
        citation_key=citation_key(config.name),
        address=repo or FOLDER,
        address_is_folder=repo is None,
        combined=combine(facts.rows_by["licence"]) if facts.rows else None,
        attributions=attributions(config.recipe.sources, facts.attributed),
        from_sources=len(facts.rows_by["source"]),
        models=models(config.recipe),
        asked_tokens=sum(of.tokens for of in facts.rounds if of.round),
        instruments=[of for name in sorted(names) for of in of_verifier(name)],
        unmeasured=unmeasured,
        by_models=set(unmeasured) & set(MODELS),
    )
    return f"---\n{header(config, facts, made.parts)}\n---\n\n{body}"


def citation_key(name: str) -> str:
    """Return a BibTeX key made of a dataset's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def teacher_rows(teacher: Teacher | None) -> dict[str, object]:
    """Return what a reader wants to know of the teacher, by its name in the card."""
    if teacher is None:
        return {}
    sampling = teacher.sampling
    return {
        "teacher": teacher.name,
        "model": teacher.model,
        "revision": teacher.revision,
        "asked by": f"{teacher.engine}, {teacher.style}",
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }


def limitations(config: Config, facts: Facts) -> Iterator[str]:
    """Yield what a user of these rows should know against them, one sentence or two each."""
    if facts.pending:
        yield (
            f"Unfinished: when this was published, {facts.pending:,} of {facts.collected:,}"
            " questions were still pending."
        )
    yield from _mix_limits(facts)
    yield from label_limits(config, facts)
    yield from _audit_limits(facts)
    yield from _verdict_limits(facts)
    yield from _teacher_limits(config, facts)
    if not facts.benchmarks:
        yield "No benchmark was checked for contamination; do not evaluate on one unchecked."
    else:
        yield (
            "Contamination was looked for in the benchmarks listed above and in no other; a"
            " translated or thoroughly rewritten item may have passed."
        )
        if not facts.probes:
            yield "No copies of their items were planted to see that they are found."
    if len(facts.rows_by["licence"]) > 1:
        yield "The rows are under several licences; the column `licence` says which for each."


def _mix_limits(facts: Facts) -> Iterator[str]:
    """Say where most rows are of one source, however many were read."""
    name, count = next(iter(facts.rows_by["source"].items()), ("", 0))
    if count > MOSTLY * facts.rows and len(facts.sources) > 1:
        yield (
            f"{percent(count, facts.rows)} % of the rows are from one source, `{name}`, of the"
            f" {len(facts.sources)} that were read; what a model learns here, it learns from that."
        )


def _audit_limits(facts: Facts) -> Iterator[str]:
    if facts.audit is None:
        yield "No person has marked a sample of these rows; how many are wrong is not known."
    if facts.suspected:
        yield (
            f"References that may be wrong: {facts.suspected:,}, where several attempts agree with"
            " each other and not with it; their questions are in the table `suspects`."
        )


def _verdict_limits(facts: Facts) -> Iterator[str]:
    unverified = facts.rows_by["outcome"].get("unverified", 0)
    if unverified:
        yield (
            f"{percent(unverified, facts.rows)} % of the rows ({unverified:,}) are unverified:"
            " nobody and nothing has checked their answers. Filter on `outcome` to leave them out."
        )
    not_run = sum(of.reasons.get(NOT_RUN, 0) for of in facts.verdicts)
    if not_run:
        yield (
            f"Programs that were not run, because the machine had no sandbox: {not_run:,}; their"
            " responses are unverified."
        )
    if facts.unsafe:
        yield (
            f"Programs that were run without a sandbox, because somebody asked for that:"
            f" {facts.unsafe:,}; what they did to the machine, and to each other's verdicts, was"
            " not held back."
        )
    if facts.rows > unverified:
        yield (
            "A correct outcome speaks of the final answer alone; the thinking before it was"
            " not checked."
        )


def _teacher_limits(config: Config, facts: Facts) -> Iterator[str]:
    teacher = config.recipe.teacher
    if teacher and teacher.engine == "transformers" and facts.configs["distilled"]:
        yield (
            f"The teacher {teacher.name} ran inside the building process, which suits small"
            " models only; expect short and simple thinking of the distilled rows."
        )
    if facts.response_tokens.unknown:
        yield f"Rows without a count of response tokens: {facts.response_tokens.unknown:,}."
