"""The labeller that looks at words and form alone, for encoders that no weights are made for.

"Write a short story about a clock." asks for creative writing by its words; a text of 300 tokens
with formulas and conditions is hard by its form. It names itself `words-1` in `labeller`.
"""

from __future__ import annotations

import re

from pipeline.records import DIFFICULTIES, Question

NAME, OTHERS = "words-1", "others"
# What a request for something looks like, in English and Chinese; the first that fits.
REQUESTS = (
    ("translation", r"\btranslat\w+|翻译"),
    ("role_play", r"\b(pretend|imagine) (that )?you('re| are)\b|\bact as\b|扮演"),
    (
        "creative_writing",
        r"\b(write|compose|create) (me )?(a|an|the) (\w+ ){0,3}"
        r"(story|poem|song|haiku|limerick|dialogue|scene|novel|letter|speech)\b|写一(首|个|篇)",
    ),
    ("editing", r"\b(rewrite|rephrase|paraphrase|proofread|edit|summari[sz]e|shorten)\b|改写|总结"),
    ("planning", r"\b(plan|itinerary|schedule|agenda|steps to)\b|计划|安排"),
    ("brainstorming", r"\b(brainstorm|suggest|ideas? for|give me (\w+ )?(ideas|names))\b|建议"),
    ("data_analysis", r"\b(classify|categori[sz]e|extract|analy[sz]e)\b|分类|分析"),
    ("reasoning", r"\b(deduce|logic|puzzle|who is lying|knights?)\b|推理"),
    (
        "information_seeking",
        r"\?|？|\b(what|why|how|who|when|where|explain|describe)\b|什么|为什么",
    ),
)
COMPILED = tuple((category, re.compile(pattern, re.IGNORECASE)) for category, pattern in REQUESTS)
START = 1_000  # characters in which a request is looked for


def category(text: str) -> str:
    """Return the category that the wording suggests, `others` where it suggests nothing."""
    start = text[:START]
    return next((name for name, pattern in COMPILED if pattern.search(start)), OTHERS)


def difficulty(question: Question, tokens: int) -> str:
    """Guess a difficulty from length, formulas, conditions and turns.

    One point each for: more than 40, 100 and 250 tokens; a formula; more than two
    sentences that state conditions; a kind that needs tests or proof; several turns.
    The points are a guess.
    """
    text = question.user_text
    points = (tokens > 40) + (tokens > 100) + (tokens > 250)
    points += bool(re.search(r"\\[a-z]+|\^|\$", text))
    points += len(re.findall(r"\b(if|such that|given|where|let|suppose)\b|若|设|已知", text)) > 2
    points += question.kind in ("code", "science")
    points += len(question.prompt) > 2
    return DIFFICULTIES[min(4, points)]
