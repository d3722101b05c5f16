"""What the linear labeller sees of a text beside its vector: signs, words, how it begins.

"Write a haiku about snow." has two hits, a word of stories and poems, and a beginning that asks
for writing; the rest are 0, but for shares of letters and lengths. English and Chinese only:
of a text in another language the vector alone tells something.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEEN = 4_000  # characters of a text that are looked at; a guess, the request is within them
HAN = 0.2  # share of Chinese characters from which a text counts as Chinese; a guess

# Any of these anywhere in the text is one feature; again as another one in Chinese texts.
ANYWHERE = (
    r"```|\bdef \w+\(|#include|\bclass \w+[:{(]|\bimport \w+|\bfunction\s*\(|</\w+>|;\s*\n"
    r"|\bSELECT\b.*\bFROM\b|\bconsole\.|print\(",
    r"\b(function|code|coding|program|programming|python|java|javascript|typescript|c\+\+|c#|sql"
    r"|html|css|script|bash|algorithm|regex|api|compiler?|database|rust|php|django|react|pytorch"
    r"|tensorflow|array|string|substring|linked list|binary tree)s?\b",
    r"代码|函数.{0,6}(Python|代码|程序)|程序|编程|算法|数据库|脚本|Python|SQL",
    r"\b(first|second|next|only) line( of (the )?(input|each test case|each test))?"
    r"( of each test case)? contains?\b|test cases?\b|\bstandard input\b|\btime limit\b"
    r"|\bconstraints:|\boutput: |\bsample input\b"
    r"|\bprint\b.{0,30}\b(integer|answer|yes|no|number|line)\b",
    r"\$|\\\(|\\\[|\\frac|\\sqrt|\^\{|\^\d|\d\s*[+\-*/=×÷]\s*\d",
    r"\bhow (many|much|far|long|old|fast)\b|多少|几[个只本元米天人]",
    r"\b(find|solve|evaluate|compute|calculate|simplify|prove|factor|expand|differentiate"
    r"|integrate)\b|计算|解方程|证明|求",
    r"[（(]\s*A\s*[)）]|\bA[.)]\s",
    r"\b(if and only if|knights?|knaves?|liars?|truth-?tellers?|must be true|could be true"
    r"|conclusion|argument|assum(es|ption)|inferred|strengthens?|weakens?|premises?"
    r"|the statements? above|following, if true)\b|说谎|推理",
    r"\b(imagine|pretend|act as|act like|take on the role|take the role|assume the role"
    r"|play the role|role-?play|as if you were)\b|\b(you are|you're) (a|an|the|my) \w+"
    r"|扮演|假装|假设你是",
    r"\b(at least|at most|no more than|no less than|fewer than|less than|more than|exactly|within"
    r"|under) (\w+ )?(\d+|one|two|three|four|five|six|seven|eight|nine|ten)"
    r" (words?|sentences?|paragraphs?|characters?|points?|lines?|bullet)\b",
    r"\b(in the (style|tone|form|format) of|your (entire )?(response|answer|reply) (should|must)"
    r"|make sure|do not (use|include|mention)|avoid|should (include|contain|be)"
    r"|must (include|contain|begin|end)|in json|markdown|bullet points?|table"
    r"|each (sentence|paragraph|line))\b|不要出现|不超过.{0,6}字|表格的形式",
    r"\b(story|poem|haiku|song|novel|scene|chapter|lyrics|fiction|anime|fanfic|protagonist|plot"
    r"|rap)\b|故事|诗|小说|歌词|рассказ|poema|truyện",
    r"\?|？",
    r"\b(following|given|below|this) (text|sentence|article|passage|paragraph|email|statement"
    r"|essay)\b|以下(文本|句子|段落|文章)|这(段|篇)",
    r"\b(study|patients?|disease|treatment|clinical|cancer|risk|mortality|surgery|therapy|children"
    r"|women|outcomes?|predict)\b",
    r"\b(physics|chemical|biology|molecules?|atoms?|energy|species|cells?|acid|temperature|mol"
    r"|mass|plants?|animals?|gas|liquid|organisms?|heat|climate|water|blood|earth)\b",
    r"物理|化学|反应|细胞|生物|地理|电场|粒子|地区|溶液|物质|磁场|速度|基因|植物|动物|气候|城市|离子"
    r"|能量|图示|下列|图[中为示]",
    r"\b(plan|schedule|itinerary|agenda|budget|routine|timeline|milestones?)\b|计划|行程|日程",
    r"\b(ideas?|suggest\w*|brainstorm|recommend\w*|names for|come up with)\b|建议|推荐|想出",
    r"\btranslat\w+|翻译|用(英语|法语|日语)",
    r"\b(rewrite|rephrase|paraphrase|proofread|edit|summari[sz]e|shorten|grammar|correct the)\b"
    r"|改写|总结|修改|润色",
    r"\b(classify|categori[sz]e|extract|sentiment|label|sort the|group the|identify the)\b"
    r"|分类|提取|情感",
    r"\b(he|she|they|his|her|him|their|them)\b",
    r"mol|溶液|离子|氧化|还原|电极|元素|化合物|反应|沉淀|酸|碱",
    r"电场|磁场|速度|加速度|质量|动能|电压|电阻|电流|弹簧|斜面|卫星|匀速|小球|粒子|光",
    r"细胞|基因|植物|动物|蛋白|遗传|物种|酶|种群|生态|地区|气候|城市|地形|河流|降水|农业|产业",
    r"\b(triangle|circle|integers?|polynomial|equation|real numbers?|positive|divisible|probability"
    r"|angle|ratio|sequence|perpendicular|primes?|digits?|sum of|product of)\b",
    r"\b(which (one )?of the following|(can|may) be (inferred|concluded|deduced)"
    r"|best (supports?|explains?|describes?)|most (accurately|strongly|likely)|definition"
    r"|according to|the above|this (view|argument|statement))\b",
    r"\b(tone|style|perspective|rhetorical|metaphor|analogy|wit|humor|formal|counterargument"
    r"|statistics?|quotes?|keywords?|number markers?)\b",
    r"\b(dollars?|\$\d|apples?|books?|cents|miles|hours|total|each|altogether|per)\b",
)
# What a text asks for by its first words, by category; the first that fits names it for training.
FIRST_WORDS = (
    ("translation", r"translate\b|.{0,40}\btranslat(e|ion)\b|.{0,12}翻译"),
    (
        "editing",
        r"(please )?(rewrite|rephrase|paraphrase|edit|proofread|summari[sz]e|shorten|correct"
        r"|rearrange|convert the (sentence|following sentence)|improve|simplify|fix)\b"
        r"|(请)?(改写|重写|编辑|修改|总结|概括|重新|缩短|润色|纠正|改正)",
    ),
    (
        "creative_writing",
        r"(write|compose|create|generate|tell)\b.{0,40}\b(story|poem|haiku|song|limerick|dialogue"
        r"|joke|letter|speech|lyrics|essay|slogan|script|tagline|blog post|advert\w*)\b"
        r"|(请)?(写|创作|编写|撰写|作).{0,16}(故事|诗|歌|笑话|对话|信|演讲|散文|小说|文章|口号|短文)",
    ),
    (
        "brainstorming",
        r"(brainstorm|suggest|come up with|give me (some |a few )?(ideas|suggestions|names)"
        r"|generate (a list|\w+ ideas|ideas)|list \w+ (ideas|ways)|recommend|propose)\b"
        r"|(请)?(提出|想出|推荐|建议|给出.{0,6}建议|列出.{0,8}(方法|想法|主意))",
    ),
    (
        "planning",
        r"((create|make|write|develop|design|draw up|plan)\b.{0,30}\b(plan|schedule|itinerary"
        r"|agenda|budget|routine|timetable)|plan)\b"
        r"|(请)?(制定|设计|规划|安排|计划).{0,20}(计划|行程|日程|方案|安排|预算)?",
    ),
    (
        "data_analysis",
        r"(classify|categori[sz]e|sort|group|extract|analy[sz]e|identify|label|detect|rank|rate"
        r"|evaluate|determine (whether|if|the (sentiment|topic|type)))\b"
        r"|(请)?(分类|归类|提取|分析|识别|判断|标记|评估|将.{0,20}(分类|归类|排序))",
    ),
    (
        "role_play",
        r"(imagine|pretend|act as|you are (a|an) |take the role|play the role)|扮演|假装|想象你",
    ),
    (
        "information_seeking",
        r"(what|why|how|who|when|where|which|explain|describe|define|name|tell me|compare"
        r"|list the|discuss|state|provide (an explanation|information|a (brief )?(overview"
        r"|description|definition)))\b"
        r"|(请)?(什么|为什么|解释|描述|定义|介绍|说明|列举|比较|讲解|谁|哪)|.{2,20}(是什么|为什么|是谁)",
    ),
)
SHAPE = 8  # features of letters, digits and lengths, the first of them always 1


@lru_cache(maxsize=1)
def _patterns() -> tuple[list[re.Pattern[str]], list[tuple[str, re.Pattern[str]]]]:
    flags = re.IGNORECASE | re.DOTALL
    anywhere = [re.compile(words, flags) for words in ANYWHERE]
    return anywhere, [(name, re.compile(words, flags)) for name, words in FIRST_WORDS]


def width() -> int:
    """Return how many features a text has."""
    return SHAPE + 2 * len(ANYWHERE) + len(FIRST_WORDS)


def features(text: str) -> NDArray[np.float64]:
    """Return a text's features, each about 0 to 1."""
    seen = text[:SEEN]
    anywhere, first = _patterns()
    hits = [float(bool(words.search(seen))) for words in anywhere]
    begins = [float(bool(words.match(seen))) for _, words in first]
    shape, han = _shape(seen)
    chinese = float(han > HAN)
    return np.array([*shape, *hits, *begins, *(hit * chinese for hit in hits)])


def _shape(seen: str) -> tuple[list[float], float]:
    size = max(1, len(seen))
    letters = sum(char.isalpha() and char.isascii() for char in seen) / size
    digits = sum(map(str.isdigit, seen)) / size
    han = sum("\u4e00" <= char <= "\u9fff" for char in seen) / size
    lengths = [math.log1p(len(seen)) / 5, math.log1p(seen.count("\n")) / 3]
    signs = [min(1.0, seen.count("$") / 20), min(1.0, seen.count("\\") / 30)]
    return [1.0, letters, digits * 4, han, *lengths, *signs], han


def category_by_wording(text: str) -> str | None:
    """Return the category that a text's first words ask for, None where they tell nothing."""
    return next((name for name, words in _patterns()[1] if words.match(text)), None)
