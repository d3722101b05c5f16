"""Publishing to a Hub on loopback, through the Hub's own client, with faults."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.changes import Change
from pipeline.config import Config
from pipeline.errors import BuildError, PassingError, UserError
from pipeline.hub import Patience, plan_hub, publish_hub
from tests.loopback_hub import Fault, LoopbackHub, wait_until
from tests.pipeline.publish_support import hub_environment, loopback_hub

REPO = "org/name"
# The Hub's client passes files to its HTTP library in a way that this one calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
QUICK = Patience(tries=6, first_s=0.01)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with loopback_hub(tmp_path / "hub", monkeypatch) as served:
        yield served


def local(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}


def publish(hub: LoopbackHub, config: Config, folder: Path, **rest: bool) -> str:
    return publish_hub(config, folder, REPO, patience=QUICK, **rest)


def test_every_file_of_the_folder_is_there_byte_for_byte(
    hub: LoopbackHub, small_config: Config, published_small: Path
) -> None:
    url = publish(hub, small_config, published_small)
    assert url == f"{hub.url}/datasets/{REPO}"
    assert hub.paths(REPO) == local(published_small)
    for name in hub.paths(REPO):
        assert hub.content(REPO, name) == (published_small / name).read_bytes()


def test_a_version_is_tagged_and_the_tag_reads_what_was_published(
    hub: LoopbackHub, small_config: Config, published_small: Path
) -> None:
    publish(hub, small_config, published_small)
    assert hub.repos[REPO].tags == {"1": hub.repos[REPO].commits[-1][0]}
    assert hub.paths(REPO, "1") == local(published_small)


def test_a_tag_moves_when_its_version_is_published_again_with_other_files(
    hub: LoopbackHub, small_config: Config, tmp_path: Path
) -> None:
    for text in ("old", "new"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / "README.md").write_text(f"---\nlicense: mit\n---\n{text}\n")
        publish(hub, small_config, tmp_path / "d")
    assert hub.content(REPO, "README.md", "1").endswith(b"new\n")


def test_publishing_again_uploads_nothing_and_makes_no_commit(
    hub: LoopbackHub, small_config: Config, published_small: Path
) -> None:
    publish(hub, small_config, published_small)
    commits, uploads = len(hub.repos[REPO].commits), len(hub.uploaded)
    publish(hub, small_config, published_small)
    assert (len(hub.repos[REPO].commits), len(hub.uploaded)) == (commits, uploads)


@pytest.mark.parametrize(("private", "expected"), [(True, True), (False, False)])
def test_a_new_dataset_is_private_unless_asked_otherwise(
    hub: LoopbackHub, small_config: Config, published_small: Path, private: bool, expected: bool
) -> None:
    publish(hub, small_config, published_small, private=private)
    assert hub.repos[REPO].private is expected


def test_files_of_an_older_upload_go_and_strangers_stay(
    hub: LoopbackHub, small_config: Config, published_small: Path, tmp_path: Path
) -> None:
    stale = "distilled/train-00001-of-00002.parquet"
    folder = tmp_path / "older"
    (folder / "distilled").mkdir(parents=True)
    for name in (stale, "notes.txt"):
        (folder / name).write_text("x")
    from huggingface_hub import HfApi

    HfApi().create_repo(REPO, repo_type="dataset")
    HfApi().upload_folder(repo_id=REPO, repo_type="dataset", folder_path=folder)
    publish(hub, small_config, published_small)
    assert hub.paths(REPO) == {*local(published_small), "notes.txt"}


def test_only_our_files_go_up(hub: LoopbackHub, small_config: Config, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("README.md", "secret.env"):
        (tmp_path / "d" / name).write_text("---\nlicense: mit\n---\n")
    publish(hub, small_config, tmp_path / "d")
    assert hub.paths(REPO) == {"README.md"}


# Faults


FAULTS = {
    "the commit fails": [Fault("/commit/", 500, times=2)],
    "the commit is refused as too many": [Fault("/commit/", 429, times=2, retry_after="0")],
    "somebody else commits": [Fault("/commit/", 412, times=1)],
    "the commit is done and its answer lost": [Fault("/commit/", -1, times=1)],
    "every fifth call fails": [Fault("/", 503, every=5)],
    "a part of a file is lost": [Fault("/lfs/", 500, times=1, method="PUT")],
    "a connection is cut in an upload": [Fault("/lfs/", 0, times=1, method="PUT")],
    "the tag fails": [Fault("/tag/", 502, times=1)],
    "creating fails": [Fault("/repos/create", 504, times=2)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_leaves_every_file_right(
    hub: LoopbackHub, small_config: Config, published_small: Path, name: str
) -> None:
    hub.faults = [Fault(f.path, f.status, f.every, f.times, f.method, f.retry_after)
                  for f in FAULTS[name]]  # fmt: skip
    publish(hub, small_config, published_small)
    assert sum(fault.hits for fault in hub.faults) > 0
    assert hub.paths(REPO, "1") == local(published_small)
    for path in hub.paths(REPO):
        assert hub.content(REPO, path) == (published_small / path).read_bytes()


def test_a_hub_that_goes_on_failing_ends_in_an_error_that_says_to_run_again(
    hub: LoopbackHub,
    small_config: Config,
    published_small: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub.faults = [Fault("/commit/", 500)]
    with pytest.raises(PassingError, match=r"500.*run again"):
        publish(hub, small_config, published_small)
    assert "trying again in" in capsys.readouterr().err
    hub.faults = []
    uploads = len(hub.uploaded)
    publish(hub, small_config, published_small)
    assert len(hub.uploaded) == uploads  # what had been uploaded was not uploaded again


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (401, UserError, "hf auth login"),
        (403, UserError, "write permission"),
        (404, UserError, "correct the name"),
        (400, BuildError, "said the test"),
    ],
)
def test_a_refusal_names_its_remedy_and_is_not_repeated(
    hub: LoopbackHub,
    small_config: Config,
    published_small: Path,
    status: int,
    error: type[Exception],
    remedy: str,
) -> None:
    hub.faults = [Fault("/repos/create", status)]
    with pytest.raises(error, match=remedy):
        publish(hub, small_config, published_small)
    assert hub.faults[0].hits == 1


def test_a_hub_that_is_not_there_may_pass(
    hub: LoopbackHub,
    small_config: Config,
    published_small: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PassingError, match="run again"):
        publish_hub(small_config, published_small, REPO, patience=Patience(tries=2, first_s=0.01))


def test_being_told_to_stay_offline_is_said(
    hub: LoopbackHub,
    small_config: Config,
    published_small: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        publish(hub, small_config, published_small)
    assert hub.asked.total() == 0


@pytest.mark.parametrize("repo", ["a/b/c", "white space", "-"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(
    hub: LoopbackHub, small_config: Config, published_small: Path, repo: str
) -> None:
    with pytest.raises(UserError, match="ORG/NAME"):
        publish_hub(small_config, published_small, repo, patience=QUICK)
    assert hub.repos == {}


UPLOAD = """
import sys
from pathlib import Path
from pipeline.config import load_config
from pipeline.hub import publish_hub
publish_hub(load_config("quickstart"), Path(sys.argv[1]), "org/name")
"""


def test_a_publisher_killed_in_the_middle_of_an_upload_finishes_the_next_time(
    hub: LoopbackHub, small_config: Config, published_small: Path, tmp_path: Path
) -> None:
    hub.faults = [Fault("/commit/", 503)]
    env = hub_environment(hub, tmp_path / "home")
    process = subprocess.Popen([sys.executable, "-c", UPLOAD, str(published_small)], env=env)
    wait_until(lambda: hub.faults[0].hits > 0, seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.faults = []
    uploads = len(hub.uploaded)
    publish(hub, small_config, published_small)
    assert hub.paths(REPO, "1") == local(published_small)
    assert len(hub.uploaded) == uploads


# What readers see


READ = """
import sys
from datasets import load_dataset
for streaming in (False, True):
    for config in sys.argv[1:]:
        rows = load_dataset("org/name", config, split="train", streaming=streaming)
        print(config, *sorted(row["id"] for row in rows))
