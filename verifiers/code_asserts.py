"""Makes sure that a test can fail, since one that can't would pass every program.

``median([3, 1, 2]) == 2`` is a value that nobody looks at; it becomes the assertion
``assert (median([3, 1, 2]) == 2)``. Text that neither asserts nor can be made to is no test.

Sees whether something could fail, not whether it fails when it should.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from verifiers.base import BadInput

# A statement at the beginning of a line, where no string goes over several.
ASSERTION = re.compile(r"^[ \t]*assert\b", re.MULTILINE)
MAY_BE_TEXT = re.compile(r"\"\"\"|'''|\\\r?\n")
MAY_FAIL = (ast.Assert, ast.Raise, ast.With, ast.AsyncWith)  # with: pytest.raises and its like


def as_assertion(text: str, setup: str, where: str) -> str:
    """Return a test of an `assert` case that can fail; raises BadInput where it can't.

    The last expression is asserted, unless it calls something of the tests' own that may
    fail by itself: defined in the text or in `setup`, imported, or named after a check.
    """
    tree = parse(text)
    if tree is None or not tree.body or can_fail(text, setup):
        return text
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        raise BadInput(f"{where}: asserts nothing, so that every program would pass")
    asserted = ast.copy_location(ast.Assert(test=last.value), last)
    made = ast.Module([*tree.body[:-1], asserted], tree.type_ignores)
    return ast.unparse(ast.fix_missing_locations(made))


def can_fail(text: str, setup: str) -> bool:
    """Tell whether a test asserts, raises, or calls something of its own that may do so."""
    if ASSERTION.search(text) is not None and not MAY_BE_TEXT.search(text):
        return True  # most tests; looking at their syntax would take 0.2 ms
    tree = parse(text)
    if tree is None:
        return True  # a syntax error is found, and reported, when it runs
    if any(isinstance(node, MAY_FAIL) for node in ast.walk(tree)):
        return True
    own = _own_names(tree) | _own_names(parse(setup) or ast.Module([], []))
    return any(_own_check(node, own) for node in ast.walk(tree))


@lru_cache(maxsize=16)  # the tests of one row are looked at several times
def parse(text: str) -> ast.Module | None:
    """Return a text's syntax tree, not to be changed; None where it has none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _own_names(tree: ast.Module) -> set[str]:
    """Return the names that a text defines or imports, but for those of the solution."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module != "solution":
            names |= {alias.asname or alias.name for alias in node.names}
    return names - {"solution"}


def _own_check(node: ast.AST, own: set[str]) -> bool:
    """Tell whether a node calls a function of the tests' own, or one named after a check."""
    if not isinstance(node, ast.Call):
        return False
    function: ast.expr = node.func
    name = function.attr if isinstance(function, ast.Attribute) else ""
    while isinstance(function, ast.Attribute):
        function = function.value
    root = function.id if isinstance(function, ast.Name) else ""
    return root in own or (name or root).lower().startswith(("assert", "check", "fail"))
