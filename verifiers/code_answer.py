"""Takes the program out of an answer.

An answer such as::

    Here is the function:
    ```python
    def f(x): return x + 1
    ```
    Usage:
    ```python
    print(f(1))
    ```

gives ``def f(x): return x + 1`` when the tests mention `f`. The rules, in order:

1. Only fenced blocks count where there are any (``` or ~~~, indented or not; an unclosed
   last one runs to the end). Blocks tagged with a language that the row allows (`TAGS`)
   come before all others, untagged ones before those in another language.
2. Where the row allows several languages, the last of those blocks decides: its tag, or
   C++ for an untagged one with an `#include` in it, else Python. Only blocks in that
   language count from here on.
3. Of those, the last one that defines a name that the tests mention: `def` or `class` in
   Python; in C++ always `main`.
4. Where none does, the last one that defines anything, if the tests mention names at all
   (inputs and outputs do not); else the last one.
5. A block that does not compile gives way to the one before it, by the same rules
   (explanations quote single lines of a program); if none compiles, the last one counts.
6. Without any fence the whole text, if it is a program; whether it is, is found out in
   the sandbox, where compiling is safe, and so is rule 5. Nothing here compiles anything.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Possessive throughout: a line of a million tildes costs its length once.
FENCE = re.compile(r"^(?P<indent>[ \t]*+)(?P<mark>`{3,}+|~{3,}+)[ \t]*+(?P<tag>[^\s`{]*+)[^`\n]*+$")
PYTHON, CPP = "python", "cpp"
TAGS = {
    PYTHON: frozenset({"python", "py", "python3", "py3"}),
    CPP: frozenset(
        {"cpp", "c++", "cc", "cxx", "cpp17", "c++17", "cpp14", "c++14", "cpp11", "c++11"}
    ),
}
LANGUAGES = {tag: language for language, tags in TAGS.items() for tag in tags}
DEFINITIONS = {
    PYTHON: re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+([A-Za-z_]\w*)", re.MULTILINE),
    CPP: re.compile(r"\b(main)[ \t]*\("),
}
INCLUDES = re.compile(r"^[ \t]*#[ \t]*include\b", re.MULTILINE)
# Answers that explain a program line by line have a dozen blocks; a guess.
MAX_CANDIDATES = 16
NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Program:
    """A program and where it was: block `index` of `blocks`, None where nothing was fenced."""

    source: str
    index: int | None
    blocks: int
    tag: str
    language: str = PYTHON

    def evidence(self) -> dict[str, int | str | None]:
        """Return what a verdict says of where its program came from."""
        return {"block": self.index, "blocks": self.blocks, "tag": self.tag}


def names_in(texts: Iterator[str] | list[str]) -> set[str]:
    """Return every name that appears in some texts."""
    return {name for text in texts for name in NAME.findall(text)}


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the tag and the content of every fenced block, in order."""
    found: list[tuple[str, str]] = []
    opened: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = FENCE.match(line.rstrip("\r"))
        if opened is None:
            opened, lines = fence, []
        elif fence is not None and _closes(fence, opened):
            found.append(_block(opened, lines))
            opened = None
        else:
            lines.append(line)
    if opened is not None:
        found.append(_block(opened, lines))
    return found


def _closes(fence: re.Match[str], opened: re.Match[str]) -> bool:
    return not fence["tag"] and fence["mark"].startswith(opened["mark"])


def _block(opened: re.Match[str], lines: list[str]) -> tuple[str, str]:
    body = "\n".join(lines) + "\n"
    return opened["tag"].lower(), textwrap.dedent(body) if opened["indent"] else body


def programs(answer: str, wanted: set[str], languages: Sequence[str] = (PYTHON,)) -> list[Program]:
    """Return the programs that an answer may mean, best first, all in one language.

    `wanted` names help to choose; `languages` are those that the row allows, by the names of
    `TAGS` or any other.
    """
    found = blocks(answer)
    if not found:
        whole = answer.strip() + "\n"
        return [Program(whole, None, 0, "", _guess(whole, languages))] if answer.strip() else []
    best = min(_rank(tag, languages) for tag, _ in found)
    places = [
        k for k, (tag, body) in enumerate(found) if _rank(tag, languages) == best and body.strip()
    ]
    spoken = [_language(*found[k], languages) for k in places]
    places = [k for k, one in zip(places, spoken, strict=True) if one == spoken[-1]]
    ordered = _by_definitions(places, [body for _, body in found], wanted, (spoken or [""])[-1])
    return [Program(found[k][1], k, len(found), found[k][0], spoken[-1]) for k in ordered]


def _by_definitions(
    places: list[int], bodies: list[str], wanted: set[str], language: str
) -> list[int]:
    """Return the places of the blocks that count, the last one first."""
    if language == CPP:
        wanted = {"main"}
    pattern = DEFINITIONS.get(language)
    defined = {k: set(pattern.findall(bodies[k])) if pattern else set() for k in places}
    meant = [k for k in places if wanted & defined[k]]
    useful = [k for k in places if wanted and defined[k]]
    return list(reversed((meant or useful or places)[-MAX_CANDIDATES:]))


def _rank(tag: str, languages: Sequence[str]) -> int:
    if LANGUAGES.get(tag, tag) in languages:
        return 0 if tag else 1
    return 1 if not tag else 2


def _language(tag: str, body: str, languages: Sequence[str]) -> str:
    known = LANGUAGES.get(tag, tag)
    return known if known in languages else _guess(body, languages)


def _guess(body: str, languages: Sequence[str]) -> str:
    """Return the language of a text without a tag that is allowed."""
    if CPP in languages and len(languages) > 1 and INCLUDES.search(body) is not None:
        return CPP
    return PYTHON if PYTHON in languages else languages[0]