"""


def test_load_dataset_sees_the_rows_of_the_folder_streaming_and_not(
    hub: LoopbackHub, small_config: Config, published_small: Path, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    publish(hub, small_config, published_small)
    configs = ("open_source", "distilled")
    env = hub_environment(hub, tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-c", READ, *configs], env=env, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = []
    for config in configs:
        ids = [
            row
            for path in sorted((published_small / config).glob("*.parquet"))
            for row in pq.read_table(path, columns=["id"]).column("id").to_pylist()
        ]
        expected.append(" ".join([config, *sorted(ids)]))
    assert done.stdout.splitlines() == expected * 2


# Plans


def test_the_plan_compares_by_content(
    hub: LoopbackHub, small_config: Config, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    (folder / "plots").mkdir(parents=True)
    for name, text in {"README.md": "old", "ledger.json": "same", "plots/old.png": "x" * 9}.items():
        (folder / name).write_text(text)
    publish(hub, small_config, folder)
    (folder / "README.md").write_text("new")
    (folder / "plots" / "old.png").unlink()
    (folder / "recipe.json").write_text("{}")
    assert plan_hub(folder, REPO) == [
        Change("replace", "README.md", 3),
        Change("remove", "plots/old.png", 9),
        Change("add", "recipe.json", 2),
    ]


def test_the_plan_for_a_new_dataset_adds_everything(hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "README.md").write_text("new")
    assert plan_hub(tmp_path / "d", REPO) == [Change("add", "README.md", 3)]
