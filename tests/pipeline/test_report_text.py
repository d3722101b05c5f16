"""Texts of strangers in the report: what is drawn, what stays text, and nothing else gets in."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report_math import ATTRIBUTES, ELEMENTS, LONGEST, mathml
from pipeline.report_text import formula, rendered, styles

MARKDOWN = {
    *("p", "br", "hr", "em", "strong", "code", "pre", "span", "blockquote", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
OWN = {"class", "style", "start", "display"}  # of `style`, the alignment of a table's column
ALIGNED = tuple(f"text-align:{side}" for side in ("left", "right", "center"))
PIECES = [
    *("<b onclick=x>", "</math>", "<!--", "&lt;", "&#x3c;", "$", "$$", "\\(", "\\)", "\\[", "\\]"),
    *("\\text{", "\\href{javascript:x}{", "\\style{color:red}{", "\\class{a}{", "{", "}", "^", "_"),
    *("\\frac", "\\left(", "\\right)", "&", "\\\\", "\\begin{align}", "\\end{align}", "`", "```"),
    *(
        "python\n",
        "[a](javascript:b)",
        "![c](http://d)",
        "<http://e>",
        "\n",
        "|a|\n|-|\n",
        "x",
        " ",
    ),
    *("\\color{", "\\hspace{-99999em}", "\\unicode{", "'\"", "\x00", "<script>", "\\sqrt[", "é"),
]


class Seen(HTMLParser):
    """The elements and attributes that a browser would make of some HTML, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(str(html))  # what is marked as markup escapes what is added to it
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.add("a comment")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30).map("".join))
def test_no_text_makes_an_element_or_attribute_that_is_not_ours(text: str) -> None:
    seen = Seen(rendered(text))
    assert seen.tags <= MARKDOWN | ELEMENTS
    for name, value in seen.attributes:
        known = name in OWN or (name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value or ""))
        assert known, (name, value)
        assert name != "style" or value in (
            "text-align:left",
            "text-align:right",
            "text-align:center",
        )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=20).map("".join))
def test_every_formula_is_drawn_or_shown_as_it_is_written(tex: str) -> None:
    made = mathml(tex, block=True)
    assert made.startswith(("<math ", '<code class="tex">'))
    assert Seen(made).tags <= ELEMENTS | {"code"}


@pytest.mark.parametrize(
    "text",
    [
        "$x^2$",
        "\\(x^2\\)",
        "so\n\\[\nx^2\n\\]\nand on",
        "$$\nx^2\n$$",
        "\\begin{align}x^2\\end{align}",
        "| a |\n|---|\n| $x^2$ |",
    ],
)
def test_a_formula_is_found_between_all_its_marks(text: str) -> None:
    seen = Seen(rendered(text))
    assert {"math", "msup"} <= seen.tags
    assert "\\" not in seen.text and "$" not in seen.text


@pytest.mark.parametrize(
    "text", ["It costs $5 and $6.", "between $10 and $20", "`$x$`", "```\n$x$\n```", "\\$x\\$"]
)
def test_what_only_looks_like_a_formula_is_none(text: str) -> None:
    assert "math" not in Seen(rendered(text)).tags


@pytest.mark.parametrize("tex", ["x_1_2", "x^", "\\left(", "{" * 3_000, "x" * (LONGEST + 1)])
def test_a_formula_that_cannot_be_read_stands_there_as_written(tex: str) -> None:
    assert mathml(tex, block=False) == f'<code class="tex">{tex}</code>'


def test_text_in_a_formula_is_escaped_and_links_and_styles_in_it_are_left_out() -> None:
    made = mathml("\\text{<b>&x} \\href{javascript:x}{y} \\style{color:red}{z}", block=False)
    assert "&lt;b&gt;&amp;x" in made
    assert "href" not in made and "style" not in made and "javascript" not in made


def test_a_width_cannot_push_the_page_away() -> None:
    assert 'width="2em"' in mathml("\\hspace{2em}x", block=False)
    assert "width" not in mathml("\\hspace{99999em}x", block=False)


def test_html_links_and_pictures_stay_text() -> None:
    text = "<img src=x onerror=alert(1)> [a](javascript:b) ![c](http://d) <http://e>"
    seen = Seen(rendered(text))
    assert seen.tags == {"p"} and seen.text.strip() == text


def test_code_of_a_known_language_has_colours_and_any_other_is_plain() -> None:
    known = rendered("```python\nprint('<b>')\n```")
    assert '<span class="nb">print</span>' in known and "&lt;b&gt;" in known
    assert "span" not in Seen(rendered("```klingon\nprint(1)\n```")).tags
    assert "pre .nb" in styles()


def test_the_ends_of_lines_are_kept() -> None:
    assert rendered("a\nb").count("<br />") == 1


@pytest.mark.parametrize(
    ("answer", "drawn"), [("\\frac{1}{2}", True), ("so $\\frac12$", True), ("$x", False)]
)
def test_a_reference_is_drawn_with_and_without_marks(answer: str, drawn: bool) -> None:
    assert ("mfrac" in Seen(formula(answer)).tags) is drawn
