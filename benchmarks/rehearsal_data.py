"""As many questions as are asked for, made from the real ones, with responses from real traces.

`REAL_DATA` names a folder with `questions/` and `traces/` (its README describes them). A row of
`math-a/part-00003.parquet`, made from one of GSM8K::

    {"prompt": "Nadia sold clips to 37 of her friends …", "reference_answer": "72",
     "test_cases": None, "response": "<think>\\nOkay, I need to …</think>\\n\\n… \\boxed{72}"}

How a question is rewritten, for each copy in another way: a run of digits becomes another of
the same length; a name (a word that is written with a capital within sentences and almost
never without one) becomes another name; half of the common words (lower case, five letters or
more, in 20 questions or more) become others that are about as frequent. Of all kinds but `math`,
whose near-duplicates stay where their numbers differ, every second sentence is taken from another
question of the kind: without that, 56 to 92 of 100 had a near-duplicate, with it 1 to 6. The first
copy stays as it is, so that real duplicates and contaminated questions are among them. Each real
question has as many copies at any size, so that a size can be compared with another.

A response is the thinking of a real trace of R1, each paragraph in one of eight versions with
other digits, at its real length, and an answer: the reference, or in three of ten another one.
Whether a question still makes sense is not looked at, and its reference belongs to the original.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import real_data

# The original's shares: references 38.9 %, tests 21.9 %, neither 39.2 % (arXiv 2503.19633).
SHARES = {"math": 0.33, "science": 0.059, "code": 0.219, "instruction": 0.196, "chat": 0.196}
WHOLE = 1_400_000  # at this size each real question stands in as many copies as it must
RIGHT = 0.7  # of answers (guess; a teacher's yield at the first attempt)
NOTHING = "def nothing():\n    return 1"
VERSIONS = 8  # of each paragraph of a trace
FILE_ROWS = 10_000
SCHEMA = pa.schema(
    [(n, pa.large_string()) for n in ("prompt", "reference_answer", "test_cases", "response")]
)
NUMBER = re.compile(r"\d+")
WORD = re.compile(r"[A-Za-z]+")
SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
MIXED = 0.5  # of the sentences of a copy
TOKEN = re.compile(r"\d+|[A-Za-z]{3,}")
WRITTEN = re.compile(r"<think>(.*?)</think>(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Real:
    """A real question; `tests` is JSON of the test cases, `solution` a program that passes."""

    text: str
    reference: str | None = None
    tests: str | None = None
    solution: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A real trace: versions of each paragraph of its thinking, and what follows that."""

    paragraphs: list[list[str]]
    answer: str


def rows_of(name: str) -> list[dict[str, Any]]:
    return list(pq.read_table(real_data.folder() / f"{name}.parquet").to_pylist())


def real_questions() -> dict[str, list[Real]]:
    """Return the real questions by kind, in a fixed random order."""
    found = {"math": _math(), "science": _science(), "code": _code()}
    plain = ("alpaca_gpt4_en_demo", "gpteacher_codegen", "gpteacher_roleplay", "code_alpaca_2k")
    chat = ("alpaca_gpt4_zh_demo", "gpteacher_toolformer", "arena_hard_v2_prompts", "logic_kk")
    texts = real_data.questions()
    found["instruction"] = [Real(text) for name in plain for text in texts[name]]
    found["chat"] = [Real(text) for name in chat for text in texts[name]]
    for kind in found.values():
        random.Random(0).shuffle(kind)
    return found


def _math() -> list[Real]:
    levels, orz = rows_of("questions/deepscaler_levels"), rows_of("questions/orz_math_part_b")
    school, train = rows_of("questions/gsm8k_train"), rows_of("questions/math_train")
    found = [Real(row["prompt"], row["answer"]) for row in levels]
    found += [Real(row["question"], row["answer"].rpartition("####")[2].strip()) for row in school]
    found += [Real(row["problem"], row["answer"]) for row in train]
    truths = (json.loads(row["assistant"])["ground_truth"]["value"] for row in orz)
    return found + [Real(row["human"], truth) for row, truth in zip(orz, truths, strict=True)]


def _science() -> list[Real]:
    units = "{problem_text}\n\nGive the answer as a number in this unit: {unit}"
    found = [
        Real(units.format(**row), row["answer_number"].replace("−", "-"))
        for row in rows_of("questions/scibench")
    ]
    for row in rows_of("questions/agieval_part"):
        label = json.loads(row["label"])
        text = "\n".join(filter(None, (row["passage"], row["question"], *row["options"])))
        found.append(Real(text, label if isinstance(label, str) else ", ".join(label)))
    return found


def _code() -> list[Real]:
    return [
        Real(
            row["query"],
            tests=json.dumps(
                [
                    {
                        "test_code": row["test"],
                        "entry_point": row["entry_point"],
                        "setup": row["prompt"],
                    }
                ]
            ),
            solution=row["completion"],
        )
        for row in rows_of("questions/leetcode_dataset_train")
    ]


