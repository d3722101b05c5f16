"""LeetCode's usual helpers: there on both sides without being imported.

A solution may say ``def f(root: Optional[TreeNode]) -> List[int]: return deque(...)``,
and a test ``assert is_same_tree(f(tree_node([1, None, 2])), tree_node([2, 1]))``.

Names are looked up one by one, so that a program pays only for the modules it uses.
Builtins are never replaced (`pow` stays Python's, not `math.pow`).
"""

from __future__ import annotations

import builtins
import importlib
import types
from collections import deque
from collections.abc import Iterator
from typing import Any


class ListNode:
    """A node of a singly linked list."""

    def __init__(self, val: Any = 0, next: ListNode | None = None) -> None:
        self.val = val
        self.next = next


class TreeNode:
    """A node of a binary tree."""

    def __init__(
        self, val: Any = 0, left: TreeNode | None = None, right: TreeNode | None = None
    ) -> None:
        self.val = val
        self.left = left
        self.right = right


def list_node(values: list[Any]) -> ListNode | None:
    """Make a linked list of values."""
    head: ListNode | None = None
    for value in reversed(values or []):
        head = ListNode(value, head)
    return head


def is_same_list(one: Any, other: Any) -> bool:
    """Say whether two linked lists hold equal values; a cycle that goes on equal ends it."""
    seen = set()
    while one is not None and other is not None and (id(one), id(other)) not in seen:
        seen.add((id(one), id(other)))
        if one.val != other.val:
            return False
        one, other = one.next, other.next
    return (one is None) is (other is None)


def tree_node(values: list[Any]) -> TreeNode | None:
    """Make a binary tree of values level by level, None where a child is missing."""
    if not values:
        return None
    rest = iter(values)
    root = TreeNode(next(rest))
    parents = deque([root])
    while parents:
        parent = parents.popleft()
        for side in ("left", "right"):
            value = next(rest, None)
            if value is not None:
                child = TreeNode(value)
                setattr(parent, side, child)
                parents.append(child)
    return root


def is_same_tree(one: Any, other: Any) -> bool:
    """Say whether two binary trees have one shape and equal values."""
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        if left is None or right is None:
            if left is not right:
                return False
        elif left.val != right.val:
            return False
        else:
            pairs += [(left.left, right.left), (left.right, right.right)]
    return True


OWN: dict[str, Any] = {
    "ListNode": ListNode,
    "TreeNode": TreeNode,
    "list_node": list_node,
    "is_same_list": is_same_list,
    "tree_node": tree_node,
    "is_same_tree": is_same_tree,
    "inf": float("inf"),
}
NODES: dict[str, type] = {"ListNode": ListNode, "TreeNode": TreeNode}
MODULES = frozenset(
    {"math", "collections", "heapq", "bisect", "itertools", "functools", "operator", "string"}
    | {"random", "re", "sys", "copy", "datetime", "typing", "json", "time"}
)
STARS = {
    "typing": "Any Callable Counter DefaultDict Deque Dict FrozenSet Generator Generic Iterable "
    "Iterator List Literal Mapping NamedTuple Optional Sequence Set Tuple Type TypeVar Union",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "itertools": "accumulate chain combinations combinations_with_replacement compress count cycle "
    "dropwhile filterfalse groupby islice pairwise permutations product repeat starmap takewhile "
    "tee zip_longest",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce total_ordering wraps",
    "math": "acos asin atan atan2 ceil comb copysign cos degrees dist e exp fabs factorial floor "
    "fmod fsum gcd hypot isclose isfinite isinf isnan isqrt lcm log log10 log2 nan perm pi prod "
    "radians sin sqrt tan tau trunc",
    "operator": "add and_ attrgetter itemgetter mul neg not_ or_ sub truediv xor",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits",
    "dataclasses": "dataclass field",
    "random": "choice randint randrange shuffle",
}
# typing's Counter is an annotation, collections' is that and the class: later wins.
FROM = {name: module for module, names in STARS.items() for name in names.split()}
# What tests judge by: a solution that defines one of these does not change what a test means.
# The rest (`merge`, `gcd`, …) may be the very function under test, so there the solution
# comes first.
FOR_TESTS = (
    frozenset(OWN)
    | frozenset(MODULES - {"copy", "json", "string", "time"})
    | frozenset(STARS["typing"].split() + STARS["collections"].split())
)
NAMES = (frozenset(OWN) | MODULES | frozenset(FROM)) - frozenset(vars(builtins))


def find(name: str) -> Any:
    """Return what a helper's name stands for; raises KeyError for other names."""
    if name not in NAMES:
        raise KeyError(name)
    if name in OWN:
        return OWN[name]
    if name in FROM:
        return getattr(importlib.import_module(FROM[name]), name)
    return importlib.import_module(name)


def names_of(code: types.CodeType) -> Iterator[str]:
    """Yield every name that compiled code mentions, inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_of(constant)
