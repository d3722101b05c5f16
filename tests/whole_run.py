"""A whole run as a user starts it: a configuration file, the command, a served teacher."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.config import load_config
from pipeline.recipe import Sampling
from pipeline.teacher.base import ask_key

CONFIG = """
name = "set"
version = "1"

[recipe]
shards = 3

[[recipe.sources]]
source = "quickstart"
limit = {limit}

[recipe.decontaminate]
benchmarks = ["package:pipeline/sources/quickstart_data/benchmark.jsonl"]

[recipe.teacher]
name = "loopback"
model = "loopback-1"
revision = "1"
engine = "openai"

[recipe.distill]
rounds = 2
attempts = 2

[runtime]
data = "{folder}/data"
published = "{folder}/published"
workers = 2

[runtime.endpoints]
urls = ["{url}"]
concurrency = 4
"""


class WholeRun:
    """One dataset in one folder, built by the command as often as is asked."""

    def __init__(self, folder: Path, url: str, limit: int = 60) -> None:
        self.folder = folder
        self.config = folder / "set.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(CONFIG.format(folder=folder, url=url, limit=limit))

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start the command in a process group of its own, as a shell would."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run", str(self.config), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )

    def finish(self, *options: str) -> str:
        """Run the command to its end and return what it printed."""
        process = self.start(*options)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        return output

    @property
    def published(self) -> Path:
        """Where the dataset is published."""
        return self.folder / "published" / "set" / "1"

    def digests(self) -> dict[str, str]:
        """Return what is published, by file: digests, of the card without its run section."""
        found = {}
        for path in sorted(p for p in self.published.rglob("*") if p.is_file()):
            data = path.read_bytes()
            if path.name == "README.md":
                data = data.partition(b"\n## Run\n")[0]
            if path.name == "recipe.json":
                data = data.replace(str(self.folder).encode(), b"")
            found[str(path.relative_to(self.published))] = sha256(data).hexdigest()
        return found

    def keys(self, bodies: Sequence[dict[str, Any]]) -> list[str]:
        """Return the keys of what a server was asked."""
        teacher = load_config(str(self.config)).recipe.teacher
        assert teacher is not None
        sampling: Sampling = teacher.sampling
        return [
            ask_key(
                teacher,
                sampling,
                {name: body[name] for name in ("messages", "prompt") if name in body},
                body["seed"] - sampling.seed,
            )
            for body in bodies
        ]


def ids_in(text: str) -> set[str]:
    """Return the question ids that occur in a text."""
    return set(re.findall(r"\b[0-9a-f]{32}\b", text))


CHAT = """
name = "set"
version = "1"
[recipe]
shards = 2
[recipe.distill]
rounds = 0
[recipe.deduplicate]
threshold = 1.0
[recipe.decontaminate]
semantic = false
[[recipe.sources]]
source = "local_files"
name = "mine"
licence = "MIT"
revision = "1"
path = "{folder}/q.jsonl"
kind = "chat"
teacher = "me"
columns = {{ prompt = "question", response = "answer" }}
{recipe}
[runtime]
data = "{folder}/data"
published = "{folder}/published"
workers = 1
{runtime}
"""


def chat_config(folder: Path, answers: Sequence[str], recipe: str, runtime: str) -> str:
    """Write questions with an answer each and a configuration for them; returns its path.

    Question k is "Question k: what is ANSWER?", and its answer "It is ANSWER.", after a thought.
    """
    rows = [
        {"question": f"Question {k}: what is {a}?", "answer": f"<think>hm</think>It is {a}."}
        for k, a in enumerate(answers)
    ]
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = CHAT.format(folder=folder, recipe=recipe, runtime=runtime)
    (folder / "set.toml").write_text(text, encoding="utf-8")
    return str(folder / "set.toml")
