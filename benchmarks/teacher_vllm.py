"""vLLM for real: serves SmolLM2 and takes the quickstart's questions through it, four times each.

    make test-vllm
    python benchmarks/teacher_vllm.py [--python .venv-vllm/bin/python] [--limit 82] [--attempts 4]
        [--beside] [--keep FOLDER]

Writes the packaged model as vLLM reads it, starts `vllm.entrypoints.openai.api_server` in its own
environment, builds the quickstart (at most `--limit` questions of each of its two sources, of which
one has 47 and the other brings a response for every third) with the teacher of
configs/teachers/local-vllm.toml in a temporary folder, and stops the server. Prints what was asked
and answered, tokens a second, and the share of correct responses. With `--beside` transformers
answers the same questions in this process, the baseline of the ratios; with `--keep` both datasets
stay in a folder, for reading replies and verdicts.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config

ROOT = Path(__file__).resolve().parent.parent
TEACHERS = ROOT / "configs" / "teachers"
START_S = 600.0  # to load and warm up on a busy machine


@dataclass(frozen=True, slots=True)
class Figures:
    """What a teacher did."""

    responses: int
    correct: int
    questions: int
    answered: int
    tokens_a_second: float
    seconds: float


def write_model(folder: Path) -> None:
    """Write the packaged model as safetensors with its tokenizer."""
    from pipeline.recipe import Teacher
    from pipeline.teacher.loading import load_model

    text = (TEACHERS / "smollm2-135m.toml").read_text(encoding="utf-8")
    model, tokenizer = load_model(Teacher.model_validate(tomllib.loads(text)), "cpu")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def serving(python: str, model: Path, log: Path) -> Iterator[str]:
    """Serve the model with vLLM for the length of a block; gives its base URL."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)]
    command += ["--served-model-name", "smollm2", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", "1024", "--dtype", "bfloat16", "--max-num-seqs", "32"]
    command += ["--enforce-eager"]  # compiling takes longer than all the questions
    quiet = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            env={**os.environ, **quiet, **own},
            start_new_session=True,  # it has processes of its own, which end with it
        )
        try:
            _wait_until_ready(process, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.exit(f"vLLM ended while it started:\n{log.read_text()[-3_000:]}")
        try:
            with opener.open(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(1.0)
    sys.exit(f"vLLM was not ready after {START_S:g} s:\n{log.read_text()[-3_000:]}")


def run(folder: Path, teacher: str, urls: list[str], limit: int, attempts: int) -> Figures:
    """Build a dataset with a teacher and return what it did."""
    from pipeline.accounts import spent
    from pipeline.stages import build, open_store
    from pipeline.tally import count_all

    config = quickstart(folder, teacher, urls, limit, {"rounds": 1, "attempts": attempts})
    store = open_store(config)
    with store.locked():
        build(config)
    counts, cost = count_all(store).rounds[1], spent(store)
    return Figures(
        counts["responses"],
        counts["correct"],
        counts["questions"],
        counts["gained"],
        cost.tokens_a_second,
        cost.seconds,
    )


def quickstart(
    folder: Path, teacher: str, urls: list[str], limit: int, distill: dict[str, Any]
) -> Config:
    """Return the quickstart with another teacher, other rounds and other folders."""
    data = tomllib.loads((ROOT / "configs" / "quickstart.toml").read_text(encoding="utf-8"))
    recipe: dict[str, Any] = data["recipe"]
    recipe["teacher"] = tomllib.loads((TEACHERS / teacher).read_text(encoding="utf-8"))
    recipe["choose"] = {"per_source": {"quickstart": limit, "reasoning_gym": limit}}
    recipe["distill"] = distill
    folders = {"data": str(folder / "data"), "published": str(folder / "published")}
    served = {"endpoints": {"urls": urls}, "local": {"threads": 1}, "workers": 1}
    return Config.model_validate({**data, "runtime": {**folders, **served}})


def show(name: str, found: Figures, base: Figures | None = None) -> None:
    """Print a teacher's line."""
    ratio = f"   ratio {found.tokens_a_second / base.tokens_a_second:.2f}" if base else ""
    share = found.correct / max(1, found.responses)
    print(
        f"{name:<14} {found.responses:,} responses to {found.questions:,} questions in"
        f" {found.seconds:.0f} s, {found.tokens_a_second:,.0f} tokens/s{ratio}; correct"
        f" {share:.3f} of the responses, {found.answered:,} questions answered"
    )


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """Give the folder to work in: one that stays, or one that goes with the block."""
    if kept is not None:
        kept.mkdir(parents=True)  # replies that an earlier run left there would not be asked for
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> int:
    """Run and print; returns 1 where a question has not all its responses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=str(ROOT / ".venv-vllm" / "bin" / "python"))
    parser.add_argument("--limit", type=int, default=82, help="questions of a source")
    parser.add_argument("--attempts", type=int, default=4)
    parser.add_argument("--beside", action="store_true", help="transformers answers them too")
    parser.add_argument("--keep", type=Path, help="a new folder in which the datasets stay")
    given = parser.parse_args()
    if not Path(given.python).exists():
        print(f"{given.python}: is not there; run `make vllm` first", file=sys.stderr)
        return 2
    with _folder(given.keep) as folder:
        write_model(folder / "model")
        asked = (given.limit, given.attempts)
        base = None
        if given.beside:
            base = run(folder / "beside", "smollm2-135m.toml", [], *asked)
            show("transformers", base)
        with serving(given.python, folder / "model", folder / "vllm.log") as url:
            found = run(folder / "served", "local-vllm.toml", [url], *asked)
        show("vLLM", found, base)
    return 0 if found.responses == found.questions * given.attempts > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
