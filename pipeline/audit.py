"""A sample of published rows for a person to mark, and what the marks come to.

A line of the sample, as JSONL; CSV and the HTML page have the same names::

    {"row": "9f2c…", "stratum": "math / correct", "question": "Julie is …",
     "reference_answer": "42", "answer": "42", "category": "math", "difficulty": "easy", …,
     "mark_question": "", "mark_answer": "", "mark_category": "", "mark_difficulty": "", "note": ""}

A mark is `right`, `wrong`, or empty: not looked at, or not to be told. `row` is the hash of what
is published, so that marks of rows that have changed since are refused. The same rows are drawn
each time. Error rates come with Wilson's interval at 95 %, over rows that were marked.
"""

from __future__ import annotations

import heapq
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.choose import place
from pipeline.errors import InputError
from pipeline.published import published_rows
from pipeline.records import content_hash
from pipeline.store import Store, replacing, writing

FILE = "audit.json"
MARKS = ("question", "answer", "category", "difficulty")
ASKS = {
    "question": "Is the question whole, clear and answerable?",
    "answer": "Is the final answer right?",
    "category": "Is that its category?",
    "difficulty": "Is it about that difficult?",
}
SAID = ("right", "wrong", "")
COLUMNS = ("category", "difficulty", "outcome", "source", "language", "verifier", "teacher")
Z = 1.959964  # of the normal distribution, 95 % within


@dataclass(frozen=True, slots=True)
class Sampled:
    """A published row as a person is shown it."""

    row: str
    id: str
    stratum: str
    source: str
    category: str
    difficulty: str
    language: str
    outcome: str
    verifier: str
    teacher: str
    question: str
    reference_answer: str
    thinking: str
    answer: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of the marked rows are wrong, and Wilson's interval of the share."""

    wrong: int
    marked: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of wrong ones; 0 of none."""
        return self.wrong / self.marked if self.marked else 0.0


@dataclass(frozen=True, slots=True)
class Audit:
    """What marks come to: `rates` by what was asked, `strata` the same within each stratum."""

    drawn: int
    by: tuple[str, ...]
    rates: dict[str, Rate]
    strata: dict[str, dict[str, Rate]]


def wilson(wrong: int, marked: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share; of no marks everything is possible."""
    if not marked:
        return 0.0, 1.0
    share, square = wrong / marked, Z * Z
    middle = (share + square / (2 * marked)) / (1 + square / marked)
    spread = math.sqrt(share * (1 - share) / marked + square / (4 * marked**2))
    half = Z * spread / (1 + square / marked)
    low = middle - half if wrong else 0.0  # exactly, where rounding would miss it
    return low, middle + half if wrong < marked else 1.0


def rate(wrong: int, marked: int) -> Rate:
    """Return an error rate with its interval, rounded to what is shown."""
    low, high = wilson(wrong, marked)
    return Rate(wrong, marked, round(low, 4), round(high, 4))


def draw(store: Store, number: int, by: Sequence[str], seed: int) -> list[Sampled]:
    """Return about `number` published rows, in proportion to strata, at least one of each.

    A stratum is the rows that are equal in the columns of `by`. Holds places of at most
    `number` rows of each in memory, and the texts of what is drawn.
    """
    places: dict[str, list[tuple[float, str]]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    for shard in range(store.shards):
        for row in _examples(store, shard, by):
            name = _stratum(row, by)
            sizes[name] += 1
            places[name].append((place(seed, _key(row)), _key(row)))
        places.update({n: heapq.nsmallest(number, found) for n, found in places.items()})
    wanted = {
        key for name, share in shares(sizes, number).items() for _, key in places[name][:share]
    }
    return sorted(_loaded(store, wanted, by), key=lambda one: (one.stratum, one.row))


def shares(sizes: Mapping[str, int], number: int) -> dict[str, int]:
    """Return how many rows each stratum gives: in proportion, by largest remainders, 1 at least."""
    whole = sum(sizes.values())
    if whole <= number:
        return dict(sizes)
    exact = {name: number * size / whole for name, size in sizes.items()}
    given = {name: max(1, int(share)) for name, share in exact.items()}
    rest = sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))
    for name in rest[: max(0, number - sum(given.values()))]:
        given[name] = min(sizes[name], given[name] + 1)
    return given


