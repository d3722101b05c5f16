"""Leases between workers: exclusive, renewed, taken over, and fenced."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import LeaseLost
from pipeline.leases import FolderMedium, Lease, Leases, Medium
from pipeline.remote import open_remote
from tests.loopback_s3 import S3, loopback_s3

EXPIRY_S = 0.3


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    pytest.importorskip("moto", reason="moto is not installed: no S3 server to test against")
    with loopback_s3() as made:
        yield made


@pytest.fixture(params=["folder", "s3"])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Medium:
    if request.param == "folder":
        return FolderMedium(tmp_path / "leases")
    request.getfixturevalue("s3")
    return open_remote(f"s3://bucket/{tmp_path.name}", 0).medium("leases")


def worker(medium: Medium, name: str = "") -> Leases:
    """A worker whose heart does not beat: it is not entered."""
    made = Leases(medium, EXPIRY_S)
    return made if not name else Leases(medium, EXPIRY_S, owner=name)


def test_of_many_who_want_some_work_one_gets_it(medium: Medium) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: worker(medium).take("embed-0"), range(8)))
    assert sum(lease is not None for lease in found) == 1


def test_work_that_was_given_back_can_be_taken(medium: Medium) -> None:
    first, second = worker(medium), worker(medium)
    lease = first.take("embed-0")
    assert lease is not None
    assert second.take("embed-0") is None
    first.release(lease)
    assert second.take("embed-0") is not None


def silent(medium: Medium) -> tuple[Lease, Lease]:
    """Return the lease of a worker that fell silent, and that of the one who took over."""
    first, second = worker(medium), worker(medium)
    old = first.take("embed-0")
    assert second.take("embed-0") is None
    time.sleep(EXPIRY_S)
    new = second.take("embed-0")
    assert old is not None
    assert new is not None
    return old, new


def test_who_falls_silent_is_taken_over_from_and_fenced(medium: Medium) -> None:
    old, new = silent(medium)
    assert new.number > old.number
    with pytest.raises(LeaseLost, match="embed-0"):
        old.check()
    new.check()


def test_who_was_taken_over_from_cannot_give_back_what_is_not_its_own(medium: Medium) -> None:
    old, new = silent(medium)
    worker(medium, old.owner).release(old)
    assert new.held


def test_the_same_number_of_another_owner_is_another_lease(medium: Medium) -> None:
    old, new = silent(medium)
    worker(medium, new.owner).release(new)  # so that numbers begin again
    again = worker(medium).take("embed-0")
    assert again is not None
    assert again.number == old.number
    assert not old.held


def test_a_heartbeat_keeps_a_lease(medium: Medium) -> None:
    other = worker(medium)
    with Leases(medium, EXPIRY_S) as first:
        assert first.take("embed-0")
        end = time.monotonic() + 3 * EXPIRY_S
        while time.monotonic() < end:
            assert other.take("embed-0") is None
            time.sleep(EXPIRY_S / 10)
    assert other.take("embed-0") is not None  # given back when the block ends


def test_a_late_heartbeat_does_not_bring_a_lost_lease_back(medium: Medium) -> None:
    with Leases(medium, EXPIRY_S) as first:
        lease = first.take("embed-0")
        assert lease is not None
        medium.delete(lease.name)
        medium.create("embed-0.1", json.dumps({"owner": "other", "beat": 0}).encode())
        time.sleep(EXPIRY_S)
        assert json.loads(medium.get("embed-0.1") or b"{}")["owner"] == "other"


def test_who_comes_new_waits_to_see_whether_a_lease_is_alive(medium: Medium) -> None:
    with Leases(medium, EXPIRY_S) as first:
        assert first.take("version")
        assert worker(medium).take_over("version") is None
    assert worker(medium).take("version")  # and is not heard of again
    assert worker(medium).take_over("version") is not None
