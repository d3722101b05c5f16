"""`build-dataset sources --check` against a Hub of our own: pins, moved columns, faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import PassingError, SourceError
from pipeline.sources import hub_check
from pipeline.sources.hub_check import read_page
from pipeline.sources.hub_pins import PINS_VARIABLE
from tests.pipeline.sources.hub_double import SHA, hub_double
from tests.pipeline.sources.hub_support import HUB, fixture, repository

Check = Callable[..., tuple[subprocess.CompletedProcess[str], dict[str, Any]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks datasets, given as {name: rows}, in a process of its own."""

    def run(
        datasets: dict[str, Any], pins: str = "", faults: dict[str, str] | None = None
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        folders = {
            HUB[name].dataset.id: repository(tmp_path / name, name, rows)
            for name, rows in datasets.items()
            if rows
        }
        faulty = {HUB[name].dataset.id: fault for name, fault in (faults or {}).items()}
        file = tmp_path / "pins.jsonl"
        file.write_text(pins, encoding="utf-8")
        with hub_double(folders, faulty) as hub:
            own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
            environment = {**os.environ, **own, PINS_VARIABLE: str(file)}
            command = [sys.executable, "-m", "pipeline", "sources", "--check", *datasets]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        return done, {line["source"]: line for line in lines}

    return run


def test_what_was_read_is_pinned_though_the_connection_was_cut(check: Check) -> None:
    rows = fixture("deep_math")["rows"]
    done, pins = check({"deep_math": rows}, faults={"deep_math": "cut"})
    assert done.returncode == 0, done.stderr
    assert f"ok: 1 rows of zwhe99/DeepMath-103K at {SHA}" in done.stdout
    assert pins["deep_math"] == {
        "source": "deep_math",
        "revision": SHA,
        "licence": "MIT",
        "rows": None,
        "columns": sorted(rows[0]),
        "seen": "read by --check",
    }


def test_each_dataset_that_fails_is_named_with_its_reason_and_not_pinned(check: Check) -> None:
    datasets: dict[str, Any] = {
        "limo": [{"question": "What is 2?", "text": "2"}],
        "meta_math_qa": fixture("meta_math_qa")["rows"],
        "big_math": fixture("big_math")["rows"],
        "prime": [],
        "open_orca": [{"question": 7, "system_prompt": ["a list"], "id": "x"}],
        "natural_reasoning": fixture("natural_reasoning")["rows"],
    }
    old = f'{{"source": "meta_math_qa", "revision": "fffffff"}}\n{{"source": "natural_reasoning",\
 "revision": "{SHA[:7]}"}}\n'
    done, pins = check(datasets, old, faults={"big_math": "gated"})
    assert done.returncode == 2
    told = {line.split()[0]: line for line in done.stdout.splitlines() if line[0] != " "}
    assert "columns ['solution', 'answer'] must be there" in told["limo"]
    assert "no such dataset, revision or file (404)" in told["meta_math_qa"]
    assert "accept its terms" in told["big_math"]
    assert "no such dataset" in told["prime"]
    assert "another form now" in told["open_orca"]
    assert "ok: 2 rows" in told["natural_reasoning"]
    assert pins["meta_math_qa"]["revision"] == "fffffff"
    assert pins["natural_reasoning"]["revision"] == SHA  # an abbreviated pin is spelt out
    assert set(pins) == {"meta_math_qa", "natural_reasoning"}
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: --check: could not read limo, meta_")


@pytest.mark.parametrize(("fault", "words"), [("503", "busy or failing"), ("hang", "be reached")])
def test_a_hub_that_is_busy_or_silent_is_a_passing_error(
    fault: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_check, "TIMEOUT_S", 0.3)
    with hub_double({}, {"GAIR/LIMO": fault}) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        with pytest.raises(PassingError, match=f"source limo: GAIR/LIMO: .*{words}.*run again"):
            read_page(HUB["limo"], None)


def test_a_hub_that_is_not_there_is_a_passing_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_double({}) as hub:
        gone = hub.url
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", gone)
    with pytest.raises(PassingError, match="cannot be reached"):
        read_page(HUB["limo"], None)


def test_offline_mode_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE is set.*folder"):
        read_page(HUB["limo"], None)


def test_the_page_says_licence_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = [
        {"config_name": "extended", "splits": [{"name": "train", "num_examples": 5}]},
        {"config_name": "all", "splits": [{"name": "train", "num_examples": 7}]},
    ]
    head = {"license": "apache-2.0", "dataset_info": info}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(head)}\n---\n", encoding="utf-8")
    with hub_double({"open-r1/OpenR1-Math-220k": tmp_path}) as hub:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        page = read_page(HUB["open_r1_math"], None)
    assert (page.revision, page.licence, page.rows) == (SHA, "Apache-2.0", 7)


def test_a_name_that_is_no_dataset_of_the_hub_is_refused() -> None:
    with pytest.raises(SourceError, match="must name datasets of the Hub"):
        hub_check.hub_sources(["quickstart"])