def _examples(store: Store, shard: int, by: Sequence[str]) -> Iterator[dict[str, Any]]:
    yield from published_rows(store, shard, ["id", "teacher", "round", "attempt", *by])


def _stratum(row: Mapping[str, Any], by: Sequence[str]) -> str:
    return " / ".join(str(row[name]) for name in by)


def _key(row: Mapping[str, Any]) -> str:
    return "/".join(str(row[name]) for name in ("id", "teacher", "round", "attempt"))


def _loaded(store: Store, wanted: set[str], by: Sequence[str]) -> Iterator[Sampled]:
    for shard in range(store.shards):
        for row in published_rows(store, shard):
            if _key(row) in wanted:
                yield _sampled(row, by)


def _sampled(row: Mapping[str, Any], by: Sequence[str]) -> Sampled:
    turns = row["messages"]
    asked = [turn["content"] for turn in turns[:-1]]
    info = turns[-1]["info"]
    reference = turns[0]["info"]["reference_answer"]
    return Sampled(
        row=row_hash(row),
        id=row["id"],
        stratum=_stratum(row, by),
        **{name: str(row[name]) for name in COLUMNS},
        question="\n\n".join(asked),
        reference_answer=reference or "",
        thinking=info["think_content"] or "",
        answer=info["answer_content"] or "",
    )


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of what a mark is about: the texts and both labels."""
    texts = [[turn["role"], turn["content"]] for turn in row["messages"]]
    return content_hash([row["id"], texts, row["category"], row["difficulty"]])


def rates_of(store: Store, marks: Sequence[Mapping[str, Any]], by: Sequence[str]) -> Audit:
    """Return what marks come to; raises InputError for one of a row that is not published."""
    wanted = {str(mark.get("row")) for mark in marks}
    known = {
        row_hash(row): _stratum(row, by)
        for shard in range(store.shards)
        for row in published_rows(store, shard)
        if row_hash(row) in wanted
    }
    marked: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for number, mark in enumerate(marks, 1):
        _check(mark, known, number, store)
        for name in MARKS:
            said = str(mark.get(f"mark_{name}") or "").strip().lower()
            for stratum in ("", known[str(mark["row"])]):
                marked[name, stratum] += said in ("right", "wrong")
                wrong[name, stratum] += said == "wrong"
    strata = sorted({*known.values()})
    found = {
        stratum: {name: rate(wrong[name, stratum], marked[name, stratum]) for name in MARKS}
        for stratum in ("", *strata)
    }
    return Audit(len(marks), tuple(by), found.pop(""), found)


def _check(mark: Mapping[str, Any], known: Mapping[str, str], number: int, store: Store) -> None:
    if str(mark.get("row")) not in known:
        raise InputError(
            f"mark {number}: row {mark.get('row')!r} is not published by {store.name}"
            f" {store.version} as it was drawn; draw a sample of this version"
        )
    for name in MARKS:
        said = mark.get(f"mark_{name}") or ""
        if str(said).strip().lower() not in SAID:
            raise InputError(
                f"mark {number}: mark_{name} must be right, wrong or empty, got {said!r}"
            )


def write_audit(store: Store, audit: Audit) -> None:
    """Keep what marks come to beside the version's tables, where the card finds it."""
    path = store.folder / FILE
    with writing(path.parent), replacing(path) as file:
        file.write(json.dumps(asdict(audit), ensure_ascii=False, indent=1).encode())


def read_audit(folder: Path) -> Audit | None:
    """Return what a version's marks came to; None where nothing was marked."""
    path = folder / FILE
    if not path.exists():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    rates = {name: Rate(**of) for name, of in data["rates"].items()}
    strata = {
        stratum: {name: Rate(**of) for name, of in found.items()}
        for stratum, found in data["strata"].items()
    }
    return Audit(data["drawn"], tuple(data["by"]), rates, strata)
