"""Short texts for a person who reads a verdict: what was called, what came back.

Values of the solution are shown without asking the solution; everything is cut.
"""

from __future__ import annotations

from typing import Any

from verifiers.inside.remote import Remote

MAX_EXCERPT = 200


def shorten(text: str, limit: int = MAX_EXCERPT) -> str:
    """Return a text of at most `limit` characters, cut in the middle."""
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


def show(value: Any, depth: int = 3) -> str:
    """Return a value's text, a few items of each container and never a call of the solution."""
    kind = type(value)
    if isinstance(value, Remote):
        return f"<{value.remote_name} of the solution>"
    if kind in BRACKETS:
        return BRACKETS[kind][0] + _items(value, depth) + BRACKETS[kind][1]
    if kind is dict:
        return "{" + _pairs(value, depth) + "}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    kind = type(value)
    if kind in (str, bytes):
        return repr(value[:MAX_EXCERPT])
    if kind is int and value.bit_length() > 256:
        return f"<an integer of {value.bit_length()} bits>"
    return repr(value) if kind in PLAIN else f"<{kind.__name__}>"


PLAIN = (bool, int, float, complex, type(None))
BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}


def _items(values: Any, depth: int) -> str:
    if depth == 0:
        return "…"
    shown = [show(value, depth - 1) for _, value in zip(range(8), values, strict=False)]
    return ", ".join(shown) + (", …" if len(values) > 8 else "")


def _pairs(value: dict[Any, Any], depth: int) -> str:
    if depth == 0:
        return "…"
    pairs = list(zip(range(8), value.items(), strict=False))
    shown = [f"{show(k, depth - 1)}: {show(v, depth - 1)}" for _, (k, v) in pairs]
    return ", ".join(shown) + (", …" if len(value) > 8 else "")


def call_text(call: tuple[str, Any, Any] | None) -> str:
    """Return a call of the solution as text, `f(1) gave 0`; empty where there was none."""
    if call is None:
        return ""
    name, (args, keywords), result = call
    shown = [show(arg) for arg in args] + [f"{k}={show(v)}" for k, v in keywords.items()]
    end = "" if result is ... else f" gave {shorten(show(result), 80)}"
    return shorten(f"{name}({', '.join(shown)})", MAX_EXCERPT) + end
