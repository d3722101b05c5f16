"""A whole training: rows, samples, the student, and a record of how it came about.

    run(load_training("configs/training/qwen2.5-7b.toml"))     Trained(model=…/model, …)

    data/students/<name>/<version>/<selection>/training.json   the record, and its fingerprint

A student that is there is not trained again; other settings under its version are refused once
something has been learnt, but for version `dev`. Under `accelerate launch` every process runs
this; the first of them writes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import StaleTable
from pipeline.files import FileHashes
from pipeline.paths import expand
from pipeline.records import content_hash
from pipeline.stage import FREE_VERSION, flatten
from pipeline.store import Store, replacing, writing
from pipeline.training.chat import Chat
from pipeline.training.config import WHOLE, TrainingConfig
from pipeline.training.processes import in_turn, leads
from pipeline.training.reading import Read, located, selected
from pipeline.training.samples import Counts, read_counts, write_samples
from pipeline.training.sft import Learnt, check, learn
from pipeline.training.student import MODEL, load_student, put_together, template_of

FOLDER = "students"  # in the data folder


@dataclass(frozen=True, slots=True)
class Trained:
    """A student: its folder, what identifies it, and how it was made (None: it was there)."""

    model: Path
    fingerprint: str
    counts: Counts
    learnt: Learnt | None


def run(
    config: TrainingConfig, selection: str = WHOLE, rebuild: bool = False, limit: int | None = None
) -> Trained:
    """Train a student on a selection of the rows; `limit` goes before that of the recipe.

    Raises StaleTable for other settings under this version, and what reading, loading and
    training raise. `rebuild` starts afresh.
    """
    training = Work(config, selection, limit)
    with training.held():
        if rebuild:
            training.forget()
        training.check()
        if (training.folder / MODEL).is_dir():
            return Trained(
                training.folder / MODEL, training.fingerprint, read_counts(training.folder), None
            )
        return training.make()


class Work:
    """One training of one selection."""

    def __init__(self, config: TrainingConfig, selection: str, limit: int | None) -> None:
        self.config, self.selection = config, selection
        self.rows = config.rows_of(selection)
        self.limit = limit if limit is not None else config.training.limit
        root = expand(config.runtime.data) / FOLDER
        self.store = Store(root, config.name, config.version, 1)
        self.folder = self.store.folder / selection
        hashes = FileHashes(root / ".file-hashes.json")
        self.places: Sequence[Read] = [located(data, hashes) for data in config.training.data]
        self.recipe = self._recipe()
        self.fingerprint = content_hash(self.recipe)

    def _recipe(self) -> dict[str, Any]:
        """Return what decides the student, as dotted names."""
        recipe = self.config.training.model_dump(mode="json", exclude={"data", "selections"})
        recipe["student"]["template"] = template_of(self.config.training.student)
        recipe |= {"data": [place.identity for place in self.places], "limit": self.limit}
        return flatten({**recipe, "selection": self.rows.model_dump(mode="json")})

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the version; only the first process does, and the others wait for it."""
        if not leads():
            yield
            return
        with self.store.locked(), writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            yield

    def forget(self) -> None:
        """Delete a student and its checkpoints."""
        with in_turn() as alone:
            if alone:
                self.clear()

    def check(self) -> None:
        """Write down the recipe, or compare it with what is written; raises StaleTable."""
        path = self.folder / "training.json"
        with in_turn():
            before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
            if before is not None and before["recipe"] != self.recipe:
                if self.config.version != FREE_VERSION and self.begun():
                    raise StaleTable(_difference(self.folder, before["recipe"], self.recipe))
                self.clear()
                before = None
            if before is None:
                self.record(None)

    def begun(self) -> bool:
        """Tell whether anything has been learnt: settings that led to nothing may change."""
        return (self.folder / MODEL).is_dir() or any(self.folder.glob("checkpoint-*"))

    def clear(self) -> None:
        """Empty the folder, in this process alone."""
        shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)

    def record(self, made: dict[str, Any] | None) -> None:
        """Write training.json."""
        whole = {"fingerprint": self.fingerprint, "recipe": self.recipe, "made": made}
        with replacing(self.folder / "training.json") as file:
            file.write(json.dumps(whole, indent=1, ensure_ascii=False).encode())

    def make(self) -> Trained:
        """Train."""
        model, chat = load_student(self.config)
        check(self.config, model)
        with in_turn():
            counts = self.samples(chat)
        learnt = learn(self.config, model, chat, self.folder)
        del model
        with in_turn() as alone:
            if alone:
                put_together(self.config, chat, self.folder)
                self.record({"samples": asdict(counts), "learnt": asdict(learnt)})
        return Trained(self.folder / MODEL, self.fingerprint, counts, learnt)

    def samples(self, chat: Chat) -> Counts:
        """Write the samples where they are missing; returns what became of the rows."""
        if (self.folder / "samples.json").is_file():
            return read_counts(self.folder)
        skipped: Counter[str] = Counter()
        seed, most = self.config.training.seed, self.config.training.max_tokens
        turns = selected(self.places, self.rows, self.limit, seed, skipped)
        return write_samples(self.folder, turns, chat, most, skipped)


def _difference(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> str:
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    changes = "; ".join(
        f"{name} was {before.get(name, '(unset)')!r:.60}, is {now.get(name, '(unset)')!r:.60}"
        for name in names[:5]
    )
    return (
        f"{folder}: was trained with other settings: {changes}. Name a new version (--version"
        " NAME), or train it again (--rebuild)"
    )
