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
   last one runs to the end). Blocks tagged python, py or python3 come before all others,
   untagged ones before those in another language.
2. Of those, the last one that defines (`def`, `class`) a name that the tests mention.
3. Where none does, the last one that defines anything, if the tests mention names at all
   (inputs and outputs do not); else the last one.
4. A block that does not compile gives way to the one before it, by the same rules
   (explanations quote single lines of a program); if none compiles, the last one counts.
5. Without any fence the whole text, if it is a program; whether it is, is found out in
   the sandbox, where compiling is safe, and so is rule 4. Nothing here compiles anything.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

# Possessive throughout: a line of a million tildes costs its length once.
FENCE = re.compile(r"^(?P<indent>[ \t]*+)(?P<mark>`{3,}+|~{3,}+)[ \t]*+(?P<tag>[^\s`{]*+)[^`\n]*+$")
PYTHON_TAGS = frozenset({"python", "py", "python3", "py3"})
DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
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


def programs(answer: str, wanted: set[str]) -> list[Program]:
    """Return the programs that an answer may mean, best first; `wanted` names help to choose."""
    found = blocks(answer)
    if not found:
        return [Program(answer.strip() + "\n", None, 0, "")] if answer.strip() else []
    best = min(_rank(tag) for tag, _ in found)
    places = [k for k, (tag, body) in enumerate(found) if _rank(tag) == best and body.strip()]
    defined = {k: set(DEFINITION.findall(found[k][1])) for k in places}
    meant = [k for k in places if wanted & defined[k]]
    useful = [k for k in places if wanted and defined[k]]
    ordered = reversed((meant or useful or places)[-MAX_CANDIDATES:])
    return [Program(found[k][1], k, len(found), found[k][0]) for k in ordered]


def _rank(tag: str) -> int:
    if tag in PYTHON_TAGS:
        return 0
    return 1 if not tag else 2
