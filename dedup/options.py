r"""Options of a multiple-choice question in one order, whichever order they stand in.

Two normal forms (`dedup.exact`) and what both become::

    "what is 2+2?(a)3(b)4(c)5"      "what is 2+2? a. 5 b. 3 c. 4"
    -> "what is 2+2\x1f3\x1f4\x1f5"

Options are what stands behind labels of one style, `(a)`, `a.`, `a)` or `a:`, that begin
with the first letter and go on by the alphabet without a gap, up to the end of the text.
Labels go, options are sorted. A text is left as it is where an option speaks of another one
("both a and b", "none of the above"), since then their order is part of what it says.

The parts of an exercise, "(a) … (b) …", are sorted like options. Options without labels,
and those labelled by numbers (which a list of steps has too), are not seen.
"""

from __future__ import annotations

import re

LEAST = 2  # labels
LABELS = "abcdefghij"
STYLES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\(([a-j])\)",
        r"(?:(?<=\A)|(?<=[^\w'$\\^_{]))([a-j])\.(?!\w\.)",
        r"(?:(?<=\A)|(?<=[^\w'$\\^_{(]))([a-j])\)",
        r"(?:(?<=\A)|(?<=[^\w'$\\^_{]))([a-j]):",
    )
)
REFERS = re.compile(
    r"\b(?:above|below|both|neither|previous|former|latter|options?|choices?|other)\b"
    r"|(?<![\w\\])[a-j] (?:and|or) [a-j](?!\w)|\([a-j]\)"
)
BETWEEN = "\x1f"  # in no normal form
EDGES = " .,;:"


def one_order(normal: str) -> str:
    """Return a normal form with its options sorted, or as it is where it has none."""
    for style in STYLES:
        if len(found := _labels(style, normal)) >= LEAST:
            return _sorted(normal, found)
    return normal


def _labels(style: re.Pattern[str], normal: str) -> list[tuple[int, int]]:
    """Return where the labels of a style begin and end, the last run from the first letter on.

    None where a letter is missing or comes again: then they are no labels of options.
    """
    run: list[tuple[int, int]] = []
    for match in style.finditer(normal):
        if match[1] == LABELS[0]:
            run = []
        if len(run) < len(LABELS) and match[1] == LABELS[len(run)]:
            run.append(match.span())
        else:
            return []
    return run


def _sorted(normal: str, labels: list[tuple[int, int]]) -> str:
    """Return a normal form with what stands behind its labels sorted."""
    ends = [begin for begin, _ in labels[1:]] + [len(normal)]
    options = [normal[begin:end].strip(EDGES) for (_, begin), end in zip(labels, ends, strict=True)]
    if not all(options) or any(REFERS.search(option) for option in options):
        return normal
    return BETWEEN.join([normal[: labels[0][0]].rstrip(EDGES + "?"), *sorted(options)])
