import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import CorruptShard, StoreUnwritable
from pipeline.records import content_hash
from pipeline.teacher.base import Reply
from pipeline.teacher.journal import Journal

KEY = content_hash("a question")
WRITER = """
import sys
from pathlib import Path
from pipeline.records import content_hash
from pipeline.teacher.base import Reply
from pipeline.teacher.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    key = content_hash([sys.argv[2], number])
    journal.put(key, Reply(f"reply {number}", "stop", max_tokens=9), teacher="t")
    print(key, flush=True)
"""


def reply(text: str = "x</think>4", finish_reason: str = "stop", max_tokens: int = 100) -> Reply:
    return Reply(text, finish_reason, 5, 7, max_tokens)


@pytest.mark.parametrize("text", ["plain", "", "思考</think>四", "\ud800 lone", "x" * 100_000])
def test_a_reply_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, reply(text), teacher="t")
    with Journal(tmp_path) as journal:
        assert journal.get([KEY, "0" * 32], 100) == {KEY: reply(text)}


def test_a_reply_that_ended_by_itself_serves_any_length(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, reply(), teacher="t")
        assert KEY in journal.get([KEY], 1)
        assert KEY in journal.get([KEY], 10_000)


def test_a_reply_that_was_cut_off_is_asked_again_only_for_more(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, reply("cut", "length", 100), teacher="t")
        assert KEY in journal.get([KEY], 100)
        assert KEY not in journal.get([KEY], 101)
        journal.put(KEY, reply("whole", "stop", 200), teacher="t")
        assert journal.get([KEY], 200)[KEY].text == "whole"
        assert journal.get([KEY], 50)[KEY].text == "whole"


def test_the_first_reply_to_a_key_stays(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(KEY, reply("first"), teacher="t")
        journal.put(KEY, reply("second"), teacher="t")
        assert journal.get([KEY], 100)[KEY].text == "first"


def test_a_refusal_is_not_kept(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal, pytest.raises(ValueError, match="not kept"):
        journal.put(KEY, reply("", "error"), teacher="t")


def test_thousands_of_keys_are_found_in_one_call(tmp_path: Path) -> None:
    keys = [content_hash(number) for number in range(3_000)]
    with Journal(tmp_path) as journal:
        for key in keys[:200]:
            journal.put(key, reply(key), teacher="t")
        found = journal.get(keys, 100)
    assert {key: found[key].text for key in found} == {key: key for key in keys[:200]}


def test_what_put_returned_for_survives_a_kill(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path), "a", "100000"]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    keys = [writer.stdout.readline().strip() for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    keys += writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    with Journal(tmp_path) as journal:
        assert set(journal.get(keys, 9)) == {key for key in keys if len(key) == 32}


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), name, "150"] for name in "ab"]
    writers = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
    keys = [key for writer in writers for key in writer.communicate(timeout=60)[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0]
    with Journal(tmp_path) as journal:
        assert len(journal.get(keys, 9)) == 300


def test_a_folder_that_cannot_be_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable, match="cannot be kept"):
        Journal(tmp_path / "file").put(KEY, reply(), teacher="t")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / f"replies-{KEY[0]}.sqlite").write_bytes(b"no database " * 1_000)
    with pytest.raises(CorruptShard, match=f"replies-{KEY[0]}.sqlite.*restore"):
        Journal(tmp_path).get([KEY], 1)


def test_the_time_of_arrival_is_kept_for_accounting(tmp_path: Path) -> None:
    before = time.time()
    with Journal(tmp_path) as journal:
        journal.put(KEY, reply(), teacher="R1")
    file = sqlite3.connect(tmp_path / f"replies-{KEY[0]}.sqlite")
    teacher, arrived = file.execute("SELECT teacher, arrived FROM replies").fetchone()
    file.close()
    assert teacher == "R1"
    assert before <= arrived <= time.time()
