"""What crosses between the tests' and the solution's process, and what forged messages do."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.inside import helpers
from verifiers.inside.frames import BrokenChannel, FrameBuffer, TooLarge, pack
from verifiers.inside.graph import CannotCross, Node, Reader, Writer
from verifiers.inside.raised import Exceptions, describe


class Side:
    """A side that knows list nodes and refers to nothing."""

    def refer(self, value: Any) -> Node | None:
        return None

    def foreign(self, value: Any) -> Node:
        raise CannotCross(type(value).__name__)

    def resolve(self, node: Node) -> Any:
        raise KeyError(node[0])

    def shared_name(self, value: Any) -> str | None:
        return "ListNode" if type(value) is helpers.ListNode else None

    def shared_class(self, name: str) -> type:
        return {"ListNode": helpers.ListNode}[name]


def send(value: Any) -> Any:
    writer = Writer(Side())
    node = writer.value(value)
    table, node = json.loads(json.dumps([writer.table(), node]))
    return Reader(Side(), table).read(node)


HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
PLAIN = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_data_arrives_equal_and_of_the_same_type(value: Any) -> None:
    arrived = send(value)
    assert arrived == value and repr(type(arrived)) == repr(type(value))


@pytest.mark.parametrize(
    "value",
    [
        defaultdict(list, {1: [2]}),
        OrderedDict([(2, 1), (1, 2)]),
        Counter("aab"),
        deque([1, 2], maxlen=3),
        bytearray(b"\x00\xff"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_containers_of_collections_keep_their_type(value: Any) -> None:
    arrived = send(value)
    assert arrived == value and type(arrived) is type(value)


def test_infinity_and_not_a_number_arrive() -> None:
    arrived = send([float("inf"), -0.0, float("nan")])
    assert arrived[0] == float("inf") and math.copysign(1, arrived[1]) == -1
    assert math.isnan(arrived[2])


def test_one_list_in_two_places_is_one_list_there() -> None:
    row = [1]
    arrived = send([row, row])
    assert arrived[0] is arrived[1]


def test_list_that_holds_itself_arrives() -> None:
    value: list[Any] = []
    value.append(value)
    arrived = send(value)
    assert arrived[0] is arrived


def test_lists_may_be_nested_deeper_than_the_stack() -> None:
    value: list[Any] = []
    for _ in range(50_000):
        value = [value]
    assert len(send(value)) == 1


def test_subclass_arrives_as_its_plain_base() -> None:
    class Sly(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert type(send(Sly(3))) is int and send(Sly(3)) == 3


def test_reply_changes_the_arguments_in_place() -> None:
    inner, changed = [2], [2, 3]
    here: list[Any] = [1, inner]
    writer = Writer(Side(), [[1, changed], changed])
    Reader(Side(), writer.table(), [here, inner])
    assert here == [1, [2, 3]] and here[1] is inner


@pytest.mark.parametrize(
    "table",
    [
        [["list"]],
        [["list", 3]],
        [["eval", "1"]],
        [["object", "Thread", [], []]],
        [["object", "ListNode", ["__init__"], [1]]],
        [["object", "ListNode", ["val", "next"], [1]]],
        [["dict", [["at", 0]], [1]]],
        [["list", [["at", 9]]]],
        [["list", [["at", -1]]]],
        [["list", [{"a": 1}]]],
        [["list", [["type", "Popen"]]]],
        [["list", [["named", "x; import os", ["a"], [1]]]]],
        [["list", [["named", "P", ["__class__"], [1]]]]],
        [["list", [["decimal", "x"]]]],
        [["list", [["fraction", 1, 0]]]],
        [["list", [["remote", 1, "object", "A", 0]]]],
        [["defaultdict", "exec", [], []]],
        [0],
        7,
    ],
    ids=repr,
)
def test_forged_data_breaks_the_channel_and_nothing_else(table: Any) -> None:
    with pytest.raises(BrokenChannel):
        Reader(Side(), table)


def test_known_object_keeps_its_type() -> None:
    with pytest.raises(BrokenChannel):
        Reader(Side(), [["dict", [], []]], [[1, 2]])


def test_builtin_exception_is_raised_as_itself() -> None:
    made = Exceptions().make(describe(KeyError("a"), lambda value: value), lambda node: node)
    assert type(made) is KeyError and str(made) == "'a'"


def test_system_error_keeps_its_number() -> None:
    error = FileNotFoundError(2, "No such file")
    made = Exceptions().make(describe(error, lambda value: value), lambda node: node)
    assert isinstance(made, FileNotFoundError) and made.errno == 2


def test_own_exceptions_keep_their_family() -> None:
    class Base(ValueError):
        pass

    class Special(Base):
        pass

    exceptions = Exceptions()
    made = exceptions.make(describe(Special("x"), lambda value: value), lambda node: node)
    base = exceptions.kind(describe(Base(), lambda value: value)["mro"])
    assert isinstance(made, base) and isinstance(made, ValueError) and str(made) == "x"


@pytest.mark.parametrize("module", ["unittest.case", "verifiers.inside.pytest_shim", "pytest"])
def test_no_exception_of_a_test_runner_can_be_named(module: str) -> None:
    mro = [[module, "SkipTest"], [module, "Skipped"], ["builtins", "Exception"]]
    kind = Exceptions().kind(mro)
    assert kind.__module__ == "solution"


@pytest.mark.parametrize("mro", [None, [["builtins"]], [[1, 2]], "x", [["a" * 999, "b"]]], ids=repr)
def test_forged_exception_breaks_the_channel(mro: Any) -> None:
    with pytest.raises(BrokenChannel):
        Exceptions().make({"mro": mro, "args": [], "text": "", "fields": {}}, lambda node: node)


def test_frames_come_out_whole_however_they_arrive() -> None:
    data = pack(["a", 1]) + pack({"b": None})
    buffer = FrameBuffer(100_000)
    found = [message for byte in data for message in buffer.feed(bytes([byte]))]
    assert found == [["a", 1], {"b": None}]


def test_frame_that_is_too_long_is_refused_by_its_header() -> None:
    with pytest.raises(TooLarge):
        FrameBuffer(max_json=10).feed(b"J\x7f\xff\xff\xff")


@pytest.mark.parametrize("body", [b"{", b"\xff\xff", b"[" * 100_000, b"9" * 5_000])
def test_frame_that_is_no_json_breaks_the_channel(body: bytes) -> None:
    with pytest.raises(BrokenChannel):
        FrameBuffer(100_000).feed(b"J" + len(body).to_bytes(4, "big") + body)


def test_frame_of_an_unknown_kind_breaks_the_channel() -> None:
    with pytest.raises(BrokenChannel):
        FrameBuffer(100).feed(b"X\x00\x00\x00\x00")


def test_helpers_never_replace_a_builtin() -> None:
    assert not helpers.NAMES & set(dir(__import__("builtins")))


def test_every_helper_can_be_found() -> None:
    assert all(helpers.find(name) is not None for name in helpers.NAMES)


def test_equal_cycles_are_the_same_list() -> None:
    one, other = helpers.ListNode(1), helpers.ListNode(1)
    one.next, other.next = one, other
    assert helpers.is_same_list(one, other)


def test_list_of_another_length_is_another_list() -> None:
    assert not helpers.is_same_list(helpers.list_node([1, 2]), helpers.list_node([1]))


def test_tree_skips_missing_children() -> None:
    root = helpers.tree_node([1, None, 2, 3])
    assert root is not None and root.left is None
    assert root.right is not None and root.right.left is not None and root.right.left.val == 3
