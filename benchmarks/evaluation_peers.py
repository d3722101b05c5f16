"""The same responses scored here, by lm-eval's tasks and by inspect-ai's scorers.

``REAL_DATA=… python benchmarks/evaluation_peers.py --peer PYTHON [--inspect PYTHON] [--limit N]
[--show N]``: PYTHON is an interpreter in whose environment ``lm-eval[math,ifeval]==0.4.13`` is
installed, and NLTK's punkt_tab where NLTK finds it (without it IFEval is left out); for --inspect,
one with ``inspect-ai==0.3.285`` and what its scorer ``math`` wants. Scored are:

- GSM8K: four models' solutions of every test question, which their authors graded
  (lm-eval: exact match after its filter flexible-extract; inspect-ai: ``match(numeric=True)``);
- MATH-500: each question's own solution, another's, and the answer in three spellings
  (lm-eval: minerva_math's exact match, and its math_verify; inspect-ai: ``math()``);
- MATH: eight solutions by Qwen2.5-Math of each of a hundred questions, which its checker graded;
- IFEval: responses that follow their prompt's constraints and ones that do not, strictly (lm-eval).

Disagreements are counted, with who is right where there is a label, and the first are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from ifeval_responses import made

from pipeline.evaluation.base import available_benchmarks
from pipeline.records import Question, Response
from pipeline.sources.hub_draft import boxed
from pipeline.verify import as_row
from verifiers import available

PEER = r"""
import json, logging, re, sys
logging.disable(logging.CRITICAL)
from lm_eval.filters.extraction import RegexFilter
from lm_eval.tasks.minerva_math import utils as minerva
flexible = RegexFilter(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
def plain(text):
    for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
        text = re.sub(pattern, "", text)
    return text.lower()
def gsm8k(row):
    (found,), = flexible.apply([[row["text"]]], [{}])
    return {"flexible": plain(found) == plain(row["solution"])}
def math500(row):
    doc = {"solution": row["solution"], "answer": minerva.normalize_final_answer(row["reference"])}
    text = row["text"]
    boxed = minerva.last_boxed_only_string(text)
    found = minerva.remove_boxed(boxed) if boxed else minerva.get_unnormalized_answer(text)
    equal = minerva.is_equiv(minerva.normalize_final_answer(found), doc["answer"])
    verified = minerva.process_results(doc, [text])["math_verify"]
    return {"exact": bool(equal), "math_verify": bool(verified)}
def ifeval(row):
    from lm_eval.tasks.ifeval import utils
    import langdetect
    langdetect.DetectorFactory.seed = 0
    names = [one["id"] for one in row["constraints"]]
    inp = utils.InputExample(0, names, row["prompt"], [one["kwargs"] for one in row["constraints"]])
    try:
        return {"strict": utils.test_instruction_following_strict(inp, row["text"])
                .follow_all_instructions}
    except LookupError:
        return {}
    except Exception as error:
        return {"failed": repr(error)[:200]}
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps({"gsm8k": gsm8k, "math500": math500, "ifeval": ifeval}[row["task"]](row)))
"""
INSPECT = r"""
import asyncio, json, sys
from types import SimpleNamespace
from inspect_ai.scorer import Target, match, math
number, form = match(numeric=True), math()
async def scored(row):
    scorer, name = (number, "match") if row["task"] == "gsm8k" else (form, "math")
    state = SimpleNamespace(output=SimpleNamespace(completion=row["text"]))
    try:
        value = (await scorer(state, Target(row["reference"]))).value
    except ValueError as error:
        return {"failed": repr(error)[:200]}  # a reference that it can't read
    return {name: value == "C"} if value in ("C", "I") else {"failed": str(value)}
async def main():
    for line in sys.stdin:
        print(json.dumps(await scored(json.loads(line))))
