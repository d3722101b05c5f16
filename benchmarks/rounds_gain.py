"""What a second round gains with the small real teacher: sampled afresh, rethought, or both.

    python benchmarks/rounds_gain.py [--limit 82] [--attempts 2] [--policies sample,rethink,both]

Takes the quickstart (at most `--limit` questions of each of its two sources) through two rounds
with SmolLM2 in this process, once for each policy. The first round's replies are the same for
all, since they are kept in one journal. Prints for each policy how many questions the second
round asked, how many it answered for the first time, and that share as a ratio to `sample`'s.
What must come out with a teacher that is known is in tests/pipeline/test_rounds.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from teacher_vllm import quickstart

from pipeline.stages import build, open_store
from pipeline.tally import count_all

TEACHER = "smollm2-135m.toml"


def gain(folder: Path, policy: str, limit: int, attempts: int) -> list[Mapping[str, int]]:
    """Build a dataset with a policy; returns what is counted of each round, round 0 first."""
    distill = {"rounds": 2, "attempts": attempts, "policy": policy}
    config = quickstart(folder, TEACHER, [], limit, distill)
    config = config.model_copy(update={"name": policy})
    store = open_store(config)
    with store.locked():
        build(config)
    return [counts for _, counts in sorted(count_all(store).rounds.items())]


def line(name: str, counts: Mapping[str, int], base: float | None) -> tuple[str, float]:
    """Return a round's line and the share of questions that it answered."""
    share = counts["gained"] / max(1, counts["questions"])
    ratio = f"   ratio to sample {share / base:.2f}" if base else ""
    said = (
        f"{name:<16} {counts['questions']:,} questions asked, {counts['responses']:,} responses,"
        f" {counts['correct']:,} correct; {counts['gained']:,} questions answered, {share:.3f}"
    )
    return said + ratio, share


def main() -> int:
    """Run and print; returns 1 where a policy has no second round to show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=82, help="questions of a source")
    parser.add_argument("--attempts", type=int, default=2, help="a round")
    parser.add_argument("--policies", default="sample,rethink,both")
    given = parser.parse_args()
    base: float | None = None
    with tempfile.TemporaryDirectory() as name:
        for number, policy in enumerate(given.policies.split(",")):
            rounds = gain(Path(name), policy, given.limit, given.attempts)
            if len(rounds) != 3:
                return 1
            if not number:
                print(line("round 1", rounds[1], None)[0])
            text, share = line(f"round 2 {policy}", rounds[2], base)
            base = share if policy == "sample" else base
            print(text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
