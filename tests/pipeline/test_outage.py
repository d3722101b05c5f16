"""When no server answers any more, a run ends with all that came, and the next one goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.accounts import read_accounts
from pipeline.errors import TeacherUnavailable
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.rounds_support import RIGHT, rounds

NAMES = [f"question {number}" for number in range(12)]
WELL: list[dict[str, Any]] = [{"text": RIGHT}]
ENDPOINTS = {"concurrency": 2, "timeout_s": 0.3, "patience_s": 0.5}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("fault", ["500", "silence"])
def test_an_outage_in_the_middle_costs_no_reply_twice(tmp_path: Path, fault: str) -> None:
    faults = [{"fault": fault, "numbers": list(range(5, 1_000))}]
    with loopback_teacher(replies=WELL, faults=faults) as ill:
        made = rounds(tmp_path, ill.url, NAMES, {"endpoints": {"urls": [ill.url], **ENDPOINTS}})
        with pytest.raises(TeacherUnavailable, match=f"{ill.url}.*run again"):
            made.run()
        paid = [line["hash"] for line in ill.requests() if line["answered"] == "reply"]
    with loopback_teacher(replies=WELL) as well:
        rounds(tmp_path, well.url, NAMES, {"endpoints": {"urls": [well.url], **ENDPOINTS}}).run()
        later = [line["hash"] for line in well.requests()]
    assert len(paid) == 5
    assert len(set(paid) | set(later)) == len(paid) + len(later) == len(NAMES)
    assert made.gained() == [0, len(NAMES)]
    ended = [line["ended"] for line in read_accounts(made.store)]
    assert ended == ["broken off", "done"]
