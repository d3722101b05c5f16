"""Replies that arrive together are kept together, all or none of a file's."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from pathlib import Path

import pytest

from pipeline.teacher.base import Reply
from pipeline.teacher.journal import Journal


def replies(count: int) -> list[tuple[str, Reply]]:
    keys = (hashlib.md5(str(number).encode()).hexdigest() for number in range(count))
    return [(key, Reply(f"text {key}", "stop", 3, 7, max_tokens=9)) for key in keys]


def test_all_of_them_are_there_afterwards(tmp_path: Path) -> None:
    made = replies(200)
    with Journal(tmp_path) as journal:
        journal.put_all(made, "r1")
        assert journal.get([key for key, _ in made], 9) == dict(made)


def test_a_bad_one_among_them_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    made = replies(10)
    with Journal(tmp_path) as journal:
        with pytest.raises(ValueError, match="finish_reason"):
            journal.put_all([*made, ("a" * 32, Reply("", "error", max_tokens=9))], "r1")
        assert journal.get([key for key, _ in made], 9) == {}


def test_a_file_that_fails_keeps_none_of_its_part_and_can_be_used_again(tmp_path: Path) -> None:
    key = "a" * 32
    with Journal(tmp_path, busy_timeout_s=0.1) as journal:
        journal.put(key, Reply("first", "stop", max_tokens=9), "r1")
        with sqlite3.connect(tmp_path / "replies-a.sqlite") as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Exception, match="another process"):
                journal.put_all([("a" * 31 + "b", Reply("x", "stop", max_tokens=9))], "r1")
        other.close()
        journal.put_all([("a" * 31 + "c", Reply("y", "stop", max_tokens=9))], "r1")
        assert set(journal.known([key, "a" * 31 + "b", "a" * 31 + "c"], 9)) == {
            key,
            "a" * 31 + "c",
        }


def test_what_is_known_is_what_would_be_got_with_its_tokens(tmp_path: Path) -> None:
    cut = Reply("cut", "length", 3, 9, max_tokens=9)
    whole = Reply("whole", "stop", 3, 20, max_tokens=99)
    with Journal(tmp_path) as journal:
        journal.put_all([("a" * 32, cut), ("b" * 32, cut), ("b" * 32, whole)], "r1")
        assert journal.known(["a" * 32, "b" * 32, "c" * 32], 9) == {
            "a" * 32: (3, 9),
            "b" * 32: (3, 20),
        }
        assert journal.known(["a" * 32, "b" * 32], 50) == {"b" * 32: (3, 20)}


def test_many_at_once_take_less_time_than_one_by_one(tmp_path: Path) -> None:
    made = replies(256)
    with Journal(tmp_path) as journal:
        journal.put_all(made[:64], "r1")  # the files are made
        start = time.perf_counter()
        for key, reply in made[64:160]:
            journal.put(key, reply, "r1")
        alone = time.perf_counter() - start
        start = time.perf_counter()
        journal.put_all(made[160:], "r1")
        together = time.perf_counter() - start
    assert together < alone
