"""Fills the templates in `templates/`; one place for how text becomes safe and numbers readable.

    page("report.html.jinja", title="<b>")      every value HTML-escaped
    text("card.md.jinja", title="a|b")          values as they are; `| cell` makes one safe

A name that a template uses and nobody gave is an error, not an empty string.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pipeline.facts import percent

FOLDER = Path(__file__).parent / "templates"


def page(template: str, **values: Any) -> str:
    """Return a filled HTML template; every value is escaped unless it is marked as markup."""
    return _environment(escape=True).get_template(template).render(**values)


def text(template: str, **values: Any) -> str:
    """Return a filled Markdown template; values are not escaped."""
    return _environment(escape=False).get_template(template).render(**values)


def asset(name: str) -> str:
    """Return a file of the templates' folder as it is (a style sheet, a script)."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _environment(escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(cell=cell, coded=coded, number=number, words=words)
    environment.globals.update(percent=percent)
    return environment


def cell(value: object) -> str:
    """Return text that stays inside one Markdown table cell and is no markup."""
    plain = html.escape(" ".join(str(value).split()), quote=False)
    return "".join(f"\\{char}" if char in "\\|`*[]" else char for char in plain)


def number(value: float) -> str:
    """Return a number with commas between thousands."""
    return f"{value:,}"


def words(name: str) -> str:
    """Return a column's or reason's name as words."""
    return name.replace("_", " ")


def coded(value: str) -> Markup:
    """Return text as HTML, escaped, with `this` in a <code> element."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(value))))
