"""Brings mathematical text, LaTeX or plain or Unicode, into one spelling.

``normalise(r"$\\dfrac{1}{2}\\,\\mathrm{cm}^{2}.$")`` is ``\\frac{1}{2} \\mathrm{cm}^{2}``,
``normalise("３½ ≤ x")`` is ``3\\frac{1}{2}\\le x``. Only the spelling changes, never the
meaning; nothing is parsed, and every step takes time linear in the text.
"""

from __future__ import annotations

import re

from verifiers.equality.spelled import spelled_number
from verifiers.equality.whole_forms import recurring, whole_form

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Π": "Pi",
    "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "\u00b5": "mu", "\u2126": "Omega",
}  # fmt: skip
COMMANDS = {
    "×": "times", "÷": "div", "·": "cdot", "⋅": "cdot", "∙": "cdot", "•": "cdot", "∞": "infty",
    "≤": "le", "⩽": "le", "≦": "le", "≥": "ge", "⩾": "ge", "≧": "ge", "≠": "ne", "≈": "approx",
    "±": "pm", "∓": "mp", "∪": "cup", "⋃": "cup", "∩": "cap", "∈": "in", "∅": "emptyset",
    "°": "degree", "º": "degree", "℃": "degree C", "∠": "angle", "△": "triangle",
    "→": "to", "⟨": "langle", "⟩": "rangle", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil",
    "⌉": "rceil", "∧": "wedge", "∨": "vee", "£": "pounds", "€": "euro", "₹": "rupee",
    "¥": "yen", "￥": "yen",
}  # fmt: skip
FRACTIONS = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8), "⅐": (1, 7), "⅑": (1, 9), "⅒": (1, 10),
}  # fmt: skip
PUNCTUATION = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "∗": "*", "⁄": "/", "∕": "/",
    "∣": "|", "，": ",", "、": ",", "；": ";", "：": ":", "∶": ":", "。": ".", "（": "(", "）": ")",
    "【": "[", "】": "]", "『": " ", "』": " ", "「": " ", "」": " ", "“": '"', "”": '"', "’": "'",
    "‘": "'", "′": "'", "\u3000": " ", "\xa0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "",
    "\ufeff": "", "\u2061": "", "\u2062": "", "🞄": "",
}  # fmt: skip
SPELLINGS: dict[str, str] = {
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
    **PUNCTUATION,
    **{sign: rf"\{name} " for sign, name in {**GREEK, **COMMANDS}.items()},
    **{sign: rf"\mathbb{{{letter}}}" for sign, letter in zip("ℝℤℕℚℂ", "RZNQC", strict=True)},
    **{sign: rf"\frac{{{a}}}{{{b}}}" for sign, (a, b) in FRACTIONS.items()},
}
TABLE = str.maketrans(SPELLINGS)
HIGH, LOW = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙ"
HIGH_TABLE, LOW_TABLE = (str.maketrans(script, "0123456789+-()n") for script in (HIGH, LOW))
SCRIPTS = re.compile(f"[{HIGH}]+|[{LOW}]+")
ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])?")
CUBE_ROOT = re.compile(r"∛\s*(\d+(?:\.\d+)?|[A-Za-z])?")

