"""Sealing a shard: the same rows as all at once, in memory that does not grow with the shard."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pipeline.asking import as_response
from pipeline.recipe import Teacher
from pipeline.records import Response
from pipeline.sealing import response_parts
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.journal import Journal

TEACHER = Teacher(name="t", model="m", revision="1", engine="openai")
MB = 1 << 20

PROGRAM = """
import random, re, sys
from collections import Counter
from pathlib import Path
from pipeline.recipe import Teacher
from pipeline.records import Response
from pipeline.sealing import response_parts
from pipeline.store import Origin, Store
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.journal import Journal

def peak():  # of this program alone; getrusage may tell that of the one that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

folder, megabytes, part_bytes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
teacher = Teacher(name="t", model="m", revision="1", engine="openai")
dice, size = random.Random(0), 50_000
count = (megabytes << 20) // size
asks = [Ask(f"{n:05d}", 0, {}, f"{n % 16:x}{n:05d}") for n in range(count)]
with Journal(folder / "journal") as journal:
    limit = teacher.sampling.max_tokens
    for start in range(0, count, 40):
        texts = [f"<think>{dice.randbytes(size // 2).hex()}</think>7" for _ in range(40)]
        replies = [Reply(text, "stop", 9, size // 4, limit) for text in texts]
        some = asks[start : start + 40]
        journal.put_all([(a.key, reply) for a, reply in zip(some, replies)], "t")
    before = peak()
    counts = Counter()
    parts = response_parts(teacher, 1, asks, journal, {}, counts, part_bytes)
    store = Store(folder, "small", "1", 1)
    store.write_parts("responses/round=01", 0, Response.SCHEMA, parts, Origin({}, {}), counts, 0.0)
assert counts == {"stop": count}
print(peak() - before)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def filled(journal: Journal, count: int) -> list[Ask]:
    asks = [Ask(f"{n:03d}", n % 2, {}, f"{n % 16:x}{n}") for n in range(count)]
    limit = TEACHER.sampling.max_tokens
    replies = {ask.key: Reply(f"<think>{ask.id}</think>7", "stop", 1, 2, limit) for ask in asks}
    journal.put_all(replies.items(), "t")
    return asks


def test_parts_together_are_the_rows_in_the_order_of_their_keys(journal: Journal) -> None:
    with journal:
        asks = filled(journal, 200)
        known = journal.get([ask.key for ask in asks], TEACHER.sampling.max_tokens)
        counts: Counter[str] = Counter()
        parts = list(response_parts(TEACHER, 1, reversed(asks), journal, {}, counts, 1))
    assert len(parts) > 1
    rows = [row for part in parts for row in Response.from_table(part)]
    assert rows == sorted(
        (as_response(TEACHER, 1, ask, known[ask.key]) for ask in asks), key=lambda row: row.key
    )
    assert counts == {"stop": 200}


def test_a_refusal_is_a_row_that_says_why(journal: Journal) -> None:
    with journal:
        asks = filled(journal, 3)
        lost = Ask("999", 0, {}, "f9")
        refused = {"f9": Reply("", "error", max_tokens=9, error="no such thing")}
        counts: Counter[str] = Counter()
        (part,) = response_parts(TEACHER, 1, [*asks, lost], journal, refused, counts)
    assert counts == {"stop": 3, "error": 1}
    assert "no such thing" in part.column("sampling").to_pylist()[-1]


def test_an_ask_without_a_reply_is_never_passed_over(journal: Journal) -> None:
    with journal:
        asks = [*filled(journal, 3), Ask("999", 0, {}, "f9")]
        with pytest.raises(KeyError):
            list(response_parts(TEACHER, 1, asks, journal, {}, Counter()))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read a peak from")
def test_memory_does_not_grow_with_the_shard(tmp_path: Path) -> None:
    grown = []
    for megabytes in (16, 64):
        folder = tmp_path / str(megabytes)
        command = [sys.executable, "-c", PROGRAM, str(folder), str(megabytes), str(2 * MB)]
        grown.append(int(subprocess.run(command, check=True, capture_output=True).stdout) << 10)
    assert grown[1] - grown[0] < 20 * MB  # 48 MB more of replies
