"""The stages in order, and the run that goes through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline import logs, metrics
from pipeline.choose import ChooseStage
from pipeline.collect import Collect
from pipeline.config import Config
from pipeline.decontaminate import DecontaminateStage
from pipeline.deduplicate import DeduplicateStage
from pipeline.distill import DistillStage, check_endpoints
from pipeline.embed import EmbedStage
from pipeline.errors import UserError
from pipeline.files import FileHashes
from pipeline.judging import check_judges
from pipeline.label import LabelStage
from pipeline.labelling.asking import check_labeller
from pipeline.labelling.proposing import check_proposer
from pipeline.paths import expand
from pipeline.preflight import check_machine
from pipeline.propose import ProposeStage
from pipeline.records import content_hash
from pipeline.remote import is_remote, open_remote
from pipeline.remote_store import RemoteStore
from pipeline.rewards import check_reward
from pipeline.selection import SelectStage
from pipeline.sharing import build_stage, sharing
from pipeline.stage import Run, Stage
from pipeline.store import Store
from pipeline.verify import VerifyStage
from pipeline.workers import worker_pool

GB = 1_000_000_000
STAGES = (
    "collect",
    "embed",
    "label",
    "propose",
    "deduplicate",
    "decontaminate",
    "choose",
    "distill",
    "verify",
    "select",
    "publish",
)


def stages_of(config: Config) -> list[Stage]:
    """Return the stages of a whole run, rounds written out."""
    rounds = config.recipe.distill.rounds
    labelled = config.recipe.verify.needs_labels
    asked: list[Stage] = []
    for number in range(1, rounds + 1):
        asked += [DistillStage(number), VerifyStage(number, labelled)]
    return [
        Collect(),
        EmbedStage(),
        LabelStage(),
        *([ProposeStage()] if config.recipe.propose is not None else []),
        DeduplicateStage(),
        DecontaminateStage(),
        ChooseStage(),
        VerifyStage(0, labelled),
        *asked,
        SelectStage(rounds),
    ]


def open_store(config: Config) -> Store:
    """Return the store of a configuration's version, whether it exists yet or not."""
    runtime, shards = config.runtime, config.recipe.shards
    if not is_remote(runtime.data):
        return Store(expand(runtime.data), config.name, config.version, shards)
    remote = open_remote(runtime.data, int(runtime.scratch_gb * GB))
    root = expand(runtime.scratch) / content_hash([remote.url])[:8]
    expiry_s = runtime.share.expiry_s
    return RemoteStore(root, config.name, config.version, shards, remote=remote, expiry_s=expiry_s)


def published_folder(config: Config) -> Path:
    """Return where a run puts the published dataset."""
    return expand(config.runtime.published) / config.name / config.version


def build(config: Config, only: Sequence[str] = (), rebuild: Sequence[str] = ()) -> None:
    """Build every table that is missing or asked for again.

    `only` are names of stages, `rebuild` names of tables; raises UserError for others. The
    caller holds the version's lock (`Store.locked`).
    """
    stages = stages_asked_for(config, only)
    store = open_store(config)
    forget(config, store, rebuild)
    with running(config, store) as run:
        for stage in stages:
            with logs.timed("stage", stage=stage.title):
                build_stage(stage, run)


def stages_asked_for(config: Config, only: Sequence[str] = ()) -> list[Stage]:
    """Return the stages to run, in order, all of them where `only` is empty.

    Raises UserError for an unknown name, and where a server that would be asked is not named.
    """
    check_names("--only", only, set(STAGES))
    check_labeller(config)
    check_proposer(config)
    if config.recipe.propose is None and "propose" in only:
        raise UserError("--only propose: the recipe names no model; add [recipe.propose]")
    check_endpoints(config)
    check_judges(config)
    check_reward(config)
    return [stage for stage in stages_of(config) if not only or stage.name in only]


@contextmanager
def running(config: Config, store: Store) -> Iterator[Run]:
    """Give what the stages of one run share, and end its worker processes after it.

    Raises MachineTooSmall where this machine lacks what the run needs, if that is looked at.
    """
    hashes, runtime = FileHashes(store.root / ".file-hashes.json"), config.runtime
    tables = [(stage.title, stage.writes()) for stage in stages_of(config)]
    check_machine(config, store)
    with (
        logs.timed("run"),
        metrics.of_run(runtime.metrics, store, tables),
        worker_pool(runtime.workers) as pool,
        sharing(config, store) as leases,
    ):
        yield Run(config, store, hashes, pool, leases)


def forget(config: Config, store: Store, tables: Sequence[str]) -> None:
    """Make tables be built again, all rounds of those that have rounds.

    Raises UserError where others may be at the version.
    """
    every = [table for stage in stages_of(config) for table in stage.writes()]
    check_names("--rebuild", tables, {table.partition("/")[0] for table in every})
    if tables and config.runtime.share.on:
        raise UserError("--rebuild: not with --share; run it once without, then share the rest")
    for table in every:
        if table.partition("/")[0] in tables:
            store.forget(table)


def check_names(option: str, given: Sequence[str], known: set[str]) -> None:
    """Raise UserError for a name that an option does not know."""
    for name in given:
        if name not in known:
            raise UserError(f"{option}: must be one of {', '.join(sorted(known))}, got {name!r}")
