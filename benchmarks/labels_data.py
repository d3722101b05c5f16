"""The real questions with what their sources say of them: category, kind and difficulty.

`REAL_DATA` names a folder with `questions/*.parquet`, as its README describes. A row::

    Labelled(text="Natalia sold clips to 48 of her friends …", source="gsm8k_train",
             group="gsm8k", category="math", kind="math", difficulty=1.0)

What a file is made of is its nature: a set of mathematics is `math`, whatever a single row
looks like. Mixed files (Alpaca, self-instruct) say nothing; where the wording of a row's first
words settles it ("Translate …", "Rewrite …"), it gets that category, with `worded` true, and is
never counted as a test. `group` joins files that hold the same problems: they are left out
together. Difficulty runs from 0 (very easy) to 4, on scales that are ours to guess: see SCALES.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from real_data import folder

from pipeline.labelling.features import category_by_wording
from pipeline.labelling.training import Row as Trained

Row = Mapping[str, Any]
SEED = 7


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question's text and what is known of it; None where its source doesn't say."""

    text: str
    source: str
    group: str
    category: str | None = None
    kind: str | None = None
    difficulty: float | None = None
    worded: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A file or a part of one: which columns are its text, and its nature."""

    file: str
    columns: tuple[str, ...]
    group: str = ""
    category: str | None = None
    kind: str | None = None
    where: Callable[[Row], bool] = lambda _: True
    difficulty: Callable[[Row], float | None] = lambda _: None


def _equals(column: str, *values: object) -> Callable[[Row], bool]:
    return lambda row: row[column] in values


def _leetcode(row: Row) -> float | None:
    return {"Easy": 1.5, "Medium": 2.5, "Hard": 3.5}.get(json.loads(row["meta"])["difficulty"])


def _constant(value: float) -> Callable[[Row], float | None]:
    return lambda _: value


# From a source's own scale to 0 … 4. DeepScaleR's five levels are taken as they are, MATH's the
# same; primary school lies below them, AIME at the top. Where a set begins is a guess.
SCALES: dict[str, Callable[[Row], float | None]] = {
    "deepscaler": lambda row: row["difficulty_level"] - 1.0,
    "math": lambda row: max(0.0, row["difficulty"] - 1.0),
    "grade": lambda row: (row["grade"] - 1) / 5,
    "leetcode": _leetcode,
}
# Science exams ask for what one knows and for what follows from it: both names are right.
ALSO_RIGHT = dict.fromkeys(
    (
        "t0_science_qa",
        "pubmedqa",
        "gaokao_biology_zh",
        "gaokao_chemistry_zh",
        "gaokao_physics_zh",
        "gaokao_geography_zh",
    ),
    "reasoning",
)
QUESTION = ("question",)
SCIENCE_BOOKS = ("atkins", "chemmc", "quan", "matter", "fund", "class", "thermo")
SOURCES: dict[str, Source] = {
    "gsm8k_train": Source("gsm8k_train", QUESTION, "", "math", "math", difficulty=_constant(0.8)),
    "math_train": Source(
        "math_train", ("problem",), "contest", "math", "math", difficulty=SCALES["math"]
    ),
    "deepscaler_levels": Source(
        "deepscaler_levels",
        ("prompt",),
        "contest",
        "math",
        "math",
        difficulty=SCALES["deepscaler"],
    ),
    "aime": Source(
        "aime_1983_2023_dev", ("problem",), "contest", "math", "math", difficulty=_constant(3.5)
    ),
    "orz_math_part_a": Source("orz_math_part_a", ("human",), "contest", "math", "math"),
    "orz_math_part_b": Source("orz_math_part_b", ("human",), "contest", "math", "math"),
    "college_math": Source("college_math", QUESTION, "", "math", "math"),
    "asdiv": Source(
        "asdiv", ("body", "question"), "primary", "math", "math", difficulty=_constant(0.2)
    ),
    "svamp": Source(
        "svamp", ("Body", "Question"), "primary", "math", "math", difficulty=_constant(0.2)
    ),
    "mawps": Source("mawps", ("input",), "primary", "math", "math", difficulty=_constant(0.2)),
    "mawps_asdiv_train": Source("mawps_asdiv_train", ("Question",), "primary", "math", "math"),
    "carp_en": Source("carp_en", ("content",), "", "math", "math"),
    "cmath_zh": Source("cmath_zh", QUESTION, "", "math", "math", difficulty=SCALES["grade"]),
    "gaokao2023en": Source("gaokao2023en", QUESTION, "", "math", "math"),
    "aqua_rat_test": Source("aqua_rat_test", ("question", "options"), "", "math", "math"),
    "sat_math": Source(
        "agieval_part", ("question", "options"), "", "math", "math", _equals("task", "sat-math")
    ),
    "theoremqa": Source("theoremqa", ("Question",), "", "math", "math", _equals("field", "Math")),
    "theoremqa_science": Source(
        "theoremqa",
        ("Question",),
        "theoremqa",
        None,
        "science",
        _equals("field", "Physics", "EECS"),
    ),
    "scibench_math": Source(
        "scibench",
        ("problem_text",),
        "scibench",
        "math",
        "math",
        _equals("file", "calculus", "stat", "diff"),
    ),
    "scibench": Source(
        "scibench", ("problem_text",), "", None, "science", _equals("file", *SCIENCE_BOOKS)
    ),
    "arena_math": Source(
        "arena_hard_v2_prompts",
        ("prompt",),
        "arena",
        "math",
        "math",
        _equals("subcategory", "math"),
    ),
    "arena_coding": Source(
        "arena_hard_v2_prompts",
        ("prompt",),
        "arena",
        "coding",
        "code",
        _equals("subcategory", "coding"),
    ),
    "arena_creative": Source(
        "arena_hard_v2_prompts",
        ("prompt",),
        "arena",
        "creative_writing",
        "chat",
        _equals("subcategory", "creative_writing"),
    ),
    "code_alpaca_2k": Source("code_alpaca_2k", ("instruction", "input"), "", "coding", "code"),
    "gpteacher_codegen": Source(
        "gpteacher_codegen", ("instruction", "input"), "", "coding", "code"
    ),
    "leetcode_dataset_train": Source(
        "leetcode_dataset_train",
        ("query",),
        "leetcode",
        "coding",
        "code",
        difficulty=SCALES["leetcode"],
    ),
    "leetcode_rllm": Source("leetcode_rllm", ("problem",), "leetcode", "coding", "code"),
    "codeforces_rllm": Source("codeforces_rllm", ("problem",), "", "coding", "code"),
    "code_contests_rllm": Source("code_contests_rllm", ("problem",), "", "coding", "code"),
    "mbpp_train": Source("mbpp_train", ("prompt",), "", "coding", "code"),
    "logic_kk": Source("logic_kk", ("quiz",), "", "reasoning", "science"),
    "logiqa_en": Source(
        "agieval_part",
        ("passage", "question", "options"),
        "",
        "reasoning",
        "science",
        _equals("task", "logiqa-en"),
    ),
    "lsat_ar": Source(
        "agieval_part",
        ("passage", "question", "options"),
        "",
        "reasoning",
        "science",
        _equals("task", "lsat-ar"),
    ),
    **{
        f"gaokao_{subject}_zh": Source(
            "agieval_part",
            ("question", "options"),
            "gaokao_zh",
            "information_seeking",
            "science",
            _equals("task", f"gaokao-{subject}"),
        )
        for subject in ("biology", "chemistry", "physics", "geography")
    },
    "pubmedqa": Source("pubmedqa_labeled", ("QUESTION",), "", "information_seeking", "science"),
    "t0_science_qa": Source("t0_science_qa", ("prompt",), "", "information_seeking", "science"),
    "gpteacher_roleplay": Source(
        "gpteacher_roleplay", ("instruction", "input"), "", "role_play", "chat"
    ),
    "followbench": Source(
        "followbench",
        ("instruction",),
        "",
        "instruction_following",
        "instruction",
        lambda row: row["level"] >= 2,  # below that hardly anything is asked of the form
    ),
    "alpaca_gpt4_en": Source(
        "alpaca_gpt4_en_demo", ("instruction", "input"), "alpaca", kind="chat"
    ),
    "alpaca_gpt4_zh": Source(
        "alpaca_gpt4_zh_demo", ("instruction", "input"), "alpaca", kind="chat"
    ),
    "self_instruct_seed": Source("self_instruct_seed", ("instruction",), "alpaca", kind="chat"),
    "self_instruct_user": Source(
        "self_instruct_user_oriented", ("instruction",), "alpaca", kind="chat"
    ),
    "gpteacher_toolformer": Source(
        "gpteacher_toolformer", ("instruction", "input"), "", kind="chat"
    ),
}


def rows_of(name: str) -> Iterator[Labelled]:
    """Yield the rows of a source in the file's order."""
    source = SOURCES[name]
    table = pq.read_table(folder() / "questions" / f"{source.file}.parquet")
    for row in table.to_pylist():
        text = "\n".join(str(row[c]).strip() for c in source.columns if row[c]).strip()
        if text and source.where(row):
            yield _labelled(name, source, text, row)


def _labelled(name: str, source: Source, text: str, row: Row) -> Labelled:
    worded = source.category is None and source.group == "alpaca"
    category = category_by_wording(text) if worded else source.category
    level = source.difficulty(row)
    return Labelled(
        text, name, source.group or name, category, source.kind, level, worded and bool(category)
    )


def trained(row: Labelled) -> Trained:
    """Return a row as the training takes it."""
    return Trained(row.text, row.source, row.category, row.difficulty, row.group)


def sample(name: str, most: int) -> list[Labelled]:
    """Return at most so many rows of a source, the same every time."""
    rows = list(rows_of(name))
    return random.Random(f"{SEED}/{name}").sample(rows, min(most, len(rows)))
