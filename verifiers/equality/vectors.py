"""Reads ``2i+3j-k`` as the vector (2, 3, −1) where the other side is written as one."""

from __future__ import annotations

from verifiers.equality.nodes import Node, negated, number, substituted, symbols
from verifiers.equality.shapes import Matrix, Sequence, Shape, Value

AXES = ("i", "j", "k")
HATS = {f"{accent}{{{axis}}}": axis for accent in ("hat", "vec") for axis in AXES}


def aligned(reference: Shape, answer: Shape) -> tuple[Shape, Shape]:
    """Return two shapes, a sum of unit vectors as components where the other has them."""
    hatted = any(
        isinstance(one, Value) and symbols(one.node) & set(HATS) for one in (reference, answer)
    )
    plain = (
        len(AXES) if hatted and isinstance(reference, Value) and isinstance(answer, Value) else 0
    )
    first = as_vector(reference, plain or _components(answer))
    second = as_vector(answer, plain or _components(reference))
    if plain and not (first and second):
        return reference, answer
    return first or reference, second or answer


def _components(shape: Shape) -> int:
    if isinstance(shape, Sequence) and shape.opener in {"(", "\\langle", "["}:
        return len(shape.items)
    if isinstance(shape, Matrix) and 1 in (len(shape.rows), len(shape.rows[0])):
        return len(shape.rows) * len(shape.rows[0])
    return 0


def as_vector(shape: Shape, length: int) -> Sequence | None:
    """Return a sum of unit vectors as a sequence of two or three components, or None."""
    if not isinstance(shape, Value) or shape.unit or length not in (2, 3):
        return None
    names = {name: Node("sym", name=HATS[name]) for name in symbols(shape.node) & set(HATS)}
    node = _named_i(substituted(shape.node, names))
    used = symbols(node) & set(AXES)
    if len(used) < 2 or not used <= set(AXES[:length]):
        return None
    nothing = dict.fromkeys(AXES, number(0))
    constant = substituted(node, nothing)
    parts = (
        Node("add", (substituted(node, {**nothing, axis: number(1)}), negated(constant)))
        for axis in AXES[:length]
    )
    return Sequence("(", tuple(Value(part) for part in parts))


def _named_i(node: Node) -> Node:
    """Read i as a name, not as the imaginary unit."""
    if node.op == "i":
        return Node("sym", name="i")
    return Node(node.op, tuple(map(_named_i, node.args)), node.value, node.name)
