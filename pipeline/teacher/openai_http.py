"""Sends one request to one server and reads what comes back, whole or broken.

What can come of `Wire.ask`, besides a reply::

    Passing("429", "status 429: slow down", wait_s=20.0)    asked again later
    Passing("cut", "ClientPayloadError …", partial="<think>\\nFirst …")
    Unavailable("… answers with status 401 …")              asking again cannot help

A request is never sent twice from here, and none has a time-out but of silence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from pipeline.config import Endpoints
from pipeline.errors import Unavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.openai_metrics import Load, load_of
from pipeline.teacher.openai_protocol import Generating, Malformed, server_message
from pipeline.teacher.openai_retry import REFUSED, is_passing, remedy, retry_after
from pipeline.teacher.openai_stream import ReplyStream

MOST_BYTES = 64 << 20  # of an answer that is not streamed; a guess, 32 k tokens are 150 kB
CHECK_S = 60.0  # for the one token that shows that a server is alive; a guess
KEEP_ALIVE_S = 4.0  # uvicorn, below vLLM, closes an idle connection after 5
LAST_BYTES_S = 1.0  # after the last event the connection is free at once, or is given up


@dataclass(slots=True, repr=False)  # a repr would show the key
class Setup:
    """What the client needs to know; the key is sent, and never shown."""

    teacher: Teacher
    sampling: Sampling
    endpoints: Endpoints
    key: str
    protocol: Generating = field(default_factory=Generating)

    def headers(self) -> Mapping[str, str]:
        """Return the headers of every request."""
        own = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        return {**own, "Authorization": f"Bearer {self.key}"} if self.key else own

    def hide_key(self, text: str) -> str:
        """Return a server's text without the key, which some servers repeat in errors."""
        return text.replace(self.key, "[key]") if self.key else text


class Passing(Exception):
    """No reply this time, in a way that may pass.

    `kind` is a status, "cut" (the connection broke), "silence" or "garbage"; `wait_s` is what
    the server asks for, `partial` what had come.
    """

    def __init__(
        self, kind: str, what: str, *, wait_s: float | None = None, partial: str = ""
    ) -> None:
        super().__init__(what)
        self.kind, self.wait_s, self.partial = kind, wait_s, partial

    @property
    def is_busy(self) -> bool:
        """Tell whether the server is well and has no room: no fault of the request's."""
        return self.kind == "429" or self.wait_s is not None


