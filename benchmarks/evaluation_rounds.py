"""Rounds of thinking on the small model that comes as a package: a whole experiment on a CPU.

``python benchmarks/evaluation_rounds.py [--limit N] [--samples N] [--rounds N]`` asks SmolLM2-135M
the quickstart's one-step word problems (those without a planted flaw), shows it its last answer
and asks again, and prints the report's tables, which hold the gain of each round over the first.
It needs no data from outside.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.config import CONFIGS
from pipeline.evaluation.config import load_evaluation
from pipeline.evaluation.experiment import run
from pipeline.sources.quickstart import QUESTIONS

CONFIG = """
name = "rounds"
version = "1"

[evaluation]
rounds = {rounds}
shards = 1
pass_at = [2, 4]
models = ["{model}"]

[[evaluation.benchmarks]]
benchmark = "local_questions"
name = "one_step"
path = "{folder}/questions.jsonl"
prompt = "{{question}}"
samples = {samples}

[runtime]
data = "{folder}/data"
"""


def questions() -> list[dict[str, Any]]:
    """Return the quickstart's word problems of one step that have nothing wrong with them."""
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [
        {"question": row["prompt"], "answer": row["reference_answer"]}
        for row in rows
        if row["metadata"].get("level") == "one_step" and "planted" not in row["metadata"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evaluation-rounds-") as name:
        folder = Path(name)
        asked = questions()[: given.limit]
        lines = "".join(json.dumps(row) + "\n" for row in asked)
        (folder / "questions.jsonl").write_text(lines, encoding="utf-8")
        shape = {"rounds": given.rounds, "samples": given.samples, "folder": folder}
        model = CONFIGS / "teachers" / "smollm2-135m.toml"
        config = folder / "rounds.toml"
        config.write_text(CONFIG.format(model=model, **shape), encoding="utf-8")
        start = time.perf_counter()
        scores, files = run(load_evaluation(str(config)))
        seconds = time.perf_counter() - start
        print(files[0].read_text(encoding="utf-8"))
        (rounds,) = scores.rounds.values()
        first, last = rounds[0].pass1.value or 0.0, rounds[-1].pass1.value or 0.0
        count = sum(sum(score.outcomes.values()) for score in rounds)
        print(
            f"{len(asked)} questions, {count:,} responses in {seconds:.0f} s: pass@1 of round"
            f" {len(rounds)} over round 1: {last:.3f} / {first:.3f} = {last / first:.2f}"
        )


if __name__ == "__main__":
    main()
