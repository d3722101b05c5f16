"""Licences: what is an expression, what is allowed, and which one a whole set may state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.licences import (
    TERMS,
    alternatives,
    attributions,
    combine,
    hub_id,
    hub_licence,
    permits,
    spdx,
)
from pipeline.sources.base import available_sources


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("mit", "MIT"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("odc-by", "ODC-By-1.0"),
        ("MIT and LicenseRef-mine", "MIT AND LicenseRef-mine"),
        ("CC BY 4.0", None),
        ("other", None),
        ("NOASSERTION", None),
        ("", None),
    ],
)
def test_an_expression_is_read_in_any_spelling_and_prose_is_none(
    written: str, canonical: str | None
) -> None:
    assert spdx(written) == canonical


@pytest.mark.parametrize(
    ("spdx", "name"),
    [
        ("Apache-2.0", "apache-2.0"),
        ("MIT", "mit"),
        ("CC-BY-NC-4.0", "cc-by-nc-4.0"),
        ("ODC-By-1.0", "odc-by"),
        ("GPL-3.0-or-later", "gpl-3.0"),
        ("LicenseRef-mine", None),
        ("MIT OR Apache-2.0", None),
    ],
)
def test_spdx_names_become_the_hubs(spdx: str, name: str | None) -> None:
    assert hub_id(spdx) == name


@pytest.mark.parametrize(
    ("expression", "sets"),
    [
        ("MIT", [{"MIT"}]),
        ("MIT AND (CC0-1.0 OR CC-BY-4.0)", [{"MIT", "CC0-1.0"}, {"MIT", "CC-BY-4.0"}]),
        ("MIT OR CC0-1.0 AND ISC", [{"MIT"}, {"CC0-1.0", "ISC"}]),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            [{"GPL-2.0-only WITH Classpath-exception-2.0"}],
        ),
    ],
)
def test_an_expression_is_met_by_any_of_its_alternatives(
    expression: str, sets: list[set[str]]
) -> None:
    assert alternatives(expression) == sets


@pytest.mark.parametrize(
    ("expression", "allow", "deny", "allowed"),
    [
        ("CC-BY-NC-4.0", (), (), True),
        ("CC-BY-NC-4.0", (), ("*-NC-*",), False),
        ("CC-BY-NC-4.0", ("CC-BY-*",), ("*-nc-*",), False),
        ("MIT", ("CC-BY-*",), (), False),
        ("mit", ("MIT",), (), True),
        ("MIT AND CC-BY-NC-4.0", (), ("*-NC-*",), False),
        ("MIT OR CC-BY-NC-4.0", (), ("*-NC-*",), True),
        ("MIT AND CC0-1.0", ("MIT",), (), False),
    ],
)
def test_every_part_of_an_and_and_one_of_an_or_must_be_allowed(
    expression: str, allow: tuple[str, ...], deny: tuple[str, ...], allowed: bool
) -> None:
    assert permits(expression, allow, deny) is allowed


def test_what_is_no_expression_is_not_permitted_but_an_error() -> None:
    with pytest.raises(ValueError, match="must be an SPDX expression, got 'free'"):
        permits("free", (), ())


@pytest.mark.parametrize(
    ("licences", "whole"),
    [
        (["MIT", "MIT"], "MIT"),
        (["MIT", "Apache-2.0"], "Apache-2.0"),
        (["CC0-1.0", "MIT"], "MIT"),
        (["Apache-2.0", "CC-BY-4.0", "ODC-By-1.0"], "CC-BY-4.0"),
        (["CC-BY-3.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["MIT", "CC-BY-NC-4.0", "CC-BY-4.0"], "CC-BY-NC-4.0"),
        (["MIT", "CC-BY-SA-3.0", "CC-BY-SA-4.0"], "CC-BY-SA-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-NC-SA-4.0"),
        (["MIT OR GPL-3.0-only", "Apache-2.0"], "Apache-2.0"),
        (["CC-BY-SA-4.0", "CC-BY-NC-4.0"], None),
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], None),
        (["GPL-3.0-only", "MIT"], None),
        (["CC-BY-ND-4.0", "CC-BY-4.0"], None),
        (["MIT AND LicenseRef-exams", "MIT"], None),
    ],
)
def test_the_whole_takes_the_most_restrictive_licence_if_the_others_go_along(
    licences: list[str], whole: str | None
) -> None:
    assert combine(licences).licence == whole


def test_what_cannot_be_combined_is_named() -> None:
    told = combine(["CC-BY-SA-4.0", "CC-BY-NC-4.0", "MIT"]).explanation
    assert told == "CC-BY-NC-4.0 and CC-BY-SA-4.0 can't be combined."
    assert "LicenseRef-x" in combine(["LicenseRef-x", "MIT"]).explanation


@given(st.lists(st.sampled_from(sorted(TERMS)), min_size=1, max_size=5))
def test_the_licence_of_the_whole_asks_for_all_that_any_row_asks_for(licences: list[str]) -> None:
    whole = combine(licences).licence
    if whole is not None:
        assert all(TERMS[licence] <= TERMS[whole] for licence in licences)
    assert combine(reversed(licences)) == combine(licences)


def test_the_header_states_the_whole_or_that_there_are_several() -> None:
    assert hub_licence(["MIT", "Apache-2.0"]) == {"license": "apache-2.0"}
    assert hub_licence(["MIT", "MIT"]) == {"license": "mit"}
    assert hub_licence(["CC-BY-SA-4.0", "CC-BY-NC-4.0"]) == {
        "license": "other",
        "license_name": "several",
    }


def test_an_unknown_licence_keeps_its_name() -> None:
    assert hub_licence(["LicenseRef-Our Terms"]) == {
        "license": "other",
        "license_name": "licenseref-our-terms",
    }


def test_without_rows_no_licence_is_claimed() -> None:
    assert hub_licence([]) == {}


def test_attributions_lead_to_the_source_and_to_the_licences_texts() -> None:
    made = available_sources()["deep_math"].model_validate({"source": "deep_math", "name": "deep"})
    rows = [("own", "1", "MIT AND LicenseRef-x", 2), ("deep", "abc", "MIT", 7)]
    deep, own = attributions([made], rows)
    assert deep.url == "https://huggingface.co/datasets/zwhe99/DeepMath-103K"
    assert deep.licence_urls == ("https://spdx.org/licenses/MIT.html",)
    assert (deep.rows, own.rows) == (7, 2)
    assert (own.url, own.licence_urls) == (None, ("https://spdx.org/licenses/MIT.html",))
