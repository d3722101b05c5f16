"""Turns what reading a dataset of the Hub can raise into one line that names a remedy.

    with hub_errors("source numina_math: AI-MO/NuminaMath-1.5"):
        load_dataset(…)

What asking again can't mend (no such dataset, revision, config, split or column) becomes a
SourceError; a Hub that can't be reached, is busy or fails becomes a PassingError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import BuildError, PassingError, SourceError

AGAIN = "check the network and run again"
GATED = "accept its terms on its page and log in with `hf auth login`, or set HF_TOKEN"


@contextmanager
def hub_errors(where: str) -> Iterator[None]:
    """Turn the errors of `datasets` and of the Hub's client into ours; `where` begins the line."""
    import pyarrow as pa
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HTTPError,  # of whichever HTTP library the client uses; it is not declared as exported
        OfflineModeIsEnabled,
    )

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise SourceError(
            f"{where}: HF_HUB_OFFLINE is set, so that the Hub is not asked; unset it, or name a"
            " copy of the files (folder)"
        ) from error
    except DatasetNotFoundError as error:
        raise _not_found(where, error) from error
    except HfHubHTTPError as error:
        raise _by_status(where, error.response.status_code, error) from error
    except (HTTPError, ConnectionError, TimeoutError) as error:
        raise PassingError(
            f"{where}: the Hub cannot be reached ({_short(error)}); {AGAIN}"
        ) from error
    except (DatasetsError, FileNotFoundError, pa.ArrowException, ValueError) as error:
        raise SourceError(
            f"{where}: cannot be read ({_short(error)}); name another revision, config or split"
        ) from error


def _not_found(where: str, error: Exception) -> BuildError:
    """Tell a dataset that is not there from one whose terms are not accepted."""
    text = _short(error)
    if "gated" in text:
        return SourceError(f"{where}: is gated: {GATED}")
    return SourceError(
        f"{where}: no such dataset or revision, or hidden from this token ({text}); correct the"
        " revision, or use a token that may see it"
    )


def _by_status(where: str, status: int, error: Exception) -> BuildError:
    if status in (401, 403):
        return SourceError(f"{where}: may not be read with this token ({status}); {GATED}")
    if status == 404:
        return SourceError(
            f"{where}: no such dataset, revision or file (404); correct the revision"
        )
    return PassingError(f"{where}: the Hub is busy or failing ({status}); {AGAIN}")


def _short(error: Exception) -> str:
    """Return an error's first line, bounded: some hold the whole schema of a file."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
