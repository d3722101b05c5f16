"""Nine ways to disguise a copy of a benchmark item, none of which changes what is asked.

`DISGUISES["synonyms"]("Find the total number of apples.", random)` gives "Determine the
overall count of apples."; a disguise that finds nothing to change gives the text as it was.
The word lists are ours, of words that are common in questions, and know no grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Disguise = Callable[[str, Random], str]

SYNONYMS = {
    "find": "determine", "calculate": "compute", "compute": "work out", "evaluate": "calculate",
    "determine": "figure out", "total": "overall", "number": "count", "smallest": "least",
    "largest": "greatest", "greatest": "largest", "value": "worth", "begin": "start",
    "buys": "purchases", "bought": "purchased", "gives": "hands", "write": "create",
    "function": "routine", "given": "specified", "returns": "yields", "return": "give back",
    "suppose": "assume", "let": "allow", "show": "demonstrate", "prove": "demonstrate",
    "explain": "describe", "following": "below", "each": "every", "every": "each",
    "many": "numerous", "big": "large", "small": "little", "quickly": "fast", "often": "frequently",
    "people": "persons", "children": "kids", "house": "home", "car": "automobile",
    "money": "cash", "needs": "requires", "need": "require", "uses": "employs", "use": "employ",
    "makes": "produces", "make": "produce", "gets": "receives", "get": "obtain",
    "also": "additionally", "because": "since", "therefore": "hence", "important": "significant",
    "string": "character sequence", "array": "sequence", "check": "verify", "whether": "if",
    "remaining": "left over", "exactly": "precisely", "equal": "identical", "distinct": "different",
    "contains": "includes", "consider": "look at", "answer": "reply", "statement": "claim",
    "statements": "claims", "correct": "right", "true": "right", "choose": "pick", "select": "pick",
    "average": "mean", "cost": "price", "costs": "is priced at", "hours": "hrs", "minutes": "mins",
}  # fmt: skip
# Common in the benchmarks.
NAMES = re.findall(
    r"\w+",
    "James John Robert Michael William David Richard Joseph Thomas Charles Daniel Matthew "
    "Mark Paul Steven Andrew Kenneth Joshua Kevin Brian George Edward Ronald Timothy Jason "
    "Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Frank "
    "Benjamin Gregory Samuel Raymond Patrick Alexander Jack Dennis Jerry Tyler Aaron Henry Adam "
    "Nathan Peter Zachary Kyle Walter Harold Jeremy Ethan Carl Keith Roger Terry Sean Mary "
    "Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Nancy Lisa Margaret "
    "Betty Sandra Ashley Dorothy Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah "
    "Stephanie Rebecca Laura Sharon Cynthia Kathleen Amy Shirley Angela Helen Anna Brenda Pamela "
    "Nicole Ruth Katherine Samantha Christine Emma Catherine Virginia Rachel Janet Carolyn Maria "
    "Heather Diane Julie Joyce Victoria Kelly Christina Joan Evelyn Lauren Judith Olivia Alice "
    "Bob Tom Tim Jim Sam Ben Max Mike Joe Dan Greg Jake Josh Jill Jenny Lucy Mia Kate Claire "
    "Marie Sophia Toula Carlos Juan Jose Ali Ravi Mia Eve Fidel Amelie Aya ",
)
NEW_NAMES = ("Zebulon", "Quirina", "Thaddea", "Ignacio", "Wilhelmina", "Oberon", "Ximena", "Bjarne")

LATEX = (
    (r"\\dfrac|\\tfrac|\\frac", r"\\dfrac"),
    (r"\\leq(?![a-z])|\\le(?![a-z])", r"\\leqslant "),
    (r"\\geq(?![a-z])|\\ge(?![a-z])", r"\\geqslant "),
    (r"\\cdot(?![a-z])", r"\\times "),
    (r"\\ldots(?![a-z])", r"\\dots "),
    (r"\\neq(?![a-z])", r"\\ne "),
    (r"(?<![\\a-z])\(", r"\\left("),
    (r"(?<!\\)\)", r"\\right)"),
    (r"(?<=\d),(?=\d{3}\b)", "{,}"),
    (r"\\text\{", r"\\mathrm{"),
    (r"\^(\d)(?!\d)", r"^{\1}"),
    (r"_(\d)(?!\d)", r"_{\1}"),
)
PUNCTUATION = re.compile(r"(?<!\d)[.,;:!?\"'“”‘’](?!\d)")
CODE = re.compile(
    r"\s*(?:assert|def|class|>>>|from|import|return|for|while|if|\[|\{)\b|    |\t|.*[;{]$"
)
SENTENCE = re.compile(r"(?<=[.!?。？！])\s+|\n+")


def as_is(text: str, _: Random) -> str:
    return text


def case_and_spacing(text: str, random: Random) -> str:
    words = text.swapcase().split(" ")
    return "".join(word + random.choice((" ", "  ", "\n", "\t")) for word in words)


def latex_style(text: str, _: Random) -> str:
    if "$" not in text and "\\" not in text:
        return text
    for pattern, other in LATEX:
        text = re.sub(pattern, other, text)
    return re.sub(r"\$\$?([^$]+)\$\$?", r"\\( \1 \\)", text)


def punctuation(text: str, random: Random) -> str:
    return PUNCTUATION.sub(lambda match: random.choice(("", " ", ";", match[0])), text)


def synonyms(text: str, random: Random) -> str:
    def other(match: re.Match[str]) -> str:
        known = SYNONYMS.get(match[0].lower())
        if known is None or random.random() > 0.8:
            return match[0]
        return known.capitalize() if match[0][0].isupper() else known

    def line(text: str) -> str:
        return text if CODE.match(text) else re.sub(r"(?<![\\\w])[A-Za-z]+(?![\w(])", other, text)

    return "\n".join(map(line, text.split("\n")))


def synonyms_in_latex(text: str, random: Random) -> str:
    return latex_style(synonyms(text, random), random)


def changed_names(text: str, random: Random) -> str:
    there = [name for name in NAMES if re.search(rf"\b{name}\b", text)]
    if len(there) > len(NEW_NAMES) // 2 or CODE.match(text):  # a list of names is the question
        return text
    for name, new in zip(there, random.sample(NEW_NAMES, len(there)), strict=True):
        text = re.sub(rf"\b{name}\b", new, text)
    return text


def wrapped(text: str, random: Random) -> str:
    before = (
        "You are a careful tutor. A student sends you this question:\n\n",
        "### Instruction\nRead the task below and think before you reply.\n\n",
        "<|user|>\nI have been stuck on this for hours, can you help? ",
    )
    after = (
        "\n\nExplain every step, then give the final result on a line of its own.",
        "\n### Response\n",
        " Thanks in advance!",
    )
    return random.choice(before) + text + random.choice(after)


def without_first_sentence(text: str, _: Random) -> str:
    sentences = SENTENCE.split(text.strip())
    rest = " ".join(sentences[1:])
    # What is left must still be the question: at least half of it and a dozen words.
    return rest if len(rest) * 2 >= len(text) and len(rest.split()) >= 12 else text


DISGUISES: dict[str, Disguise] = {
    "copied as is": as_is,
    "case and spacing": case_and_spacing,
    "LaTeX style": latex_style,
    "punctuation": punctuation,
    "synonyms": synonyms,
    "synonyms in LaTeX": synonyms_in_latex,
    "changed names": changed_names,
    "wrapped in a prompt": wrapped,
    "first sentence left out": without_first_sentence,
}
