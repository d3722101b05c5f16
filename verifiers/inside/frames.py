"""Messages between processes: JSON behind a letter and a length.

On the wire, the message ``["call",1]`` is ``J``, ``00 00 00 0a`` and then ``["call",1]``.

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
JSON = b"J"
ENCODE = json.JSONEncoder(separators=(",", ":")).encode
READ_AHEAD, READ_AT_ONCE = 1 << 16, 1 << 20


class BrokenChannel(Exception):
    """The other end is gone or does not keep to the protocol."""


class TooLarge(BrokenChannel):
    """The other end sent more than it may."""


def pack(message: Any) -> bytes:
    """Return a message as it goes over the wire; raises ValueError on what JSON can't hold."""
    data = ENCODE(message).encode("ascii")
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


def read_job(fd: int) -> Any:
    """Read a job, which is one JSON object in memory, and leave no way to it.

    From its beginning, since one job may be for several children, one after the other. A file
    object would touch 60 pages more.
    """
    size = os.fstat(fd).st_size
    data = b""
    while part := os.pread(fd, size - len(data), len(data)):
        data += part
    os.close(fd)
    return json.loads(data)


class Channel:
    """Both directions of a conversation over one pair of descriptors."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd, self.write_fd = read_fd, write_fd
        self._waiting: list[bytes] = []
        self._ahead = b""

    def send(self, message: Any) -> None:
        """Send one message, after those that wait."""
        data = pack(message)
        if self._waiting:
            data = b"".join((*self._waiting, data))
            self._waiting = []
        write_all(self.write_fd, data)

    def send_later(self, message: Any) -> None:
        """Send a message together with the next one: its reader is woken once for both."""
        self._waiting.append(pack(message))

    def receive(self) -> Any:
        """Wait for one message."""
        try:
            kind, size = HEADER.unpack(self._take(HEADER.size))
            if kind != JSON:
                raise BrokenChannel(f"a message of unknown kind {kind!r}")
            if size > MAX_FRAME:
                raise TooLarge(f"a message of {size} bytes, at most {MAX_FRAME} are read")
            return parse(self._take(size))
        except OSError as error:
            raise BrokenChannel(f"the other process is gone: {error}") from error

    def _take(self, size: int) -> bytes:
        """Read so many bytes, and what comes along with them; raises BrokenChannel."""
        parts = [self._ahead]
        missing = size - len(self._ahead)
        while missing > 0:
            part = os.read(self.read_fd, min(max(missing, READ_AHEAD), READ_AT_ONCE))
            if not part:
                raise BrokenChannel("the other process is gone")
            parts.append(part)
            missing -= len(part)
        data = b"".join(parts) if len(parts) > 1 else parts[0]
        self._ahead = data[size:]
        return data[:size]


class FrameBuffer:
    """Cuts a stream of bytes into messages as they arrive; for a reader that must not block.

    JSON takes some twenty times its size when read.
    """

    def __init__(self, max_json: int) -> None:
        self._data = bytearray()
        self._most = max_json

    def feed(self, data: bytes) -> list[Any]:
        """Take what arrived and return the messages that are now whole; raises BrokenChannel."""
        self._data += data
        messages = []
        while len(self._data) >= HEADER.size:
            end = HEADER.size + self._size(*HEADER.unpack_from(self._data))
            if len(self._data) < end:
                break
            messages.append(parse(self._data[HEADER.size : end]))
            del self._data[:end]
        return messages

    def _size(self, kind: bytes, size: int) -> int:
        if kind != JSON:
            raise BrokenChannel(f"a message of unknown kind {kind!r}")
        if size > self._most:
            raise TooLarge(f"a message of {size} bytes, at most {self._most} are read")
        return size
