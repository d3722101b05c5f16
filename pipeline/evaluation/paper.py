"""What arXiv 2503.19855 reports, to compare with: its Tables 1 and 2.

    PASS1["QwQ-32B"][1]["aime24"]       80.3 (percent, round 1)

The paper gives no errors. With 30 questions and a mean of 80 %, a standard error may be up to
√(0.8 · 0.2 / 29) = 7.4 points; no gain on AIME 2024 in the table is half as large.
"""

from __future__ import annotations

from collections.abc import Mapping

NAME = "arXiv 2503.19855"
BENCHMARKS = ("aime24", "math500", "gpqa_diamond", "livecodebench")
Rows = Mapping[str, Mapping[int, Mapping[str, float]]]


def _rows(*given: tuple[str, int, tuple[float, float, float, float]]) -> Rows:
    found: dict[str, dict[int, dict[str, float]]] = {}
    for model, round, figures in given:
        found.setdefault(model, {})[round] = dict(zip(BENCHMARKS, figures, strict=True))
    return found


PASS1 = _rows(
    ("DeepSeek-R1", 1, (79.7, 97.6, 74.0, 65.3)),
    ("DeepSeek-R1", 2, (82.0, 97.6, 74.8, 67.1)),
    ("QwQ-32B", 1, (80.3, 97.2, 65.9, 63.0)),
    ("QwQ-32B", 2, (82.1, 97.8, 67.2, 64.7)),
    ("QwQ-32B", 3, (82.8, 97.8, 67.5, 65.2)),
    ("QwQ-32B", 4, (83.1, 97.7, 68.1, 66.0)),
    ("DeepSeek-R1-Distill-Qwen-32B", 1, (72.0, 96.0, 60.1, 57.0)),
    ("DeepSeek-R1-Distill-Qwen-32B", 2, (75.1, 96.3, 61.3, 57.6)),
    ("DeepSeek-R1-Distill-Qwen-7B", 1, (56.9, 93.4, 49.2, 35.0)),
    ("DeepSeek-R1-Distill-Qwen-7B", 2, (58.4, 93.9, 49.4, 36.7)),
    ("AM-Distill-Qwen-32B", 1, (72.8, 96.2, 62.3, 58.3)),
    ("AM-Distill-Qwen-32B", 2, (76.7, 97.2, 62.8, 60.2)),
)
TOKENS = _rows(
    ("QwQ-32B", 1, (13566.1, 8489.9, 13860.5, 4473.0)),
    ("QwQ-32B", 2, (9607.9, 5540.4, 11043.9, 3200.9)),
    ("QwQ-32B", 3, (8630.0, 5287.7, 10368.0, 3012.7)),
    ("QwQ-32B", 4, (8654.8, 4948.0, 9674.5, 2920.8)),
)
