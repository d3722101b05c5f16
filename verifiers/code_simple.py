"""Tells which tests only call and compare, so that nothing of them stays in their process.

::

    def check(candidate):
        assert candidate([1, 2]) == 3            # simple: a call of the solution, a comparison
        assert math.isclose(candidate(x=4), 2.0)

Such tests may share a process with those of other programs (`code_checker.py`). Tests that
import modules with state worth changing, change attributes of a module, or call what reaches
further are not simple, and get a process of their own; so are all test modules.

This keeps honest tests out of each other's way. It is no wall against hostile ones, which
questions are trusted not to have.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from verifiers.code_asserts import parse
from verifiers.code_cases import Case
from verifiers.inside import helpers

# Modules of functions and types; of `random` a test could only change the dice. Not `decimal`,
# whose context can be changed.
PURE = frozenset(
    {"math", "cmath", "collections", "typing", "itertools", "functools", "operator", "heapq"}
    | {"bisect", "string", "re", "copy", "datetime", "fractions", "statistics", "json"}
    | {"random", "dataclasses", "enum", "numbers", "array"}
)
FAR_REACHING = frozenset(
    {"breakpoint", "builtins", "compile", "delattr", "eval", "exec", "exit", "globals", "help"}
    | {"input", "locals", "memoryview", "open", "quit", "setattr", "sys", "vars"}
)
# Every rule below takes one of these words, in code or only in a text or comment, or a change of
# an attribute.
WORDS = "|".join(sorted(FAR_REACHING | {"import", "global", "nonlocal", "async", "del"}))
SUSPICIOUS = re.compile(rf"\b(?:{WORDS})\b|__|\.\s*\w+\s*(?:,|[-+*/%&|^@<>]{{0,3}}=(?!=))")


def are_simple(setup: str, cases: list[Case]) -> bool:
    """Say whether all test cases, and their setup, only call and compare."""
    if any(case.kind == "module" for case in cases):
        return False
    tests = (case.code for case in cases if case.kind != "call")  # a call is data
    return _is_simple(setup) and all(map(_is_simple, tests))


def _is_simple(text: str) -> bool:
    if SUSPICIOUS.search(text) is None:
        return True  # most tests; looking at their syntax would take 0.3 ms
    tree = parse(text)
    if tree is None:
        return False
    foreign = helpers.MODULES.union(_imported(tree))
    return all(_may(node, foreign) for node in ast.walk(tree))


def _imported(tree: ast.AST) -> list[str]:
    """Return the names that a text imports, which are not its own to change."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [(a.asname or a.name).partition(".")[0] for node in found for a in node.names]


def _may(node: ast.AST, foreign: frozenset[str]) -> bool:
    rule = RULES.get(type(node))
    return rule is None or rule(node, foreign)


def _may_change(node: ast.Attribute, foreign: frozenset[str]) -> bool:
    changes = not isinstance(node.ctx, ast.Load) and _root(node) in foreign
    return not changes and not node.attr.startswith("__")


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of `a.b.c`, empty where there is none."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


RULES: dict[type, Callable[[Any, frozenset[str]], bool]] = {
    ast.Import: lambda node, _: all(alias.name in PURE for alias in node.names),
    ast.ImportFrom: lambda node, _: node.module in PURE,
    ast.Name: lambda node, _: node.id not in FAR_REACHING and not node.id.startswith("__"),
    ast.Attribute: _may_change,
    **dict.fromkeys((ast.Global, ast.Nonlocal, ast.AsyncFunctionDef), lambda *_: False),
}
