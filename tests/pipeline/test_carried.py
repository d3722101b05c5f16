"""What is no table, carried between machines: replies are paid for once wherever they arrived."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.carried import Carrier, carried
from pipeline.errors import StoreUnwritable
from pipeline.remote import open_remote
from pipeline.remote_store import RemoteStore
from pipeline.store import Store
from pipeline.teacher.base import Reply
from pipeline.teacher.journal import Journal
from tests.loopback_s3 import BUCKET, S3, loopback_s3

pytest.importorskip("moto", reason="moto is not installed: no S3 server to test against")
KEYS = ["0a", "0b", "f1"]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with loopback_s3() as made:
        yield made


@pytest.fixture
def machines(s3: S3, tmp_path: Path) -> tuple[RemoteStore, RemoteStore]:
    remote = open_remote(f"s3://{BUCKET}/{tmp_path.name}", 1 << 30)
    one, two = (RemoteStore(tmp_path / n, "set", "1", 2, remote=remote) for n in "ab")
    return one, two


def put(store: Store, *keys: str) -> None:
    with Journal(store.root / "journal") as journal:
        for key in keys:
            journal.put(key, Reply(f"reply {key}", "stop", 1, 2, 100), "t")


def known(store: Store, *keys: str) -> dict[str, str]:
    with Journal(store.root / "journal") as journal:
        return {key: reply.text for key, reply in journal.get(keys, 100).items()}


def segments(store: RemoteStore) -> int:
    return len(store.remote.listed("journal"))


def test_replies_are_known_on_another_machine(machines: tuple[RemoteStore, RemoteStore]) -> None:
    one, two = machines
    put(one, *KEYS)
    Carrier(one).send()
    Carrier(two).fetch()
    assert known(two, *KEYS) == {key: f"reply {key}" for key in KEYS}


def test_what_was_fetched_is_not_sent_back(machines: tuple[RemoteStore, RemoteStore]) -> None:
    one, two = machines
    put(one, *KEYS)
    Carrier(one).send()
    put(two, "0c")
    Carrier(two).fetch()
    put(two, "0d")
    Carrier(two).send()
    assert segments(one) == 2
    Carrier(one).fetch()
    Carrier(one).send()
    assert segments(one) == 2
    assert len(known(one, *KEYS, "0c", "0d")) == 5


def test_nothing_new_is_nothing_to_send(machines: tuple[RemoteStore, RemoteStore]) -> None:
    one, _ = machines
    put(one, *KEYS)
    Carrier(one).send()
    Carrier(one).send()
    assert segments(one) == 1


def test_replies_are_sent_while_a_stage_goes_on(
    machines: tuple[RemoteStore, RemoteStore],
) -> None:
    one, two = machines
    with carried(one, every_s=0.1):
        put(one, *KEYS)
        end = time.monotonic() + 10
        while not segments(two) and time.monotonic() < end:
            time.sleep(0.05)
        Carrier(two).fetch()
        assert len(known(two, *KEYS)) == 3


def test_what_a_failing_stage_has_got_is_sent(machines: tuple[RemoteStore, RemoteStore]) -> None:
    one, two = machines
    with pytest.raises(KeyError), carried(one):
        put(one, *KEYS)
        raise KeyError
    Carrier(two).fetch()
    assert len(known(two, *KEYS)) == 3


def test_an_upload_that_failed_is_made_up_for(
    machines: tuple[RemoteStore, RemoteStore], s3: S3
) -> None:
    one, two = machines
    put(one, *KEYS)
    s3.faults.append({"method": "PUT", "match": "/journal/", "fault": "403", "times": 1})
    with pytest.raises(StoreUnwritable):
        Carrier(one).send()
    Carrier(one).send()
    Carrier(two).fetch()
    assert len(known(two, *KEYS)) == 3


def test_files_beside_tables_are_carried_both_ways(
    machines: tuple[RemoteStore, RemoteStore],
) -> None:
    one, two = machines
    for store, text in ((one, "first"), (two, "second")):
        with carried(store):
            store.folder.mkdir(parents=True, exist_ok=True)
            path = store.folder / "accounts.jsonl"
            before = path.read_text() if path.exists() else ""
            path.write_text(f"{before}{json.dumps(text)}\n")
            (store.folder.parent / "removed.jsonl").write_text(text)
    Carrier(one).fetch()
    assert (one.folder / "accounts.jsonl").read_text() == '"first"\n"second"\n'
    assert (one.folder.parent / "removed.jsonl").read_text() == "second"


def test_a_local_data_folder_is_left_alone(tmp_path: Path) -> None:
    with carried(Store(tmp_path, "set", "1", 2), every_s=0.1):
        pass
    assert list(tmp_path.iterdir()) == []
