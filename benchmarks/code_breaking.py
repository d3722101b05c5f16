"""Breaks programs on purpose, one small change each, for `code_broken.py`.

``break_one("def f(x):\\n    return x < 2", random.Random(0))`` gives the kind of change and the
program with it, for example ``("comparison", "def f(x):\\n    return x >= 2")``; or None where
there is nothing to break. Docstrings and defaults stay as they are; comments go.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator

FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
NEXT_DOOR: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
# A truth value negated, a number shifted by one, text and lists turned around.
SHIFTED = (
    "(lambda v: not v if isinstance(v, bool) else v + 1 if isinstance(v, (int, float))"
    " else v[::-1] if isinstance(v, (str, list, tuple)) else v)"
)
Change = Callable[[], None]


def changes(tree: ast.Module) -> Iterator[tuple[str, Change]]:
    """Yield every change that can be made to a program, by its kind."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            yield "return", lambda node=node: _shift(node)  # type: ignore[misc]
        elif isinstance(node, ast.If):
            yield "branch", lambda node=node: _remove_branch(node)  # type: ignore[misc]
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            for kind, other in (("comparison", FLIPPED), ("off by one", NEXT_DOOR)):
                if type(node.ops[0]) in other:
                    yield kind, lambda node=node, other=other: _compare(node, other)  # type: ignore[misc]
        elif isinstance(node, ast.BinOp) and _is_one(node.right):
            yield "off by one", lambda node=node: _shift_constant(node.right)  # type: ignore[misc]
        elif isinstance(node, ast.Call) and _is_range(node):
            yield "off by one", lambda node=node: _shorten(node)  # type: ignore[misc]


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_range(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id == "range" and bool(node.args)


def _shift(node: ast.Return) -> None:
    function = ast.parse(SHIFTED, mode="eval").body
    assert node.value is not None
    node.value = ast.Call(function, [node.value], [])


def _remove_branch(node: ast.If) -> None:
    """Leave the other branch alone, or nothing where there is none."""
    node.test = ast.Constant(False)


def _compare(node: ast.Compare, other: dict[type[ast.cmpop], type[ast.cmpop]]) -> None:
    node.ops = [other[type(node.ops[0])]()]


def _shift_constant(node: ast.expr) -> None:
    assert isinstance(node, ast.Constant) and isinstance(node.value, int)
    node.value += 1


def _shorten(node: ast.Call) -> None:
    last = 0 if len(node.args) == 1 else 1
    node.args[last] = ast.BinOp(node.args[last], ast.Sub(), ast.Constant(1))


def break_one(code: str, dice: random.Random) -> tuple[str, str] | None:
    """Make one change, each kind that is possible as likely as the others."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # two of MBPP's own solutions
        return None
    found: dict[str, list[Change]] = {}
    for kind, change in changes(tree):
        found.setdefault(kind, []).append(change)
    if not found:
        return None
    kind = dice.choice(sorted(found))
    dice.choice(found[kind])()
    return kind, ast.unparse(ast.fix_missing_locations(tree))
