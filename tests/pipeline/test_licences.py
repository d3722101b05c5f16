from __future__ import annotations

import pytest

from pipeline.licences import hub_id, hub_licence


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


def test_several_licences_are_not_made_one() -> None:
    assert hub_licence(["MIT", "Apache-2.0"])["license"] == "other"
    assert hub_licence(["MIT", "MIT"]) == {"license": "mit"}


def test_an_unknown_licence_keeps_its_name() -> None:
    assert hub_licence(["LicenseRef-Our Terms"]) == {
        "license": "other",
        "license_name": "licenseref-our-terms",
    }


def test_without_rows_no_licence_is_claimed() -> None:
    assert hub_licence([]) == {}
