"""How often choices are judged right in many phrasings, over the questions of MMLU-Pro.

``REAL_DATA=… python benchmarks/multiple_choice.py [--limit N] [--show]`` writes for each question
two answers in each phrasing, one that gives the right option and one that gives another, behind
a think part that names several, and answers that give no option away: hedges, two options, a
letter with another option's text. The questions are MMLU-Pro's (up to ten options) and the
Chinese ones of AGIEval and GAOKAO, where REAL_DATA has them.

The baseline is MMLU-Pro's own reading of answers: "answer is (X)", else "Answer: X", else the
last capital letter from A to J.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from verifiers.short.options import Options, read_options
from verifiers.short_answer import ShortAnswerVerifier

ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()  # noqa: SIM905
PHRASINGS: dict[str, Callable[[str, str, int], str]] = {
    "letter": lambda label, text, place: label,
    "letter in brackets": lambda label, text, place: f"({label})",
    "letter and full stop": lambda label, text, place: f"{label}.",
    "the answer is (C)": lambda label, text, place: f"Let me sum up.\n\nThe answer is ({label}).",
    "answer: bold": lambda label, text, place: f"It follows from the law.\n\n**Answer: {label}**",
    "box": lambda label, text, place: f"So the result is $\\boxed{{{label}}}$.",
    "box with text style": lambda label, text, place: f"Thus\n\\[\\boxed{{\\text{{({label})}}}}\\]",
    "答案是": lambda label, text, place: f"由此可知，其他选项不符合题意。所以答案是{label}。",
    "故选": lambda label, text, place: f"综上所述，故选：{label}",
    "option C is correct": lambda label, text, place: f"Option {label} is correct.",
    "letter and text": lambda label, text, place: f"{label}. {text}",
    "bold letter and text": lambda label, text, place: (
        f"The correct choice is **{label}) {text}**, as shown above."
    ),
    "text": lambda label, text, place: text,
    "the answer is text": lambda label, text, place: f"The correct answer is {text}.",
    "bold text": lambda label, text, place: f"Therefore, the correct answer is:\n\n**{text}**",
    "text and letter": lambda label, text, place: f"The answer is {text} ({label}).",
    "I would choose": lambda label, text, place: f"I would choose option {label} because it fits.",
    "ordinal": lambda label, text, place: f"The correct answer is the {ORDINALS[place]} option.",
}
NO_CHOICE: dict[str, Callable[[str, str, str, str], str]] = {
    "maybe": lambda a, ta, b, tb: f"The answer is probably {a}.",
    "a or b": lambda a, ta, b, tb: f"The answer is {a} or {b}.",
    "either": lambda a, ta, b, tb: f"The answer is either ({a}) or ({b}).",
    "two letters": lambda a, ta, b, tb: f"The correct answer is {a} and {b}.",
    "two boxed": lambda a, ta, b, tb: f"\\boxed{{{a}, {b}}}",
    "not sure": lambda a, ta, b, tb: f"I am not sure, but the answer might be {a}.",
    "letter with another's text": lambda a, ta, b, tb: f"The answer is {a}. {tb}",
    "text with another's letter": lambda a, ta, b, tb: f"The answer is {ta} ({b}).",
    "可能": lambda a, ta, b, tb: f"答案可能是{a}。",
    "negated": lambda a, ta, b, tb: f"The answer is not {a}.",
}
THINK = "<think>Option A looks odd. Is it B? The answer is C? No, D is wrong. Or E, F.</think>\n\n"


@dataclass(frozen=True, slots=True)
class Question:
    """A question's options as they are stored, and the label of the right one."""

    given: object
    options: Options
    right: str


def questions(folder: Path) -> Iterator[Question]:
    for row in pq.read_table(folder / "benchmarks/mmlu_pro.parquet").to_pylist():
        yield from _usable(row["options"], row["answer"])
    for row in pq.read_table(folder / "questions/agieval_part.parquet").to_pylist():
        yield from _usable(row["options"], json.loads(row["label"]))
    for row in pq.read_table(folder / "benchmarks/gaokao_math_qa_zh.parquet").to_pylist():
        yield from _usable(row["options"], row["label"])


