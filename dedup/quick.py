r"""Words and numerals of very many texts as hashes, a hundred megabytes in seconds.

A batch of texts becomes arrays with one entry a token::

    batch = quick_tokens([r"Find $\dfrac{1}{2}$ of 1,200 apples", "求和"])
    batch.starts   # [0, 6, 8]     find 1 2 of 1200 apples 求 和
    batch.hash     # one 64-bit number for each distinct token

A token is a run of letters, a run of digits, or one Chinese or Japanese character, case
folded. LaTeX commands, punctuation and operators are none; `1,200`, `1{,}200` and
`1\,200` are one numeral, `1.5` is two, `sixteen` is `16` (`NUMBER_WORDS`). It works on bytes
in numpy and creates no Python object a token; only texts with characters outside ASCII are
spelled anew one by one.

Two different tokens share a hash with a chance of about 2^-60 a pair. Whoever must be
sure compares normal forms (`dedup.exact`), which keep much more of a text than this.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.exact import CJK
from dedup.numerals import SMALL, TENS

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]

SEPARATOR = "\x00"  # before each text; a text's own become spaces
BLOCK = 1 << 20  # characters looked at together; with 2^18 a seventh slower, 2^22 is no faster
LONGEST = 32  # bytes of a token that its hash sees, besides its length
MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so that multiplying loses nothing
SEED = 20_260_101
EACH_ALONE = re.compile(rf"([{CJK}])")
NO_WORD = re.compile(r"[^\x00-\x7f\w\s]+")  # ASCII first: twice as fast as behind \w
LETTER, DIGIT = 1, 2
NUMBER_WORDS = {
    **{word: value for value, word in enumerate(SMALL)},
    **{word: 10 * value for value, word in enumerate(TENS, 2)},
}
FLAG_BITS = 12
BACKSLASH = ord("\\")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of texts, one after the other: those of text k are `starts[k]:starts[k + 1]`."""

    hash: Hashes
    starts: Rows

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Rows:
        """How many tokens each text has."""
        return np.diff(self.starts)

    def text(self) -> Rows:
        """Return the text of each token."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def of(self, texts: Rows) -> Tokens:
        """Return the tokens of some texts."""
        _, at = spread(self.starts[texts], self.lengths[texts])
        starts = np.append(0, np.cumsum(self.lengths[texts]))
        return Tokens(self.hash[at], starts)


def spread(first: Rows, count: Rows) -> tuple[Rows, Rows]:
    """Return for ranges that start at `first` each place in them, with its range's number."""
    owner = np.repeat(np.arange(len(first)), count)
    return owner, np.arange(len(owner)) + np.repeat(first - np.cumsum(count) + count, count)


def quick_tokens(texts: Sequence[str]) -> Tokens:
    """Return the tokens of texts."""
    parts = list(token_blocks(texts))
    if not parts:
        return Tokens(np.empty(0, np.uint64), np.zeros(1, np.int64))
    counts = np.concatenate([part.lengths for part in parts])
    return Tokens(
        np.concatenate([part.hash for part in parts]),
        np.append(0, np.cumsum(counts)),
    )


def token_blocks(texts: Sequence[str]) -> Iterator[Tokens]:
    """Yield the tokens of texts, some texts at a time, in order."""
    for block in _blocks(texts):
        yield _tokens(block)


