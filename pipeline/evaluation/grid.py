"""A table that can be written as Markdown and as LaTeX.

    Grid("Pass@1", ("Model", "Round"), [(Cell("QwQ-32B"), Cell("1", bold=True))]).markdown()

Text is escaped in both forms; ± and – become what LaTeX wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.render import cell

LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "→": r"$\to$",
    "–": "--",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's text, perhaps in bold."""

    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its title, the heads of its columns, its rows, and what to know of it."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""

    def markdown(self) -> str:
        """Return the table as Markdown; figures are set to the right, the first column not."""
        align = ["---", *["---:"] * (len(self.head) - 1)]
        lines = [_line(map(cell, self.head)), _line(align)]
        lines += [_line(_marked(one) for one in row) for row in self.rows]
        note = [self.note, ""] if self.note else []
        return "\n".join([f"## {self.title}", "", *note, *lines, ""])

    def latex(self) -> str:
        """Return the table as LaTeX, for the package booktabs."""
        columns = "l" + "r" * (len(self.head) - 1)
        rows = [" & ".join(_set(one) for one in row) + r" \\" for row in self.rows]
        caption = f"{escaped(self.title)}. {escaped(self.note)}".rstrip(". ")
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                " & ".join(escaped(name) for name in self.head) + r" \\",
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}",
                rf"\caption{{{caption}}}",
                r"\end{table}",
                "",
            ]
        )


def escaped(text: str) -> str:
    """Return text as LaTeX."""
    return "".join(LATEX.get(sign, sign) for sign in text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marked(one: Cell) -> str:
    return f"**{cell(one.text)}**" if one.bold else cell(one.text)


def _set(one: Cell) -> str:
    return rf"\textbf{{{escaped(one.text)}}}" if one.bold else escaped(one.text)
