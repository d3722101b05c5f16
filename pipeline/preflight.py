"""Looks before a run at what it will need and what this machine has: disk, memory, open files.

    disk: /data needs about 31.2 GB more and has 12.0 GB free; free some, or set runtime.data to
    another disk (or --skip-checks, if you know better)

Needs are reckoned from the sources' likely numbers of rows and from what a rehearsal took for
each (benchmarks/rehearsal.py, docs/log.md); a source of which nobody knows how many rows it has
counts as none, and is named in the log. What is on the disk already is taken off. Nothing here
looks at GPUs, or at machines that serve a teacher.
"""

from __future__ import annotations

import re
import resource
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline import logs
from pipeline.config import Config
from pipeline.errors import MachineTooSmall
from pipeline.paths import expand
from pipeline.remote import is_remote
from pipeline.source_sizes import responses_expected, rows_expected
from pipeline.store import Store

GB = 1e9
# What each takes on disk, with a third or more to spare. Measured with 5,000 rows of the rehearsal,
# whose responses have 8,900 characters: 1.0 kB a question; a response 2.2 in `responses`, 3.9 in
# `examples`, 2.3 spilled by collect, 9.2 while phrases are counted; 4.0 a published row.
QUESTION_BYTES = 1_500
RESPONSE_BYTES = 24_000
PUBLISHED_BYTES = 6_000  # a row
JOURNAL_BYTES = 6_000  # a reply of 2,000 tokens, compressed (guess)
TEMPORARY_BYTES = 500_000_000  # programs that are judged, plots (guess)
# What each takes in memory. Measured with the rehearsal: 1.2 GB while 2,000 questions are embedded
# and 2.8 GB while 5,000 are, in one worker; select 0.5 GB for a shard of 2,000, 0.7 for 5,000.
PROCESS_BYTES = 500_000_000  # a process with torch or a tokenizer loaded
EMBED_BYTES = 2_500_000_000  # beside it at most, in a worker that embeds on a processor…
EMBED_ROW_BYTES = 500_000  # … and for each question, as long as it is less
SHARD_ROW_BYTES = 60_000  # a question with its response, in the worker that builds its shard
COMPARED_BYTES = 5_000  # in deduplicate, which holds all questions: 6.75 GB for 1.4 million
JUDGE_BYTES = 100_000_000  # a verifier's process (verify as a whole: 0.42 GB with one worker)
FILES_BESIDE = 256  # open at once beside connections: libraries, shards, pipes (guess)
BYTES_A_PARAMETER = 2  # bf16
SIZE_IN_NAME = re.compile(r"(\d+(?:\.\d+)?)\s*([bm])(?![a-z])", re.IGNORECASE)
WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")
LINUX_MEMORY = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
CGROUP_FILES = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


@dataclass(frozen=True, slots=True)
class Lack:
    """Something of which there is too little, for people."""

    check: str
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """How many rows a run will have to do with, as far as that can be told beforehand."""

    questions: int
    responses: int  # that come with the sources
    replies: int  # of the teacher, over all rounds
    unknown: tuple[str, ...] = ()  # sources of which nobody knows how many rows they have

    @classmethod
    def of(cls, config: Config, store: Store) -> Expected:
        """Return what is expected of a configuration, or what its table of questions says."""
        recipe = config.recipe
        rows = {source.name: rows_expected(source) for source in recipe.sources}
        questions = sum(count or 0 for count in rows.values())
        responses = sum(responses_expected(source) for source in recipe.sources)
        if store.complete("questions"):
            questions = _rows(store, "questions")
            responses = _rows(store, "responses/round=00")
        replies = questions * recipe.distill.attempts if recipe.distill.rounds else 0
        unknown = tuple(name for name, count in rows.items() if count is None)
        return cls(questions, responses, replies, unknown)


def check_machine(config: Config, store: Store) -> None:
    """Raise MachineTooSmall where this machine lacks what the run needs; logs what is reckoned.

    What `runtime.checks.skip` names is not looked at. The limit of open files is raised as far
    as this user may.
    """
    expected, skip = Expected.of(config, store), config.runtime.checks.skip
    looks = {"disk": disk, "memory": memory, "files": open_files}
    lacks = [
        lack
        for name, look in looks.items()
        if name not in skip
        for lack in look(config, store, expected)
    ]
    if expected.unknown:
        logs.event("rows_unknown", sources=expected.unknown)
    if lacks:
        said = "\n".join(f"{lack.check}: {lack.text}" for lack in lacks)
        raise MachineTooSmall(f"{said}\n(--skip-checks, if you know better)")


def disk(config: Config, store: Store, expected: Expected) -> Iterator[Lack]:
    """Yield the disks that are too small for what the run will write.

    Of an object store only the copies here are counted, whose room is bounded.
    """
    tables, published = disk_needs(expected)
    if is_remote(config.runtime.data):
        tables = min(tables, round(config.runtime.scratch_gb * GB))
    needs = {
        store.root: tables - folder_bytes(store.folder),
        expand(config.runtime.published): published,
        Path(tempfile.gettempdir()): TEMPORARY_BYTES,
    }
    by_disk: dict[int, list[Path]] = {}
    for folder in needs:
        by_disk.setdefault(existing(folder).stat().st_dev, []).append(folder)
    for folders in by_disk.values():
        need, free = sum(max(0, needs[f]) for f in folders), free_bytes(folders[0])
        if need > free:
            yield Lack(
                "disk",
                f"{', '.join(map(str, folders))} needs about {need / GB:.1f} GB more and has"
                f" {free / GB:.1f} GB free; free some, or let runtime.data, runtime.published or"
                " TMPDIR name another disk",
            )


