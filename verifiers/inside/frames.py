"""Messages between processes: JSON or bytes behind a letter and a length.

On the wire, the message ``["call",1]`` is ``J``, ``00 00 00 0a`` and then ``["call",1]``;
bytes, such as what a program printed, are ``B``, their length and themselves.

JSON is read by the standard parser into plain data only; nothing received is ever
evaluated. A message that is too long, cut off or no JSON raises `BrokenChannel`; the
meaning of a message is its receiver's to check.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

# 16 MiB of JSON is about two million numbers: a guess at what no honest result exceeds.
MAX_FRAME = 16 * 1024 * 1024
HEADER = struct.Struct(">cI")
JSON, BYTES = b"J", b"B"


class BrokenChannel(Exception):
    """The other end is gone or does not keep to the protocol."""


class TooLarge(BrokenChannel):
    """The other end sent more than it may."""


def pack(message: Any) -> bytes:
    """Return a message as it goes over the wire; raises ValueError on what JSON can't hold."""
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    return HEADER.pack(JSON, len(data)) + data


def parse(data: bytes | bytearray) -> Any:
    """Read a message's body; raises BrokenChannel."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenChannel(f"not a message: {error}") from error


def write_all(fd: int, data: bytes) -> None:
    """Write every byte; raises BrokenChannel when the reader is gone."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError as error:
        raise BrokenChannel(f"the reader is gone: {error}") from error


def read_exactly(fd: int, size: int) -> bytes:
    """Read so many bytes; raises BrokenChannel when they do not come."""
    parts: list[bytes] = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            raise BrokenChannel("the other process is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Channel:
    """Both directions of a conversation over one pair of descriptors."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd, self.write_fd = read_fd, write_fd

    def send(self, message: Any) -> None:
        """Send one message."""
        write_all(self.write_fd, pack(message))

    def send_bytes(self, data: bytes | bytearray) -> None:
        """Send bytes as they are."""
        write_all(self.write_fd, HEADER.pack(BYTES, len(data)) + data)

    def receive(self) -> Any:
        """Wait for one message."""
        try:
            kind, size = HEADER.unpack(read_exactly(self.read_fd, HEADER.size))
            if kind != JSON:
                raise BrokenChannel(f"a message of unknown kind {kind!r}")
            if size > MAX_FRAME:
                raise TooLarge(f"a message of {size} bytes, at most {MAX_FRAME} are read")
            return parse(read_exactly(self.read_fd, size))
        except OSError as error:
            raise BrokenChannel(f"the other process is gone: {error}") from error


class FrameBuffer:
    """Cuts a stream of bytes into messages as they arrive; for a reader that must not block.

    JSON takes some twenty times its size when read, so it may be much shorter than bytes.
    """

    def __init__(self, max_json: int, max_bytes: int = 0) -> None:
        self._data = bytearray()
        self._most = {JSON: max_json, BYTES: max_bytes}

    def feed(self, data: bytes) -> list[Any]:
        """Take what arrived and return the messages that are now whole; raises BrokenChannel."""
        self._data += data
        messages = []
        while len(self._data) >= HEADER.size:
            kind, size = HEADER.unpack_from(self._data)
            self._check(kind, size)
            if len(self._data) < HEADER.size + size:
                break
            body = bytes(self._data[HEADER.size : HEADER.size + size])
            del self._data[: HEADER.size + size]
            messages.append(body if kind == BYTES else parse(body))
        return messages

    def _check(self, kind: bytes, size: int) -> None:
        if kind not in self._most:
            raise BrokenChannel(f"a message of unknown kind {kind!r}")
        if size > self._most[kind]:
            raise TooLarge(f"a message of {size} bytes, at most {self._most[kind]} are read")
