r"""A text of a question or response as HTML: Markdown, formulas, and code in colours, offline.

    rendered("So $x^2 = 4$.\n```python\nprint(2)\n```")      Markup("<p>So <math>…</math>.</p>…")

Texts are hostile by assumption: HTML in them is shown as text, nothing becomes a link or a picture,
and formulas are written out by pipeline/report_math.py. Formulas stand between `$`, `$$`, `\(` and
`\)`, `\[` and `\]`, or in an environment such as `align`. Who wants a text to the letter reads the
one beside it, "as written".
"""

from __future__ import annotations

import html
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from pipeline.report_math import mathml

# Only these: some lexers of other languages take quadratic time on text made for it.
LANGUAGES = ("python", "cpp", "c", "java", "javascript", "json", "bash", "sql", "rust", "go")
SPELLINGS = {"py": "python", "python3": "python", "c++": "cpp", "js": "javascript", "sh": "bash"}
OFF = ("link", "image", "autolink", "html_block", "html_inline", "reference", "code", "lheading")
LIGHT, DARK = "default", "github-dark"


def rendered(text: str) -> Markup:
    """Return a text as safe HTML."""
    return Markup(_markdown().render(text))


def formula(tex: str) -> Markup:
    """Return a text that is a formula, or has some in it, as safe HTML."""
    marked = any(mark in tex for mark in ("$", "\\(", "\\["))
    return rendered(tex) if marked else Markup(mathml(tex.strip(), block=False))


@cache
def _markdown() -> MarkdownIt:
    """Return the renderer: no HTML, links or pictures; a line's end is one in the page too."""
    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "highlight": _code})
    made.enable("table").disable(list(OFF))
    # Without digits beside it: "$5 and $6" are prices.
    made.use(dollarmath_plugin, allow_labels=False, allow_digits=False, double_inline=True)
    made.inline.ruler.before("escape", "math_brackets", _brackets)
    made.use(amsmath_plugin)
    made.add_render_rule("math_inline", _inline)
    for token in ("math_block", "math_inline_double", "amsmath"):
        made.add_render_rule(token, _block)
    return made


def _brackets(state: StateInline, silent: bool) -> bool:
    r"""Take `\(…\)` and `\[…\]` for formulas, also inside of a paragraph."""
    opening = state.src[state.pos : state.pos + 2]
    closing = {"\\(": "\\)", "\\[": "\\]"}.get(opening)
    end = state.src.find(closing, state.pos + 2, state.posMax) if closing else -1
    if end < 0:
        return False
    if not silent:
        token = state.push("math_inline" if opening == "\\(" else "math_inline_double", "math", 0)
        token.content = state.src[state.pos + 2 : end]
    state.pos = end + 2
    return True


def _inline(_: Any, tokens: list[Token], place: int, *__: Any) -> str:
    return mathml(tokens[place].content.strip(), block=False)


def _block(_: Any, tokens: list[Token], place: int, *__: Any) -> str:
    return mathml(tokens[place].content.strip(), block=True)


def _code(code: str, language: str, _: str) -> str:
    """Return code in colours where its language is known, and plain where it is not."""
    name = SPELLINGS.get(language.lower(), language.lower())
    if name not in LANGUAGES:
        return html.escape(code)
    return coloured(code, name)


def coloured(code: str, language: str) -> str:
    """Return code of one of `LANGUAGES` as HTML that `styles` colours."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:  # a release of Pygments without it
        return html.escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


def styles() -> str:
    """Return the rules that colour code, for a light and for a dark page."""
    return f"{_rules(LIGHT)}\n@media (prefers-color-scheme: dark) {{\n{_rules(DARK)}\n}}"


def _rules(style: str) -> str:
    """Return a style's colours of tokens; paper and line numbers are the page's own affair."""
    text = HtmlFormatter(style=style).get_style_defs("pre")  # type: ignore[no-untyped-call, unused-ignore]
    return "\n".join(line for line in text.splitlines() if line.startswith("pre ."))
