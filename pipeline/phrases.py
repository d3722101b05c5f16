"""Phrases that recur all over a dataset: runs of 20 words that many questions' responses hold.

    "is a series of numbers where each number is the sum of the two preceding ones starting from"

comes in the responses to 5 of 172 questions of KodCode. A run counts once for each question,
however many responses to it hold it, and not where the question itself says it. Fenced code is left
out: programs share their beginnings. What a word is, `dedup.quick` says: case and punctuation count
for nothing, a Chinese character is one.

The hashes of all runs go to disk in sorted files of bounded size, and are counted range by range,
so that the order of shards and the number of processes change nothing. Two runs share a hash with
a chance of 2^-64. A phrase whose words change each time is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.exact import CJK
from dedup.quick import Hashes, grams, quick_tokens
from pipeline.recipe_select import Phrases
from pipeline.records import Question, Response
from pipeline.store import replacing
from verifiers.questions import FENCE

Rows = NDArray[np.int64]

FILE_HASHES = 1 << 24  # 128 MB in memory before a file is written; a guess
RANGE_HASHES = 1 << 24  # counted at once: 128 MB, and three times that to count them; a guess
COMMON = ("common-hashes.npy", "common-questions.npy")
# About the words of `dedup.quick`; whether they are its very own is checked by their hash.
WORD = re.compile(rf"\\[A-Za-z]+|[{CJK}]|\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+|[^\W\d_{CJK}]+")


def prose(response: Response) -> list[str]:
    """Return the parts of a response that lie between blocks of code."""
    return [part for text in (response.think, response.answer) for part in FENCE.split(text or "")]


def runs(texts: Sequence[str], policy: Phrases) -> tuple[Hashes, Rows, Rows]:
    """Return the hash of each run that is counted, the number of its text, and its place there."""
    tokens = quick_tokens(texts)
    hashes, text = grams(tokens.hash, policy.words), tokens.text()
    whole = text[: len(hashes)] == text[len(text) - len(hashes) :]  # none goes over into the next
    at = np.flatnonzero(whole & (hashes % np.uint64(policy.one_in) == 0))
    return hashes[at], text[at], at - tokens.starts[text[at]]


def said(question: Question, responses: Iterable[Response], policy: Phrases) -> Hashes:
    """Return the runs of a question's responses that it does not say itself, sorted, each once."""
    mine, _, _ = runs([part for response in responses for part in prose(response)], policy)
    its, _, _ = runs([turn.content for turn in question.prompt], policy)
    return np.setdiff1d(mine, its)


def spill(folder: Path, shard: int, of_questions: Iterable[Hashes]) -> int:
    """Write the runs of a shard's questions into sorted files; returns how many runs."""
    waiting: list[Hashes] = []
    files = size = total = 0
    for hashes in of_questions:
        waiting.append(hashes)
        size += len(hashes)
        total += len(hashes)
        if size >= FILE_HASHES:
            _write(folder / f"runs-{shard:05d}-{files:04d}.u64", waiting)
            waiting, size, files = [], 0, files + 1
    if size:
        _write(folder / f"runs-{shard:05d}-{files:04d}.u64", waiting)
    return total


def _write(path: Path, hashes: Sequence[Hashes]) -> None:
    with replacing(path) as file:
        file.write(np.sort(np.concatenate(hashes)).data)


def find_common(folder: Path, more_than: int) -> tuple[Hashes, Rows]:
    """Return the runs of more questions than so many, sorted, and of how many each is."""
    files = sorted(folder.glob("runs-*.u64"))
    total = sum(path.stat().st_size for path in files) // 8
    parts = max(1, -(-total // RANGE_HASHES))
    found, often = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for part in range(parts):
        hashes, counts = np.unique(_between(files, part, parts), return_counts=True)
        found.append(hashes[counts > more_than])
        often.append(counts[counts > more_than])
    return np.concatenate(found), np.concatenate(often)


def _between(files: Sequence[Path], part: int, parts: int) -> Hashes:
    """Return what all files hold of one part of the range of hashes.

    Places are looked up in mapped files, which reads little of them; what is wanted is read.
    """
    low, high = ((part + end) * 2**64 // parts for end in (0, 1))
    some = [np.empty(0, np.uint64)]
    for path in files:
        mapped = np.memmap(path, np.uint64, mode="r")
        first = int(np.searchsorted(mapped, np.uint64(low)))
        last = len(mapped) if part + 1 == parts else int(np.searchsorted(mapped, np.uint64(high)))
        some.append(np.fromfile(path, np.uint64, last - first, offset=8 * first))
    return np.concatenate(some)


@dataclass(frozen=True, slots=True)
class Common:
    """The runs that too many questions have, sorted, and how many questions that is."""

    hashes: Hashes
    questions: Rows
    policy: Phrases

    @classmethod
    def count(cls, folder: Path, policy: Phrases) -> None:
        """Count what was spilled into a folder, and leave there what `load` reads."""
        for name, column in zip(COMMON, find_common(folder, policy.more_than), strict=True):
            with replacing(folder / name) as file:
                np.save(file, column)

    @classmethod
    def load(cls, folder: Path, policy: Phrases) -> Self:
        """Open what `count` left; it stays on disk, where all processes share it."""
        hashes, questions = (np.load(folder / name, mmap_mode="r") for name in COMMON)
        return cls(hashes, questions, policy)

    def worst(self, question: Question, response: Response) -> tuple[str, int] | None:
        """Return a response's phrase that most questions have, the first of such, and how many.

        None where no phrase of it is common.
        """
        mine = said(question, [response], self.policy)
        at = np.searchsorted(self.hashes, mine)
        held = at < len(self.hashes)
        held[held] = self.hashes[at[held]] == mine[held]
        if not held.any():
            return None
        often = self.questions[at[held]]
        phrase = self._first(response, mine[held][often == often.max()])
        return phrase, int(often.max())

    def _first(self, response: Response, wanted: Hashes) -> str:
        """Return the words of the first run of a response that is one of these."""
        parts = prose(response)
        hashes, text, at = runs(parts, self.policy)
        first = np.flatnonzero(np.isin(hashes, wanted))[0]
        return words_at(parts[text[first]], int(at[first]), hashes[first], self.policy)


def words_at(text: str, place: int, wanted: Any, policy: Phrases) -> str:
    """Return the run of words at a place, of which the hash is known.

    Where words are cut otherwise here than they were for the hash, all places are tried, and if
    none fits, the words are some places off.
    """
    places = [word.span() for word in WORD.finditer(text) if word[0][0] != "\\"]
    spans = [text[a[0] : b[1]] for a, b in _windows(places, policy.words)]
    at = min(place, len(spans) - 1)
    if at < 0:
        return text.strip()
    for fits in ([at], range(len(spans))):
        hashes, number, start = runs([spans[place] for place in fits], policy)
        if len(right := np.flatnonzero((hashes == wanted) & (start == 0))):
            at = fits[int(number[right[0]])]
            break
    return " ".join(spans[at].split())


def _windows(places: Sequence[Any], size: int) -> Iterator[tuple[Any, Any]]:
    return zip(places, places[size - 1 :], strict=False)
