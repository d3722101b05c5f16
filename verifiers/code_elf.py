"""Reads the little that is needed of the files in which programs lie (ELF, 64 bit).

``memory_mb(header)`` of a program with ``int a[1 << 28];`` is 1,025: what it takes before it
does anything, which the system only answers with a signal.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

LOAD, LOADER = 1, 3
MB = 1024 * 1024
HEAD = 4096  # the header and the table of segments, which stands right after it


def segments(head: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield kind, place in the file, length there and length in memory of each segment."""
    if head[:5] != b"\x7fELF\x02" or len(head) < 64:
        return
    start, size, count = (
        struct.unpack_from("<Q", head, 32)[0],
        *struct.unpack_from("<HH", head, 54),
    )
    for place in range(start, start + size * count, size):
        if place + 56 <= len(head):
            kind, _, offset, _, _, length, memory, _ = struct.unpack_from("<IIQQQQQQ", head, place)
            yield kind, offset, length, memory


def memory_mb(head: bytes) -> int:
    """Return how much memory a program takes at its start, in MiB, rounded up."""
    total = sum(memory for kind, _, _, memory in segments(head) if kind == LOAD)
    return -(-total // MB)


def loader_of(path: str) -> str | None:
    """Return the loader of a program of this machine; None where it needs none."""
    data = Path(path).read_bytes()[:HEAD]
    for kind, offset, length, _ in segments(data):
        if kind == LOADER:
            return data[offset : offset + length].rstrip(b"\0").decode()
    return None
