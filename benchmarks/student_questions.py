"""Easy word problems with worked answers, made on the spot: what the student's loop learns from.

    made(2, seed=0)[0]      {"question": "Ida has 12 pears and finds 9 more. How many …?",
                             "answer": "21", "response": "<think>\\n12 and 9 more is …",
                             "calculation": "9 + 12"}

The answers follow by calculation. A question is a scene with a name, a thing and two or three
numbers; the same scene comes back with others. Whoever measures with some of them leaves their
calculations out of what is learnt (`unlike`): else an answer may be remembered from another scene
with the same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

NAMES = (
    *("Ada", "Bruno", "Clara", "Dario", "Elif", "Farid", "Greta", "Hanna", "Ida", "Jonas"),
    *("Kofi", "Lena", "Mira", "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Samir", "Tove"),
)
THINGS = (
    *("pears", "marbles", "stamps", "shells", "buttons", "candles", "cards", "coins", "cups"),
    *("eggs", "flowers", "keys", "lamps", "nuts", "pencils", "plums", "ropes", "tiles"),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A question with its slots, the calculation in words, and how its numbers are drawn."""

    question: str
    thought: str
    draw: Callable[[random.Random], dict[str, int]]


def _sum(given: random.Random) -> dict[str, int]:
    a, b = given.randint(11, 59), given.randint(2, 39)
    return {"a": a, "b": b, "x": a + b}


def _rest(given: random.Random) -> dict[str, int]:
    a = given.randint(20, 80)
    b = given.randint(2, a - 2)
    return {"a": a, "b": b, "x": a - b}


def _times(given: random.Random) -> dict[str, int]:
    a, b = given.randint(2, 12), given.randint(3, 9)
    return {"a": a, "b": b, "x": a * b}


def _parts(given: random.Random) -> dict[str, int]:
    b, x = given.randint(2, 9), given.randint(3, 12)
    return {"a": b * x, "b": b, "x": x}


def _times_rest(given: random.Random) -> dict[str, int]:
    a, b = given.randint(2, 9), given.randint(3, 9)
    c = given.randint(1, a * b - 1)
    return {"a": a, "b": b, "m": a * b, "c": c, "x": a * b - c}


ADD = "{a} and {b} more is {a} + {b} = {x}."
TAKE = "{b} of {a} go, which leaves {a} - {b} = {x}."
TIMES = "{a} times {b} is {a} * {b} = {x}."
PARTS = "{a} in {b} equal parts is {a} / {b} = {x}."
TWO = "First {a} * {b} = {m}. Then {c} go, which leaves {m} - {c} = {x}."
SCENES = (
    Scene("{N} has {a} {t} and finds {b} more. How many {t} does {N} have now?", ADD, _sum),
    Scene("On Monday {N} counts {a} {t}, on Tuesday {b}. How many is that in all?", ADD, _sum),
    Scene("A shelf holds {a} {t}. {N} puts {b} {t} beside them. How many are there?", ADD, _sum),
    Scene("{N} buys {a} {t} while {M} buys {b} {t}. How many do both buy?", ADD, _sum),
    Scene("{N} owns {a} {t} and gives {b} of them to {M}. How many are left?", TAKE, _rest),
    Scene("Of {a} {t} in a box, {b} are broken. How many whole {t} are there?", TAKE, _rest),
    Scene("{N} wants {a} {t} and has {b} so far. How many are missing?", TAKE, _rest),
    Scene("A shop had {a} {t} and sold {b} to {N}. How many did it keep?", TAKE, _rest),
    Scene("There are {a} bags with {b} {t} each. How many {t} are there?", TIMES, _times),
    Scene("{N} packs {b} {t} into each of {a} boxes. How many {t} are packed?", TIMES, _times),
    Scene("Each of {a} friends of {N} brings {b} {t}. How many {t} come?", TIMES, _times),
    Scene("{N} shares {a} {t} among {b} children. How many does each get?", PARTS, _parts),
    Scene("{a} {t} lie in {b} equal rows. How many are in a row?", PARTS, _parts),
    Scene("{N} fills {b} jars with {a} {t}, the same in each. How many in a jar?", PARTS, _parts),
    Scene("{N} has {a} bags of {b} {t} and loses {c} {t}. How many are left?", TWO, _times_rest),
    Scene("In {a} rows stand {b} {t} each; {N} takes {c}. How many stay?", TWO, _times_rest),
)


def made(count: int, seed: int, unlike: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return so many different questions without some calculations; the same for the same seed.

    `unlike` must leave some: of two numbers multiplied there are about 70.
    """
    given = random.Random(seed)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        row = _one(given, SCENES[len(found) % len(SCENES)])
        if row["calculation"] not in unlike:
            found.setdefault(row["question"], row)
    rows = list(found.values())
    given.shuffle(rows)
    return rows


def _one(given: random.Random, scene: Scene) -> dict[str, Any]:
    name, other = given.sample(NAMES, 2)
    slots: dict[str, Any] = {"N": name, "M": other, "t": given.choice(THINGS)}
    slots |= scene.draw(given)
    thought = scene.thought.format(**slots)
    answer = f"The answer is \\boxed{{{slots['x']}}}."
    return {
        "question": scene.question.format(**slots),
        "answer": str(slots["x"]),
        "response": f"<think>\n{thought}\n</think>\n<answer>{answer}</answer>",
        "calculation": _calculation(scene.thought, slots),
    }


def _calculation(thought: str, slots: dict[str, Any]) -> str:
    """Return what is reckoned, whatever it is about; 9 + 12 and 12 + 9 are one."""
    a, b = slots["a"], slots["b"]
    low, high = min(a, b), max(a, b)
    return {
        ADD: f"{low} + {high}",
        TAKE: f"{a} - {b}",
        TIMES: f"{low} * {high}",
        PARTS: f"{a} / {b}",
        TWO: f"{low} * {high} - {slots.get('c')}",
    }[thought]
