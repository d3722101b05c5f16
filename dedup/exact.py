r"""One spelling for texts that say the same, a hash of it, and the numerals of a text.

Two spellings of one question and their common normal form::

    "Solve the following problem: Find $\dfrac{1}{2} \times 10^{3}$."
    "find \(\frac12·10³\)"
    -> "find\frac{1}{2}*10^{3}"

Rules, in order: superscripts, vulgar fractions and circled numbers become `^{…}`, ` 1/2`
and `(1)`; decimal digits of all scripts become ASCII; NFKC; case folding; quotes, dashes
and mathematical symbols take their ASCII or LaTeX spelling (`SYMBOLS`); LaTeX commands
take one spelling or none (`COMMANDS`, `FONTS`); `\left`, `\right`, thin spaces and the
delimiters `$ $$ \( \) \[ \]` go, in a text with backslashes `~` too; arguments of one
character get braces (`\frac12`); the comma of thousands goes (not directly after a bracket
or a comma: `(1,200)` is a pair); whitespace becomes one space, and none beside a symbol;
`BOILERPLATE` around the task and closing punctuation go.

Never merged: other digits, signs, operators, decimal points ("a+b" and "a-b", "5" and
"-5", "1.5" and "15", "C++" and "C"). Merged on purpose: case, also in LaTeX (`\Delta`,
`\delta`), indentation of programs, and dollars: `$5` and `5` are one.
Not merged: order of options or sentences, number words, Chinese numerals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+")
SUBSCRIPT = re.compile("[₀-₉₊₋]+")
FRACTION = re.compile("[¼-¾⅐-⅟↉]")
CIRCLED = re.compile("[⓪①-⑳]")
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
FOREIGN_DIGIT = re.compile(r"[^\D0-9]")

SYMBOLS = str.maketrans(
    {
        **dict.fromkeys("“”„«»「」『』", '"'),
        **dict.fromkeys("‘’‚′`", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("×·⋅∙", "*"),
        **dict.fromkeys("÷⁄∕", "/"),
        **dict.fromkeys("≤⩽", "<="),
        **dict.fromkeys("≥⩾", ">="),
        "≠": "!=", "→": "->", "√": r"\sqrt", "∑": r"\sum", "∏": r"\prod", "∫": r"\int",
        "。": ".", "、": ",", "【": "[", "】": "]",
    }
)  # fmt: skip

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "vartheta": "θ", "iota": "ι", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
SIZES = ("left", "right", "big", "bigg", "bigl", "bigr", "biggl", "biggr")
STYLES = ("displaystyle", "textstyle", "limits", "nolimits")
COMMANDS = {
    **GREEK,
    **dict.fromkeys((*SIZES, *STYLES), ""),
    **dict.fromkeys(("quad", "qquad", "thinspace", ",", ";", ":", "!", ">", " ", "\n"), " "),
    **dict.fromkeys(("(", ")", "[", "]"), " "),
    **dict.fromkeys(("dfrac", "tfrac", "cfrac"), r"\frac"),
    **dict.fromkeys(("times", "cdot"), "*"),
    **dict.fromkeys(("le", "leq", "leqslant"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant"), ">="),
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("to", "rightarrow"), "->"),
    **dict.fromkeys(("ldots", "cdots", "dots"), "..."),
    **dict.fromkeys(("vert", "lvert", "rvert", "mid"), "|"),
    **{symbol: symbol for symbol in "{}%#&_"},
    "div": "/", "pm": "±", "infty": "∞", "approx": "≈", "equiv": "≡", "in": "∈", "cup": "∪",
    "cap": "∩", "angle": "∠", "triangle": "△", "perp": "⊥", "degree": "°", "$": " ",
}  # fmt: skip
COMMAND = re.compile(r"\\([a-z]+|.)", re.DOTALL)
FONTS = re.compile(
    r"\\(?:text|textbf|textit|textrm|texttt|emph|mathrm|mathbf|mathit|mathbb|mathcal|mathsf"
    r"|boldsymbol|operatorname|mbox)\*?\s*\{([^{}]*)\}"
)
NO_DELIMITER = re.compile(r"\\(?:left|right)\s*\.")
DEGREES = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-z]))")
LATEX_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\[,!])(?=\d{3}(?!\d))")
ARGUMENT = r"\s*(\{[^{}]*\}|[^\W_])"
FRAC = re.compile(r"\\frac" + ARGUMENT + ARGUMENT)
SQRT = re.compile(r"\\sqrt" + ARGUMENT)
POWER = re.compile(r"([\^_])\s*(-?[0-9]+)")
LETTER_POWER = re.compile(r"([\^_])\s*\{\s*([^\W\d_])\s*\}")
THOUSANDS = re.compile(r"(?<![\d.,(\[{])[1-9]\d{0,2}(?:,\d{3})+(?!,?\d)")
BLANK = re.compile(r"_{3,}")
LIST_COMMA = re.compile(r"(?<=\d),(?=\d)")
# A space stays before a minus that follows a word and touches its digits: "is -5".
NEEDLESS_SPACE = re.compile(
    r" (?:(?=[^\w\s.,\-])|(?<=[^\w\s.,] )|(?=-(?!\.?\d))|(?<![^\W\d_][^\W\d_] )(?=-)"
    r"|(?=[.,](?!\d))|(?<=[^\d\s][.,] )|(?<=[.,] )(?=\D))"
)
CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Between these, a text stands in another by itself: no term of a longer expression.
BEFORE_ANY = re.compile(rf"(?:\A|[ :;,!?\"'(\[{{)\]}}]|(?<!\d)\.|[{CJK}])\Z")
BEFORE_LETTER = re.compile(rf"(?:\A|[^\w\\]|[{CJK}])\Z")
AFTER = re.compile(rf"\Z|[ ;:?\"')\]}}{CJK}]|[.,](?! ?\d)")
CLOSING = " .?:;,"
LAYERS = 10  # phrases taken off each end, and fonts off a word: bounds a hostile text; a guess
NUMERAL = re.compile(
    r"((?<![\w)\]}|!%°])-)?([0-9]+(?:\.[0-9]+)?|(?<![\w)\]}])\.[0-9]+)(e[+-]?[0-9]+(?!\w))?"
)


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Phrases around a task that are no part of it, in any spelling.

    One that ends in a colon counts only with the colon; the others may be followed by
    one of `: . ,`.
    """

    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


