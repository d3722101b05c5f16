"""IFBench's `custom:*`: eleven types that belong to one prompt each and take no kwargs.

``{"id": "custom:multiples", "kwargs": {}}`` wants the multiples of 7 from 14 to 50.

Where IFBench's own code would fail (an empty field, a broken CSV), the answer doesn't follow.
"""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from verifiers.constraints.passages import EDGES, bare_words, ruled_sentences
from verifiers.constraints.registry import Arguments, Observation, Test, constraint

NORTH_TO_SOUTH = (
    "Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin "
    "Amsterdam Warsaw London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz "
    "Chisinau Bern Ljubljana Zagreb"
)
CAPITALS = NORTH_TO_SOUTH.split()
QUESTION = re.compile(r"\n*Question \d+[.|):;]?\s*")
OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w+")
QUESTIONS, OPTIONS = 4, 5
CITY_HEADER = ["ID", "Country", "City", "Year", "Count"]
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
YEARS = range(1769, 1822)
DAYS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
SIGN_IN_QUOTES = re.compile(r'".*[^\d\w\s].*"')
COUNTRIES = 52
Predicate = Callable[[str], bool]


def custom(name: str) -> Callable[[Predicate], Predicate]:
    """Register a yes-or-no function of the text as `custom:NAME`."""

    def register(predicate: Predicate) -> Predicate:
        @constraint(f"custom:{name}")
        def make(_: Arguments) -> Test:
            return lambda passage: Observation(predicate(passage.text))

        return predicate

    return register


def header(*names: str, separator: str) -> re.Pattern[str]:
    """Return the pattern of a CSV's first line, each name with or without quotation marks."""
    return re.compile(separator.join(f'(?:{name}|"{name}")' for name in names))


PRODUCTS = header("ProductID", "Category", "Brand", "Price", "Stock", separator=r",[ \t]*")
STUDENTS = header("StudentID", "Subject", "Grade", "Semester", "Score", separator=r"\t *")


@custom("multiples")
def multiples(text: str) -> bool:
    """The numbers are the multiples of 7 from 14 to 50, in order."""
    return re.findall(r"\d+", text) == [str(number) for number in range(14, 51, 7)]


@custom("mcq_count_length")
def mcq_count_length(text: str) -> bool:
    """Four questions with five options each, every question longer than the one before."""
    if not text.startswith("Question"):
        return False
    questions = [part.strip() for part in QUESTION.split(text) if part.strip()]
    read = [_question(part.split("\n")) for part in questions]
    good = len(read) == QUESTIONS and all(options == OPTIONS for options, _ in read)
    return good and all(b > a for (_, a), (_, b) in pairwise(read))


def _question(lines: list[str]) -> tuple[int, int]:
    """Return how many options a question has, and how long the text before them is."""
    marks = [bool(OPTION.match(line.strip())) for line in lines]
    before = lines[: marks.index(True)] if True in marks else lines
    return sum(marks), len(" ".join(line.strip() for line in before).strip())


@custom("reverse_newline")
def reverse_newline(text: str) -> bool:
    """From Zimbabwe on, 52 lines and more stand in reverse alphabetical order."""
    lines = [bare for line in text.split("\n") if (bare := line.strip(EDGES))]
    start = next((place for place, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    names = [ascii_only(line) for line in lines[start:]]
    return len(names) >= COUNTRIES and names == sorted(names, reverse=True)


def ascii_only(text: str) -> str:
    """Return a text without accents and without what ASCII lacks."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


@custom("word_reverse")
def word_reverse(text: str) -> bool:
    """Read from the last word to the first, the text names the bald eagle."""
    return "bald eagle" in " ".join(bare_words(text.lower())[::-1])


@custom("character_reverse")
def character_reverse(text: str) -> bool:
    """The bald eagle is named backwards."""
    return "elgae dlab" in text.lower()


@custom("sentence_alphabet")
def sentence_alphabet(text: str) -> bool:
    """There are 26 sentences, the first begins with A, the last with Z."""
    sentences = ruled_sentences(text)
    return [sentence[:1].lower() for sentence in sentences] == list(string.ascii_lowercase)


@custom("european_capitals_sort")
def european_capitals_sort(text: str) -> bool:
    """The capitals above 45° of latitude stand from north to south, with commas between."""
    return [part.strip() for part in ascii_only(text).split(",") if part.strip()] == CAPITALS


def table(text: str, delimiter: str = ",") -> list[list[str]]:
    """Return the rows of a CSV, none where it is broken."""
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return []


def quoted(text: str) -> str:
    """Return a CSV in which every quotation mark is a part of its field."""
    return text.replace('"', '"""')


@custom("csv_city")
def csv_city(text: str) -> bool:
    """A header and seven rows of five fields."""
    rows = table(text)
    good = len(rows) == 8 and all(len(row) == len(CITY_HEADER) for row in rows)
    return good and rows[0] == CITY_HEADER


@custom("csv_special_character")
def csv_special_character(text: str) -> bool:
    """A header and fourteen rows of five fields, up to one that quotes a special character."""
    rows = table(quoted(text))
    if not PRODUCTS.fullmatch(text.partition("\n")[0].strip()) or len(rows) != 15:
        return False
    for row in rows[1:]:
        if len(row) != 5:
            return False
        if any(SIGN_IN_QUOTES.match(field) for field in row):
            return True
    return False


@custom("csv_quotes")
def csv_quotes(text: str) -> bool:
    """A header and three rows of five fields, parted by tabs, each in quotation marks."""
    rows = table(quoted(text), "\t")
    if not STUDENTS.fullmatch(text.partition("\n")[0].strip()) or len(rows) != 4:
        return False
    fields = [field.strip() for row in rows for field in row]
    return all(len(row) == 5 for row in rows) and all(
        field.startswith('"') and field.endswith('"') for field in fields
    )


@custom("date_format_list")
def date_format_list(text: str) -> bool:
    """Dates of Napoleon's life as YYYY-MM-DD, with commas between."""
    return all(_is_date(part.strip()) for part in text.strip().split(","))


def _is_date(text: str) -> bool:
    found = DATE.fullmatch(text)
    year, month, day = map(int, found.groups()) if found else (0, 0, 0)
    return year in YEARS and month <= 12 and day <= DAYS.get(month, 31)