asyncio.run(main())
"""
TRACES = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


@dataclass(frozen=True, slots=True)
class Case:
    """A response to a question, what the peer needs of it, and a label where there is one."""

    task: str
    question: Question
    text: str
    solution: str
    label: bool | None


def questions(task: str, file: Path) -> list[Question]:
    options = {"benchmark": task, "path": str(file)}
    benchmark = available_benchmarks()[task].model_validate(options)
    return list(benchmark.questions(benchmark.located(), 0))


def gsm8k(real: Path, limit: int | None) -> Iterator[Case]:
    rows = pq.read_table(real / "traces" / "gsm8k_test_model_solutions.parquet").to_pylist()
    asked = questions("gsm8k", real / "benchmarks" / "gsm8k_test.parquet")
    by_prompt = {one.prompt[0].content.partition("\n\nPlease")[0]: one for one in asked}
    for row in rows[:limit]:
        question = by_prompt.get(row["question"])
        if question is not None:
            for trace in (json.loads(row[name]) for name in TRACES):
                solution = f"#### {question.reference_answer}"
                yield Case("gsm8k", question, trace["solution"], solution, trace["is_correct"])


def math500(real: Path, limit: int | None) -> Iterator[Case]:
    file, dice = real / "benchmarks" / "math500.parquet", random.Random(0)
    solutions = [row["solution"] for row in pq.read_table(file).to_pylist()]
    for place, question in enumerate(questions("math500", file)[:limit]):
        answer, own = question.reference_answer or "", solutions[place]
        said = f"Final Answer: The final answer is ${answer}$. I hope it is correct."
        right = [own, said, f"So it is $\\boxed{{ {answer} }}$."]
        right.append(f"\\[ \\boxed{{{answer.replace('frac', 'dfrac')}}} \\]")
        for text in right:
            yield Case("math500", question, text, own, True)
        yield Case("math500", question, dice.choice(solutions), own, None)


def math(real: Path, limit: int | None) -> Iterator[Case]:
    """Yield a model's own solutions, read as answers to MATH-500's kind of question.

    The reference is what the solution boxes: the column gt is mangled ("4:30p..").
    """
    rows = pq.read_table(real / "traces" / "qwen_math_cot_100x.parquet").to_pylist()[:limit]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "math.jsonl"
        lines = [{"problem": row["question"], "answer": boxed(row["gt_cot"])} for row in rows]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        asked = questions("math500", file)
    for row, question in zip(rows, asked, strict=True):
        grades = json.loads(row["score"])
        for text, right in zip(row["response"], grades, strict=True):
            yield Case("math500", question, text, row["gt_cot"], right)


def ifeval(real: Path, limit: int | None) -> Iterator[Case]:
    """Yield responses made for one constraint, judged by all of their prompt's."""
    for question in questions("ifeval", real / "benchmarks" / "ifeval.parquet")[:limit]:
        for one in json.loads(question.constraints or "[]"):
            for text, _ in made(one["id"], one["kwargs"]):
                yield Case("ifeval", question, text, "", None)


def ours(cases: list[Case]) -> list[str]:
    """Return the outcome of each response, by the verifier and settings of its benchmark."""
    kind = available_benchmarks()[cases[0].task]
    rows = (as_row(case.question, _response(case)) for case in cases)
    with available()[kind.verifier].create(workers=2, **kind.settings) as verifier:
        return [result.outcome.value for result in verifier.results(rows)]


def _response(case: Case) -> Response:
    return Response.parse(
        case.text,
        id=case.question.id,
        teacher="peer",
        round=1,
        attempt=0,
        finish_reason="stop",
        prompt_tokens=None,
        response_tokens=None,
    )


def theirs(python: str, code: str, cases: list[Case]) -> list[dict[str, Any]]:
    lines = []
    for case in cases:
        row: dict[str, Any] = {"task": case.task, "text": case.text, "solution": case.solution}
        row |= {"reference": case.question.reference_answer, "prompt": case.question.user_text}
        row["constraints"] = json.loads(case.question.constraints or "[]")
        lines.append(json.dumps(row))
    done = subprocess.run(
        [python, "-c", code], input="\n".join(lines), capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{python} failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        sys.exit(2)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(
    what: str, cases: list[Case], mine: list[str], found: list[dict[str, Any]], show: int
) -> None:
    """Print agreement with each of a peer's scores, and the first disagreements."""
    for score in sorted({name for one in found for name in one} - {"failed"}):
        counts: Counter[str] = Counter()
        differ = []
        for case, outcome, one in zip(cases, mine, found, strict=True):
            if score not in one or outcome == "unverified":
                counts["apart"] += 1
            elif (outcome == "correct") == one[score]:
                counts["agree"] += 1
            else:
                differ.append((case, outcome, one[score]))
                if case.label is not None:
                    counts["ours right" if (outcome == "correct") == case.label else "theirs"] += 1
        total = counts["agree"] + len(differ)
        print(
            f"{what} {score:12} {total:6,} compared: agreement"
            f" {counts['agree'] / max(1, total):.4%}, {len(differ)} differ (by label ours is right"
            f" in {counts['ours right']}, theirs in {counts['theirs']}), {counts['apart']} apart"
        )
        for case, outcome, other in differ[:show]:
            said = " ".join(case.text[-160:].split())
            print(f"    ours {outcome}, theirs {other}: {asked(case.question)} {said!r}")


def asked(question: Question) -> str:
    """Return what an answer is compared with, in a few words."""
    if question.reference_answer is not None:
        return repr(question.reference_answer)
    return ", ".join(str(one["id"]) for one in json.loads(question.constraints or "[]"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer", metavar="PYTHON", required=True)
    parser.add_argument("--inspect", metavar="PYTHON", help="score by inspect-ai too")
    parser.add_argument("--limit", type=int, help="questions of each benchmark")
    parser.add_argument("--show", type=int, default=5, help="disagreements to print")
    given = parser.parse_args()
    if "REAL_DATA" not in os.environ:
        print("REAL_DATA is not set: name a folder with benchmarks/ and traces/", file=sys.stderr)
        sys.exit(2)
    real = Path(os.environ["REAL_DATA"])
    for name, make in {"GSM8K": gsm8k, "MATH-500": math500, "MATH": math, "IFEval": ifeval}.items():
        cases = list(make(real, given.limit))
        mine = ours(cases)
        found = theirs(given.peer, PEER, cases)
        compare(f"{name:9} lm-eval 0.4.13   ", cases, mine, found, given.show)
        if given.inspect and make is not ifeval:  # it has no scorer for instructions
            found = theirs(given.inspect, INSPECT, cases)
            compare(f"{name:9} inspect-ai 0.3.285", cases, mine, found, given.show)


if __name__ == "__main__":
    main()
