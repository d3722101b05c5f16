"""How often verdicts on constraints agree with IFEval's own checker, over made-up responses.

``REAL_DATA=… python benchmarks/ifeval_agreement.py --peer PYTHON [--limit N]`` judges, for each
constraint of IFEval's 540 prompts, six responses that follow it and six that do not, by all
constraints of its prompt, strictly and loosely. PYTHON is an interpreter in whose environment
if-verifiable 0.1.2 (IFEval's and IFBench's checkers) and NLTK's punkt_tab are installed. Its
copy of IFEval draws a random letter in place of "#" and "!"; here, as in IFEval since 2025, they
count. IFEval draws random numbers to name a language; the peer runs once with langdetect's
seed set to 0, as here, and once as it is, which shows how often it disagrees with itself.

IFBench's types are compared on the same responses and on those of IFBench's prompts, where both
sides know the type. Without --peer, only the labels of the responses are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from ifbench_responses import for_one, of_any_kind
from ifeval_responses import made

from verifiers.instructions import InstructionVerifier

PEER = """
import json, random, sys
random.seed(0)
from if_verifiable.common import get_loose_transformations
from if_verifiable.ifeval import instructions_registry as first
from if_verifiable.ifbench import instructions_registry as second
import langdetect
if sys.argv[1] == "seeded":
    langdetect.DetectorFactory.seed = 0
known = {**first.INSTRUCTION_DICT, **second.INSTRUCTION_DICT}
def follows(checker, text):
    return bool(text.strip() and checker.check_following(text))
for line in sys.stdin:
    row = json.loads(line)
    found = []
    for one in row["constraints"]:
        try:
            checker = known[one["id"]](one["id"])
            checker.build_description(**{k: v for k, v in one["kwargs"].items() if v is not None})
            if one["id"] == "keywords:letter_frequency":
                checker._letter = one["kwargs"]["letter"].lower()
            texts = get_loose_transformations(row["answer"])
            found.append([follows(checker, texts[0]), any(follows(checker, t) for t in texts)])
        except Exception as error:
            found.append(repr(error))
    print(json.dumps(found))
"""
Found = list[Any]  # for each constraint [strictly, loosely], or what went wrong


@dataclass(frozen=True, slots=True)
class Case:
    """A response, the constraints of its prompt, and the label of one of them."""

    response: str
    constraints: list[dict[str, Any]]
    place: int
    label: bool | None


def prompts(folder: Path, name: str) -> Iterator[list[dict[str, Any]]]:
    for row in pq.read_table(folder / "benchmarks" / f"{name}.parquet").to_pylist():
        pairs = zip(row["instruction_id_list"], json.loads(row["kwargs"]), strict=True)
        yield [{"id": id, "kwargs": _whole(kwargs)} for id, kwargs in pairs]


def _whole(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Write 5.0 as 5: IFBench's own code fails on a float as an index."""
    return {
        name: int(value) if isinstance(value, float) else value for name, value in kwargs.items()
    }


def ifeval_cases(folder: Path, limit: int | None) -> Iterator[Case]:
    for constraints in list(prompts(folder, "ifeval"))[:limit]:
        for place, one in enumerate(constraints):
            for response, label in made(one["id"], one["kwargs"]):
                yield Case(response, constraints, place, label)


def ifbench_cases(folder: Path, limit: int | None) -> Iterator[Case]:
    """Yield for IFBench's prompts responses of all sorts, whose labels nobody made."""
    responses = list(dict.fromkeys(case.response for case in ifeval_cases(folder, 40)))
    responses += of_any_kind()
    for number, constraints in enumerate(list(prompts(folder, "ifbench"))[:limit]):
        chosen = responses[number % 7 :: 7] + of_any_kind()
        for one in constraints:
            chosen += for_one(one["id"], {k: v for k, v in one["kwargs"].items() if v is not None})
        yield from (Case(text, constraints, 0, None) for text in chosen)


def ours(cases: list[Case]) -> list[Found]:
    rows = ({"answer": case.response, "constraints": case.constraints} for case in cases)
    with InstructionVerifier.create(workers=2) as verifier:
        return [
            [
                [one["strict"], one["loose"]] if "strict" in one else one["error"]
                for one in result.evidence["constraints"]
            ]
            if "constraints" in result.evidence
            else [result.reason] * len(case.constraints)
            for case, result in zip(cases, verifier.results(rows), strict=True)
        ]


def peer(python: str, cases: list[Case], seed: str) -> list[Found]:
    rows = [{"answer": case.response, "constraints": case.constraints} for case in cases]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run(
        [python, "-c", PEER, seed], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"--peer: {python} failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        sys.exit(2)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(title: str, cases: list[Case], mine: list[Found], theirs: list[Found]) -> None:
    """Print agreement over all constraints of all responses, and the types that differ."""
    differ: Counter[str] = Counter()
    seen: dict[str, set[bool]] = {}
    total, skipped = 0, 0
    for case, one, other in zip(cases, mine, theirs, strict=True):
        for constraint, a, b in zip(case.constraints, one, other, strict=True):
            if isinstance(a, str) or isinstance(b, str):
                skipped += 1
                continue
            total += 2
            seen.setdefault(constraint["id"], set()).add(a[0])
            for mode, x, y in zip(("strict", "loose"), a, b, strict=True):
                if x != y:
                    differ[f"{constraint['id']} {mode}"] += 1
                    if os.environ.get("SHOW"):
                        print(mode, constraint["id"], repr(case.response[:200]), x, y)
    share = 1 - differ.total() / max(1, total)
    print(
        f"{title:44} {len(cases):6} responses, {len(seen)} types"
        f" ({sum(map(len, seen.values())) - len(seen)} both ways), {total:6} comparisons:"
        f" agreement {share:.4%}, {differ.total()} differ, {skipped} could not be compared"
    )
    for name, count in differ.most_common():
        print(f"    {name}: {count}")


def labels(cases: list[Case], found: list[Found]) -> None:
    """Print how often the made-up responses get the verdict that they were made for."""
    wrong: Counter[str] = Counter()
    for case, verdicts in zip(cases, found, strict=True):
        if verdicts[case.place] is None or verdicts[case.place][0] != case.label:
            wrong[case.constraints[case.place]["id"]] += 1
            if os.environ.get("SHOW"):
                print("label", case.constraints[case.place], case.label, repr(case.response[:200]))
    share = 1 - wrong.total() / max(1, len(cases))
    print(f"{'strict verdict is the label':44} {len(cases):6} responses: {share:.4%}", dict(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--limit", type=int, help="prompts of each benchmark")
    given = parser.parse_args()
    real = os.environ.get("REAL_DATA")
    if not real:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    cases = list(ifeval_cases(Path(real), given.limit))
    mine = ours(cases)
    labels(cases, mine)
    if not given.peer:
        return
    seeded = peer(given.peer, cases, "seeded")
    compare("IFEval, ours and the official checker", cases, mine, seeded)
    compare(
        "IFEval, the checker and itself, unseeded", cases, seeded, peer(given.peer, cases, "as_is")
    )
    bench = list(ifbench_cases(Path(real), given.limit))
    compare("IFBench, ours and its checker", bench, ours(bench), peer(given.peer, bench, "seeded"))


if __name__ == "__main__":
    main()
