"""Finds personal data and secrets in a text by small rules, and masks them.

``find_personal("Mail jo.li@uni.edu or call +49 30 901820")`` finds an e-mail address and a phone
number; ``masked`` gives "Mail [email] or call [phone]".

Looked for: e-mail addresses (not those of example.com and its like, which RFC 2606 reserves), phone
numbers in international form, in the North American form, or in any form behind a word such as
"phone", payment cards whose last digit is right, and keys whose form says what they are (AWS,
GitHub, OpenAI, Google, Slack, Stripe, Hugging Face, PEM, JWT). Names, addresses and passwords
are not found. Rules and no library: phonenumbers takes 48 MB and 5 ms for 1,000 characters,
detect-secrets has had no release since May 2024 and takes every long word for a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w-])"
)
# Made up by their domain or by what stands before it; `git@` is how programs log in.
RESERVED = re.compile(
    r"@(?:.*\.)?(?:(?:(?:example|sample)\d*|test|domain|email|company|yourdomain|mydomain|site|abc"
    r"|xyz)\.(?:com|org|net|edu|co)|.*\.(?:example|test|invalid|localhost))$"
    r"|^(?:git|you|your[\w.+-]*|example|test|user(?:name)?)\d*@|^.@.\.",
    re.IGNORECASE,
)
PHONE = re.compile(
    r"(?<![\w+.\d/-])(?:"
    r"(?<!\d\s)\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[.-]\d{4}"
    r"|1[3-9]\d[ -]\d{4}[ -]\d{4}"
    r"|(?i:(?<=phone)|(?<=phone:)|(?<=phone: )|(?<=tel: )|(?<=call )|(?<=电话)|(?<=电话：)"
    r"|(?<=手机)|(?<=手机号)|(?<=手机：))\d[\d -]{6,14}\d)(?![\w.-]*\d)(?!\s?[+*=])"
)
CARD = re.compile(r"(?<![\d.-])\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?![\d-]|\.\d)")
KEYS = (
    r"AKIA[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{36,80}",
    r"github_pat_[A-Za-z0-9_]{40,90}",
    r"sk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,180}",
    r"sk_live_[A-Za-z0-9]{20,100}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"xox[abprs]-[0-9A-Za-z-]{20,100}",
    r"hf_[A-Za-z0-9]{30,60}",
    r"eyJ[A-Za-z0-9_-]{16,400}\.eyJ[A-Za-z0-9_-]{16,800}\.[A-Za-z0-9_-]{16,400}",
)
KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{'|'.join(KEYS)})(?![A-Za-z0-9_])")
PEM = re.compile(
    r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----(?:[^-]{0,8000}-----END[^-\n]{0,40}-----)?"
)
MADE_UP = re.compile(r"EXAMPLE|(?:x{6}|X{6}|0{8}|1234567890|abcdefgh)", re.ASCII)
KINDS = {"email": EMAIL, "phone": PHONE, "card": CARD}
SECRETS = {"key": KEY, "private_key": PEM}


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data or a secret: its kind and its place."""

    kind: str
    start: int
    end: int


def find_personal(text: str) -> list[Found]:
    """Return e-mail addresses, phone numbers and payment cards, in the order of the text."""
    return _found(text, KINDS)


def find_secrets(text: str) -> list[Found]:
    """Return keys, in the order of the text; those that call themselves examples are left out."""
    return _found(text, SECRETS)


def masked(text: str) -> str:
    """Return a text with its personal data and secrets replaced by their kind in brackets."""
    parts, place = [], 0
    for found in sorted([*find_personal(text), *find_secrets(text)], key=lambda f: f.start):
        if found.start >= place:
            parts += [text[place : found.start], f"[{found.kind}]"]
            place = found.end
    return "".join([*parts, text[place:]])


def _found(text: str, patterns: dict[str, re.Pattern[str]]) -> list[Found]:
    found = [one for kind, pattern in patterns.items() for one in _of(kind, pattern, text)]
    return sorted(found, key=lambda one: (one.start, one.end))


def _of(kind: str, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    for start, end in SPANS[kind](text):
        for match in pattern.finditer(text, start, end):
            if _real(kind, match[0]):
                yield Found(kind, match.start(), match.end())


Spans = Callable[[str], Iterable[tuple[int, int]]]
SEVEN_DIGITS = re.compile(r"\d[\d ().-]{5,}\d")


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where there are seven digits and more, with the sign in front of them."""
    return ((max(0, m.start() - 2), m.end() + 2) for m in SEVEN_DIGITS.finditer(text))


def _holds(*signs: str) -> Spans:
    """Return what gives the whole text where one of the signs is in it, else nothing."""
    return lambda text: [(0, len(text))] if any(sign in text for sign in signs) else []


# Where a kind can be at all: spares texts the slower search.
SPANS: dict[str, Spans] = {
    "email": _holds("@"),
    "phone": _numbers,
    "card": _numbers,
    "key": _holds(
        "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sk-", "sk_live_", "AIza",
        "xox", "hf_", "eyJ",
    ),
    "private_key": _holds("PRIVATE KEY"),
}  # fmt: skip


def _real(kind: str, text: str) -> bool:
    """Say whether a match is more than an example."""
    if kind == "email":
        return not RESERVED.search(text)
    if kind == "phone":
        digits = re.sub(r"\D", "", text)
        real = len(set(digits)) > 2 and "55501" not in digits
        return real and (_international(digits) if text[0] == "+" else 7 <= len(digits) <= 15)
    if kind == "card":
        return _luhn(re.sub(r"\D", "", text))
    return not MADE_UP.search(text)


def _international(digits: str) -> bool:
    """Say whether a number has as many digits as its country's: 11 from +1 and +7, 9 to 15 else."""
    return len(digits) == 11 if digits[0] in "17" else 9 <= len(digits) <= 15


def _luhn(digits: str) -> bool:
    """Say whether the last digit of a card number is the one that the others ask for."""
    doubled = (int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
