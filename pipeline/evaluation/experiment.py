"""The whole experiment: every model on every benchmark, round by round, and the report.

    run(load_evaluation("think-twice"))     all figures, and the files of the report

What is done stays done: responses and verdicts are tables with manifests, replies are in the
data folder's journal, and a run that was killed goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.evaluation.config import EvaluationConfig, check_verifiers
from pipeline.evaluation.judging import Judges, judge_rounds
from pipeline.evaluation.loading import load_questions
from pipeline.evaluation.report import Scores, read_scores, write_report
from pipeline.evaluation.rounds import ask_rounds, open_budget
from pipeline.evaluation.tables import journal_folder, open_store
from pipeline.files import FileHashes
from pipeline.store import Store
from pipeline.teacher.journal import Journal


def run(config: EvaluationConfig, rebuild: bool = False) -> tuple[Scores, list[Path]]:
    """Measure everything and write the report; returns the figures and the report's files.

    Raises Unavailable before anything is asked where a verifier is missing, StaleTable for
    settings that differ from those of this version, and what clients and the store raise.
    """
    check_verifiers(config.evaluation.benchmarks)
    store = open_store(config)
    with store.locked():
        if rebuild:
            _forget(store)
        measure(config, store)
        scores = read_scores(config, store)
        return scores, write_report(config, scores, store.folder / "report")


def measure(config: EvaluationConfig, store: Store) -> None:
    """Make every table that is missing; the caller holds the version's lock."""
    hashes = FileHashes(store.root / ".file-hashes.json")
    with Judges(config) as judges:
        for benchmark in config.evaluation.benchmarks:
            load_questions(store, benchmark, config.evaluation.seed, hashes)
            judges.of(benchmark)  # wrong settings are told before anything is asked
        budget = open_budget(config, store)
        for model in config.evaluation.models:
            with Journal(journal_folder(config)) as journal:
                ask_rounds(config, store, journal, model, budget)
            judge_rounds(config, store, judges, model)


def _forget(store: Store) -> None:
    """Make every table be built again; rows stay until then, replies for ever."""
    for table in store.tables():
        store.forget(table)
