"""A reply is kept the moment it is whole, and nothing stands in its way."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from threading import current_thread

import pytest

from pipeline.errors import StoreUnwritable
from pipeline.teacher.base import Ask, Keeper, Reply
from pipeline.teacher.journal import PARTITIONS, Journal
from pipeline.teacher.keeping import JournalKeeper
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import MakeClient, chat, questions


class Noting(Keeper):
    """Remembers when and in which thread something came."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.threads: list[str] = []

    def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
        self.at += [time.monotonic()] * len(arrived)

    def partial(self, ask: Ask, text: str, why: str) -> None:
        self.threads.append(current_thread().name)


def test_a_whole_reply_is_kept_before_the_server_ends_its_answer(make_client: MakeClient) -> None:
    keeper, start = Noting(), time.monotonic()
    with loopback_teacher(faults=[{"fault": "linger", "seconds": 0.9}]) as server:
        list(make_client(server.url).replies([chat("a")], keeper))
    assert keeper.at[0] - start < 0.6


def test_the_connection_of_an_answer_that_lingers_is_used_again(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "linger", "seconds": 0.05}]) as server:
        replies = make_client(server.url, concurrency=1).replies(questions(3))
        for _ in replies:
            time.sleep(0.2)
        assert server.connections < 3


def test_what_breaks_off_is_written_where_no_request_waits_for_it(make_client: MakeClient) -> None:
    keeper = Noting()
    with loopback_teacher(faults=[{"fault": "half", "tries": 1}]) as server:
        list(make_client(server.url).replies([chat("a")], keeper))
    assert keeper.threads == ["teacher-journal"]


def test_the_client_tells_how_long_a_reply_waited_for_the_disk(make_client: MakeClient) -> None:
    class Slow(Keeper):
        def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
            time.sleep(0.3)

    with loopback_teacher() as server:
        client = make_client(server.url)
        replies = client.replies(questions(2), Slow())
        next(replies)
        assert 0.3 <= client.kept_within_s() < 2.0
        replies.close()  # type: ignore[attr-defined]


def test_the_files_of_a_journal_are_there_before_the_first_reply(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        JournalKeeper(journal, "r1")
        files = {path.name for path in tmp_path.glob("*.sqlite")}
    assert files == {f"replies-{digit}.sqlite" for digit in PARTITIONS}


def test_a_journal_that_cannot_be_made_is_known_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file in its place")
    with Journal(tmp_path / "journal") as journal, pytest.raises(StoreUnwritable):
        JournalKeeper(journal, "r1")
