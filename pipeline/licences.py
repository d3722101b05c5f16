"""Licences: SPDX expressions read, allowed or denied, and combined into the one of a card.

    spdx("apache-2.0")                                "Apache-2.0"
    permits("MIT AND CC-BY-NC-4.0", (), ("*-NC-*",))  False
    combine(["MIT", "CC-BY-4.0"]).licence             "CC-BY-4.0"
    hub_licence(["CC-BY-SA-4.0", "CC-BY-NC-4.0"])     {"license": "other", "license_name": …}

Every row keeps its own expression in the column `licence`; the card's is what a user of the
whole may rely on. This is a reading of the licences' summaries by a program, for collections
whose rows stay apart; it is no legal advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# The Hub's identifiers that are the SPDX identifier in lower case (its list of licences,
# huggingface.co/docs/hub/repositories-licenses).
_NAMES = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cdla-permissive-1.0
    cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa ofl-1.1 osl-3.0
    postgresql unlicense wtfpl zlib
"""
SAME_AS_SPDX = frozenset(_NAMES.split())
# Those that the Hub calls otherwise.
RENAMED = {"c-uda-1.0": "c-uda", "odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}
SPDX_PAGE = "https://spdx.org/licenses/{}.html"

# What a licence asks of who passes the data on: credit, a note of changes, no trade, the same
# terms. From the licences' own summaries (SPDX's list, Creative Commons' deeds). A licence
# that is not here combines with nothing but itself: code licences with a copyleft, those
# without derivatives, those of one's own.
FREE: frozenset[str] = frozenset()
CREDIT = frozenset({"credit"})
NOTE = CREDIT | {"note"}
TRADE, SAME = "no-trade", "same-terms"
TERMS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("CC0-1.0", "PDDL-1.0", "Unlicense", "WTFPL", "0BSD", "MIT-0"), FREE),
    **dict.fromkeys(("MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Zlib", "NCSA"), CREDIT),
    **dict.fromkeys(("ODC-By-1.0", "CDLA-Permissive-2.0", "CDLA-Permissive-1.0"), CREDIT),
    **dict.fromkeys(("Apache-2.0", "ECL-2.0", "AFL-3.0"), NOTE),
    **dict.fromkeys(("CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0"), NOTE),
    **dict.fromkeys(("CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0"), NOTE | {TRADE}),
    **dict.fromkeys(("CC-BY-SA-3.0", "CC-BY-SA-4.0"), NOTE | {SAME}),
    **dict.fromkeys(("CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"), NOTE | {TRADE, SAME}),
}
# What may be passed on under a later version of itself: their section 4(b), and 3(b) of 4.0.
LATER = {"CC-BY-SA-3.0": "CC-BY-SA-4.0", "CC-BY-NC-SA-3.0": "CC-BY-NC-SA-4.0"}
TOKENS = re.compile(r"\(|\)|[^\s()]+")


@lru_cache
def spdx(text: str) -> str | None:
    """Return an SPDX expression in its canonical spelling, None where it is none.

    Names of one's own are `LicenseRef-…`; the Hub's names (`cc-by-4.0`, `odc-by`) are read too.
    """
    hub_names = {name: spelt for spelt, name in RENAMED.items()}
    try:
        return str(canonicalize_license_expression(hub_names.get(text.strip(), text.strip())))
    except InvalidLicenseExpression:
        return None


@lru_cache
def permits(expression: str, allow: tuple[str, ...], deny: tuple[str, ...]) -> bool:
    """Tell whether an expression may be used: every part of an AND, or any of an OR.

    `allow` and `deny` are identifiers or patterns (`CC-BY-*`), without regard to case; an
    empty `allow` allows all that is not denied. Raises ValueError for what is no expression.
    """

    def ok(name: str) -> bool:
        denied = any(_matches(name, pattern) for pattern in deny)
        return not denied and (not allow or any(_matches(name, pattern) for pattern in allow))

    return any(all(ok(name) for name in names) for names in alternatives(expression))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())


def alternatives(expression: str) -> list[frozenset[str]]:
    """Return the sets of licences by each of which an expression can be met.

    `MIT AND (CC0-1.0 OR CC-BY-4.0)` gives {MIT, CC0-1.0} and {MIT, CC-BY-4.0}; an exception
    (`WITH`) stays with its licence's name. Raises ValueError for what is no expression.
    """
    canonical = spdx(expression)
    if canonical is None:
        raise ValueError(f"must be an SPDX expression, got {expression!r}")
    tokens = TOKENS.findall(re.sub(r" WITH ", "+WITH+", canonical))
    found, rest = _any_of(tokens)
    assert not rest, expression  # canonical expressions are balanced
    return found


