"""The URL of a service that runs programs: where it is set, and that it reaches the verifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Runtime, load_config
from pipeline.verify import Instruments
from verifiers.code_tests import CodeVerifier

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize("url", ["", URL])
def test_url_of_the_runtime_reaches_the_verifier(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    whole = CodeVerifier.create

    def create(cls: type[CodeVerifier], /, workers: int = 1, **settings: Any) -> CodeVerifier:
        given.append(settings)
        return whole(workers, **settings)

    monkeypatch.setattr(CodeVerifier, "create", classmethod(create))
    config = load_config("quickstart")
    runtime = config.runtime.model_copy(update={"sandbox_fusion_url": url, "workers": 1})
    changed = config.model_copy(update={"runtime": runtime})
    with Instruments(changed, tmp_path) as instruments:
        instruments.get("code")
    assert [one.get("sandbox_fusion_url", "") for one in given] == [url]


def test_url_is_no_part_of_the_identity() -> None:
    assert "sandbox_fusion_url" in Runtime.model_fields
    assert Runtime().sandbox_fusion_url == ""
