"""The teacher on a Ray cluster of two nodes on this machine, with the tiny model in its workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from pipeline.cluster import Cluster
from pipeline.config import Caps, Prices, Runtime
from pipeline.errors import BudgetSpent, ConfigError, TeacherUnavailable, Unavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Client, Keeper, Reply, ask_key
from pipeline.teacher.budget import Budget
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from pipeline.teacher.ray_client import join
from tests.pipeline.teacher.tiny_support import tiny_model, tiny_tokenizer

ray = pytest.importorskip("ray", reason="ray is not installed")

# Ray leaves sockets and files for the collector, and calls its own outdated names.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
)
SAMPLING = Sampling(temperature=1.0, max_tokens=8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Run a head and a second node, one worker on each; gives the address."""
    from ray.cluster_utils import Cluster

    running = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False},
    )
    running.add_node(num_cpus=1)
    yield running.address
    ray.shutdown()
    running.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return str(folder)


def teacher_of(model: str, **changes: Any) -> Teacher:
    values = {"name": "tiny", "model": model, "revision": "1", "engine": "ray", **changes}
    return Teacher.model_validate({"style": "completion", **values})


def opened(address: str, model: str, budget: Budget | None = None, **changes: Any) -> Client:
    settings = {"address": address, "engine": "transformers", "replicas": 2, "gpus": False}
    runtime = {"ray": {**settings, **changes}, "local": {"threads": 1, "batch_size": 4}}
    return open_client(teacher_of(model), SAMPLING, Runtime.model_validate(runtime), budget)


def asks_for(model: str, count: int, samples: int = 1) -> list[Ask]:
    teacher = teacher_of(model)
    requests = [{"prompt": f"What is {number} + 1?"} for number in range(count)]
    return [
        Ask(str(number), n, request, ask_key(teacher, SAMPLING, request, n))
        for number, request in enumerate(requests)
        for n in range(samples)
    ]


class Remembering(Keeper):
    def __init__(self) -> None:
        self.kept: list[str] = []

    def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
        self.kept += [ask.key for ask, _ in arrived]


def test_every_sample_of_every_question_comes_back_once_and_is_kept_before(
    cluster: str, model: str
) -> None:
    asks, keeper = asks_for(model, 9, samples=3), Remembering()
    seen: dict[str, Reply] = {}
    with opened(cluster, model) as client:
        for ask, reply in client.replies(iter(asks), keeper):
            assert ask.key in keeper.kept
            seen[ask.key] = reply
        assert client.account()[0]["replies"] == len(asks)
    assert sorted(keeper.kept) == sorted(ask.key for ask in asks) == sorted(seen)
    assert len({seen[ask.key].text for ask in asks[:3]}) > 1  # each sample has a seed of its own


def test_a_run_that_is_given_up_loses_nothing_that_had_come_and_asks_for_the_rest(
    cluster: str, model: str, tmp_path: Path
) -> None:
    asks = asks_for(model, 24)
    keys = [ask.key for ask in asks]
    with Journal(tmp_path) as journal:
        keeper = JournalKeeper(journal, "tiny")
        with opened(cluster, model) as client:
            came = [ask.key for ask, _ in islice(client.replies(iter(asks), keeper), 5)]
        known = journal.known(keys, SAMPLING.max_tokens)
        assert set(came) <= set(known) != set(keys)
        missing = [ask for ask in asks if ask.key not in known]
        with opened(cluster, model) as client:
            assert len(list(client.replies(iter(missing), keeper))) == len(missing)
        assert set(journal.known(keys, SAMPLING.max_tokens)) == set(keys)


def test_a_cap_ends_the_run_before_it_is_passed(cluster: str, model: str) -> None:
    budget, came = Budget(Caps(tokens=150), Prices()), []
    with opened(cluster, model, budget) as client, pytest.raises(BudgetSpent):
        for ask, _ in client.replies(iter(asks_for(model, 40))):
            came.append(ask.key)
    assert came
    assert budget.spent.total <= 150


def test_what_the_model_cannot_take_is_refused_alone(cluster: str, model: str) -> None:
    asks = asks_for(model, 5)
    request = {"prompt": "x" * 500}  # it reads 160 tokens at most
    asks.insert(2, Ask("long", 0, request, ask_key(teacher_of(model), SAMPLING, request, 0)))
    with opened(cluster, model) as client:
        found = {ask.id: reply.finish_reason for ask, reply in client.replies(iter(asks))}
    assert found.pop("long") == "error"
    assert set(found.values()) <= {"stop", "length"}
    assert len(found) == 5


def test_a_model_that_no_worker_can_load_ends_the_run(cluster: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "nothing")
    with opened(cluster, missing, replicas=1) as client, pytest.raises(TeacherUnavailable):
        list(client.replies(iter(asks_for(missing, 2))))


def test_an_engine_that_is_not_where_the_workers_are_is_named(cluster: str, model: str) -> None:
    with pytest.raises(Unavailable, match="vllm"):
        opened(cluster, model, engine="vllm")


def test_no_cluster_at_the_address_is_the_users_fault(model: str) -> None:
    with pytest.raises(Unavailable, match=r"runtime\.ray\.address"):
        opened("127.0.0.1:1", model)


def test_a_process_in_a_cluster_already_cannot_choose_the_workers_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: True)
    with pytest.raises(ConfigError, match=r"runtime\.ray\.python"):
        join(Cluster(python="/opt/vllm/bin/python"))
    assert not join(Cluster())  # it is somebody else's to leave


def test_a_clients_address_is_refused() -> None:
    with pytest.raises(ValueError, match="ray://"):
        Runtime.model_validate({"ray": {"address": "ray://head:10001"}})


def test_without_ray_the_teacher_says_what_to_install(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match=r"ray\[data\]"):
        opened("auto", model)
