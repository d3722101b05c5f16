"""Cuts normalised mathematical text into tokens.

``2\\pi r\\text{ cm}^2`` becomes number 2, command pi, symbol r, word cm, operator ^,
number 2. Letters in a row are one word where they are a unit, a function or at least four
(``sin``, ``km``, ``apples``), and a product of symbols otherwise (``xy``).

Depth and number of tokens are bounded here, so that whatever reads tokens may recurse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from verifiers.equality.units import POWER_WORDS, UNIT_WORDS

MAX_TOKENS = 50_000  # a sum of 9,000 terms has 18,000
MAX_DEPTH = 60  # real answers stay below 8; Python's stack allows some 150


def words(text: str) -> frozenset[str]:
    """Return the set of a text's words."""
    return frozenset(text.split())


FUNCTIONS = words(
    "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh ln log lg exp sqrt gcd "
    "lcm max min arsinh arcosh artanh asinh acosh atanh coth sech csch sgn cis erf erfc"
)
NAMES = words("pi theta alpha beta gamma lambda infty inf infinity mod")
SMALL_WORDS = words(
    "or and no yes none not the is are of to in for am pm all per sq odd even dne any day one two "
    "six ten has had was its his her can set sum boy man men red dog cat way far few win won who"
)
ISOLATED = SMALL_WORDS | frozenset(POWER_WORDS)
TEXT_COMMANDS = words(
    "text textbf textit textrm textsf texttt textnormal mbox hbox emph mathrm mathbf mathit "
    "mathsf mathtt mathcal mathbb operatorname operatorname* boldsymbol bm pmb"
)
ABROAD = {"tg": "tan", "ctg": "cot", "arctg": "arctan", "sh": "sinh", "ch": "cosh", "th": "tanh"}
LETTER_STYLES = words("mathcal mathbb boldsymbol bm pmb mathbf mathit")
SETS = {f"\\mathbb{{{letter}}}": letter for letter in "RZNQC"}  # the number sets

TOKEN = re.compile(
    r"(?P<grouped>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]))"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,4}(?![\d.]))?)"
    r"|\\(?P<begin>begin|end)\s*\{(?P<env>[a-zA-Z]+\*?)\}(?:\s*\{[|lcr\s]*\})?"
    r"|\\(?P<command>[A-Za-z]+\*?|[{}|\\]|.)"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<word>[\u3400-\u4dbf\u4e00-\u9fff]+|[À-ɏА-я]+|μ[a-zA-Z]{1,3})"
    r"|(?P<operator>\*\*|<=|>=|!=|==|[-+*/^_=<>!%&,;:|'()\[\]{}@#~\"?.])"
    r"|(?P<space>\s+)|(?P<other>.)",
    re.DOTALL,
)
DIGITS = re.compile(r"(?P<number>\d+)")
GROUP_START = re.compile(r"\s*\{")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
UNIT_END = re.compile(r"(?:\^\{?-?\d\}?)?\s*(?:/\s*[A-Za-z]+(?:\^\{?\d\}?)?\s*)?$")
PLAIN_TEXT = re.compile(r"[A-Za-z ,.\'-]{5,200}")  # Bob is a name beside Alice, b·o·b elsewhere
PREFIXED = re.compile(r"(arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|ln|log|sqrt)([a-zA-Z])")
OPENERS = frozenset({"(", "[", "{", "\\{", "\\langle", "\\lfloor", "\\lceil", "begin"})
CLOSERS = frozenset({")", "]", "}", "\\}", "\\rangle", "\\rfloor", "\\rceil", "end"})
LISTERS = (frozenset({"(", "[", "\\{", "\\langle"}), frozenset({")", "]", "\\}", "\\rangle"}))
SPELLINGS = {"**": "^", "<=": "\\le", ">=": "\\ge", "!=": "\\ne", "==": "="}
CONNECTIVES = {"或": "or", "或者": "or", "和": "and", "及": "and", "与": "and", "且": "and"}


