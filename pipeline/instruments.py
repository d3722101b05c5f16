"""How often each verifier is wrong, as it was measured on cases whose verdict is known.

    of_verifier("code")[0]
    # Measured("code", "R1's programs for KodCode, pass or fail recorded there", 501, 492, 0, …)

The figures are of the release that was measured (docs/log.md, where the commands print them), on
the cases named, which are no sample of a dataset: another mix of questions has other rates. What
a model judges is as good as the model, and has no figure here.
"""

from __future__ import annotations

from dataclasses import dataclass

MODELS = ("judge", "reward", "quality", "perplexity")  # verifiers that ask a model


@dataclass(frozen=True, slots=True)
class Measured:
    """Cases that were judged: how many as labelled, and how many wrong ones were accepted.

    `command` is the script that prints the figures.
    """

    verifier: str
    cases_of: str
    cases: int
    as_labelled: int
    wrong_accepted: int
    command: str


MEASURED = (
    Measured(
        "math",
        "pairs of reference and answer by people who had not seen the verifier, at first sight",
        820,
        778,
        2,
        "benchmarks/math_accuracy.py",
    ),
    Measured(
        "math",
        "solutions of GSM8K that others had graded",
        5_276,
        5_275,
        0,
        "benchmarks/math_accuracy.py",
    ),
    Measured(
        "code",
        "reference solutions of HumanEval, MBPP and LeetCode, all right",
        3_028,
        3_017,
        0,
        "benchmarks/code_references.py",
    ),
    Measured(
        "code",
        "the same, broken on purpose, all wrong on the tests' inputs",
        801,
        801,
        0,
        "benchmarks/code_broken.py",
    ),
    Measured(
        "code",
        "R1's programs for KodCode, against the outcome recorded there (the nine that differ are"
        " right by hand)",
        501,
        492,
        0,
        "benchmarks/code_recorded.py",
    ),
    Measured(
        "short_answer",
        "right and wrong answers to MMLU-Pro's questions, in 12 phrasings of our own",
        123_000,
        123_000,
        0,
        "benchmarks/multiple_choice.py",
    ),
    Measured(
        "instruction",
        "responses to IFEval's 540 prompts, against its official checkers",
        36_616,
        36_616,
        0,
        "benchmarks/ifeval_agreement.py",
    ),
    Measured(
        "rules",
        "R1's responses as they are, none of which is a loop or taken for one",
        516,
        516,
        0,
        "benchmarks/repetition.py",
    ),
)


def of_verifier(name: str) -> tuple[Measured, ...]:
    """Return what was measured of a verifier; nothing where it is a model's, or is not known."""
    return tuple(of for of in MEASURED if of.verifier == name)