SAME = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "R": "mathbb{R}", "Z": "mathbb{Z}", "N": "mathbb{N}", "Q": "mathbb{Q}",
    "bmod": "pmod", "mod": "pmod", "backslash": "setminus", "smallsetminus": "setminus",
    "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "lbrace": "{",
    "rbrace": "}", "varnothing": "emptyset", "oslash": "emptyset", "infin": "infty",
    "textdegree": "degree",
    "bigcup": "cup", "lor": "vee", "land": "wedge", "ldots": "dots", "cdots": "dots",
    "rightarrow": "to", "Rightarrow": "to", "implies": "to", "textdollar": "dollar", "ast": "*",
    "simeq": "approx", "cong": "=", "thickapprox": "approx", "doteq": "approx", "textpm": "pm",
    "tg": "tan", "ctg": "cot", "arctg": "arctan", "cosec": "csc",
}  # fmt: skip
PLAIN = {
    "lt": "<", "gt": ">", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "lbrack": "[",
    "rbrack": "]", "lparen": "(", "rparen": ")", "colon": ":", "prime": "'", "quad": " ",
    "qquad": " ", "enspace": " ", "thinspace": " ", "space": " ",
}  # fmt: skip
DROPPED = re.compile(
    r"left|right|underline|middle|[bB]igg?[lr]?|(?:display|text|script)style|(?:no)?limits|mathstrut|hfill"
    r"|boxed|fbox|rm|bf|it"
)
COMMAND = re.compile(r"\\([A-Za-z]+)(\*?)")
ROW_SKIP = re.compile(r"\\\\\[[^\]\n]{0,20}\]")
DIGIT_GAP = re.compile(r"(?<=\d)(?:\\[,!;:]|\{\\[,!]\})\s*(?=\d{3}(?!\d))")
COMMA_GAP = re.compile(r"(?<=\d)(?:\{,\}|,\\!)\s*(?=\d{3}(?!\d))")
SPACING = re.compile(r"\\[,;:!>\s]|~")
DELIMITER = re.compile(r"(?<!\\)\\[\[\]()]")
CIRCLE = re.compile(r"\^\s*(?:\{\s*\\(?:circ|degree)\s*\}|\\(?:circ|degree)(?![A-Za-z]))")
# 0.1\overline{6} and 0.1\dot{6}: both groups of digits are bounded, as is what is computed.
RECURRING = re.compile(
    r"(\d{0,50})\.(\d{0,50})(?:\\(?:overline|bar)\s*\{(\d{1,50})\}|\\dot\s*\{?(\d)\}?)"
)
TIMES_TEN = re.compile(r"(?<=\d)\s?[xX]\s?(?=10\s?\^)")  # 3.2 x 10^-5
OVER = re.compile(r"\{([^{}]{1,200})\\over(?![A-Za-z])([^{}]{1,200})\}")
CHOOSE = re.compile(r"\{([^{}]{1,200})\\choose(?![A-Za-z])([^{}]{1,200})\}")
COLOR = re.compile(r"\\(?:color|textcolor)\s*\{[A-Za-z]{1,20}\}")
NOT_SIGN = re.compile(r"\\not\s*(=|\\in(?![A-Za-z]))")
DOTTED_ENDS = re.compile(r"\\dot\s*\{?(\d)\}?(\d{0,20})\\dot\s*\{?(\d)\}?")  # 0.4̇5̇
SIGN_IN_BRACES = re.compile(r"\{([:,;])\}")  # 3{:}30
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
CIRCLED_LIST = re.compile(f"[{CIRCLED}](?:[,、和与\\s]*[{CIRCLED}])*")
OHMS = re.compile(  # 4.7 kΩ, the prefix or all of it in \\text{…} or not
    r"(?<=\d)\s?(?:\\(?:text|mathrm) ?\{ ?(?P<a>[kMm])? ?(?:\} ?\\Omega(?![A-Za-z])|\\Omega ?\})"
    r"|(?P<b>[kMm])?\s?\\Omega(?![A-Za-z]))"
)
MICRO = re.compile(
    r"\\mu\s?\\(?:text|mathrm) ?\{ ?(?P<a>[A-Za-z]) ?\}"
    r"|(?<=\d)\s?\\mu\s?(?P<b>[mgsLFCV])(?![A-Za-z])(?= ?(?:[\^/}).,;]|$))"
)
MICRO_IN_TEXT = re.compile(r"(\\(?:text|mathrm) ?\{ ?)\\mu ?(?=[A-Za-z])")
BARE_SET = re.compile(  # {x | x > 1} with its braces unescaped, as plain text has it
    r"(?<![A-Za-z\\_^}\]])\{"
    r"(\s*(?:[A-Za-z]|\([A-Za-z]\s?,\s?[A-Za-z]\))\s?(?:(?:\\in|∈)[^{}|]{1,20})?"
    r"(?:\||∣|\\mid(?![A-Za-z]))(?:[^{}]|\{[^{}]{0,100}\}){1,300})\}"
)
PERCENT_HAN = re.compile(r"百分之([\d.一二三四五六七八九十百零两]{1,9})")
NTH_HAN = re.compile(r"第([一二三四五六七八九十百]{1,5})")
SPACE = re.compile(r"\s+")
BETWEEN_DIGITS = re.compile(r"(?<=\d) (?=[\d.])")
NOON = re.compile(r"(?:(?<=:\d\d)\s?([AaPp])\.?\s?[Mm]\b\.?|\b([AaPp])\.\s?[Mm]\b\.?)")
LEAD_IN = re.compile(r"^(?:the )?(?:solutions?|answers?|result) (?:is|are):? ", re.IGNORECASE)
TRAILING = ' .,;:*?`"'  # not "!", which may be a factorial
LEADING = ' ,;:=*`"'  # not ".", which may begin a decimal


