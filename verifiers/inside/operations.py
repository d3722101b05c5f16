"""What an expression may do to an object in the other process, by name.

``proxy + 1`` in a test becomes the request ``["operation", table, node of ("add", (proxy, 1))]``.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "divmod"),
    *("and", "or", "xor", "lshift", "rshift"),
)
UNARY = ("neg", "pos", "abs", "invert")


def _set_item(target: Any, key: Any, value: Any) -> None:
    target[key] = value


def _binary(name: str) -> Callable[..., Any]:
    return divmod if name == "divmod" else getattr(operator, f"__{name}__")


OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: _binary(name) for name in (*COMPARISONS, *ARITHMETIC, *UNARY)},
    **{kind.__name__: kind for kind in (bool, int, float, complex, str, bytes)},
    **{function.__name__: function for function in (len, iter, next, repr, hash, dir, round)},
    **{function.__name__: function for function in (isinstance, issubclass, reversed, format)},
    "getitem": operator.getitem,
    "setitem": _set_item,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "index": operator.index,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "enter": lambda manager: type(manager).__enter__(manager),
    "exit": lambda manager, *args: type(manager).__exit__(manager, *args),
}
