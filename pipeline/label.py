"""Stage label: category, difficulty, language and length of every question.

A cheap and honest baseline, which names itself `heuristic-1` in `labeller`: the category
follows from the kind and from words that ask for something, the difficulty from length
and structure. A difficulty that the source itself gives (`metadata.difficulty`) is taken
instead, and `labeller` then says `source`. The language is lingua's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from typing import Any

from pipeline.config import Config
from pipeline.records import DIFFICULTIES, Label, Question
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store
from pipeline.tokens import count_tokens

HEURISTIC, SOURCE = "heuristic-1", "source"

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
CATEGORY_OF_KIND = {
    "math": "math",
    "code": "coding",
    "science": "information_seeking",
    "instruction": "instruction_following",
}
# Not language: fenced and inline code, formulas, TeX commands, links.
NOT_PROSE = re.compile(
    r"```.*?(```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+|https?://\S+",
    re.DOTALL,
)
LANGUAGE_CHARS = 2_000  # of prose that lingua sees: more does not change its mind
MIN_LETTERS = 2  # below this there is nothing to tell


class LabelStage(ShardStage):
    """Writes `labels`."""

    name = "label"

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("labels",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions."""
        return ("questions",)

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the labeller's settings."""
        return run.config.recipe.label.model_dump()

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Label one shard."""
        recipe = config.recipe.label
        questions = list(Question.from_table(store.read("questions", shard)))
        texts = ["\n\n".join(turn.content for turn in q.prompt) for q in questions]
        tokens = count_tokens(recipe.tokenizer, texts)
        labels = [
            label(question, count, recipe.languages)
            for question, count in zip(questions, tokens, strict=True)
        ]
        counts = Counter(found.category for found in labels)
        return {"labels": (Label.to_table(labels), dict(sorted(counts.items())))}


def label(question: Question, tokens: int, languages: tuple[str, ...]) -> Label:
    """Return a question's label; `tokens` is the length of its prompt."""
    given = json.loads(question.metadata).get("difficulty")
    known = isinstance(given, str) and given in DIFFICULTIES
    return Label(
        id=question.id,
        category=category(question.kind, question.user_text),
        difficulty=str(given) if known else difficulty(question, tokens),
        language=language(question.user_text, languages),
        prompt_tokens=tokens,
        labeller=SOURCE if known else HEURISTIC,
    )


def category(kind: str, text: str) -> str:
    """Return the category that kind and wording suggest, `others` where nothing does."""
    if kind in CATEGORY_OF_KIND:
        return CATEGORY_OF_KIND[kind]
    start = text[:1_000]
    return next((name for name, pattern in COMPILED if pattern.search(start)), "others")


def difficulty(question: Question, tokens: int) -> str:
    """Guess a difficulty from length, formulas, conditions and turns.

    One point each for: more than 40, 100 and 250 tokens; a formula; more than two
    sentences that state conditions; a kind that needs tests or proof; several turns.
    The points are a guess; docs/log.md has their correlation with real levels.
    """
    text = question.user_text
    points = (tokens > 40) + (tokens > 100) + (tokens > 250)
    points += bool(re.search(r"\\[a-z]+|\^|\$", text))
    points += len(re.findall(r"\b(if|such that|given|where|let|suppose)\b|若|设|已知", text)) > 2
    points += question.kind in ("code", "science")
    points += len(question.prompt) > 2
    return DIFFICULTIES[min(4, points)]


def language(text: str, languages: tuple[str, ...]) -> str:
    """Return the ISO 639-1 code of a text's prose, `und` where there is no prose to tell from."""
    prose = NOT_PROSE.sub(" ", text[: 10 * LANGUAGE_CHARS])[:LANGUAGE_CHARS]
    if sum(char.isalpha() for char in prose) < MIN_LETTERS:
        return "und"
    found = _detector(languages).detect_language_of(prose)
    return found.iso_code_639_1.name.lower() if found else "und"


@lru_cache(maxsize=2)
def _detector(languages: tuple[str, ...]) -> Any:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in languages]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
