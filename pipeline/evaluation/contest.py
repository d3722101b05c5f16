"""What benchmarks of short mathematical answers have in common: a boxed answer, one verifier."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.evaluation.base import PROMPT, Benchmark

# The instruction that DeepSeek-R1's authors recommend for mathematics (its model card).
BOXED = "{question}\n\nPlease reason step by step, and put your final answer within \\boxed{}."


class MathBenchmark(Benchmark):
    """A benchmark whose answers the verifier `math` compares with a reference."""

    kind: ClassVar[str] = "math"
    verifier: ClassVar[str] = "math"

    prompt: str = Field(BOXED, min_length=1, description=PROMPT)
