r"""A formula in LaTeX as MathML, which browsers draw by themselves: no script, no font, no network.

    mathml(r"\frac{1}{2}", block=False)     '<math><mfrac><mrow><mn>1</mn></mrow>…</math>'

What latex2mathml makes is not trusted: its own text output escapes nothing (`\text{<b>}` comes out
as an element) and lets `\href` and `\style` through (3.81). So its tree is written out here, known
elements and attributes alone, every text escaped. A formula that it can't read, or that is longer
than `LONGEST`, is shown as it is written.
"""

from __future__ import annotations

import html
import re
from xml.etree.ElementTree import Element

from latex2mathml import converter, exceptions

LONGEST = 4_000  # characters of a formula; a page of aligned equations has 2,000 (guess)
_ELEMENTS = """
    math mrow mi mn mo mtext mspace ms msup msub msubsup mfrac msqrt mroot mover munder munderover
    mtable mtr mtd mlabeledtr mstyle mpadded mphantom menclose mmultiscripts mprescripts none
    merror
"""
_WORDS = """
    stretchy fence form separator accent accentunder largeop movablelimits displaystyle scriptlevel
    columnalign rowalign columnlines rowlines notation mathvariant symmetric
"""
_SIZES = "width lspace rspace minsize maxsize rowspacing columnspacing linethickness"
ELEMENTS = frozenset(_ELEMENTS.split())
# The values are looked at too: a width of a thousand lines would push the page away.
_SIZE = r"(-?\d|\d\d)(\.\d{1,5})?(em|ex|pt)?"
ATTRIBUTES = {
    **dict.fromkeys(_WORDS.split(), re.compile(r"[a-z0-9+ -]{1,40}")),
    **dict.fromkeys(_SIZES.split(), re.compile(rf"{_SIZE}( {_SIZE}){{0,7}}")),
}
# What latex2mathml raises for what it can't read: its own errors have no class of their own above
# them, and 60,000 random strings of commands brought these three of Python's besides.
UNREADABLE: tuple[type[Exception], ...] = (
    *(
        found
        for found in vars(exceptions).values()
        if isinstance(found, type) and issubclass(found, Exception)
    ),
    LookupError,
    ValueError,
    StopIteration,
    RecursionError,
)


def mathml(tex: str, block: bool) -> str:
    """Return safe HTML of a formula, `block` for one on lines of its own."""
    how = "block" if block else "inline"
    if len(tex) <= LONGEST:
        try:
            made = converter.convert_to_element(tex, display=how)
            return f'<math display="{how}">{_inside(made)}</math>'
        except UNREADABLE:
            pass  # shown as written, below
    return f'<code class="tex">{html.escape(tex)}</code>'


def _inside(element: Element) -> str:
    """Return an element's text and children as HTML."""
    text = html.escape(html.unescape(element.text or ""))  # it writes signs as `&#x0002B;`
    return text + "".join(_written(child) for child in element)


def _written(element: Element) -> str:
    tail = html.escape(html.unescape(element.tail or ""))
    if element.tag not in ELEMENTS:
        return _inside(element) + tail
    told = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{element.tag}{told}>{_inside(element)}</{element.tag}>{tail}"
