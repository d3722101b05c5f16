r"""One spelling for what Unicode and LaTeX can write in many ways, and one spacing.

Two spellings of one task and their common form::

    "Find $\dfrac{1}{2} \times 10^{3}$."      "find \(\frac12·10³\) ."
    -> "find\frac{1}{2}*10^{3}."

Rules, in order: superscripts, vulgar fractions and circled numbers become `^{…}`, ` 1/2`
and `(1)`; decimal digits of all scripts become ASCII; NFKC; case folding; quotes, dashes
and mathematical symbols take their ASCII or LaTeX spelling (`SYMBOLS`); LaTeX commands
take one spelling or none (`COMMANDS`, `FONTS`); `\left`, `\right`, thin spaces and the
delimiters `$ $$ \( \) \[ \]` go, in a text with backslashes `~` too; arguments of one
character get braces (`\frac12`); the comma of thousands goes (not directly after a bracket
or a comma: `(1,200)` is a pair); whitespace becomes one space, and none beside a symbol.

Never merged: other digits, signs, operators, decimal points ("a+b" and "a-b", "5" and
"-5", "1.5" and "15", "C++" and "C"). Merged on purpose: case, also in LaTeX (`\Delta`,
`\delta`), indentation of programs, and dollars: `$5` and `5` are one.
"""

from __future__ import annotations

import re
import unicodedata

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
COMMAND_END = re.compile(r"(\\[a-z]+)\{\}(?=[a-z])")  # `\sin{}x` is `\sin x`, not `\sinx`
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
THOUSAND = re.compile(r",\d{3}")  # in all that `THOUSANDS` finds, and 19 times as fast
BLANK = re.compile(r"_{3,}")
LIST_COMMA = re.compile(r",(?<=\d,)(?=\d)")  # the comma first: 9 times as fast as digit first
# A space stays before a minus that follows a word and touches its digits: "is -5".
NEEDLESS_SPACE = re.compile(
    r" (?:(?=[^\w\s.,\-])|(?<=[^\w\s.,] )|(?=-(?!\.?\d))|(?<![^\W\d_][^\W\d_] )(?=-)"
    r"|(?=[.,](?!\d))|(?<=[^\d\s][.,] )|(?<=[.,] )(?=\D))"
)
LAYERS = 10  # fonts around a word that are taken off: bounds a hostile text; a guess


def one_spelling(text: str) -> str:
    """Return a text in one spelling and spacing, by the rules of this module."""
    text = (text if text.isascii() else _plain_unicode(text)).strip().casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.translate(SYMBOLS).replace("''", '"')
    if "\\" in text or "$" in text or "^" in text or "_" in text:
        text = _one_latex(text)
    if THOUSAND.search(text):
        text = THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    return _one_spacing(text)


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
    text = COMMAND_END.sub(r"\1 ", text.replace("$", " ")).replace("{}", "")
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