def _usable(given: object, right: object) -> Iterator[Question]:
    """Leave out questions of which two options are the same, or that have several answers."""
    if not isinstance(right, str) or len(right) > 1 or (isinstance(given, list) and len(given) < 2):
        return
    options = read_options(given)
    if options and right in options.labels and len(set(options.texts)) == len(options.texts):
        yield Question(given, options, right)


def wrong_one(question: Question, dice: random.Random) -> str:
    return dice.choice([label for label in question.options.labels if label != question.right])


Case = tuple[str, Question, str, bool]  # phrasing, question, answer, whether it is right


def cases(chosen: list[Question], dice: random.Random) -> Iterator[Case]:
    for question in chosen:
        labels = question.options.labels
        wrong = wrong_one(question, dice)
        for name, phrase in PHRASINGS.items():
            for label in (question.right, wrong):
                text = question.options.text(label).strip()
                said = phrase(label, text, labels.index(label))
                yield name, question, THINK + said, label == question.right
        texts = (
            question.options.text(question.right).strip(),
            question.options.text(wrong).strip(),
        )
        for name, unclear in NO_CHOICE.items():
            said = unclear(question.right, texts[0], wrong, texts[1])
            yield f"no choice: {name}", question, THINK + said, False


def baseline(answer: str, right: str) -> bool:
    """Read an answer as MMLU-Pro's evaluation does."""
    text = answer.rpartition("</think>")[2]
    found = re.search(r"answer is \(?([A-J])\)?", text) or re.search(r"[aA]nswer:\s*([A-J])", text)
    letters = [found[1]] if found else re.findall(r"\b([A-J])\b", text)
    return bool(letters) and letters[-1] == right


def right_verdict(name: str, outcome: str, right: bool) -> bool:
    """Say whether a verdict is right; one who gives no option away may be unverified."""
    if name.startswith("no choice"):
        return outcome != "correct"
    return outcome == ("correct" if right else "incorrect")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--limit", type=int, default=1500, help="questions, drawn at random")
    parser.add_argument("--show", action="store_true", help="print every answer judged wrong")
    given = parser.parse_args()
    real = os.environ.get("REAL_DATA")
    if not real:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    dice = random.Random(0)
    found = list(questions(Path(real)))
    chosen = dice.sample(found, min(given.limit, len(found)))
    report(list(cases(chosen, dice)), len(chosen), given.show)


def report(made: list[Case], count: int, show: bool) -> None:
    rows = ({"answer": a, "options": q.given, "reference_answer": q.right} for _, q, a, _ in made)
    good: dict[str, list[int]] = {}
    false_positives = 0
    with ShortAnswerVerifier.create(workers=2) as verifier:
        for (name, question, answer, right), result in zip(
            made, verifier.results(rows), strict=True
        ):
            good_one = right_verdict(name, result.outcome.value, right)
            false_positives += result.outcome == "correct" and not right
            counts = good.setdefault(name, [0, 0, 0, 0])
            counts[0] += 1
            counts[1] += good_one
            counts[2] += baseline(answer, question.right) == right
            counts[3] += result.outcome == "unverified"
            if show and not good_one:
                print(name, question.right, question.options.texts, repr(answer[len(THINK) :]))
                print("   ", result.outcome, result.reason, dict(result.evidence))
    for name, (total, mine, theirs, open_) in good.items():
        print(
            f"{name:40} {total:6}: {mine / total:.4f}, baseline {theirs / total:.4f},"
            f" unverified {open_}"
        )
    choices = [counts for name, counts in good.items() if not name.startswith("no choice")]
    total, mine, theirs, _ = map(sum, zip(*choices, strict=True))
    print(
        f"{len(choices)} phrasings of {count} questions, {total} answers: {mine / total:.4%} right,"
        f" MMLU-Pro's patterns {theirs / total:.4%}, ratio {mine / theirs:.3f};"
        f" {false_positives} false positives in {len(made)} answers"
    )


if __name__ == "__main__":
    main()
