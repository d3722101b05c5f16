from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import CorruptShard, PassingError, StoreUnwritable
from pipeline.records import content_hash
from pipeline.teacher.base import Reply
from pipeline.teacher.journal import Journal

ROOT = Path(__file__).resolve().parents[3]
KEY = "3" + "a" * 31
STOPPED = Reply("<think>\n2 + 2\n</think>\n4", "stop", 12, 9, max_tokens=100)
CUT = Reply("<think>\n2 +", "length", 12, 100, max_tokens=100)


def spawn(code: str, *args: str | Path) -> subprocess.Popen[str]:
    """Start Python code that may import the project, with stdout as a text pipe."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_long_texts_are_stored_compressed(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, replace(STOPPED, text="wait, " * 100_000), teacher="r1")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 50_000


@pytest.mark.parametrize("reason", ["error", "content_filter", ""])
def test_replies_that_are_no_replies_are_refused(tmp_path: Path, reason: str) -> None:
    with Journal(tmp_path) as journal:
        with pytest.raises(ValueError, match="not kept"):
            journal.put(KEY, replace(STOPPED, finish_reason=reason), teacher="r1")
        assert journal.get([KEY], 100) == {}


def test_a_reply_without_its_max_tokens_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal, pytest.raises(ValueError, match="max_tokens"):
        journal.put(KEY, replace(CUT, max_tokens=0), teacher="r1")


def test_reading_makes_no_files(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        assert journal.get([KEY], 1) == {}
    assert list(tmp_path.iterdir()) == []


def test_writing_makes_only_the_partition_of_the_key(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, STOPPED, teacher="r1")
    assert [path.name for path in tmp_path.glob("replies*")] == ["replies-3.sqlite"]


def test_two_processes_can_write_a_new_journal_at_once(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from pipeline.records import content_hash
        from pipeline.teacher.base import Reply
        from pipeline.teacher.journal import Journal
        with Journal(Path(sys.argv[1])) as journal:
            print("ready", flush=True)
            sys.stdin.readline()
            for number in range(100):
                key = content_hash([sys.argv[2], number])
                journal.put(key, Reply(f"{number}", "stop", max_tokens=1), "r1")
                journal.put(content_hash(number), Reply("shared", "stop", max_tokens=1), "r1")
        """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    children = [
        subprocess.Popen(
            [*command, name], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in "ab"
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0, 0]
    keys = [content_hash([name, number]) for name in "ab" for number in range(100)]
    shared = [content_hash(number) for number in range(100)]
    with Journal(tmp_path) as journal:
        assert len(journal.get([*keys, *shared], 1)) == 300


def test_many_threads_can_put_at_once(tmp_path: Path) -> None:
    keys = [content_hash(number) for number in range(80)]
    with Journal(tmp_path) as journal:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: journal.put(key, STOPPED, teacher="r1"), keys))
        assert len(journal.get(keys, 1)) == 80


def test_each_reply_is_in_the_file_before_put_returns(tmp_path: Path) -> None:
    with Journal(tmp_path) as writer, Journal(tmp_path) as reader:
        writer.put(KEY, STOPPED, teacher="r1")
        assert reader.get([KEY], 100) == {KEY: STOPPED}


def test_every_commit_is_synced(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, STOPPED, teacher="r1")
        database = journal._partition("3")
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, STOPPED, teacher="r1")
        journal._partition("3").execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreUnwritable, match="full"):
            journal.put("3b", replace(STOPPED, text=os.urandom(50_000).hex()), teacher="r1")
        assert journal.get([KEY], 100) == {KEY: STOPPED}


def test_a_disk_that_refuses_to_write_is_named_and_keeps_what_it_had(tmp_path: Path) -> None:
    child = spawn(
        """
        import resource, signal, sys
        from pathlib import Path
        from pipeline.errors import StoreUnwritable
        from pipeline.teacher.base import Reply
        from pipeline.teacher.journal import Journal
        journal = Journal(Path(sys.argv[1]))
        journal.put("3a", Reply("kept", "stop", max_tokens=1), "r1")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        try:
            for number in range(100):
                journal.put(f"3{number}", Reply("x" * 500, "stop", max_tokens=1), "r1")
        except StoreUnwritable as error:
            print(number, error)
        """,
        tmp_path,
    )
    output, errors = child.communicate()
    assert str(tmp_path) in output, errors
    done = int(output.split()[0])
    with Journal(tmp_path) as journal:
        keys = ["3a", *(f"3{number}" for number in range(done))]
        assert sorted(journal.get(keys, 1)) == sorted(keys)


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for number in range(400):
            journal.put(f"3{number:04d}", STOPPED, teacher="r1")
    path = tmp_path / "replies-3.sqlite"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with Journal(tmp_path) as journal, pytest.raises(CorruptShard, match=r"replies-3\.sqlite"):
        journal.get(["30001"], 1)


def test_a_damaged_text_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, replace(STOPPED, text="wait, " * 1_000), teacher="r1")
    database = sqlite3.connect(tmp_path / "replies-3.sqlite")
    database.execute("UPDATE replies SET text = substr(text, 1, 20)")
    database.commit()
    database.close()
    with Journal(tmp_path) as journal, pytest.raises(CorruptShard, match=r"replies-3\.sqlite"):
        journal.get([KEY], 1)


def test_a_journal_of_another_schema_is_refused(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "replies-3.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with Journal(tmp_path) as journal, pytest.raises(StoreUnwritable, match="99"):
        journal.put(KEY, STOPPED, teacher="r1")


def test_a_lock_that_is_not_given_up_is_a_passing_error(tmp_path: Path) -> None:
    with Journal(tmp_path, busy_timeout_s=0.05) as journal:
        journal.put(KEY, STOPPED, teacher="r1")
        other = sqlite3.connect(tmp_path / "replies-3.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(PassingError, match="run again"):
            journal.put("3b", STOPPED, teacher="r1")
        other.close()
        journal.put("3b", STOPPED, teacher="r1")


@pytest.mark.parametrize("key", ["", "zz"])
def test_a_key_that_is_no_hash_is_refused(tmp_path: Path, key: str) -> None:
    with Journal(tmp_path) as journal, pytest.raises(ValueError, match="key"):
        journal.put(key, STOPPED, teacher="r1")