class Rewriter:
    """Other names, digits and words for a text, the same for all of one copy."""

    def __init__(self, texts: list[str]) -> None:
        seen = Counter(word for text in texts for word in set(WORD.findall(text)))
        common = [w for w, n in seen.most_common() if n >= 20 and len(w) >= 5 and w.islower()]
        self.names: list[str] = [
            word
            for word, count in seen.most_common()
            if count >= 20 and word.istitle() and len(word) >= 3 and seen[word.lower()] * 20 < count
        ]
        self.words: list[str] = common[100:]  # what comes before carries the grammar
        self.place = {word: at for at, word in enumerate(self.words)}
        self.named = {name: at for at, name in enumerate(self.names)}

    def rewrite(self, text: str, random: random.Random) -> str:
        """Return a text in other words."""
        shift, turn = random.randrange(1, 50), random.randrange(1, len(self.names))

        def other(found: re.Match[str]) -> str:
            word = str(found[0])
            if word[0].isdigit():
                return digits(word, random)
            if (at := self.place.get(word)) is not None and (at + shift) % 2:
                return self.words[(at + 2 * shift) % len(self.words)]
            if (at := self.named.get(word)) is not None:
                return self.names[(at + turn) % len(self.names)]
            return word

        return TOKEN.sub(other, text)


def digits(number: str, random: random.Random) -> str:
    """Return another number of as many digits; beyond 18 the rest stays."""
    size = min(len(number), 18)
    low = 10 ** (size - 1)
    return f"{random.randrange(low, 10 * low)}{number[18:]}"


def real_traces() -> list[Trace]:
    """Return R1's traces, whose paragraphs have other digits in each version but the first."""
    rand, found = random.Random(1), []
    for row in rows_of("traces/kodcode_r1_prefill"):
        if (written := WRITTEN.search(row["response"])) is None:
            continue  # one of the 516 was cut off
        parts = [[part] for part in written[1].split("\n\n")]
        for versions in parts:
            versions += [
                NUMBER.sub(lambda m: digits(m[0], rand), versions[0]) for _ in range(VERSIONS - 1)
            ]
        found.append(Trace(parts, written[2].strip()))
    return found


def response(real: Real, traces: list[Trace], random: random.Random) -> str:
    """Return a response of real length that ends in the reference, or in something else."""
    trace, right = random.choice(traces), random.random() < RIGHT
    think = "\n\n".join(random.choice(versions) for versions in trace.paragraphs)
    if real.solution is not None:
        answer = f"```python\n{real.solution if right else NOTHING}\n```"
    elif real.reference is not None:
        said = real.reference if right else digits("1234", random)
        answer = f"So the answer is $\\boxed{{{said}}}$."
    else:
        answer = trace.answer
    return f"<think>{think}</think>\n\n{answer}"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes rows of each kind from what is held in memory: real questions and traces."""

    real: dict[str, list[Real]]
    rewriter: Rewriter
    traces: list[Trace]

    @classmethod
    def load(cls) -> Maker:
        real = real_questions()
        texts = [one.text for kind in real.values() for one in kind]
        return cls(real, Rewriter(texts), real_traces())

    def mixed(self, kind: str, one: Real, random: random.Random) -> str:
        """Return a question's text with sentences of others of its kind among its own."""
        if kind == "math":
            return one.text
        own = SENTENCE.split(one.text)
        other = SENTENCE.split(random.choice(self.real[kind]).text)
        own.append(random.choice(other))  # one sentence alone would stay one
        return "\n".join(random.choice(other) if random.random() < MIXED else s for s in own)

    def row(self, kind: str, number: int, rows: int) -> dict[str, str | None]:
        """Return row `number` of the `rows` of a kind; the same one each time."""
        copies = max(1, -(-int(WHOLE * SHARES[kind]) // len(self.real[kind])))
        base, copy = divmod(number, copies)
        rand = random.Random(f"{kind}/{number}")
        one = self.real[kind][base]
        text = self.rewriter.rewrite(self.mixed(kind, one, rand), rand) if copy else one.text
        return {
            "prompt": text,
            "reference_answer": one.reference,
            "test_cases": one.tests,
            "response": response(one, self.traces, rand),
        }


def write(folder: Path, rows: int) -> None:
    """Write what is missing of the files of `rows` rows; each kind is two sources."""
    maker: Maker | None = None
    for path, kind, numbers in files(folder, rows):
        if not path.exists():
            maker = maker or Maker.load()
            path.parent.mkdir(parents=True, exist_ok=True)
            made = [maker.row(kind, number, rows) for number in numbers]
            temporary = path.with_suffix(".tmp")
            pq.write_table(pa.Table.from_pylist(made, SCHEMA), temporary, row_group_size=1_000)
            temporary.replace(path)


def files(folder: Path, rows: int) -> Iterator[tuple[Path, str, range]]:
    """Yield each file with its kind and the numbers of its rows."""
    for kind, share in SHARES.items():
        whole = round(rows * share)
        half = -(-whole // 2)
        for name, first, last in (("a", 0, half), ("b", half, whole)):
            for part, start in enumerate(range(first, last, FILE_ROWS)):
                path = folder / f"{kind}-{name}" / f"part-{part:05d}.parquet"
                yield path, kind, range(start, min(start + FILE_ROWS, last))