def disk_needs(expected: Expected) -> tuple[int, int]:
    """Return the bytes that a whole run takes: in the data folder, and published."""
    replies = expected.replies * (RESPONSE_BYTES + JOURNAL_BYTES)
    sealed = expected.questions * QUESTION_BYTES + expected.responses * RESPONSE_BYTES
    return sealed + replies, (expected.responses + expected.replies) * PUBLISHED_BYTES


def memory(config: Config, store: Store, expected: Expected) -> Iterator[Lack]:
    """Yield a lack where the largest stage needs more memory than is available."""
    need, why = memory_need(config, store, expected)
    have = available_memory()
    if need > have:
        yield Lack(
            "memory",
            f"{why} needs about {need / GB:.1f} GB and {have / GB:.1f} GB are available; use fewer"
            " runtime.workers, more recipe.shards (another version), a smaller or a served model,"
            " or another machine",
        )


def memory_need(config: Config, store: Store, expected: Expected) -> tuple[int, str]:
    """Return the bytes of the stage that needs most, and which that is."""
    rows = expected.questions / store.shards
    worker = PROCESS_BYTES + round(rows * SHARD_ROW_BYTES)
    workers = min(config.runtime.workers, store.shards)
    each = min(EMBED_BYTES, expected.questions // workers * EMBED_ROW_BYTES)
    embedding = 0 if gpu() else workers * (PROCESS_BYTES + each)
    needs = [
        (PROCESS_BYTES + workers * worker, f"building {workers} shards at once"),
        (PROCESS_BYTES + embedding, f"embed in {workers} processes"),
        (PROCESS_BYTES + expected.questions * COMPARED_BYTES, "deduplicate"),
        (worker + config.runtime.workers * JUDGE_BYTES, "verify"),
    ]
    if not gpu():
        needs += [
            (worker + size, f"{what} {model}")
            for what, model in local_models(config)
            if (size := model_bytes(model)) is not None
        ]
    return max(needs)


def local_models(config: Config) -> Iterator[tuple[str, str]]:
    """Yield what runs in this process, as (what it is, model)."""
    recipe = config.recipe
    if recipe.teacher and recipe.distill.rounds and recipe.teacher.engine == "transformers":
        yield "teacher", recipe.teacher.model
    for what, part in (("reward", recipe.verify.reward), ("perplexity", recipe.verify.perplexity)):
        if part is not None and part.engine == "transformers":
            yield what, part.model


def model_bytes(model: str) -> int | None:
    """Return what a model's weights take, by its files or by its name; None where neither tells."""
    path = Path(model)
    if path.is_file():
        return path.stat().st_size
    if path.is_dir():
        files = (file for pattern in WEIGHTS for file in path.glob(pattern))
        return sum(file.stat().st_size for file in files) or None
    found = SIZE_IN_NAME.search(model)
    if found is None:
        return None
    millions = float(found[1]) * (1_000 if found[2].lower() == "b" else 1)
    return round(millions * 1e6 * BYTES_A_PARAMETER)


def open_files(config: Config, store: Store, expected: Expected) -> Iterator[Lack]:
    """Raise the limit of open files to what is needed; yield a lack where that is not allowed."""
    need = files_need(config)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < need:
        allowed = need if hard == resource.RLIM_INFINITY else min(need, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft != resource.RLIM_INFINITY and soft < need:
        yield Lack(
            "files",
            f"{need:,} may be open at once and {soft:,} are allowed; raise the limit (ulimit -n"
            " as root, LimitNOFILE= of the service), or lower runtime.endpoints.concurrency",
        )


def files_need(config: Config) -> int:
    """Return how many files and connections may be open at once in this process."""
    runtime, recipe = config.runtime, config.recipe
    servers = [runtime.endpoints] if recipe.teacher and recipe.distill.rounds else []
    servers += [runtime.judge] if recipe.verify.judge else []
    servers += [runtime.labeller] if recipe.label.model else []
    servers += [runtime.proposer] if recipe.propose else []
    connections = max((one.concurrency * len(one.urls) for one in servers), default=0)
    return FILES_BESIDE + connections + 8 * runtime.workers


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def free_bytes(folder: Path) -> int:
    """Return what this user may still write on a folder's disk."""
    return shutil.disk_usage(existing(folder)).free


def folder_bytes(folder: Path) -> int:
    """Return what a folder's files take on disk, 0 where it does not exist."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def available_memory() -> int:
    """Return the bytes that can be used without swapping: the machine's, or the container's."""
    lines = dict(line.split(":") for line in LINUX_MEMORY.read_text().splitlines())
    machine = int(lines["MemAvailable"].split()[0]) << 10
    for limit, used in CGROUP_FILES:  # of version 2, then of version 1
        if (CGROUP / limit).is_file():
            most = (CGROUP / limit).read_text().strip()
            left = machine if most == "max" else int(most) - int((CGROUP / used).read_text())
            return min(machine, left)
    return machine


def gpu() -> bool:
    """Tell whether there is an NVIDIA GPU, whose memory models then take; without loading torch."""
    return Path("/dev/nvidia0").exists()


def _rows(store: Store, table: str) -> int:
    found = (store.manifest(table, shard) for shard in range(store.shards))
    return sum(manifest.rows for manifest in found if manifest)
