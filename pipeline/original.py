"""The shape of AM-DeepSeek-R1-Distilled-1.4M, to compare with: percentages of its rows.

From arXiv 2503.19633; its categories and difficulties were labelled by Qwen2.5-7B-Instruct,
so that a difference may come from the labeller as well as from the questions.
"""

from __future__ import annotations

NAME = "AM-DeepSeek-R1-Distilled-1.4M"
ARXIV = "2503.19633"
CATEGORIES = {
    "math": 29.3,
    "coding": 24.3,
    "information_seeking": 22.2,
    "reasoning": 10.4,
    "planning": 2.3,
    "creative_writing": 2.2,
    "others": 9.3,
}
DIFFICULTIES = {"very_easy": 4.7, "easy": 11.2, "medium": 51.8, "hard": 25.7, "very_hard": 6.5}
REFERENCES = {"reference answer": 38.9, "test cases": 21.9, "nothing": 39.2}
LENGTHS = "most are, with the mode near 2,048"  # rows of fewer than 4,096 tokens, its figure
