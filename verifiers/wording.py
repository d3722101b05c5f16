"""What a response should not say: refusals, talk about itself, and what it was shown in secret.

"I'm sorry, but I can't help with that.", "As an AI language model, I …", "The reference answer
says 42, so …". Each is a pattern, English and Chinese; other languages are not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Looked for at the beginning of the answer only, where refusals stand. Each names what the
# writer won't do, so that "I cannot find such a number" and "I'm sorry to hear" pass.
NEGATED = r"(?:can ?not|can't|could not|won't|will not|am unable to|'m unable to|am not able to)"
OFFERS = (
    r"(?:help(?! but\b)|assist|comply|fulfil|provide|answer|discuss|engage|support|generate"
    r"|do that)"
)
REFUSALS = (
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b",
    rf"\bsorry,? (?:but )?(?:i|we)(?: {NEGATED}|'m unable|'m not able| don't feel| must decline)",
    rf"\bi apologi[sz]e,? but i(?: {NEGATED}|'m unable|'m not able)",
    rf"\b(?:i|we)(?: {NEGATED}|'m unable to|'m not able to| must decline to) {OFFERS}\b",
    r"(?:抱歉|对不起|不好意思)[，,。！! ]{0,2}(?:但是?)?(?:我|作为)"
    r"[^，。\n]{0,8}(?:无法|不能|不会)",
    r"作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|智能助手)",
    r"我(?:无法|不能|没有办法)(?:提供|协助|帮助|满足|回答|讨论|参与|生成)",
)
REFUSAL = re.compile("|".join(REFUSALS), re.I)

# Anywhere in the answer. "As an AI researcher" and "AI" as the topic pass.
META = re.compile(
    r"\bas an? (?:ai|artificial intelligence)(?: (?:language )?(?:model|assistant|system))?,? i\b"
    r"|\bas an? (?:ai |large )?language model\b"
    r"|\bi(?:'m| am) (?:just |only |merely )?an? "
    r"(?:ai|artificial intelligence|(?:large )?language model)"
    r"(?! (?:researcher|engineer|scientist|student|expert|developer|enthusiast|ethicist))\b"
    r"|\bmy (?:training data|knowledge cut-?off|last (?:training )?update)\b"
    r"|\bi was (?:trained|developed|created) by (?:openai|anthropic|deepseek|alibaba|google|meta)\b"
    r"|作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|智能)(?:语言模型|助手|模型)?[，,]?我"
    r"|我(?:只?是)(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型)|我的(?:训练数据|知识截止)",
    re.I,
)
ABOUT_AI = re.compile(
    r"\b(?:ai|artificial intelligence|language models?|chatbots?|gpt)\b|人工智能", re.I
)

# Anywhere in the response. What the prompt itself says is not leaked.
REFERENCE = (
    r"(?:reference|ground[- ]truth|gold(?:en)?|official|expected) (?:answer|solution|response)"
)
LEAK = re.compile(
    rf"\b(?:the|this|that|a|given|provided) {REFERENCE}"
    r"(?:'s)? (?:says?|states?|is|was|gives?|shows?|mentions?|provided|given)\b"
    r"|\b(?:according to|based on|match(?:es|ing)?|per|from|see|in) the (?:given |provided )?"
    rf"{REFERENCE}\b"
    r"|\b(?:the|my) system (?:prompt|message) (?:says|states|tells|asks|instructs|requires)\b"
    r"|\b(?:in|from|by) (?:the|my) system (?:prompt|message)\b"
    r"|<\|(?:im_start|im_end|endoftext|begin_of_text|eot_id|user|assistant|system)\|>"
    r"|<｜(?:User|Assistant|begin▁of▁sentence|end▁of▁sentence)｜>"
    r"|(?:参考|标准)答案(?:是|为|说|给出|显示|中|里)|(?:根据|按照|对照|与)(?:参考|标准)答案"
    r"|系统提示(?:词)?(?:说|要求|中)",
    re.I,
)


# There is no leak but around one of these: spares texts the slower search.
LEAK_CHARS = 60
LEAK_SIGNS = (
    "reference ", "ground truth", "ground-truth", "gold answer", "gold solution", "golden ",
    "official ", "expected ", "system prompt", "system message", "<|", "<｜", "参考答案",
    "标准答案", "系统提示",
)  # fmt: skip


def first_leak(text: str, prompt: str) -> re.Match[str] | None:
    """Return the first leaked phrase of a text whose words are not the prompt's own."""
    asked, lower = prompt.casefold(), text.lower()
    for place in sorted(place for sign in LEAK_SIGNS for place in _places(lower, sign)):
        match = LEAK.search(text, max(0, place - LEAK_CHARS), place + LEAK_CHARS)
        if match and match[0].casefold() not in asked:
            return match
    return None


def _places(text: str, sign: str) -> Iterator[int]:
    """Yield where a sign stands in a text."""
    place = text.find(sign)
    while place >= 0:
        yield place
        place = text.find(sign, place + len(sign))