def _blocks(texts: Sequence[str]) -> Iterator[bytes]:
    """Yield runs of texts as bytes, a separator before each."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    cuts = np.flatnonzero(np.diff(ends // BLOCK, prepend=-1))
    for first, last in pairwise([*cuts.tolist(), len(texts)]):
        yield _joined(texts[first:last])


def _joined(texts: Sequence[str]) -> bytes:
    """Return texts with a separator before each, and none inside."""
    if SEPARATOR.join(texts).count(SEPARATOR) >= len(texts):
        texts = [text.replace(SEPARATOR, " ") for text in texts]
    strange = [place for place, text in enumerate(texts) if not text.isascii()]
    if not strange:
        return (SEPARATOR + SEPARATOR.join(texts)).encode("ascii")
    # One joined string would take two bytes a character for all texts, and be slow to encode.
    spelled = _encoded(_spelled(SEPARATOR.join([texts[place] for place in strange])))
    parts, done = [], 0
    for place, text in zip(strange, spelled.split(_encoded(SEPARATOR)), strict=True):
        if place > done:
            parts.append(_encoded(SEPARATOR.join(texts[done:place])))
        parts.append(text)
        done = place + 1
    if done < len(texts):
        parts.append(_encoded(SEPARATOR.join(texts[done:])))
    return _encoded(SEPARATOR) + _encoded(SEPARATOR).join(parts)


def _encoded(text: str) -> bytes:
    """Return a text as bytes, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def _spelled(text: str) -> str:
    """Return texts in compatibility form, without symbols outside ASCII."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return NO_WORD.sub(" ", " ".join(EACH_ALONE.split(text)))


def _class_of(byte: int) -> int:
    """Return whether a byte is of a letter, of a digit or of neither (0)."""
    if byte >= 0x80 or chr(byte).isalpha():
        return LETTER
    return DIGIT if chr(byte).isdigit() else 0


KIND = bytes(map(_class_of, range(256)))
LOWER = bytes(range(256)).lower()
MASK = np.array([(1 << 8 * length) - 1 for length in range(9)], np.uint64)
FACTORS = np.random.default_rng(SEED).integers(0, 1 << 63, LONGEST // 8, np.uint64) * 2 + 1


def _tokens(block: bytes) -> Tokens:
    """Return the tokens of one block."""
    block = _without_thousands(block.translate(LOWER))
    data = np.frombuffer(block, np.uint8)
    kind = np.frombuffer(block.translate(KIND), np.uint8)
    begin = np.flatnonzero(kind[1:] != kind[:-1]) + 1  # a block starts with a separator
    end = np.append(begin[1:], len(data))
    # A digit (2) always, a letter (1) where no backslash makes it a command.
    keep = np.flatnonzero(kind[begin] > (data[begin - 1] == BACKSLASH))
    begin, end = begin[keep], end[keep]
    starts = np.searchsorted(begin, np.append(np.flatnonzero(data == 0), len(data)))
    return Tokens(_digits(_hashes(block, begin, end - begin)), starts)


def _hashes(block: bytes, begin: Rows, length: Rows) -> Hashes:
    """Return a hash of the bytes at each place, of `LONGEST` at most."""
    words = np.ndarray((len(block) + 1,), np.uint64, block + bytes(8), strides=(1,))
    hashes = length.astype(np.uint64)
    some: Any = slice(None)
    for part, factor in enumerate(FACTORS.tolist()):
        bits = words[begin[some] + 8 * part] & MASK.take(length[some] - 8 * part, mode="clip")
        bits ^= bits >> np.uint64(29)
        hashes[some] += bits * np.uint64(factor)
        longer = np.flatnonzero(length > 8 * (part + 1))
        if not len(longer):
            break
        some = longer
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(MULTIPLIER)
    return hashes ^ (hashes >> np.uint64(29))


def _digits(hashes: Hashes) -> Hashes:
    """Return the hashes of tokens, those of number words as those of their digits."""
    words, digits, flags = _number_words()
    some = np.flatnonzero(flags[hashes >> np.uint64(64 - FLAG_BITS)])
    at = np.minimum(np.searchsorted(words, hashes[some]), len(words) - 1)
    same = words[at] == hashes[some]
    hashes[some[same]] = digits[at[same]]
    return hashes


@lru_cache(maxsize=1)
def _number_words() -> tuple[Hashes, Hashes, NDArray[np.bool_]]:
    """Return the hashes of number words, sorted, of their digits, and flags of leading bits."""
    words, digits = (_hashes_of(some) for some in (NUMBER_WORDS, map(str, NUMBER_WORDS.values())))
    order = np.argsort(words)
    flags = np.zeros(1 << FLAG_BITS, np.bool_)
    flags[words >> np.uint64(64 - FLAG_BITS)] = True
    return words[order], digits[order], flags


def _hashes_of(tokens: Iterable[str]) -> Hashes:
    """Return the hashes of tokens in ASCII."""
    every = list(tokens)
    length = np.fromiter(map(len, every), np.int64, len(every))
    return _hashes("".join(every).encode("ascii"), np.cumsum(length) - length, length)


def _without_thousands(block: bytes) -> bytes:
    r"""Return bytes without the comma (or `{,}`, `\,`) between thousands of a numeral."""
    data = np.frombuffer(block + bytes(5), np.uint8)
    at = np.flatnonzero(data == ord(","))
    left = at - 1 - ((data[at - 1] == BACKSLASH) | (data[at - 1] == ord("{")))
    right = at + 1 + (data[at + 1] == ord("}"))
    inside = _is_digit(data[left]) & ~_is_digit(data[right + 3])
    for ahead in range(3):
        inside &= _is_digit(data[right + ahead])
    left, right = left[inside] + 1, right[inside]
    if not len(left):
        return block
    widest = left[:, None] + np.arange(3)
    return np.delete(data[: len(block)], widest[widest < right[:, None]]).tobytes()


def _is_digit(data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which bytes are digits."""
    return (data - ord("0")) < 10


def grams(hashes: Hashes, size: int) -> Hashes:
    """Return a hash of every run of `size` tokens, also of those that two texts share."""
    count = max(len(hashes) - size + 1, 0)
    found = np.full(count, size, np.uint64)
    for offset in range(size):
        found *= np.uint64(MULTIPLIER)
        found += hashes[offset : offset + count]
    found ^= found >> np.uint64(32)
    found *= np.uint64(MULTIPLIER)
    return found


def whole(tokens: Tokens) -> Hashes:
    """Return a hash of all tokens of each text in their order; 0 for a text without any."""
    lengths = tokens.lengths
    place = np.arange(len(tokens.hash)) - np.repeat(tokens.starts[:-1], lengths)
    steps = np.full(max(int(lengths.max(initial=0)), 1), MULTIPLIER, np.uint64)
    weighted = tokens.hash * np.multiply.accumulate(steps)[place]
    sums = np.append(np.uint64(0), np.cumsum(weighted))
    return sums[tokens.starts[1:]] - sums[tokens.starts[:-1]]