class Wire:
    """The connections to all servers, kept open and used again."""

    def __init__(self, setup: Setup) -> None:
        """Open none yet; needs a running event loop."""
        self._setup = setup
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            headers=setup.headers(),
            auto_decompress=False,
            read_bufsize=1 << 18,
        )
        self._freeing: dict[str, asyncio.Task[None]] = {}  # by an ask's key

    async def close(self) -> None:
        """Close all connections."""
        freeing = list(self._freeing.values())
        for task in freeing:
            task.cancel()
        await asyncio.gather(*freeing, return_exceptions=True)
        await self._http.close()

    async def ask(self, url: str, ask: Ask, account: Account) -> Reply:
        """Send a request to the server at `url` and read its answer as it comes.

        Raises Passing, and Unavailable where asking again cannot help.
        """
        stream = ReplyStream(self._setup.sampling.max_tokens)
        setup, protocol = self._setup, self._setup.protocol
        body = json.dumps(protocol.body(setup.teacher, setup.sampling, ask)).encode("ascii")
        try:
            async with self._answer(protocol.url(url, ask.request), body, ask.key) as answer:
                if answer.status != 200:
                    return await self._refusal(answer)
                if answer.content_type == "text/event-stream":
                    return await _streamed(answer, stream, account)
                whole = protocol.reply(await _bounded(answer, MOST_BYTES), stream.max_tokens)
                account.chars += len(whole.text)
                return whole
        except Malformed as error:
            said = self._setup.hide_key(str(error))
            raise Passing("garbage", said, partial=stream.partial()) from None
        except TimeoutError:  # before aiohttp's own, of which some are both
            raise Passing("silence", self._silence(), partial=stream.partial()) from None
        except (aiohttp.ClientError, OSError) as error:
            if stream.is_whole():
                return stream.reply()  # the text is there, only the count of tokens is not
            said = f"{type(error).__name__} {error}".strip()
            raise Passing("cut", said, partial=stream.partial()) from None

    @asynccontextmanager
    async def _answer(
        self, url: str, body: bytes, key: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Post; the block need not wait until the connection is free again (`freed`).

        A reply is whole with its last event, and is to be kept then, not when the server has
        ended its answer.
        """
        answer = await self._post(url, body)
        try:
            yield answer
        except BaseException:
            answer.close()
            raise
        if answer.content.is_eof():
            answer.release()
            return
        task = self._freeing[key] = asyncio.create_task(_read_on(answer))
        task.add_done_callback(lambda _: self._freeing.pop(key, None))
        task.add_done_callback(lambda _: answer.release())  # closes it where there is no end yet

    async def freed(self, ask: Ask) -> None:
        """Wait until the connection of an ask's reply can be used again, or is given up."""
        if task := self._freeing.get(ask.key):
            await asyncio.wait([task])

    async def is_alive(self, url: str) -> bool:
        """Ask for a single token, or score; tell whether a server works at all."""
        target, body = self._setup.protocol.check(url, self._setup.teacher)
        try:
            async with asyncio.timeout(CHECK_S):
                async with self._post(target, json.dumps(body).encode("ascii")) as answer:
                    await _bounded(answer, MOST_BYTES)
                    return bool(answer.status == 200)
        except (aiohttp.ClientError, OSError, Malformed):  # TimeoutError is an OSError
            return False

    async def load(self, url: str) -> Load | None:
        """Read how full a server is; None where it does not say."""
        parts = urlsplit(url)
        root = (
            url.removesuffix("/v1") if url.endswith("/v1") else f"{parts.scheme}://{parts.netloc}"
        )
        timeout = aiohttp.ClientTimeout(total=self._setup.endpoints.connect_timeout_s)
        try:
            async with self._http.get(
                f"{root}/metrics", proxy=_proxy(url), timeout=timeout
            ) as answer:
                content = await _bounded(answer, MOST_BYTES)
                return load_of(content.decode(errors="replace")) if answer.status == 200 else None
        except (aiohttp.ClientError, OSError, Malformed):
            return None

    def _post(self, url: str, body: bytes) -> Any:
        settings = self._setup.endpoints
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=settings.connect_timeout_s, sock_read=settings.timeout_s
        )
        return self._http.post(
            url, data=body, proxy=_proxy(url), timeout=timeout, allow_redirects=False
        )

    def _silence(self) -> str:
        return f"nothing came for {self._setup.endpoints.timeout_s:g} s (timeout_s)"

    async def _refusal(self, answer: aiohttp.ClientResponse) -> Reply:
        """Return the reply to a refused request; raises Passing, Unavailable."""
        content = await _bounded(answer, MOST_BYTES)
        said = self._setup.hide_key(server_message(content))
        status = answer.status
        if status in REFUSED:
            limit = self._setup.sampling.max_tokens
            return Reply("", "error", max_tokens=limit, error=f"status {status}: {said}")
        if is_passing(status):
            wait_s = retry_after(answer.headers.get("Retry-After"))
            raise Passing(str(status), f"status {status}: {said}", wait_s=wait_s)
        cure = remedy(status, self._setup.endpoints.api_key_env)
        raise Unavailable(f"{answer.url} answers with status {status}: {said}; {cure}")


async def _streamed(answer: aiohttp.ClientResponse, stream: ReplyStream, account: Account) -> Reply:
    async for data in answer.content.iter_any():
        account.chars += stream.feed(data)
        if stream.done:
            break
    return stream.reply()


async def _read_on(answer: aiohttp.ClientResponse) -> None:
    """Read what comes after the last event, without which the connection is of no more use."""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(LAST_BYTES_S):
            await answer.content.read()


async def _bounded(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Read an answer's body; raises Malformed where it is larger than `most` bytes."""
    parts, size = [], 0
    async for data in answer.content.iter_any():
        parts.append(data)
        size += len(data)
        if size > most:
            raise Malformed(f"the answer has more than {most:,} bytes")
    return b"".join(parts)


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL; aiohttp's own way reads .netrc."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)
