"""Whether a constraint stands in its prompt: what a model proposes is not to be made up.

    why_not({"id": "length_constraints:number_words", "kwargs": {"num_words": 300,
            "relation": "at least"}}, "Write at least 300 words about tea.")     # "": it does
    why_not({"id": "punctuation:no_comma", "kwargs": {}}, "Write about tea.")
    # "nothing in the prompt speaks of it"

A known id and usable kwargs first; then every text among the kwargs has to be in the prompt, every
number too, in digits or words, beside a word that says "at least" or "less than" where there is
a relation; and a type has to be spoken of at all (`CUES`, for others the words of its id). English
and Chinese. It does not tell whether the prompt means it: a quoted example passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verifiers.base import BadInput
from verifiers.constraints.judging import Unread, readable
from verifiers.constraints.registry import identity

NEAR = 60  # characters around a number in which its relation is looked for; a guess: a clause
AT_LEAST = (
    r"(?<=\d)\+|at least|or more|minimum|no (?:fewer|less) than|not less|more than"
    r"|至少|不少于|以上|超过"
)
LESS_THAN = (
    r"less than|fewer than|at most|under|below|within|or (?:less|fewer)|maximum|no more than"
    r"|not (?:exceed|more)|up to|limit|不超过|少于|以内|最多|不多于"
)
RELATIONS = {"at least": AT_LEAST, "less than": LESS_THAN}
NUMBERS = (
    "zero|no|零", "one|once|a single|an?|first|一", "two|twice|second|二|两",
    "three|third|thrice|三", "four(?:th)?|四", "five|fifth|五", "six(?:th)?|六",
    "seven(?:th)?|七", "eight(?:h)?|八",
    "nine|ninth|九", "ten(?:th)?|十", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
# What a prompt says that wants a type; of one that is not here, a word of its id is looked for.
CUES = {
    "keywords:existence": r"includ|use|contain|mention|keyword|word|with|包含|使用|提到|关键词",
    "keywords:frequency": r"times?|once|twice|appear|mention|次",
    "keywords:forbidden_words": r"not|n't|avoid|without|exclud|forbid|never|不|避免|禁止",
    "keywords:letter_frequency": r"letter|character|字母|字符",
    "language:response_language": r"language|only|in|entire|语|文",
    "length_constraints:number_words": r"words?|字|词",
    "length_constraints:number_sentences": r"sentences?|句",
    "length_constraints:number_paragraphs": r"paragraphs?|sections?|parts?|\*{3}|段",
    "length_constraints:nth_paragraph_first_word": r"paragraph|段",
    "detectable_content:number_placeholders": r"placeholder|square bracket|占位",
    "detectable_content:postscript": r"postscript|p\.? ?s\.?|附言",
    "detectable_format:number_bullet_lists": r"bullet|points?|list|要点|项目符号|列表",
    "detectable_format:constrained_response": r"my answer is",
    "detectable_format:number_highlighted_sections": r"highlight|italic|\*|突出|高亮",
    "detectable_format:multiple_sections": r"sections?|parts?|label|marked|部分|章节",
    "detectable_format:json_format": r"json",
    "detectable_format:title": r"title|<<|标题",
    "combination:two_responses": r"two|both|different (?:responses|answers|versions)|\*{6}|两",
    "combination:repeat_prompt": r"repeat|重复|复述",
    "startend:end_checker": r"end|finish|last|conclude|close|结尾|结束|最后",
    "startend:quotation": r"quot|引号",
    "change_case:capital_word_frequency": r"capital|upper ?case|大写",
    "change_case:english_capital": r"capital|upper ?case|大写",
    "change_case:english_lowercase": r"lower ?case|capital|small letters|小写",
    "punctuation:no_comma": r"commas?|逗号",
    "format:newline": r"new ?line",
    "sentence:increment": r"more words|longer",
    "sentence:alliteration_increment": r"alliterat",
    "repeat:repeat_simple": r"only output|repeat|copy",
    "custom:mcq_count_length": r"questions?",
}
# Codes of languages as IFEval names them, and what a prompt calls them.
LANGUAGES = {
    "ar": "arabic", "bg": "bulgarian", "bn": "bengali|bangla", "cs": "czech", "da": "danish",
    "de": "german|德语|deutsch", "el": "greek", "en": "english|英语|英文", "es": "spanish|西班牙语",
    "fa": "persian|farsi", "fi": "finnish", "fr": "french|法语", "gu": "gujarati", "he": "hebrew",
    "hi": "hindi", "hr": "croatian", "hu": "hungarian", "id": "indonesian", "it": "italian",
    "ja": "japanese|日语", "kn": "kannada", "ko": "korean|韩语", "ml": "malayalam", "mr": "marathi",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pa": "punjabi", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian|俄语", "sv": "swedish", "sw": "swahili",
    "ta": "tamil", "te": "telugu", "th": "thai", "tr": "turkish", "uk": "ukrainian", "ur": "urdu",
    "vi": "vietnamese", "zh-cn": "chinese|中文|汉语", "zh-tw": "chinese|中文|汉语",
}  # fmt: skip


def why_not(raw: Any, prompt: str) -> str:
    """Return why a constraint is not to be used for a prompt, an empty text where it may be."""
    try:
        constraint = readable(raw)
        id, wanted = identity(raw)
    except BadInput as error:
        return str(error)
    if isinstance(constraint, Unread):
        return constraint.error
    if not _has(CUES.get(id) or _words_of(id), prompt):
        return "nothing in the prompt speaks of it"
    return next(_missing(wanted, prompt), "")


def _words_of(id: str) -> str:
    words = re.findall(r"[a-z]{4,}", id.partition(":")[2]) or [id.partition(":")[2]]
    return "|".join(re.escape(word.rstrip("s")) for word in words)


def _missing(wanted: Mapping[str, Any], prompt: str) -> Iterator[str]:
    """Yield what of the kwargs is not in the prompt."""
    relation = next((value for name, value in wanted.items() if name.endswith("relation")), None)
    for name, value in wanted.items():
        if name.endswith("relation"):
            continue
        if name == "language":
            if not _has(LANGUAGES.get(str(value).lower(), re.escape(str(value))), prompt):
                yield f"{name}: the prompt does not name {value!r}"
        elif isinstance(value, int | float):
            yield from _missing_number(name, int(value), relation, prompt)
        else:
            for text in [value] if isinstance(value, str) else value:
                if not _names(text, prompt):
                    yield f"{name}: {text!r} is not in the prompt"


def _missing_number(name: str, number: int, relation: Any, prompt: str) -> Iterator[str]:
    wanted = [_spelled(number)]
    if relation in RELATIONS and number > 0:  # "more than 30" is at least 31, "at most once" < 2
        wanted.append(_spelled(number - 1))
    places = [match.span() for match in re.finditer("|".join(wanted), prompt, re.IGNORECASE)]
    if not places:
        yield f"{name}: the number {number} is not in the prompt"
    elif relation in RELATIONS and not any(
        _has(RELATIONS[relation], prompt[max(0, start - NEAR) : end + NEAR])
        for start, end in places
    ):
        yield f"{name}: beside {number} the prompt does not say {relation!r}"


def _spelled(number: int) -> str:
    """Return a pattern for a number in digits, with a comma or none, and in words."""
    digits = rf"(?<![\d.,])(?:{number:,}|{number})(?![\d]|[.,]\d)"
    if number >= len(NUMBERS):
        return digits
    return rf"{digits}|(?<![A-Za-z])(?:{NUMBERS[number]})(?![A-Za-z])"


def _names(text: Any, prompt: str) -> bool:
    """Say whether a prompt names a text, as a word of its own where it is a single letter."""
    said, asked = " ".join(str(text).split()).casefold(), " ".join(prompt.split()).casefold()
    if len(said) == 1 and said.isalnum():
        return bool(re.search(rf"(?<![^\W_]){re.escape(said)}(?![^\W_])", asked))
    return said in asked


def _has(words: str, prompt: str) -> bool:
    """Say whether one of the words begins a word of a prompt."""
    return bool(re.search(rf"(?<![A-Za-z])(?:{words})", prompt, re.IGNORECASE))