# Collected from the prompts of public question sets and of common evaluation harnesses;
# only phrases that would fit any task. Extend it for a source that has its own.
BOILERPLATE = Boilerplate(
    prefixes=(
        "Question:", "Problem:", "Task:", "Prompt:", "Q:", "User:", "Human:", "Instruction:",
        "Solve the following problem", "Solve the following math problem",
        "Solve the following question", "Solve this problem", "Answer the following question",
        "Answer the question below", "Please answer the following question",
        "Please solve the following problem", "Please solve the problem below",
        "Solve the following math problem step by step", "Consider the following problem",
        "Here is a problem", "Please solve the programming task below",
        "Below is a math problem", "请回答下列问题", "请解答下列问题", "问题:", "题目:",
        "Let's think step by step", "Think step by step", "Please think step by step",
    ),
    suffixes=(
        "Let's think step by step", "Think step by step", "Please think step by step",
        "Please reason step by step", "Show your work", "Show your reasoning", "Answer:",
        "Explain your reasoning", "Solution:", "A:", "Assistant:",
        r"Please reason step by step, and put your final answer within \boxed{}",
        r"Let's think step by step and output the final answer within \boxed{}",
        r"Put your final answer within \boxed{}", r"Put your final answer in \boxed{}",
        r"Return your final response within \boxed{}", "请一步一步思考", "答案:",
    ),
)  # fmt: skip
NO_BOILERPLATE = Boilerplate()


def normalise(text: str, boilerplate: Boilerplate = BOILERPLATE) -> str:
    """Return a text's normal form, by the rules of this module."""
    return _closed(_without(boilerplate, _one_spelling(text)))


def text_hash(text: str, boilerplate: Boilerplate = BOILERPLATE) -> bytes:
    """Return 16 bytes (BLAKE2b) that are equal for texts of one normal form."""
    return hash_of(normalise(text, boilerplate))


def hash_of(normal: str) -> bytes:
    """Return the hash of a text that is in normal form already; lone surrogates are hashed."""
    return blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def numbers(text: str) -> tuple[str, ...]:
    r"""Return a text's numerals, sorted, repeats kept.

    `1,200`, `1{,}200` and `1200` are one numeral, so are `.50` and `0.5`; `\frac12` holds
    1 and 2. A minus counts where it can only be a sign: after nothing, a symbol, or a word
    and a space ("-5", "=-5", "is -5"), not between terms ("3-5", "x -5", "COVID-19").
    """
    return numbers_of(_one_spelling(text))


def numbers_of(normal: str) -> tuple[str, ...]:
    """Return the numerals of a text that is in normal form already."""
    found = NUMERAL.finditer(normal)
    return tuple(sorted(_numeral(*match.groups(default="")) for match in found))


def stands_in(part: str, whole: str) -> bool:
    """Whether a normal form stands in another one between borders of words and expressions.

    "find x" stands in "a. find x? why", not in "find x^{2}"; "5+3" not in "1.5+3".
    """
    before = BEFORE_LETTER if part[:1].isalpha() else BEFORE_ANY
    start = whole.find(part)
    while start >= 0:
        if before.search(whole[max(start - 2, 0) : start]) and AFTER.match(
            whole, start + len(part)
        ):
            return True
        start = whole.find(part, start + 1)
    return False


