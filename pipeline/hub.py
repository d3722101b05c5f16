"""Publishes a published folder to the Hugging Face Hub, and says first what would change.

    publish_hub(config, folder, "org/name")     "https://huggingface.co/datasets/org/name"

The token comes from the environment (HF_TOKEN) or from `hf auth login`, never from here.
Running again after a failure uploads only what is missing. The Hub's client makes one
commit of a small dataset and several of a large one; a reader between two of those sees
some old files beside new ones.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.changes import Change, compare
from pipeline.config import Config
from pipeline.errors import BuildError, PassingError, UserError
from pipeline.folder import OURS, is_ours
from pipeline.store import sha256

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

KIND = "dataset"
LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"
AGAIN = "run again: what was uploaded is not uploaded again"


def publish_hub(config: Config, folder: Path, repo: str, private: bool = True) -> str:
    """Upload a published folder; returns the dataset's address.

    `private` decides for a dataset that does not exist yet; one that does keeps its
    visibility. Files of earlier versions that are no longer there are removed, files
    that this program does not write are kept. Raises UserError or PassingError.
    """
    from huggingface_hub import HfApi

    with _hub_errors(repo):
        api = HfApi()
        url = api.create_repo(repo, repo_type=KIND, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            repo_type=KIND,
            folder_path=folder,
            allow_patterns=list(OURS),
            delete_patterns=list(OURS),
            commit_message=f"{config.name} {config.version}",
        )
    return str(url)


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
        raise _by_status(repo, error.response.status_code, str(error)) from error
    except HTTPError as error:
        raise PassingError(
            f"--repo {repo}: the Hub cannot be reached ({error}); check the network and {AGAIN}"
        ) from error


def _by_status(repo: str, status: int, text: str) -> BuildError:
    """Return the error for an answer of the Hub that is no success."""
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
        return PassingError(f"--repo {repo}: the Hub is busy or failing ({status}); {AGAIN}")
    return BuildError(f"--repo {repo}: the Hub refused ({status}): {text}")
