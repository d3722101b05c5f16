"""A real S3 server on loopback (moto's), with what can go wrong on the way to it.

with loopback_s3() as s3:
    s3.faults.append({"method": "PUT", "match": "part-", "fault": "500", "times": 2})
    s3.env                  # for programs; in this process the variables are set
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

BUCKET = "bucket"
STATUS = {"500": "500 Internal Server Error", "403": "403 Forbidden"}
Fault = dict[str, Any]  # method, match (part of the path), fault, times


class Cut(Exception):
    """The connection ends without an answer."""


@dataclass
class Broken:
    """A WSGI application that sometimes answers otherwise than the one behind it.

    `403`, `500`, `slow` (one second) and `cut` come before it is asked, `lost` after it has done
    what was asked.
    """

    behind: Any
    faults: list[Fault]
    seen: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Any, start: Any) -> Iterable[bytes]:
        fault = self._take(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if fault in STATUS:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start(STATUS[fault], [("Content-Length", "0")])
            return [b""]
        if fault == "slow":
            time.sleep(1)
        if fault == "cut":
            raise Cut
        answer: Iterable[bytes] = self.behind(environ, start)
        if fault == "lost":
            list(answer)
            raise Cut
        return answer

    def _take(self, method: str, path: str) -> str:
        with self.lock:
            self.seen.append((method, path))
            for fault in self.faults:
                if fault["times"] and fault["method"] == method and fault["match"] in path:
                    fault["times"] -= 1
                    return str(fault["fault"])
        return ""


@dataclass
class S3:
    """A running server with one bucket."""

    url: str
    application: Broken

    @property
    def env(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.url,
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def faults(self) -> list[Fault]:
        """What will go wrong; add to it."""
        return self.application.faults

    def requests(self, method: str, match: str) -> int:
        """Return how many requests of a kind have come."""
        return sum(m == method and match in path for m, path in self.application.seen)


@contextmanager
def loopback_s3() -> Iterator[S3]:
    """Start a server with an empty bucket; sets the variables for this process, too."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            pass

        def run_wsgi(self) -> None:
            try:
                super().run_wsgi()
            except Cut:
                self.close_connection = True

    broken = Broken(DomainDispatcherApplication(create_backend_app), [])
    server = make_server("127.0.0.1", 0, broken, threaded=True, request_handler=Quiet)
    # An exception of the application is answered with a page unless it passes through.
    server.passthrough_errors = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = S3(f"http://127.0.0.1:{server.port}", broken)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.env.items():
            patch.setenv(name, value)
        os.environ.pop("AWS_PROFILE", None)
        from pipeline.remote import file_system

        file_system.cache_clear()
        file_system("s3").clear_instance_cache()
        file_system.cache_clear()
        httpx.post(made.url + "/moto-api/reset").raise_for_status()  # one state for a process
        file_system("s3").mkdir(BUCKET)
        try:
            yield made
        finally:
            file_system.cache_clear()
            server.shutdown()
            thread.join()
            server.server_close()