def _any_of(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    found, tokens = _all_of(tokens)
    while tokens[:1] == ["OR"]:
        more, tokens = _all_of(tokens[1:])
        found = [*found, *more]
    return found, tokens


def _all_of(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    found, tokens = _one(tokens)
    while tokens[:1] == ["AND"]:
        more, tokens = _one(tokens[1:])
        found = [mine | other for mine in found for other in more]
    return found, tokens


def _one(tokens: list[str]) -> tuple[list[frozenset[str]], list[str]]:
    if tokens[0] != "(":
        return [frozenset({tokens[0].replace("+WITH+", " WITH ")})], tokens[1:]
    found, rest = _any_of(tokens[1:])
    return found, rest[1:]


@dataclass(frozen=True, slots=True)
class Combined:
    """The licence of a whole: an SPDX identifier, or None where rows can't share one.

    `explanation` is a sentence for the card; empty where all rows have one licence.
    """

    licence: str | None
    explanation: str


def combine(licences: Iterable[str]) -> Combined:
    """Return the most restrictive of the rows' licences, if the others may go along with it.

    It may where it asks for all that they ask for, and none but itself demands the same terms.
    """
    expressions = sorted(set(licences))
    if len(expressions) == 1:
        return Combined(spdx(expressions[0]) or expressions[0], "")
    names = sorted({LATER.get(name, name) for name in _names(expressions)})
    if strange := [name for name in names if name not in TERMS]:
        return Combined(None, f"{_listed(strange)} can't be combined with other licences.")
    fitting = [name for name in names if all(_goes_along(other, name) for other in names)]
    if not fitting:
        return Combined(None, f"{_listed(_hindering(names))} can't be combined.")
    chosen = max(fitting, key=_newest)
    return Combined(
        chosen,
        f"{chosen} is the most restrictive of the rows' licences ({_listed(expressions)}) and"
        " holds for the whole; each row may also be used under its own, in the column `licence`.",
    )


def _names(expressions: Iterable[str]) -> set[str]:
    """Return the licences of all rows; of alternatives, those that ask for least."""
    found: set[str] = set()
    for expression in expressions:
        if spdx(expression) is None:
            found.add(expression)
        else:
            found |= min(alternatives(expression), key=_demands)
    return found


def _demands(names: Set[str]) -> tuple[int, int, list[str]]:
    unknown = sum(name not in TERMS for name in names)
    return unknown, len(frozenset().union(*(TERMS.get(n, FREE) for n in names))), sorted(names)


def _goes_along(other: str, chosen: str) -> bool:
    """Tell whether rows under one licence may be passed on with another for the whole."""
    return other == chosen or (TERMS[other] <= TERMS[chosen] and SAME not in TERMS[other])


def _newest(name: str) -> tuple[int, str, str]:
    """Order licences that ask for the same: data's own before code's, later versions last."""
    return (name.startswith("CC-"), name.rpartition("-")[2], name)


def _hindering(names: list[str]) -> list[str]:
    """Return the licences that exclude each other: those that no other one contains."""
    asks = [name for name in names if TRADE in TERMS[name] or SAME in TERMS[name]]
    return asks or names


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def hub_id(name: str) -> str | None:
    """Return the Hub's identifier of one SPDX licence, None where it has none."""
    short = re.sub(r"-(only|or-later)$", "", name.strip().lower())
    renamed = RENAMED.get(short, short)
    return renamed if short in SAME_AS_SPDX or short in RENAMED else None


def hub_licence(licences: Iterable[str]) -> dict[str, str]:
    """Return the licence fields of a card's header; none where there are no rows."""
    names = sorted(set(licences))
    if not names:
        return {}
    chosen = combine(names).licence
    if chosen is None:
        return {"license": "other", "license_name": "several"}
    if known := hub_id(chosen):
        return {"license": known}
    slug = re.sub(r"[^a-z0-9.]+", "-", chosen.lower()).strip("-")
    return {"license": "other", "license_name": slug or "unnamed"}


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom the rows of one source under one licence are owed to.

    `url` leads to the source, `licence_urls` to the texts of the licences that SPDX lists;
    `rows` are those that were published.
    """

    source: str
    url: str | None
    revision: str
    licence: str
    licence_urls: tuple[str, ...]
    rows: int


def attributions(
    sources: Iterable[Any], rows_of: Iterable[tuple[str, str, str, int]]
) -> list[Attribution]:
    """Return what a card's table of attributions shows, sorted.

    `sources` are the recipe's, for their pages; `rows_of` yields source, revision, licence and
    how many rows were published.
    """
    pages = {source.name: source.web_page() for source in sources}
    return [
        Attribution(name, pages.get(name), revision, licence, _pages(licence), rows)
        for name, revision, licence, rows in sorted(rows_of)
    ]


def _pages(expression: str) -> tuple[str, ...]:
    if spdx(expression) is None:
        return ()
    names = sorted(frozenset().union(*alternatives(expression)))
    plain = (name.partition(" WITH ")[0] for name in names)
    return tuple(SPDX_PAGE.format(name) for name in plain if not name.startswith("LicenseRef-"))
