"""Tokens a second of the in-process teacher, on whatever device this machine has.

    python benchmarks/teacher_transformers.py [--device auto] [--limit 256] [--batch 32 128]

Asks SmolLM2 (configs/teachers/smollm2-135m.toml) word problems without a stop text, so that
every reply has its 100 tokens, once for each batch size. The first size is the baseline of the
ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from pathlib import Path

from pipeline.config import Local, Runtime
from pipeline.recipe import Teacher
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, ask_key

FILE = Path(__file__).resolve().parent.parent / "configs" / "teachers" / "smollm2-135m.toml"


def tokens_a_second(teacher: Teacher, local: Local, count: int) -> float:
    """Return the rate over all replies, the model's loading left out."""
    sampling = teacher.sampling.model_copy(update={"stop": ()})
    asks = []
    for number in range(count):
        question = f"Ada has {number + 3} pens and buys {number % 7 + 2} more. How many are there?"
        text = teacher.shots + teacher.template.replace("{question}", question)
        request = {"prompt": text}
        asks.append(Ask(str(number), 0, request, ask_key(teacher, sampling, request, 0)))
    with open_client(teacher, sampling, Runtime(local=local)) as client:
        start = time.perf_counter()
        tokens = sum(reply.response_tokens or 0 for _, reply in client.replies(asks))
        return tokens / (time.perf_counter() - start)


def main() -> int:
    """Measure each batch size and print its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto", help='as torch names it, "auto" a GPU if any')
    parser.add_argument("--limit", type=int, default=256, help="questions for each size")
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 128])
    given = parser.parse_args()
    teacher = Teacher.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
    base = 0.0
    for size in given.batch:
        local = Local(device=given.device, batch_size=size)
        rate = tokens_a_second(teacher, local, given.limit)
        base = base or rate
        print(f"batch {size:>4}   {rate:,.0f} tokens/s   ratio {rate / base:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