class TooComplex(ValueError):
    """An expression is larger than is worth evaluating; which bound was met is the message."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token: `kind` is number, symbol, word, command or operator.

    `text` of a command begins with a backslash; `begin` and `end` of an environment are
    operators whose environment is `value`. `spaced` says that a space stands in front.
    """

    kind: str
    text: str
    value: str = ""
    spaced: bool = False


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a normalised text; raises TooComplex beyond the bounds."""
    worded = bool(PLAIN_TEXT.fullmatch(text)) and any(len(word) >= 4 for word in text.split())
    tokens = list(_lex(text, worded))
    if len(tokens) > MAX_TOKENS:
        raise TooComplex("tokens")
    tokens = unwrapped(tokens)
    depth = 0
    for token in tokens:
        depth += (token.text in OPENERS) - (token.text in CLOSERS)
        if depth > MAX_DEPTH:
            raise TooComplex("depth")
    return tokens


def unwrapped(tokens: list[Token]) -> list[Token]:
    """Remove round brackets and braces that enclose everything, doubly or for a number."""
    partner = partners(tokens)
    start, end = 0, len(tokens)
    while end - start > 2 and tokens[start].text in "({" and partner.get(start) == end - 1:
        inner = tokens[start + 1 : start + 2]
        brace = tokens[start].text == "{"
        doubled = bool(inner) and partner.get(start + 1) == end - 2
        if not (brace or doubled or end - start == 3):
            break
        start, end = start + 1, end - 1
    return tokens[start:end]


def partners(tokens: list[Token]) -> dict[int, int]:
    """Return for the place of each opening bracket that of its closing one, of any shape."""
    stack: list[int] = []
    found: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.text in OPENERS:
            stack.append(place)
        elif token.text in CLOSERS and stack:
            found[stack.pop()] = place
    return found


def _lex(text: str, worded: bool) -> Iterator[Token]:
    """Yield tokens; `worded` is set inside of \\text{…}, where letters are always words."""
    place, spaced, depth, before = 0, False, 0, ""
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match is not None  # the last alternative takes any character
        if match["grouped"] and depth:  # in (1,234) the comma separates
            match = DIGITS.match(text, place)
            assert match is not None
            yield Token("number", match[0], spaced=spaced)
            place, spaced, before = match.end(), False, "number"
            continue
        place = match.end()
        if match["space"]:
            spaced = True
            continue
        if match["command"] in TEXT_COMMANDS and (end := _group_end(text, place)):
            inner = text[text.index("{", place) + 1 : end - 1]
            yield from _styled(match["command"], inner, spaced)
            place, spaced, before = end, False, ""
            continue
        unit = worded or _is_word(text, match) or _is_unit(text, match, spaced, before)
        for token in _tokens(match, unit, spaced):
            depth += (token.text in LISTERS[0]) - (token.text in LISTERS[1])
            before = token.kind
            yield token
        spaced = False


def _is_word(text: str, match: re.Match[str]) -> bool:
    """Say whether letters outside of \\text are a small word: they stand alone, unlike in 1am."""
    if not match["letters"] or match[0].lower() not in ISOLATED:
        return False
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return (not before or before in " ,;:}") and (not after or after in " ,;:.\\")


def _is_unit(text: str, match: re.Match[str], spaced: bool, before: str) -> bool:
    """Say whether letters outside of \\text are a unit: in 5 cm and 5cm^2, not in 5cm + n."""
    if not match["letters"] or before != "number" or match[0] not in UNIT_WORDS:
        return False
    return len(match[0]) > 1 and (spaced or bool(UNIT_END.match(text, match.end())))


def _group_end(text: str, place: int) -> int:
    """Return where the braced group that begins at a place ends, 0 where none begins."""
    start = GROUP_START.match(text, place)
    if not start:
        return 0
    depth = 0
    for brace in BRACE.finditer(text, start.end() - 1):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return brace.end()
    return 0


def _styled(command: str, inner: str, spaced: bool) -> Iterator[Token]:
    """Yield the tokens of styled text: letters of a formula, a function's name, or words."""
    name = ABROAD.get(inner.strip(), inner.strip())
    if command == "mathbb" and f"\\mathbb{{{name}}}" in SETS:
        yield Token("command", f"\\mathbb{{{name}}}", spaced=spaced)
    elif name in FUNCTIONS and (command.startswith("operatorname") or name not in {"min", "max"}):
        yield Token("command", "\\" + name, spaced=spaced)
    elif len(name) == 1 and name.isalpha() and command != "text":
        yield Token("symbol", name, spaced=spaced)
    elif command in LETTER_STYLES:
        yield from _lex(inner, False)
    else:
        yield from _lex(inner, True)


def _tokens(match: re.Match[str], worded: bool, spaced: bool) -> Iterator[Token]:
    kind, text = match.lastgroup, match[0]
    if match["begin"]:
        yield Token("operator", match["begin"], match["env"], spaced)
    elif kind == "grouped":
        yield Token("number", text.replace(",", ""), spaced=spaced)
    elif kind == "number":
        yield Token("number", text, spaced=spaced)
    elif kind == "command":
        yield Token("command", "\\" + match["command"], spaced=spaced)
    elif kind == "letters":
        yield from _letters(text, worded, spaced)
    elif kind == "word":
        connective = CONNECTIVES.get(text)
        yield Token("word", connective or text, spaced=spaced)
    else:
        yield Token("operator", SPELLINGS.get(text, text), spaced=spaced)


def _letters(text: str, worded: bool, spaced: bool) -> Iterator[Token]:
    lower = text.lower()
    if worded and lower != "mod":
        yield Token("word", text, spaced=spaced)
    elif lower in FUNCTIONS or lower in NAMES:
        name = {"inf": "infty", "infinity": "infty", "mod": "pmod"}.get(lower, lower)
        yield Token("command", "\\" + name, spaced=spaced)
    elif prefixed := PREFIXED.fullmatch(text):
        yield Token("command", "\\" + prefixed[1], spaced=spaced)
        yield Token("symbol", prefixed[2])
    elif len(text) >= 4:
        yield Token("word", text, spaced=spaced)
    else:
        for place, letter in enumerate(text):
            yield Token("symbol", letter, spaced=spaced and place == 0)
