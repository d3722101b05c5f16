"""Refuses to publish where planted copies of benchmark items were not found.

    check_probes(config, facts)       # raises ProbesMissed: "math500: 24 of 30 probes found …"

A recall is taken of each benchmark over all disguises, and of each disguise over all
benchmarks: a single pair of both has too few probes to tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.config import Config
from pipeline.errors import ProbesMissed
from pipeline.facts import Facts


def recalls(facts: Facts) -> Iterator[tuple[str, int, int]]:
    """Yield (benchmark or disguise, planted, found)."""
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for of in facts.probes:
        for name in (f"benchmark {of.benchmark}", f"disguise {of.disguise}"):
            planted[name] += of.planted
            found[name] += of.found
    for name, count in planted.items():
        yield name, count, found[name]


def check_probes(config: Config, facts: Facts) -> None:
    """Raise ProbesMissed where a recall is below `recipe.decontaminate.probe_recall`."""
    least = config.recipe.decontaminate.probe_recall
    missed = [
        f"{name}: {found} of {planted}"
        for name, planted, found in recalls(facts)
        if found < least * planted
    ]
    if missed:
        raise ProbesMissed(
            f"contamination probes: fewer than {least:.0%} were found ({'; '.join(missed[:5])});"
            " the table probes has them. Correct recipe.decontaminate (its limits, or semantic),"
            " or lower its probe_recall"
        )
