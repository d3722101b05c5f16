"""The option to run programs without a sandbox: off unless it is asked for by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import Config, Runtime, load_config
from pipeline.verify import Instruments
from verifiers.code_tests import CodeVerifier

ROW = {"id": "a", "answer": "```python\ndef f(): return 1\n```", "test_cases": []}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collect the settings with which the code verifier is made."""
    made: list[dict[str, Any]] = []

    def create(cls: type[CodeVerifier], workers: int = 1, **settings: Any) -> CodeVerifier:
        made.append(settings)
        return whole(workers, **settings)

    whole = CodeVerifier.create
    monkeypatch.setattr(CodeVerifier, "create", classmethod(create))
    return made


def verify(folder: Path, *options: str) -> int:
    (folder / "in.jsonl").write_text(json.dumps(ROW) + "\n")
    paths = [str(folder / name) for name in ("in.jsonl", "out.jsonl")]
    return main(["verify", *paths, "--workers", "1", *options])


def test_default_is_off() -> None:
    assert Runtime().unsafe_no_sandbox is False


@pytest.mark.parametrize("option", [[], ["--unsafe-no-sandbox"]])
def test_option_of_verify_reaches_the_verifier(
    tmp_path: Path, given: list[dict[str, Any]], option: list[str]
) -> None:
    assert verify(tmp_path, "--verifier", "code", *option) == 0
    assert given == [{"unsafe_no_sandbox": True} if option else {}]


def test_option_is_refused_for_verifiers_that_run_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(tmp_path, "--verifier", "math", "--unsafe-no-sandbox") == 2
    assert "--unsafe-no-sandbox: only --verifier code runs programs" in capsys.readouterr().err


@pytest.mark.parametrize("unsafe", [True, False])
def test_setting_reaches_the_verifier_of_a_run(
    tmp_path: Path, given: list[dict[str, Any]], unsafe: bool
) -> None:
    config = load_config("quickstart")
    runtime = config.runtime.model_copy(update={"unsafe_no_sandbox": unsafe, "workers": 1})
    with Instruments(config.model_copy(update={"runtime": runtime}), tmp_path) as instruments:
        instruments.get("code")
    assert given == [{"unsafe_no_sandbox": True} if unsafe else {}]


@pytest.mark.parametrize("option", [[], ["--unsafe-no-sandbox"]])
def test_option_of_run_is_for_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    seen: list[Config] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.commands.run.build", lambda config, *_: seen.append(config))
    assert main(["run", "quickstart", "--only", "collect", *option]) == 0
    assert seen[0].runtime.unsafe_no_sandbox is bool(option)