def _numeral(sign: str, digits: str, exponent: str) -> str:
    """Return a numeral in one spelling: no trailing zeros behind the point, one before it."""
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
        digits = "0" + digits if not digits or digits.startswith(".") else digits
    return f"{sign}{digits}{exponent}"


def _one_spelling(text: str) -> str:
    """Return the normal form of everything, boilerplate and closing punctuation included."""
    text = (text if text.isascii() else _plain_unicode(text)).strip().casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.translate(SYMBOLS).replace("''", '"')
    if "\\" in text or "$" in text or "^" in text or "_" in text:
        text = _one_latex(text)
    return _one_spacing(THOUSANDS.sub(lambda match: match[0].replace(",", ""), text))


def _plain_unicode(text: str) -> str:
    """Return NFKC with powers, fractions and circled numbers kept apart from their digits."""
    text = INVISIBLE.sub("", text)
    text = SUPERSCRIPT.sub(lambda match: f"^{{{_compatible(match[0])}}}", text)
    text = SUBSCRIPT.sub(lambda match: f"_{{{_compatible(match[0])}}}", text)
    text = FRACTION.sub(lambda match: f" {_compatible(match[0])}", text)
    text = CIRCLED.sub(lambda match: f"({_compatible(match[0])})", text)
    text = FOREIGN_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    return _compatible(text)


def _compatible(text: str) -> str:
    """Return NFKC with symbols in their own spelling."""
    return unicodedata.normalize("NFKC", text).translate(SYMBOLS)


def _one_latex(text: str) -> str:
    """Return a case-folded text with LaTeX in one spelling and without delimiters."""
    text = LATEX_THOUSANDS.sub("", NO_DELIMITER.sub("", DEGREES.sub("°", text)))
    for _ in range(LAYERS):
        text, changed = FONTS.subn(r" \1 ", text)
        if not changed:
            break
    if "\\" in text:
        text = COMMAND.sub(_command, text).replace("~", " ")
    text = text.replace("$", " ").replace("{}", "")
    text = FRAC.sub(lambda match: rf"\frac{_braced(match[1])}{_braced(match[2])}", text)
    text = SQRT.sub(lambda match: rf"\sqrt{_braced(match[1])}", text)
    return LETTER_POWER.sub(r"\1\2", POWER.sub(r"\1{\2}", text))


def _command(match: re.Match[str]) -> str:
    """Return a command's one spelling; what is not in `COMMANDS` stays as it is."""
    return COMMANDS.get(match[1], match[0])


def _braced(argument: str) -> str:
    """Return a LaTeX argument with its braces."""
    return argument if argument.startswith("{") else f"{{{argument}}}"


def _one_spacing(text: str) -> str:
    """Return a text with one space where it parts words or numerals, and none elsewhere."""
    text = BLANK.sub("__", LIST_COMMA.sub(", ", " ".join(text.split())))
    return NEEDLESS_SPACE.sub("", text)


def _closed(text: str) -> str:
    """Return a text without closing punctuation; an ellipsis stays, an exclamation mark too."""
    shorter = text.strip() if text.endswith("...") else text.strip(" ").rstrip(CLOSING)
    return shorter or text.strip()


def _without(boilerplate: Boilerplate, text: str) -> str:
    """Return what is left of a text in one spelling; something is, and `LAYERS` at most go."""
    before, after = _patterns(boilerplate)
    for _ in range(LAYERS):
        shorter = after.sub("", before.sub("", text)).strip()
        if shorter == text or not shorter.strip(CLOSING):
            break
        text = shorter
    return text


@lru_cache(maxsize=16)
def _patterns(boilerplate: Boilerplate) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of prefixes and suffixes.

    A closing heading must follow the end of a sentence: not the "A:" of "vitamin A:".
    """
    headings = [phrase for phrase in boilerplate.suffixes if phrase.endswith(":")]
    sentences = [phrase for phrase in boilerplate.suffixes if not phrase.endswith(":")]
    before = rf"\A(?:{_alternatives(boilerplate.prefixes)})(?:[:,] ?|\.(?!\d) ?| )?"
    sentence = rf"(?<!\w)(?:{_alternatives(sentences)})[.!?:]*"
    heading = rf"(?<=[^\w\s])(?:{_alternatives(headings)})"
    return re.compile(before), re.compile(rf"(?:{sentence}|{heading})\Z")


def _alternatives(phrases: Iterable[str]) -> str:
    """Return a pattern of phrases in one spelling, longest first; of none, one that fails."""
    spelled = sorted({_one_spelling(phrase) for phrase in phrases}, key=len, reverse=True)
    whole_words = [re.escape(phrase) + r"\b" * phrase[-1:].isalnum() for phrase in spelled]
    return "|".join(whole_words) or "(?!)"
