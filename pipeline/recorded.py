"""Rates that others have published and what has to be assumed beside them, to plan without asking.

    tokens_of("math", "hard")        6000.0, of one response of DeepSeek-R1
    THROUGHPUTS[0]                   Throughput(25.0, "vLLM early in 2025, …", "Open R1, update 2")

Nothing here was measured by this program. A pilot (`build-dataset forecast CONFIG`) replaces all
of it; where the two differ, the pilot is right.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "DeepSeek-R1"  # in the name of every model that these are the rates of
OPEN_R1 = "Open R1, update 2: huggingface.co/blog/open-r1/update-2"
AM = "arXiv 2503.19633"
CARD = "model card of DeepSeek-R1-0528"


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure, whether it was published or is a guess, and where it comes from."""

    value: float
    recorded: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Throughput:
    """Response tokens a second of one GPU."""

    tokens: float
    how: str
    origin: str


# Of one response to a mathematical question. The recorded ones are reckoned from what is cited.
TOKENS = {
    "very_easy": Rate(600, False, "guess"),
    "easy": Rate(1_200, False, "guess, below the mode of AM's rows"),
    "medium": Rate(2_500, True, f"mode near 2,048, most below 4,096 ({AM})"),
    "hard": Rate(6_000, True, f"three of four competition problems below 8,000 ({OPEN_R1})"),
    "very_hard": Rate(12_000, True, f"AIME: 12,000 on average ({CARD})"),
}
# The length of a response to another kind of question, as a multiple.
LENGTHS = {
    "math": Rate(1.0, True, "the measure"),
    "science": Rate(1.0, False, "guess"),
    "code": Rate(1.5, False, "guess"),
    "instruction": Rate(0.5, False, "guess"),
    "chat": Rate(0.5, False, "guess"),
}
PROMPT_TOKENS = Rate(150, False, "guess: a question of 100, and the system prompt")
ANSWERED = Rate(
    0.55, True, f"220,000 of 400,000 problems had a correct response among two ({OPEN_R1})"
)
KEPT = Rate(1.0, False, "nothing is taken off for duplicates and contamination; cautious")

# Answers an hour are turned into tokens by the length above of hard questions.
THROUGHPUTS = (
    Throughput(25, "vLLM early in 2025 on H100, 15 answers an hour", OPEN_R1),
    Throughput(42, "SGLang early in 2025 on H100, 25 answers an hour", OPEN_R1),
    Throughput(
        685,
        "vLLM 0.11 on 8 H200, prompts counted in, so an upper bound",
        "GPUStack: docs.gpustack.ai/latest/performance-lab/deepseek-r1/h200",
    ),
)


def tokens_of(kind: str, difficulty: str) -> float:
    """Return the tokens of one response to a question."""
    return TOKENS[difficulty].value * LENGTHS[kind].value
