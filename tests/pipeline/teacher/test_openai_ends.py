"""However the client ends, it ends at once and leaves no thread and no request behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.teacher.base import Ask
from tests.loopback_teacher import Server, loopback_teacher
from tests.pipeline.teacher.conftest import MakeClient, questions, request_threads

ROOT = Path(__file__).parents[3]
PROMPT_S = 1.5


@contextmanager
def promptly() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < PROMPT_S
    assert not request_threads()


@contextmanager
def half_silent_server() -> Iterator[Server]:
    """Answers `question 0`, and never the others of ten.

    The answer comes late enough that all ten are asked: a client whose reply nobody takes asks
    for no more.
    """
    faults = [{"fault": "silence", "contains": f"question {n}"} for n in range(1, 10)]
    with loopback_teacher(faults=faults, delay=0.3) as server:
        yield server


def _wait_for_requests(server: Server, count: int) -> None:
    until = time.monotonic() + 5
    while server.arrived() < count:
        assert time.monotonic() < until
        time.sleep(0.01)


def _wait_until_idle(server: Server) -> None:
    until = time.monotonic() + 2
    while server.in_flight:
        assert time.monotonic() < until, "requests are still in flight"
        time.sleep(0.01)


def test_closing_the_generator_cancels_what_is_in_flight(make_client: MakeClient) -> None:
    with half_silent_server() as server:
        replies = make_client(server.url).replies(questions(10))
        next(replies)
        _wait_for_requests(server, 10)
        with promptly():
            replies.close()  # type: ignore[attr-defined]
        _wait_until_idle(server)


def test_closing_the_client_ends_replies_that_still_run(make_client: MakeClient) -> None:
    with half_silent_server() as server:
        client = make_client(server.url)
        replies = client.replies(questions(10))
        next(replies)
        with promptly():
            client.close()
        _wait_until_idle(server)
        with pytest.raises(RuntimeError, match="closed"):
            next(replies)


def test_an_exception_in_the_consumer_ends_the_requests(make_client: MakeClient) -> None:
    with half_silent_server() as server, promptly():
        with (
            pytest.raises(ZeroDivisionError),
            make_client(server.url) as client,
        ):
            for _ in client.replies(questions(10)):
                raise ZeroDivisionError
        _wait_until_idle(server)


def test_an_exception_in_the_asks_reaches_the_consumer(make_client: MakeClient) -> None:
    def asks() -> Iterator[Ask]:
        yield questions(2)[1]
        raise ZeroDivisionError

    with half_silent_server() as server, promptly(), pytest.raises(ZeroDivisionError):
        list(make_client(server.url).replies(asks()))


def test_a_generator_that_nobody_keeps_ends(make_client: MakeClient) -> None:
    with half_silent_server() as server, promptly():
        next(make_client(server.url).replies(questions(10)))
        _wait_until_idle(server)


def test_ctrl_c_while_waiting_for_a_reply_ends_the_program_at_once(tmp_path: Path) -> None:
    program = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
sys.path.insert(0, sys.argv[2])
from tests.pipeline.teacher.conftest import questions, make_teacher
from pipeline.config import Endpoints
from pipeline.recipe import Sampling
from pipeline.teacher.openai import OpenAIClient

endpoints = Endpoints(urls=(sys.argv[1],))
try:
    with OpenAIClient(make_teacher(), Sampling(), endpoints) as client:
        for ask, reply in client.replies(questions(10)):
            print("got", ask.id, flush=True)
finally:
    print("threads", threading.active_count(), flush=True)
"""
    with half_silent_server() as server:
        process = subprocess.Popen(
            [sys.executable, "-c", program, server.url, str(ROOT)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "no_proxy": "127.0.0.1"},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "got question 0\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)
        assert time.monotonic() - start < PROMPT_S
        assert rest == "threads 1\n"
        assert errors.rstrip().endswith("KeyboardInterrupt")
        _wait_until_idle(server)
