r"""A key that texts of one normal form share, ten times as fast to make as the form itself.

    keys = coarse_keys(["Find $\frac12$ of X.", "find \(\dfrac{1}{2}\)  of x", "find y"])
    keys[0] == keys[1]        # texts with other keys have other normal forms (`dedup.exact`)

A key counts the letters and digits of a text without LaTeX commands, whatever their
order; so texts that say other things can share one, and whoever finds two equal keys
compares normal forms. Texts outside ASCII and those that may have boilerplate around them
are brought to normal form first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.exact import BOILERPLATE, normalise, text_hash
from dedup.quick import BACKSLASH, KIND, LETTER, LOWER, SEED, SEPARATOR

Keys = NDArray[np.uint64]

BLOCK = 1 << 19  # characters looked at together
TAIL = 48  # characters at the end of a text in which boilerplate may begin its last word
MARKS = ".,:;!?*\\$(){}[]'\"`-_#"
SKIPPED = MARKS + " \t\n\r\f\v"
# Outside ASCII, all but Latin with accents, Greek, Cyrillic, Chinese, and symbols of which
# normal forms make no letters or digits; "√" becomes a command, which takes letters along.
STRANGE = re.compile(
    "[^\x00-\x7f\xc0-\xde\xe0-\xff\u0391-\u03a9\u03b1-\u03c9\u0410-\u044f\u2010-\u2027\u3001-\u3003"
    "\u4e00-\u9fff\uff01-\uff0f\uff1a-\uff20\xb0\xb1\xd7\xb7\u2190-\u21ff\u2260-\u2265]"
)
CLASS = np.frombuffer(KIND, np.uint8)
IN_COMMAND = bytes(byte < 0x80 and kind == LETTER for byte, kind in enumerate(KIND))
COUNTED = (CLASS > 0) & (np.arange(256) < 0x80)
VALUE = np.where(
    COUNTED, np.random.default_rng(SEED).integers(1, 1 << 63, 256, np.uint64), np.uint64(0)
)


def repeats(
    texts: Sequence[str], keys: Keys | None = None
) -> tuple[NDArray[np.int64], list[bytes]]:
    """Return the places of texts whose coarse key another one has, and their `text_hash`.

    Texts at other places have hashes of their own: a key doesn't see the order of options.
    `keys` are the texts' keys where they are known.
    """
    keys = coarse_keys(texts) if keys is None else keys
    _, number, often = np.unique(keys, return_inverse=True, return_counts=True)
    some = np.flatnonzero(often[number] > 1)
    return some, [text_hash(texts[place]) for place in some.tolist()]


def coarse_keys(texts: Sequence[str]) -> Keys:
    """Return the key of each text."""
    parts = [_keys(block) for block in _blocks(texts)]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _blocks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield runs of texts, those that need it in normal form."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    cuts = np.flatnonzero(np.diff(ends // BLOCK, prepend=-1))
    for first, last in pairwise([*cuts.tolist(), len(texts)]):
        yield [_normal(text) if _is_odd(text) else text for text in texts[first:last]]


def _normal(text: str) -> str:
    """Return a text's normal form without separators."""
    return normalise(text).replace(SEPARATOR, " ")


def _is_odd(text: str) -> bool:
    """Return whether a text's key must be that of its normal form."""
    if not text.isascii() and STRANGE.search(text) is not None:
        return True
    last = text[-TAIL:].rstrip(SKIPPED).rsplit(None, 1)
    word = last[-1].strip(MARKS).lower() if last else ""
    ends = word.endswith(SENTENCE_ENDS) or (word.endswith(HEADINGS) and _has_colon(text))
    return ends or HEADS.match(text) is not None or SEPARATOR in text


def _has_colon(text: str) -> bool:
    """Return whether there is a colon behind the last word of a text."""
    return not COLONS.isdisjoint(text[-TAIL:].rstrip(SKIPPED.replace(":", ""))[-1:])


def _heads() -> re.Pattern[str]:
    """Return a pattern for texts that may begin with boilerplate: its first two words."""
    starts = {tuple(re.findall(r"\w+", phrase)[:2]) for phrase in BOILERPLATE.prefixes}
    words = sorted((r"\W+".join(start) for start in starts if start), key=len, reverse=True)
    return re.compile(rf"\W*(?:{'|'.join(words)})", re.IGNORECASE)


HEADS = _heads()
COLONS = frozenset(":：")
LAST_WORDS = {phrase: re.findall(r"\w+", phrase)[-1].lower() for phrase in BOILERPLATE.suffixes}
HEADINGS = tuple({word for phrase, word in LAST_WORDS.items() if phrase.endswith(":")})
SENTENCE_ENDS = tuple({word for phrase, word in LAST_WORDS.items() if not phrase.endswith(":")})


def _keys(texts: list[str]) -> Keys:
    """Return the keys of texts that are as they must be."""
    block = (SEPARATOR + SEPARATOR.join(texts)).encode("utf-8", "surrogatepass").translate(LOWER)
    data = np.frombuffer(block, np.uint8)
    sums = np.empty(len(data) + 1, np.uint64)
    sums[0] = 0
    np.cumsum(VALUE[data], out=sums[1:])
    starts = np.append(np.flatnonzero(data == 0), len(data))
    keys = np.diff(sums[starts])
    begin, end = _commands(block, data)
    text = np.searchsorted(starts, begin, side="right") - 1
    np.subtract.at(keys, text, sums[end] - sums[begin])
    return np.asarray(keys)


def _commands(block: bytes, data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], ...]:
    """Return where the letters of LaTeX commands begin and end."""
    letter = np.frombuffer(block.translate(IN_COMMAND), np.uint8)
    at = np.flatnonzero(data == BACKSLASH)
    run = np.maximum.accumulate(np.where(np.diff(at, prepend=-2) > 1, at, 0))
    at = at[(at - run) % 2 == 0] + 1  # every second of a row of them is a line break's
    at = at[at < len(data)]
    begin = at[letter[at] == 1]
    change = np.append(np.flatnonzero(letter[1:] != letter[:-1]) + 1, len(data))
    return begin, change[np.searchsorted(change, begin, side="right")]
