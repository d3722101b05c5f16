"""Phrases in the stage select: counted over all shards, then looked up in each of them.

    {("1c0f…", "DeepSeek-R1", 1, 0): Phrase("1c0f…", …, "Okay, so I need to find …", questions=34)}

What a phrase is, and how it is counted: pipeline/phrases.py. The counts lie in `.staging/phrases`
from `prepare` on until the stage is done.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import as_completed
from pathlib import Path

from pipeline.acceptance import ResponseKey
from pipeline.phrases import Common, said, spill
from pipeline.progress import meter
from pipeline.recipe import Select
from pipeline.records import Phrase, Response, Verdict, canonical_json, content_hash
from pipeline.shelf import Shelf
from pipeline.stage import Run, Stage, outcome
from pipeline.store import Store, writing
from verifiers.base import Outcome

PHRASE = "common_phrase"
VERIFIER = "phrases"  # whose verdict a flagged row carries


def folder_of(store: Store) -> Path:
    """Return where phrases are counted."""
    return store.staging / "phrases"


def phrase_inputs(stage: Stage, run: Run) -> dict[str, str]:
    """Return the content of all shards that are looked at, as inputs of each shard's manifest."""
    if run.config.recipe.select.phrases.action == "off":
        return {}
    tables = [table for table in stage.reads() if table != "labels"]
    outputs = [
        manifest.output if manifest else ""
        for table in tables
        for shard in range(run.store.shards)
        for manifest in [run.store.manifest(table, shard)]
    ]
    return {"phrases of all shards": content_hash(outputs)}


def count_phrases(run: Run, rounds: int) -> None:
    """Count the phrases of all shards, each shard's in a process of its own."""
    clear_phrases(run.store)
    folder, policy = folder_of(run.store), run.config.recipe.select
    with writing(folder), meter("phrases", run.store.shards) as progress:
        folder.mkdir(parents=True)
        jobs = [
            run.pool.submit(spill_shard, run.store, shard, rounds, policy)
            for shard in range(run.store.shards)
        ]
        for job in as_completed(jobs):
            progress.advance(1, f"{outcome(job):,} in the last shard")
        Common.count(folder, policy.phrases)


def spill_shard(store: Store, shard: int, rounds: int, policy: Select) -> int:
    """Write the phrases of a shard's accepted responses; returns how many there are."""
    shelf = Shelf.load(store, shard, rounds)
    each = (
        said(question, [response for response, _ in found], policy.phrases)
        for question in shelf.questions
        if (found := shelf.accepted(question, policy))
    )
    return spill(folder_of(store), shard, each)


def clear_phrases(store: Store) -> None:
    """Delete what was counted."""
    shutil.rmtree(folder_of(store), ignore_errors=True)


def common_phrases(shelf: Shelf, policy: Select, store: Store) -> dict[ResponseKey, Phrase]:
    """Return the accepted responses that share a phrase with too many questions."""
    if policy.phrases.action == "off":
        return {}
    common = Common.load(folder_of(store), policy.phrases)
    return {
        response.key: Phrase(*response.key, *worst)
        for question in shelf.questions
        for response, _ in shelf.accepted(question, policy)
        if (worst := common.worst(question, response))
    }


def phrase_verdicts(response: Response, phrases: Mapping[ResponseKey, Phrase]) -> Iterator[Verdict]:
    """Yield what a flagged row says beside its verdicts; it decides nothing."""
    if found := phrases.get(response.key):
        told = canonical_json({"phrase": found.phrase, "questions": found.questions})
        yield Verdict(*response.key, VERIFIER, Outcome.CORRECT.value, None, PHRASE, told, 0.0)
