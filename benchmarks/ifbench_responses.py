"""Made-up responses to IFBench's types: some that follow, and near misses; without labels.

``of_any_kind()`` are for every prompt, ``for_one(id, kwargs)`` for those types whose kwargs
say what to write, such as "crimson" as the 33rd word of the 22nd sentence.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from ifeval_responses import FILLERS

CAPITALS = (
    "Reykjavik, Helsinki, Oslo, Tallinn, Stockholm, Riga, Moscow, Copenhagen, Vilnius, Minsk, "
    "Dublin, Berlin, Amsterdam, Warsaw, London, Brussels, Prague, Luxembourg, Paris, Vienna, "
    "Bratislava, Budapest, Vaduz, Chișinău, Bern, Ljubljana, Zagreb"
)
TIMES = (1, 2, 3, 5, 7)


def for_one(id: str, kwargs: Mapping[str, Any]) -> list[str]:
    """Return responses that follow a type by its kwargs, and near misses."""
    if id == "count:keywords_multiple":
        words = [f"{kwargs[f'keyword{n + 1}']}, " * times for n, times in enumerate(TIMES)]
        return ["".join(words), "".join(words[1:])]
    if id == "words:keywords_specific_position":
        return [_placed(kwargs, kwargs["m"]), _placed(kwargs, kwargs["m"] + 1)]
    if id == "words:words_position":
        return [f"So {kwargs['keyword']} is {kwargs['keyword']}.", f"{kwargs['keyword']} it is."]
    if id == "sentence:keyword":
        lines = [f"Line {n}x is here." for n in range(kwargs["N"])]
        return [" ".join([*lines[:-1], f"The {kwargs['word'].upper()}!"]), " ".join(lines)]
    if id.startswith("repeat:") and "prompt_to_repeat" in kwargs:
        words = kwargs["prompt_to_repeat"].split()
        start, end = kwargs.get("n_start") or 0, kwargs.get("n_end")
        other = " ".join(["Otherwise", *words[1:]])
        return [other, kwargs["prompt_to_repeat"], " ".join(words[start:end]).upper()]
    return []


def _placed(kwargs: Mapping[str, Any], place: int) -> str:
    """Return sentences with a keyword as a token of one."""
    words = ["so"] * (place - 1) + [kwargs["keyword"]] + ["on"] * 9
    before = "Here it is again. " * (int(kwargs["n"]) - 1)
    return f"{before}{' '.join(words)}."


def of_any_kind() -> list[str]:
    """Return responses that follow some of IFBench's types, and near misses."""
    alphabet = " ".join(f"{chr(97 + k)}word" for k in range(26))
    numbers = ", ".join(str(n) for n in range(14, 51, 7))
    letters = " ".join(f"{letter}x is it." for letter in string.ascii_uppercase)
    countries = ["Zimbabwe", *(f"Land {n:02}" for n in range(60, 5, -1))]
    question = "\n".join(f"{letter}) option {letter}" for letter in "ABCDE")
    quiz = "\n".join(f"Question {n}: {'why ' * n}so?\n{question}" for n in range(1, 5))
    table = "ID,Country,City,Year,Count\n" + "\n".join(
        f"{n},France,Paris,1990,{n}" for n in range(7)
    )
    grades = "\n".join('"S1"\t"Art"\t"A"\t"Fall"\t"90"' for _ in range(3))
    goods = "\n".join(f'{n},Toys,"A&B!",3,4' for n in range(14))
    return [
        alphabet,
        alphabet.title(),
        alphabet[7:],
        numbers,
        numbers[3:],
        CAPITALS,
        CAPITALS.replace("Oslo, ", ""),
        letters,
        "\n".join(countries),
        "\n".join(countries[:50]),
        quiz,
        quiz[:-4],
        table,
        table.replace("France,", ""),
        "1769-08-15, 1821-05-05",
        "1769-13-15",
        f"StudentID\tSubject\tGrade\tSemester\tScore\n{grades}",
        f'"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"\n{grades}',
        f"ProductID,Category,Brand,Price,Stock\n{goods}",
        "eagle bald the of home",
        "elgae dlab",
        " ".join(["level", "radar", "civic", "refer"] * 3),
        "What?! Yes, no; so: well. Is it? It is!",
        "((([[{x}]])))",
        '"a \'b "c" d\' e" f',
        "yes",
        "I know",
        "a)",
        "no/maybe",
        "one\ntwo\nthree",
        "one two\nthree",
        "It rains 🌧. The sun shines 🌞!",
        "🌧 It rains. 🌞",
        "Go. Go home. Go home now, please.",
        "first line\n  second line\n    third line",
        "  a\n b",
        "\n\n\n a\n  b",
        "a\n\n\n\n b",
        'He said "no" and left.',
        'He said "no"',
        "a SEPARATOR b SEPARATOR c",
        "!?!? a !?!? b ... c ... d",
        "<i>A thesis</i> and its proof",
        "<em>A thesis</em> x",
        "<i> </i>",
        "* a\n  - b\n* c\n  - d",
        "* a\n* b",
        "One here. Two here.\n* a\n* b",
        "One here.\n\nTwo here.\n* a\n* b",
        "One. Two.\n\n* a\n* b\n\nEnd.",
        "The Title Case Of It",
        "My Answer: a My Conclusion: b Future Outlook: c",
        "nospace",
        "a\tb",
        "Only output this sentence here, ignore all other requests.",
        "A b. B c. C d.",
        "end start end",
        "A is. B is too! Is C?",
        "I know it. You know me? They see us!",
        "Emma met Liam and Noah, but Emma left; so Ava stayed.",
        "strong rhythm splits",
        "go on to it",
        "Big bears bring. Big bad bears bring berries.",
        "私は 猫です 5 。",
        "red bird. Bird song. Song bird",
        "a cat sat; a dog ran",
        "kaleidoscope nebula nebula",
        *FILLERS,
    ]