def normalise(text: str) -> str:
    """Return a text in the spelling of this module, outer punctuation removed."""
    text = CIRCLED_LIST.sub(_circled, text).replace("non-negative", "nonnegative")
    if "分之" in text or "第" in text:
        text = PERCENT_HAN.sub(lambda match: f"{_digits(match[1])}%", text)
        text = NTH_HAN.sub(lambda match: f"第{_digits(match[1])}", text)
    if "{" in text:
        text = BARE_SET.sub(r"\\{\1\\}", text)
    text = ROOT.sub(_root, CUBE_ROOT.sub(_cube_root, SCRIPTS.sub(_script, text)))
    text = NOON.sub(_noon, TIMES_TEN.sub(r"\\times ", _latex(text.translate(TABLE))))
    text = _trimmed(LEAD_IN.sub("", _trimmed(SPACE.sub(" ", text))))
    return whole_form(text)


def key(normalised: str) -> str:
    """Return a normalised text without spaces, but for those between digits (1 1/2)."""
    return BETWEEN_DIGITS.sub("\x00", normalised).replace(" ", "").replace("\x00", " ")


def balanced(text: str) -> bool:
    """Say whether the braces of a LaTeX text match."""
    depth = 0
    for token in re.findall(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0


def _digits(text: str) -> str:
    found = spelled_number((text,))
    return text if found is None else str(found)


def _circled(match: re.Match[str]) -> str:
    """Spell ①③ as a list of numbers."""
    numbers = sorted(CIRCLED.index(sign) + 1 for sign in match[0] if sign in CIRCLED)
    return ", ".join(map(str, numbers))


def _negated(match: re.Match[str]) -> str:
    return r"\ne " if match[1] == "=" else r"\notin "


def _script(match: re.Match[str]) -> str:
    signs = match.group()
    if signs[0] in HIGH:
        return "^{" + signs.translate(HIGH_TABLE) + "}"
    return "_{" + signs.translate(LOW_TABLE) + "}"


def _root(match: re.Match[str]) -> str:
    return rf"\sqrt{{{match[1]}}}" if match[1] else r"\sqrt "


def _cube_root(match: re.Match[str]) -> str:
    return rf"\sqrt[3]{{{match[1]}}}" if match[1] else r"\sqrt[3]"


def _latex(text: str) -> str:
    if "\\" in text or "$" in text or "{" in text:
        text = NOT_SIGN.sub(_negated, DOTTED_ENDS.sub(r"\\overline{\1\2\3}", text))
        text = COLOR.sub("", OVER.sub(r"\\frac{\1}{\2}", text))
        text = CHOOSE.sub(r"\\binom{\1}{\2}", text)
        text = ROW_SKIP.sub(r"\\\\", text)
        text = COMMA_GAP.sub(",", DIGIT_GAP.sub("", text))
        text = text.replace(r"\\", "\x01")
        text = text.replace(r"\$", r"\dollar ").replace(r"\%", "%").replace(r"\#", "#")
        text = DELIMITER.sub(" ", SPACING.sub(" ", text))
        text = CIRCLE.sub(r"\\degree ", text)
        text = SIGN_IN_BRACES.sub(r"\1", COMMAND.sub(_command, text))
        text = MICRO_IN_TEXT.sub(r"\1μ", text)
        text = MICRO.sub(_micro, OHMS.sub(_ohms, text))
        text = RECURRING.sub(_recurring, text)
        text = _dollars(text).replace("\x01", r"\\")
    return text


def _ohms(match: re.Match[str]) -> str:
    return rf"\text{{{match['a'] or match['b'] or ''}ohm}}"


def _micro(match: re.Match[str]) -> str:
    return rf"\text{{μ{match['a'] or match['b']}}}"


def _command(match: re.Match[str]) -> str:
    name = match[1]
    if DROPPED.fullmatch(name):
        return " "
    if name in PLAIN:
        return PLAIN[name]
    name = SAME.get(name, name)
    return name if name in {"*", "="} else "\\" + name + match[2]


def _noon(match: re.Match[str]) -> str:
    """Spell a.m. and p.m. alike, and 7:30pm with a space."""
    return f" {(match[1] or match[2]).lower()}m"


def _recurring(match: re.Match[str]) -> str:
    return recurring(match[1], match[2], match[3] or match[4])


def _dollars(text: str) -> str:
    """Remove dollar signs that delimit formulas; a single one in front of a digit is money."""
    if text.count("$") == 1 and re.search(r"\$\s*[\d.]", text):
        return text.replace("$", r"\dollar ")
    return text.replace("$", " ")


def _trimmed(text: str) -> str:
    return text.strip(" ").rstrip(TRAILING).lstrip(LEADING)
