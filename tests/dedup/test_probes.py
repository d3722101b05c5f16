from __future__ import annotations

from random import Random

import pytest

from dedup.benchmarks import Benchmarks, ItemText
from dedup.contamination import Contamination
from dedup.numerals import Agreement, agreement, facts
from dedup.probes import DISGUISES, plant

PROSE = (
    "A farmer has 12 cows and 30 hens. He sells $\\frac{1}{2}$ of the cows for \\$200 each."
    " How many animals with $x \\leq 4$ legs are left on the farm after that?"
)
SAID = "There are 45 birds in the big tree, 3.5 times as many as before, and 12 in the other."
CODE = "def f(x):\n    return x[0:5] + 3\n\nassert f([1, 2, 3, 4]) == 8 and some more words here"
TEXTS = [
    PROSE,
    CODE,
    *(f"Which of the {k} named rivers flows into sea number {k}?" for k in range(20)),
]


def benchmarks(texts: list[str]) -> Benchmarks:
    items = (ItemText("b", str(k), k, text) for k, text in enumerate(texts))
    return Benchmarks(tuple(items), {})


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguise_changes_the_text_and_keeps_its_numbers(name: str) -> None:
    text = SAID if name == "numerals in words" else PROSE
    copy = DISGUISES[name](text, Random(0))
    assert copy != text
    assert agreement(facts(text), facts(copy)) == Agreement.EQUAL


@pytest.mark.parametrize("name", DISGUISES)
def test_planted_copies_are_found(name: str) -> None:
    items = benchmarks(TEXTS)
    planted = [probe for probe in plant(items, 8) if probe.disguise == name]
    assert planted
    hits = Contamination(items).find(
        [str(k) for k in range(len(planted))], [probe.copy for probe in planted]
    )
    found = {(hit.id, hit.item) for hit in hits}
    assert {(str(k), str(probe.text)) for k, probe in enumerate(planted)} <= found


def test_numerals_of_code_and_formulas_stay_digits() -> None:
    assert DISGUISES["numerals in words"](CODE, Random(0)) == CODE
    assert DISGUISES["numerals in words"](PROSE, Random(0)) == PROSE
    said = DISGUISES["numerals in words"](SAID, Random(0))
    assert said == SAID.replace("45", "forty-five").replace("12", "twelve")


def test_the_same_probes_are_planted_every_time_and_at_most_so_many() -> None:
    items = benchmarks(TEXTS)
    assert plant(items, 3) == plant(items, 3)
    counts = [sum(p.disguise == name for p in plant(items, 3)) for name in DISGUISES]
    assert max(counts) == 3
    assert plant(items, 0) == []


def test_short_items_are_not_planted() -> None:
    assert plant(benchmarks(["What is 2 plus 2?", "Name 3 rivers."]), 5) == []
