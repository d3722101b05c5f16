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
    rf"\bsorry,? (?:but )?(?:i|we)(?: {NEGATED}|'m unable|'m not able| don't feel| must decline)",
    rf"\bi apologi[sz]e,? but i(?: {NEGATED}|'m unable|'m not able)",
    rf"\b(?:i|we)(?: {NEGATED}|'m unable to|'m not able to| must decline to) {OFFERS}\b",
    r"(?:抱歉|对不起|不好意思)[，,。！! ]{0,2}(?:但是?)?(?:我|作为)"
    r"[^，。\n]{0,8}(?:无法|不能|不会)",
    r"我(?:无法|不能|没有办法)(?:提供|协助|帮助|满足|回答|讨论|参与|生成)",
)
REFUSAL = re.compile("|".join(REFUSALS), re.I)
# Speaking of oneself as a machine at the beginning; not where the prompt asks for such a part.
SELF = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|智能助手)",
    re.I,
)

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
    r"(?<![a-z])(?:ai|artificial intelligence|language models?|chatbots?|gpt)(?![a-z])"
    r"|人工智能|语言模型|聊天机器人",
    re.I,
)
# How data sets address whoever answers ("You are an AI assistant that …"); no topic.
ADDRESS = re.compile(
    r"\byou are an? [^.\n]{0,60}?(?:assistant|(?:ai|language) (?:model|system))\b[^.\n]{0,200}"
    r"|你是一?[个名]?[^。\n]{0,20}助手[^。\n]{0,100}",
    re.I,
)
PART = re.compile(
    r"\b(?:you are|you're|pretend|imagine|act as|play|role of|write as)\b[^.\n]{0,40}?"
    r"\ban? (?:(?!(?:in|on|of|about|for|with)\b)[\w-]+ ){0,3}"
    r"(?:ai|artificial intelligence|chatbot|robot|android)\b"
    r"(?! (?:expert|researcher|engineer|scientist|developer|specialist|enthusiast))"
    r"|(?:你是|假装|想象|扮演)[^。\n]{0,20}(?:ai|人工智能|机器人)",
    re.I,
)


def about_ai(prompt: str) -> bool:
    """Say whether a prompt is about such machines, beyond addressing one."""
    return bool(ABOUT_AI.search(ADDRESS.sub(" ", prompt)))


def refusal_in(head: str, prompt: str) -> re.Match[str] | None:
    """Return the words by which the beginning of an answer refuses, or speaks of itself as an AI.

    Whoever is asked to play an AI may speak as one.
    """
    if match := REFUSAL.search(head):
        return match
    match = SELF.search(head)
    return None if match is None or PART.search(ADDRESS.sub(" ", prompt)) else match


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
