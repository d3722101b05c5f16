"""Reads and compares what stands in a `cases` environment: a function by parts, or a system.

``\\begin{cases} x & x>0 \\\\ -x & \\text{otherwise}\\end{cases}`` has two parts, each an
expression and its condition, in any order; rows without conditions are a list.
"""

from __future__ import annotations

from collections.abc import Callable

from verifiers.equality.decision import Decision
from verifiers.equality.lexer import Token
from verifiers.equality.nodes import number
from verifiers.equality.shapes import Congruence, Opaque, Piecewise, Sequence, Shape, Text

SYSTEMS = frozenset(
    {"cases", "dcases", "rcases", "aligned", "align", "align*", "gathered", "split", "array"}
)
SIGNS = frozenset(["=", "<", ">", "\\le", "\\ge", "\\ne", "\\in", "\\equiv", "\\pmod", "\\pm"])
CONDITION_WORDS = frozenset(["if", "for", "when", "where", "as", "in", "case", "on"])
OTHERWISE = Text(("otherwise",))
PARITY = {"odd": 1, "even": 0}
PARITY_FILLERS = frozenset(["is", "an", "a", "integer", "number"])
Read = Callable[[list[Token]], Shape]
Compare = Callable[[Shape, Shape], Decision]


def cases(rows: list[list[list[Token]]], read: Read) -> Shape:
    """Return the shape of rows of cells."""
    rows = [[_bare(cell) for cell in row] for row in rows]
    rows = [[cell for cell in row if cell] for row in rows if any(row)]
    if rows and all(len(row) == 2 for row in rows) and not _aligned(rows):
        return Piecewise(tuple((read(row[0]), _condition(row[1], read)) for row in rows))
    joined = _continued([[token for cell in row for token in cell] for row in rows])
    if len(joined) == 1:
        return read(joined[0])
    return Sequence("", tuple(read(row) for row in joined)) if joined else Opaque()


def _continued(rows: list[list[Token]]) -> list[list[Token]]:
    """Join a row that begins with an equals sign to the one before it."""
    joined: list[list[Token]] = []
    for row in rows:
        if joined and row[0].text in {"=", "\\approx"}:
            joined[-1] += row
        else:
            joined.append(list(row))
    return joined


def _aligned(rows: list[list[list[Token]]]) -> bool:
    """Say whether cells were cut at a sign, as an aligned system has it."""
    return any(row[1][0].text in {"=", "<", ">", "\\le", "\\ge", "+", "-"} for row in rows)


def _bare(cell: list[Token]) -> list[Token]:
    while cell and cell[-1].text in {",", ";", "."}:
        cell = cell[:-1]
    return cell


def _condition(tokens: list[Token], read: Read) -> Shape:
    while tokens and tokens[0].kind == "word" and tokens[0].text.lower() in CONDITION_WORDS:
        tokens = tokens[1:]
    shape = (_worded(tokens) or read(tokens)) if tokens else OTHERWISE
    return OTHERWISE if shape in {Text(("else",)), OTHERWISE} else shape


def _worded(tokens: list[Token]) -> Shape | None:
    """Read n odd as n ≡ 1 (mod 2), and x rational as a text; read as a value it is n, or x."""
    said = [token.text.lower() for token in tokens if token.kind == "word"]
    if not said or len(said) == len(tokens) or any(token.text in SIGNS for token in tokens):
        return None
    if (
        len(tokens) == len(said) + 1
        and (left := set(said) - PARITY_FILLERS)
        and left <= set(PARITY)
    ):
        residue = PARITY[left.pop()]
        return Congruence((number(residue),), number(2)) if not left else None
    return Text(tuple(token.text.lower() for token in tokens))


def piecewise(compare: Compare, reference: Shape, answer: Shape) -> Decision:
    """Compare functions by parts; one "otherwise" against a condition can't be decided."""
    if not (isinstance(reference, Piecewise) and isinstance(answer, Piecewise)):
        return Decision.DIFFERENT
    if len(reference.parts) != len(answer.parts):
        return Decision.UNKNOWN  # a part may have been cut in two
    left, worst = list(answer.parts), Decision.EQUAL
    for part in reference.parts:
        found = [_same_part(compare, part, other) for other in left]
        best = next((kind for kind in (Decision.EQUAL, Decision.UNKNOWN) if kind in found), None)
        if best is None:
            return Decision.DIFFERENT
        worst = best if best is Decision.UNKNOWN else worst
        del left[found.index(best)]
    return worst


def _same_part(
    compare: Compare, reference: tuple[Shape, Shape], answer: tuple[Shape, Shape]
) -> Decision:
    value = compare(reference[0], answer[0])
    if value is Decision.DIFFERENT:
        return value
    if (reference[1] == OTHERWISE) != (answer[1] == OTHERWISE):
        return Decision.UNKNOWN
    condition = compare(reference[1], answer[1])
    return condition if value is Decision.EQUAL or condition is Decision.DIFFERENT else value
