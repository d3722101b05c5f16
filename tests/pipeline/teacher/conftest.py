"""What the tests of the OpenAI client share: asks, settings, and a client in a hurry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.config import Endpoints
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, ask_key
from pipeline.teacher.budget import Budget
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_limit import Hunt
from pipeline.teacher.openai_retry import Pace
from pipeline.teacher.openai_watch import Telling

HURRY = Pace(first_s=0.01, cap_s=0.05)
KEY_ENV = "LOOPBACK_TEACHER_KEY"


def make_teacher(**changes: Any) -> Teacher:
    names = {"name": "loopback", "model": "loopback-1", "revision": "1", "engine": "openai"}
    return Teacher(**{**names, **changes})


def chat(text: str, attempt: int = 0) -> Ask:
    request = {"messages": [{"role": "user", "content": text}]}
    key = ask_key(make_teacher(), Sampling(), request, attempt)
    return Ask(text, attempt, request, key)


def completion(text: str, attempt: int = 0) -> Ask:
    request = {"prompt": f"{text}\n<think>"}
    return Ask(text, attempt, request, ask_key(make_teacher(), Sampling(), request, attempt))


def questions(count: int) -> list[Ask]:
    return [chat(f"question {number}") for number in range(count)]


MakeClient = Callable[..., OpenAIClient]


@pytest.fixture
def make_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeClient]:
    """Clients by URLs and settings of Endpoints; all are closed, and no thread may stay."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # overrides NO_PROXY
    monkeypatch.delenv(KEY_ENV, raising=False)
    made: list[OpenAIClient] = []

    def make(
        *urls: str,
        sampling: Sampling | None = None,
        pace: Pace = HURRY,
        hunt: Hunt | None = None,
        telling: Telling | None = None,
        budget: Budget | None = None,
        **settings: Any,
    ) -> OpenAIClient:
        endpoints = Endpoints(urls=urls, **{"api_key_env": KEY_ENV, "patience_s": 0.0, **settings})
        client = OpenAIClient(
            make_teacher(),
            sampling or Sampling(),
            endpoints,
            pace=pace,
            hunt=hunt,
            telling=telling,
            budget=budget,
        )
        made.append(client)
        return made[-1]

    yield make
    for client in made:
        client.close()
    assert not request_threads()


def request_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("teacher-")]
