"""The child's side of `verifiers.pool`: read items, run the target, write one reply for each.

The parent sends frames, a length and a body: first the settings, then batches of items::

    → pickle({"target": "verifiers.equality.compare:judge", "memory_mb": 2048, "parent": 4711})
    ← READY                     the target is imported: from here on deadlines count
    → pickle([b"…item…", b"…item…"])
    ← START                     the batch is picked up
    ← VALUE, 0.0031, b"…"       for each item, in order: its wall time and its pickled value

Limits apply to the worker only as far as the system knows them: `RLIMIT_AS` bounds
address space on Linux and does nothing on macOS. What the target prints goes to stderr.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import resource
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
REPLY = struct.Struct(">IBd")  # length of the body, tag, seconds
PR_SET_PDEATHSIG = 1
WATCH_S = 1.0  # guess: how long a worker may outlive its parent where prctl is missing
DETAIL_CHARS = 500

Function = Callable[[Any], Any]


class Tag(IntEnum):
    """What a reply says; the body of `VALUE` is a pickle, of the others UTF-8 text."""

    READY = 0
    START = 1
    VALUE = 2
    ERROR = 3
    MEMORY = 4
    BROKEN = 5


def frame(body: bytes) -> bytes:
    """Return a body with its length in front."""
    return LENGTH.pack(len(body)) + body


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame's body, or None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = stream.read(size)
    return body if len(body) == size else None


def claim_pipes() -> tuple[BinaryIO, int]:
    """Take the protocol off stdin and stdout, so that a print in the target can't break it."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(source, "rb"), sink


def die_with_parent(parent: int) -> None:
    """Make the kernel kill this process when the thread that started it is gone.

    Where there is no prctl, a thread looks for a new parent every second, which a call
    that holds the interpreter's lock delays.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def watch_parent(parent: int) -> None:
    """Leave at once when this process has another parent."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)


def limit_memory(memory_mb: int) -> None:
    """Bound the address space, and leave no core file behind."""
    size = memory_mb << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def load(target: str | bytes) -> Function:
    """Return the function: `module:function` to import, or a pickle of a callable."""
    if isinstance(target, bytes):
        function: Function = pickle.loads(target)
        return function
    module, _, name = target.partition(":")
    found: Function = getattr(importlib.import_module(module), name)
    return found


def describe(error: Exception) -> bytes:
    """Return an exception as bounded text, its type first."""
    return f"{type(error).__name__}: {error}"[:DETAIL_CHARS].encode("utf-8", "replace")


def answer(function: Function, item: bytes) -> tuple[Tag, float, bytes]:
    """Return the reply for one item; what the target raises becomes a reply too."""
    start = time.perf_counter()
    try:
        tag, body = Tag.VALUE, pickle.dumps(function(pickle.loads(item)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        tag, body = Tag.MEMORY, b"MemoryError"
    except Exception as error:  # noqa: BLE001 - the boundary: the parent reports it, typed
        tag, body = Tag.ERROR, describe(error)
    return tag, time.perf_counter() - start, body


def write(sink: int, tag: Tag, seconds: float = 0.0, body: bytes = b"") -> None:
    """Write one reply, all of it."""
    view = memoryview(REPLY.pack(len(body), tag, seconds) + body)
    while view:
        view = view[os.write(sink, view) :]


def serve(function: Function, source: BinaryIO, sink: int) -> None:
    """Answer batches until the stream ends or memory has run out once."""
    while (body := read_frame(source)) is not None:
        write(sink, Tag.START)
        for item in pickle.loads(body):
            reply = answer(function, item)
            write(sink, *reply)
            if reply[0] == Tag.MEMORY:  # the heap is in pieces: the parent starts another
                return


def main() -> None:
    """Run as a worker process: settings, then batches, from stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = claim_pipes()
    body = read_frame(source)
    if body is None:
        return
    settings = pickle.loads(body)
    die_with_parent(settings["parent"])
    limit_memory(settings["memory_mb"])
    try:
        function = load(settings["target"])
    except Exception as error:  # noqa: BLE001 - the boundary: an import can raise anything
        write(sink, Tag.BROKEN, 0.0, describe(error))
        return
    write(sink, Tag.READY)
    serve(function, source, sink)
