"""Benchmarks by the names that a configuration or a command gives them.

    benchmarks/math500.parquet                 a file, or a folder of files
    gpqa.fingerprints                          hashes and vectors only (dedup/fingerprints.py)
    package:pipeline/…/benchmark.jsonl         in an installed package
    hub:openai/gsm8k@740312add88f781978c0658806c59bc2815b9866:main/test

What lies on the Hub is read by `datasets` at one commit, which has to be named in full, and
kept as Parquet under `.benchmarks` of the data folder; its name is the dataset's, with the
config and the split where these are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.errors import ConfigError
from pipeline.files import FileHashes
from pipeline.paths import expand
from pipeline.records import content_hash
from pipeline.sources.hub_errors import hub_errors
from pipeline.store import replacing, writing

if TYPE_CHECKING:
    from dedup.benchmarks import Benchmarks
    from dedup.fingerprints import Fingerprints

HUB = "hub:"
PRINTS = ".fingerprints"
DATASET = re.compile(
    r"hub:(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})"
    r"(?::(?:(?P<config>[\w.-]+)/)?(?P<split>[\w.-]+))?"
)


@dataclass(frozen=True, slots=True)
class HubBenchmark:
    """A dataset on the Hub at one commit; the split is `test` where none is named."""

    reference: str
    repo: str
    revision: str
    config: str | None
    split: str | None

    @classmethod
    def parse(cls, reference: str) -> Self:
        """Take a name apart; raises ConfigError for one of another form."""
        match = DATASET.fullmatch(reference)
        if match is None:
            raise ConfigError(
                f"benchmarks: must be {HUB}ORG/NAME@COMMIT or {HUB}ORG/NAME@COMMIT:CONFIG/SPLIT"
                f" with all 40 digits of the commit, got {reference!r}"
            )
        return cls(reference, *match.group("repo", "revision", "config", "split"))

    @property
    def name(self) -> str:
        """What the benchmark is called."""
        parts = (self.repo.partition("/")[2], self.config, self.split)
        return "-".join(part for part in parts if part)

    def path(self, root: Path) -> Path:
        """Return where its rows are kept below a data folder."""
        folder = root / ".benchmarks" / content_hash(self.reference)[:12]
        return folder / f"{self.name}.parquet"

    def fetch(self, root: Path) -> None:
        """Read its rows from the Hub, unless they are there; raises SourceError, PassingError."""
        path = self.path(root)
        if path.is_file():
            return
        import datasets

        datasets.disable_progress_bars()
        with hub_errors(f"benchmarks: {self.reference}"):
            split = self.split or "test"
            rows = datasets.load_dataset(
                self.repo, self.config, split=split, revision=self.revision
            )
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                rows.to_parquet(file)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Benchmarks that can be read, and those that are fingerprints."""

    texts: Benchmarks
    prints: tuple[Fingerprints, ...]


def files_of(names: Iterable[str], root: Path) -> list[Path]:
    """Return the files of all benchmarks, those in folders too; those of the Hub may be missing."""
    found: list[Path] = []
    for name in names:
        if name.startswith(HUB):
            found.append(HubBenchmark.parse(name).path(root))
            continue
        path = expand(name)
        if not path.exists():
            raise ConfigError(f"recipe.decontaminate.benchmarks: {path}: there is no such file")
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


def identity(names: Iterable[str], root: Path, hashes: FileHashes) -> dict[str, str]:
    """Return what benchmarks are, by their files' names: content, or for the Hub the commit."""
    known: dict[str, str] = {}
    for name in names:
        if name.startswith(HUB):
            known[HubBenchmark.parse(name).name] = name
        else:
            known |= {path.name: hashes.of(path) for path in files_of([name], root)}
    return known


def fetch(names: Iterable[str], root: Path) -> None:
    """Read those that lie on the Hub, where they aren't kept yet."""
    for name in names:
        if name.startswith(HUB):
            HubBenchmark.parse(name).fetch(root)


def load(names: Sequence[str], root: Path, column: str | None = None) -> Loaded:
    """Read the items of all benchmarks; raises ValueError for a file that holds none."""
    from dedup.benchmarks import Benchmarks
    from dedup.fingerprints import Fingerprints

    paths = [HubBenchmark.parse(n).path(root) if n.startswith(HUB) else expand(n) for n in names]
    inside = [path for given in paths for path in _inside(given)]
    prints = tuple(Fingerprints.load(path) for path in inside if path.suffix == PRINTS)
    plain = [path for path in paths if path.suffix != PRINTS and not _only_prints(path)]
    texts = Benchmarks.load(plain, column) if plain else Benchmarks((), {})
    return Loaded(texts, prints)


def _inside(path: Path) -> list[Path]:
    return sorted(path.rglob("*" + PRINTS)) if path.is_dir() else [path]


def _only_prints(path: Path) -> bool:
    """Tell whether a folder holds fingerprints and no other file."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else []
    return bool(files) and all(file.suffix == PRINTS for file in files)


def benchmark_name(name: str) -> str:
    """Return how a benchmark is called: its file's or folder's name without an extension."""
    if name.startswith(HUB):
        return HubBenchmark.parse(name).name
    return re.sub(r"\.(jsonl|parquet|fingerprints)(\.zst)?$", "", Path(name).name)
