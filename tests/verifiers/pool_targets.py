"""What the pool's tests let workers do; imported by name in the workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any


def echo(item: Any) -> Any:
    return item


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def misbehave(item: str) -> str:
    if item == "loop":
        while True:
            pass
    if item == "bigint":  # one C call: no signal handler of Python's runs before it ends
        return str(3 ** (10**8) % 7)
    if item == "memory":
        return str(len(bytearray(1 << 40)))
    if item == "hoard":
        hoard = []
        while True:
            hoard.append(bytearray(1 << 26))
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "exit":
        os._exit(3)
    if item == "raise":
        raise LookupError("nothing here")
    if item == "lambda":
        return lambda: 1  # type: ignore[return-value]
    return item


def pid(_: object) -> int:
    return os.getpid()


def die_once(path: str) -> str:
    """Die at the first call with this path, answer at the second."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "second"
    os.kill(os.getpid(), signal.SIGKILL)
    return "unreachable"


def chatter(item: str) -> str:
    print("printed by a target", item)
    return item + sys.stdin.read()
