"""A flood of honest and hostile programs: every honest one right, nothing left afterwards.

    REAL_DATA=… python benchmarks/code_flood.py [--programs 2000] [--hostile 0.05] [--tier 1|2]

Honest ones are reference solutions of HumanEval and MBPP that pass alone, by tests that call them
and, every third, by standard input; hostile ones those of `tests/verifiers/cases/hostile` and of
REAL_DATA, in random order, with 2 workers. Counted before and after: processes of the sandbox and
children; mounts of this process, namespaces of this machine; what lies where temporary files do;
descriptors and threads of this process; and whether a planted file and a planted process are as
they were. Prints the honest programs a second, and the same without hostile ones among them.

Exits with 1 where an honest program is not right, a hostile one is not wrong, or anything is left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from code_rows import Row, references, whole
from real_data import folder

from verifiers.base import Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

CASES = Path(__file__).parents[1] / "tests" / "verifiers" / "cases" / "hostile" / "code.jsonl"
SECONDS = 2  # of a hostile program; honest ones have the usual ten


class Planted:
    """A folder, a secret and a process outside, which hostile programs are told of."""

    def __init__(self) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="flood-")
        self.place = Path(self._made.name)
        self.place.chmod(0o777)
        self.victim = subprocess.Popen(["sleep", "3600"])
        (self.place / "secret.txt").write_text("TOPSECRET")
        (self.place / "victim.pid").write_text(str(self.victim.pid))
        self._before = self._state()

    def _state(self) -> dict[str, tuple[str, int]]:
        return {p.name: (p.read_text(), p.stat().st_mtime_ns) for p in self.place.iterdir()}

    def is_whole(self) -> bool:
        """Say whether nothing of it has changed."""
        return self._state() == self._before and self.victim.poll() is None

    def close(self) -> None:
        """Remove it."""
        self.victim.kill()
        self.victim.wait()
        self._made.cleanup()


def hostile(planted: Planted) -> list[Row]:
    """Return the hostile programs, those of REAL_DATA with where the planted folder is."""
    lines = CASES.read_text().splitlines()
    lines += (folder() / "code_hostile_dev.jsonl").read_text().splitlines()
    rows = [json.loads(line.replace("@OUTSIDE@", str(planted.place))) for line in lines]
    return [{**row, "time_limit_s": SECONDS} for row in rows if row["expected"] != "correct"]


def honest(verifier: CodeVerifier) -> list[Row]:
    """Return reference solutions that pass when nothing hostile is about."""
    rows = references("humaneval") + references("mbpp")
    rows += list(map(whole, rows))[::3]
    results = verifier.results(rows)
    return [row for row, result in zip(rows, results, strict=True) if result.reason == "passed"]


def _count(pattern: str) -> int:
    return len(list(Path("/").glob(pattern)))


OURS, ANYBODYS = f'"supervisor": {os.getpid()},'.encode(), b'"supervisor": '


def _commands() -> Iterator[tuple[Path, bytes]]:
    """Yield every process of this machine with its command line, which marks sandboxes."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield place, (place / "cmdline").read_bytes()


def _sandboxed() -> int:
    return sum(OURS in command for _, command in _commands())


def _namespaces() -> int:
    """Count namespaces that some process is in, but for the sandboxes of other verifiers."""
    found = set()
    for place, command in _commands():
        if ANYBODYS not in command or OURS in command:
            with contextlib.suppress(OSError):
                found |= {one.readlink() for one in (place / "ns").iterdir()}
    return len(found)


def _children() -> int:
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


COUNTS: dict[str, Callable[[], int]] = {
    "sandboxed processes": _sandboxed,
    "children": _children,
    "mounts": lambda: len(Path("/proc/self/mountinfo").read_text().splitlines()),
    "namespaces": _namespaces,
    "temporary files": lambda: len(list(Path(tempfile.gettempdir()).iterdir())),
    "shared memory files": lambda: _count("dev/shm/*"),
    "System V objects": lambda: sum(
        len(Path(f"/proc/sysvipc/{kind}").read_text().splitlines()) - 1
        for kind in ("shm", "sem", "msg")
        if Path(f"/proc/sysvipc/{kind}").exists()
    ),
    "descriptors": lambda: _count(f"proc/{os.getpid()}/fd/*"),
    "threads": lambda: _count(f"proc/{os.getpid()}/task/*"),
}


def counts() -> dict[str, int]:
    """Count what there is of everything now."""
    return {name: count() for name, count in COUNTS.items()}


def settled(before: dict[str, int]) -> dict[str, int]:
    """Count again, up to five seconds until no more is there than before."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        now = counts()
        if all(now[name] <= count for name, count in before.items()):
            break
        time.sleep(0.1)
    return now


def flood(tier: int, rows: list[Row]) -> tuple[list[Result], float]:
    """Judge rows with two workers; returns the verdicts and the seconds it took."""
    with CodeVerifier.create(workers=2, tier=tier) as verifier:
        started = time.perf_counter()
        return list(verifier.results(rows)), time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--programs", type=int, default=2000, metavar="N")
    parser.add_argument("--hostile", type=float, default=0.05, metavar="SHARE")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--tier", type=int, choices=(1, 2), default=0)
    given = parser.parse_args()
    tier = probe(("numpy",), given.tier).tier
    if tier is None:
        print("no sandbox holds here: build-dataset doctor says why")
        return 2
    planted, dice = Planted(), random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="flood-") as tempfile.tempdir:  # nobody else's files
        Path(tempfile.tempdir).chmod(0o755)
        try:
            return run(tier, planted, dice, given.programs, given.hostile)
        finally:
            planted.close()


def run(tier: int, planted: Planted, dice: random.Random, programs: int, share: float) -> int:
    """Flood, with honest programs alone first, and print what was found."""
    with CodeVerifier.create(workers=2, tier=tier) as verifier:
        good = honest(verifier)
    bad = dice.choices(hostile(planted), k=round(programs * share))
    good = dice.choices(good, k=programs - len(bad))
    mixed = [(row, True) for row in good] + [(row, False) for row in bad]
    dice.shuffle(mixed)
    _, alone = flood(tier, good)
    before = settled({"sandboxed processes": 0})
    results, seconds = flood(tier, [row for row, _ in mixed])
    after = settled(before)
    found: Counter[tuple[bool, str]] = Counter()
    for (row, is_good), result in zip(mixed, results, strict=True):
        outcome = result.outcome.value
        found[is_good, outcome] += 1
        if outcome != ("correct" if is_good else "incorrect"):
            print(f"  {row.get('id')}: {outcome}, {result.reason}: {dict(result.evidence)}"[:300])
    right, refused = found[True, "correct"], found[False, "incorrect"]
    print(
        f"tier {tier}: honest {right} of {len(good)} right, hostile {refused} of {len(bad)} wrong"
    )
    for name, count in before.items():
        print(f"  {name:<20} before {count:>4}, after {after[name]:>4}")
    whole_still = planted.is_whole()
    print(f"  planted file and process as they were: {whole_still}")
    print(f"honest programs a second: {len(good) / seconds:.0f} among hostile ones, "
          f"{len(good) / alone:.0f} alone; ratio {alone / seconds:.2f}")  # fmt: skip
    left = any(after[name] > count for name, count in before.items())
    return 0 if right == len(good) and refused == len(bad) and whole_still and not left else 1


if __name__ == "__main__":
    sys.exit(main())
