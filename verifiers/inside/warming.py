"""Runs a small program in the zygote itself, so that its children find what they need warm.

A forked child shares its parent's memory until it writes to it. Python writes when it does
something for the first times: it fills the cache of methods and rewrites the bytecode of
functions that are called often. Whatever the zygote has done a dozen times, its children do
without writing; that is worth 4 % of a program's CPU time (HumanEval, both in the same hour).

The requests are such as the tests' process would send; nobody reads the replies.
"""

from __future__ import annotations

import builtins
import socket
import sys

from verifiers.inside import solution
from verifiers.inside.frames import Channel, pack

ROUNDS = 12  # a function is optimised at its eighth call
SOURCE = """
from typing import List
import math
def f(xs: List[int], add: int = 1) -> List[int]:
    print(math.sqrt(len(xs)))
    return [x + add for x in xs]
"""
ARGUMENTS = ["tuple", [["remote", 1], ["tuple", [["at", 0], 1]], ["tuple", []]]]
REQUESTS = (
    ["load", [], ["tuple", []]],
    ["entry", [], ["tuple", ["f"]]],
    *[["call", [["list", [1, 2.5, 3]]], ARGUMENTS]] * 3,
)


def warm_up() -> None:
    """Run the program often enough, and leave nothing of it."""
    out, known = sys.stdout, set(vars(builtins))
    for _ in range(ROUNDS):
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"".join(map(pack, REQUESTS)))
            one.shutdown(socket.SHUT_WR)
            link = Channel(other.fileno(), other.fileno())
            solution.main(link, {"setup": "", "source": SOURCE})
    sys.stdout = out
    for name in set(vars(builtins)) - known:
        delattr(builtins, name)
    del sys.modules[solution.NAME]
