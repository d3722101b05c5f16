"""Personal data and secrets: what is found, what is let pass, and masking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.personal import find_personal, find_secrets, masked

AWS = "AKIAQ3BDWK7LTZNQ4MXV"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Mail jo.li@uni-jena.de or call +49 30 901820.", "Mail [email] or call [phone]."),
        ("call (212) 555-7890 now", "call [phone] now"),
        ("电话：13812345678。", "电话：[phone]。"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        (f"key={AWS};", "key=[key];"),
        ("ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6", "[key]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nend",
            "[private_key]\nend",
        ),
    ],
)
def test_what_is_found_is_masked(text: str, without: str) -> None:
    assert masked(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com and me@mail.example",
        "x = 1234567890, y = 3.14159265358979",
        "2023-10-12 10:20:30 and 192.168.100.200",
        "4111 1111 1111 1112",
        "AKIAIOSFODNN7EXAMPLE",
        "a matrix 12 34 56 78 90",
        "the decorator @property.setter",
    ],
)
def test_what_only_looks_like_it_is_let_pass(text: str) -> None:
    assert masked(text) == text


def test_kinds_and_places_are_told() -> None:
    (found,) = find_personal("to jo@b.org!")
    assert (found.kind, found.start, found.end) == ("email", 3, 11)
    assert [one.kind for one in find_secrets(f"{AWS} {AWS}")] == ["key", "key"]


@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(text: str) -> None:
    once = masked(f"{text} {AWS} jo@uni-jena.de {text}")
    assert AWS not in once
    assert masked(once) == once
