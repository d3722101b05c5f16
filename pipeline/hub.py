"""Publishes a published folder to the Hugging Face Hub, and says first what would change.

    publish_hub(config, folder, "org/name")     "https://huggingface.co/datasets/org/name"

The token comes from the environment (HF_TOKEN) or from `hf auth login`, never from here.
Where the Hub is busy or failing it is asked again for a while; running again after that
uploads only what is missing. The Hub's client makes one commit of a small dataset and
several of a large one; a reader between two of those sees some old files beside new ones,
unless he reads the version's tag, which is set when all is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.changes import Change, compare
from pipeline.config import Config
from pipeline.errors import BuildError, PassingError, UserError
from pipeline.folder import OURS, is_ours
from pipeline.store import sha256

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

KIND = "dataset"
Result = TypeVar("Result")
LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"
AGAIN = "run again: what was uploaded is not uploaded again"


class HubBusy(PassingError):
    """The Hub asks to come back later, in so many seconds where it says so."""

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a failing Hub is asked again: waits double from `first_s` to `most_s` seconds.

    Eight tries are four minutes of failure, a guess; a Retry-After of the Hub goes before.
    """

    tries: int = 8
    first_s: float = 2.0
    most_s: float = 120.0

    def wait_s(self, failures: int, error: PassingError) -> float:
        """Return how long to wait after so many failures in a row."""
        asked = error.retry_after_s if isinstance(error, HubBusy) else None
        return min(self.first_s * 2 ** (failures - 1) if asked is None else asked, self.most_s)


def publish_hub(
    config: Config,
    folder: Path,
    repo: str,
    private: bool = True,
    patience: Patience = Patience(),
) -> str:
    """Upload a published folder and tag it with the version; returns the dataset's address.

    `private` decides for a dataset that does not exist yet; one that does keeps its
    visibility. Files of earlier versions that are no longer there are removed, files
    that this program does not write are kept. Raises UserError or PassingError.
    """

    from huggingface_hub import HfApi

    def patiently(action: Callable[[], Result]) -> Result:
        return patient(lambda: _guarded(repo, action), patience)

    # Each step for itself: of many calls in a row one fails too often on a bad day.
    api = HfApi()
    url = patiently(lambda: api.create_repo(repo, repo_type=KIND, private=private, exist_ok=True))
    if patiently(lambda: plan_hub(folder, repo)):
        patiently(lambda: _upload(config, folder, repo))
    patiently(lambda: _tag(repo, config.version))
    return str(url)


def _guarded(repo: str, action: Callable[[], Result]) -> Result:
    with _hub_errors(repo):
        return action()


def _upload(config: Config, folder: Path, repo: str) -> None:
    """Upload what is not there yet, and commit it with what is to go."""
    from huggingface_hub import HfApi

    HfApi().upload_folder(
        repo_id=repo,
        repo_type=KIND,
        folder_path=folder,
        allow_patterns=list(OURS),
        delete_patterns=list(OURS),
        commit_message=f"{config.name} {config.version}",
    )


def _tag(repo: str, version: str) -> None:
    """Let the version's tag point to what is there now; it moves where it pointed elsewhere."""
    from huggingface_hub import HfApi

    api = HfApi()
    refs = api.list_repo_refs(repo, repo_type=KIND)
    head = next(branch.target_commit for branch in refs.branches if branch.name == "main")
    tags = {tag.name: tag.target_commit for tag in refs.tags}
    if tags.get(version) == head:
        return
    if version in tags:
        api.delete_tag(repo, tag=version, repo_type=KIND)
    api.create_tag(repo, tag=version, repo_type=KIND, revision=head)


def patient(action: Callable[[], Result], patience: Patience) -> Result:
    """Do something until it does not fail for a passing reason; raises the last PassingError."""
    for failures in range(1, patience.tries + 1):
        try:
            return action()
        except PassingError as error:
            if failures == patience.tries:
                raise
            seconds = patience.wait_s(failures, error)
            print(f"{error}; trying again in {seconds:.0f} s", file=sys.stderr, flush=True)
            time.sleep(seconds)
    raise AssertionError("there is at least one try")


def plan_hub(folder: Path, repo: str) -> list[Change]:
    """Return what `publish_hub` would change; all is added where the dataset is not there."""
    remote = _remote_files(repo)
    old = {name: file.size for name, file in remote.items() if is_ours(name)}
    return compare(folder, old, lambda name: _is_same(folder / name, remote[name]))


def _remote_files(repo: str) -> dict[str, RepoFile]:
    from huggingface_hub import HfApi, RepoFile

    with _hub_errors(repo):
        api = HfApi()
        if not api.repo_exists(repo, repo_type=KIND):
            return {}
        tree = api.list_repo_tree(repo, repo_type=KIND, recursive=True)
        return {item.path: item for item in tree if isinstance(item, RepoFile)}


def _is_same(path: Path, remote: RepoFile) -> bool:
    """Tell whether a file has the content of one on the Hub, without loading that."""
    if remote.lfs is not None:
        return sha256(path) == remote.lfs.sha256
    data = path.read_bytes()  # not in LFS: small, 10 MB at most
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return blob.hexdigest() == remote.blob_id


@contextlib.contextmanager
def _hub_errors(repo: str) -> Iterator[None]:
    """Turn what the Hub's client raises into one line that names a remedy."""
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HFValidationError,
        HTTPError,  # of whichever HTTP library the client uses; it is not declared as exported
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except HFValidationError as error:
        raise UserError(f"--repo {repo}: must be ORG/NAME: {error}") from error
    except LocalTokenNotFoundError as error:
        raise UserError(f"--repo {repo}: no token for the Hub; {LOGIN}") from error
    except OfflineModeIsEnabled as error:
        raise UserError(
            f"--repo {repo}: HF_HUB_OFFLINE is set, so that the Hub is not asked; unset it,"
            " or publish to a folder (--to)"
        ) from error
    except HfHubHTTPError as error:
        raise _by_status(repo, error.response, str(error)) from error
    except (RuntimeError, ValueError) as error:  # what its upload threads raise
        if not isinstance(error.__cause__, HfHubHTTPError | HTTPError):
            raise
        raise PassingError(
            f"--repo {repo}: an upload failed ({error.__cause__}); {AGAIN}"
        ) from error
    except HTTPError as error:
        raise PassingError(
            f"--repo {repo}: the Hub cannot be reached ({error}); check the network and {AGAIN}"
        ) from error


def _by_status(repo: str, response: Any, text: str) -> BuildError:
    """Return the error for an answer of the Hub that is no success."""
    status = response.status_code
    if status == 401:
        return UserError(f"--repo {repo}: the Hub does not know this token (401); {LOGIN}")
    if status == 403:
        return UserError(
            f"--repo {repo}: this token may not write there (403); make one with write"
            " permission for it, or publish to another --repo"
        )
    if status == 404:
        return UserError(
            f"--repo {repo}: no such organisation or dataset, or hidden from this token (404);"
            " correct the name, or use a token that may see it"
        )
    if status in (409, 412, 429) or status >= 500:
        asked = response.headers.get("Retry-After", "")
        return HubBusy(
            f"--repo {repo}: the Hub is busy or failing ({status}); {AGAIN}",
            float(asked) if asked.isdecimal() else None,
        )
    return BuildError(f"--repo {repo}: the Hub refused ({status}): {text}")
