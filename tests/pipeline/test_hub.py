"""The Hub's client is real, its HTTP transport is not: each test answers the requests itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
import pytest
from huggingface_hub.utils import _http

from pipeline.changes import Change
from pipeline.config import Config
from pipeline.errors import BuildError, PassingError, UserError
from pipeline.hub import plan_hub, publish_hub

REPO = "org/name"
Answer = Callable[[httpx2.Request], httpx2.Response]


class Hub:
    """A dataset repository of small files that remembers what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.created: dict[str, Any] = {}
        self.commit: list[dict[str, Any]] = []
        self.fail: Callable[[httpx2.Request], httpx2.Response | None] = lambda request: None
        self.answers: dict[str, Answer] = {
            "/api/repos/create": self._create,
            f"/api/datasets/{REPO}": lambda request: httpx2.Response(200, json={"id": REPO}),
            f"/api/datasets/{REPO}/tree/main": self._tree,
            f"/api/datasets/{REPO}/preupload/main": self._preupload,
            f"/api/datasets/{REPO}/commit/main": self._commit,
            "/api/validate-yaml": lambda request: httpx2.Response(200, json={}),
        }

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.asked.append((request.method, request.url.path))
        answer = self.answers.get(request.url.path, _not_found)
        return self.fail(request) or answer(request)

    def _create(self, request: httpx2.Request) -> httpx2.Response:
        self.created = json.loads(request.content)
        return httpx2.Response(200, json={"url": f"https://huggingface.co/datasets/{REPO}"})

    def _tree(self, request: httpx2.Request) -> httpx2.Response:
        entries = [{"type": "file", "path": name, **of} for name, of in self.files.items()]
        return httpx2.Response(200, json=entries)

    def _preupload(self, request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)["files"]
        rest = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
        return httpx2.Response(200, json={"files": [{"path": f["path"], **rest} for f in asked]})

    def _commit(self, request: httpx2.Request) -> httpx2.Response:
        self.commit = [json.loads(line) for line in request.content.splitlines()]
        url = f"https://huggingface.co/datasets/{REPO}/commit/1"
        return httpx2.Response(200, json={"commitUrl": url, "commitOid": "1" * 40})

    def paths(self, key: str) -> set[str]:
        return {line["value"]["path"] for line in self.commit if line["key"] == key}


def _not_found(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(404, headers={"X-Error-Code": "RepoNotFound"}, json={})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    before = _http._GLOBAL_CLIENT_FACTORY
    client = httpx2.Client(transport=httpx2.MockTransport(hub))
    huggingface_hub.set_client_factory(lambda: client)
    yield hub
    huggingface_hub.set_client_factory(before)
    client.close()


def answering(status: int) -> Answer:
    return lambda request: httpx2.Response(status, json={"error": "said the test"})


def test_every_file_of_the_folder_goes_up_and_the_address_comes_back(
    hub: Hub, small_config: Config, published_small: Path
) -> None:
    url = publish_hub(small_config, published_small, REPO)
    assert url == f"https://huggingface.co/datasets/{REPO}"
    there = {str(p.relative_to(published_small)) for p in published_small.rglob("*.*")}
    assert hub.paths("file") == there
    assert hub.commit[0]["value"]["summary"] == "small 1"


@pytest.mark.parametrize(("private", "visibility"), [(True, "private"), (False, "public")])
def test_a_new_dataset_is_private_unless_asked_otherwise(
    hub: Hub, small_config: Config, published_small: Path, private: bool, visibility: str
) -> None:
    publish_hub(small_config, published_small, REPO, private=private)
    assert hub.created["visibility"] == visibility
    assert hub.created["type"] == "dataset"


def test_files_of_an_older_upload_go_and_strangers_stay(
    hub: Hub, small_config: Config, published_small: Path
) -> None:
    stale = "distilled/train-00001-of-00002.parquet"
    for name in (stale, "notes.txt", ".gitattributes"):
        hub.files[name] = {"size": 1, "oid": "a" * 40}
    publish_hub(small_config, published_small, REPO)
    assert hub.paths("deletedFile") == {stale}


def test_only_our_files_go_up(hub: Hub, small_config: Config, tmp_path: Path) -> None:
    for name in ("README.md", "secret.env"):
        (tmp_path / name).write_text("---\nlicense: mit\n---\n")
    publish_hub(small_config, tmp_path, REPO)
    assert hub.paths("file") == {"README.md"}


def test_the_token_is_the_environments(
    hub: Hub, small_config: Config, published_small: Path
) -> None:
    seen = set()
    hub.fail = lambda request: seen.add(request.headers.get("authorization"))
    publish_hub(small_config, published_small, REPO)
    assert seen == {"Bearer hf_test"}


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (401, UserError, "hf auth login"),
        (403, UserError, "write permission"),
        (404, UserError, "correct the name"),
        (400, BuildError, "said the test"),
    ],
)
def test_a_refusal_names_its_remedy(
    hub: Hub,
    small_config: Config,
    published_small: Path,
    status: int,
    error: type[Exception],
    remedy: str,
) -> None:
    hub.fail = answering(status)
    with pytest.raises(error, match=remedy):
        publish_hub(small_config, published_small, REPO)


def test_a_broken_connection_may_pass(
    hub: Hub, small_config: Config, published_small: Path
) -> None:
    def cut(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route to host", request=request)

    hub.fail = cut
    with pytest.raises(PassingError, match="run again"):
        publish_hub(small_config, published_small, REPO)


def test_a_failing_hub_may_pass(hub: Hub, small_config: Config, published_small: Path) -> None:
    hub.answers["/api/repos/create"] = answering(500)
    with pytest.raises(PassingError, match="500"):
        publish_hub(small_config, published_small, REPO)


def test_being_told_to_stay_offline_is_said(
    hub: Hub, small_config: Config, published_small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    huggingface_hub.set_client_factory(_http.default_client_factory)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        publish_hub(small_config, published_small, REPO)
    assert hub.asked == []


@pytest.mark.parametrize("repo", ["a/b/c", "white space", "-"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(
    hub: Hub, small_config: Config, published_small: Path, repo: str
) -> None:
    with pytest.raises(UserError, match="ORG/NAME"):
        publish_hub(small_config, published_small, repo)
    assert [path for _, path in hub.asked if "repos" in path or "datasets" in path] == []


def test_the_plan_compares_by_content(hub: Hub, tmp_path: Path) -> None:
    for name, text in {"README.md": "new", "ledger.json": "same", "recipe.json": "big"}.items():
        (tmp_path / name).write_text(text)
    same = hashlib.sha1(b"blob 4\0same").hexdigest()
    sha256 = hashlib.sha256(b"big").hexdigest()
    hub.files = {
        "README.md": {"size": 3, "oid": "0" * 40},
        "ledger.json": {"size": 4, "oid": same},
        "recipe.json": {"size": 3, "oid": "1" * 40, "lfs": {"oid": sha256, "size": 3}},
        "plots/old.png": {"size": 9, "oid": "2" * 40},
        "notes.txt": {"size": 9, "oid": "3" * 40},
    }
    hub.files["recipe.json"]["lfs"]["pointerSize"] = 120
    assert plan_hub(tmp_path, REPO) == [
        Change("replace", "README.md", 3),
        Change("remove", "plots/old.png", 9),
    ]


def test_the_plan_for_a_new_dataset_adds_everything(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("new")
    del hub.answers[f"/api/datasets/{REPO}"]
    assert plan_hub(tmp_path, REPO) == [Change("add", "README.md", 3)]
