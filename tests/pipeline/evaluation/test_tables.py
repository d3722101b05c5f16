"""Every number of the tables, computed a second time from the plan of the replies.

The plan is drawn by a seed: forms of right and of wrong answers, answers that never come, one
question whose reference cannot be read. What is expected is computed from it in a few lines
that share no code with the program.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipeline.evaluation.experiment import run
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.evaluation.support import Plan, config_of, replies_of

RIGHT = ("1/2", "0.5", "\\frac{1}{2}", "\\tfrac12")
WRONG = (("2", "2.0", "\\frac{4}{2}"), ("\\sqrt{2}", "2^{1/2}"), ("7",))
ROUNDS, SAMPLES, QUESTIONS = 3, 4, 7
WORDS = ("but", "wait", "maybe", "therefore")


def drawn() -> list[Plan]:
    dice = random.Random(20_261_124)

    def answer() -> str | None:
        kind = dice.choice("RRRWWWWN")
        wrong = dice.choice(dice.choice(WRONG))
        return {"R": dice.choice(RIGHT), "W": wrong, "N": None}[kind]

    plans = []
    for number in range(QUESTIONS):
        thinking = " ".join(dice.choice([*WORDS, "hm", "Wait,"]) for _ in range(9 + number))
        rounds = [[answer() for _ in range(SAMPLES)] for _ in range(ROUNDS)]
        plans.append(Plan(f"Question {number}: half of one?", "\\frac{1}{2}", rounds, thinking))
    unreadable = [["1/2"] * SAMPLES] * ROUNDS
    return [*plans, Plan("Question 7: a broken one?", "\\frac{1}{2", unreadable, "but")]


PLANS = drawn()
READABLE = PLANS[:-1]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tables")
    with loopback_teacher(replies=replies_of(PLANS)) as server:
        _, files = run(config_of(folder, server.url, PLANS))
    yield files[0].parent


def table(report: Path, title: str) -> list[dict[str, str]]:
    """The rows of a table of tables.md, bold taken off."""
    part = (report / "tables.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("*") for cell in line.strip("|").split(" | ")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def right(plan: Plan, round: int) -> list[bool]:
    return [answer in RIGHT for answer in plan.rounds[round]]


def shown(values: Sequence[float], sign: str = "") -> str:
    error = statistics.stdev(values) / math.sqrt(len(values))
    return f"{100 * statistics.fmean(values):{sign}.1f} ± {100 * error:.1f}"


def share(plan: Plan, round: int) -> float:
    return sum(right(plan, round)) / SAMPLES


def test_accuracy_of_each_round_with_its_error(report: Path) -> None:
    rows = table(report, "Accuracy")
    expected = [shown([share(plan, round) for plan in READABLE]) for round in range(ROUNDS)]
    assert [row["own pass@1"] for row in rows] == expected
    assert [row["Average"] for row in rows] == expected
    assert [row["Round"] for row in rows] == ["1", "2", "3"]


def test_the_best_round_is_bold(report: Path) -> None:
    means = [statistics.fmean(share(plan, round) for plan in READABLE) for round in range(ROUNDS)]
    part = (report / "tables.md").read_text().split("## ")[1]
    bold = [line for line in part.splitlines() if "**" in line]
    assert len(bold) == means.count(max(means))
    assert bold[0].startswith(f"| loopback | {means.index(max(means)) + 1} |")


def test_gains_are_paired_by_question(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        differences = [share(plan, round) - share(plan, 0) for plan in READABLE]
        assert row["Gain"] == ("–" if round == 0 else shown(differences, "+"))


def test_pass_at_two_is_the_share_of_pairs_with_a_right_one(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        chances = [
            statistics.fmean(any(pair) for pair in itertools.combinations(right(plan, round), 2))
            for plan in READABLE
        ]
        assert row["pass@2"] == shown(chances)


def votes(plan: Plan, round: int) -> float | None:
    """What the most frequent answer is worth; equal answers are those of one row of WRONG."""
    names = dict.fromkeys(RIGHT, "right")
    names |= {form: f"wrong {place}" for place, forms in enumerate(WRONG) for form in forms}
    counts = Counter(names[answer] for answer in plan.rounds[round] if answer is not None)
    if not counts:
        return None
    winners = [name for name, count in counts.items() if count == max(counts.values())]
    return winners.count("right") / len(winners)


def test_majorities_count_equal_answers_whatever_they_look_like(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        told = [vote for plan in READABLE if (vote := votes(plan, round)) is not None]
        assert row["Majority"] == shown(told)
    by_text = Counter(len(set(plan.rounds[0])) for plan in READABLE)
    assert max(by_text) > 2  # there was something to bring together


def test_outcomes_are_counted_and_the_unreadable_reference_is_apart(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        count = sum(sum(right(plan, round)) for plan in READABLE)
        assert row["Right"] == str(count)
        assert row["Wrong"] == str(len(READABLE) * SAMPLES - count)
        assert row["Unverified"] == str(SAMPLES)
    assert [(row["Reason"], row["Responses"]) for row in table(report, "Unverified responses")] == (
        ROUNDS * [("reference\\_unusable".replace("\\", ""), str(SAMPLES))]
    )


def means(responses: Sequence[str]) -> dict[str, str]:
    """Tokens as the loopback teacher counts them (words), and the four words, per response."""
    found = {"Tokens": f"{statistics.fmean(len(text.split()) for text in responses):,.1f}"}
    for word in WORDS:
        counts = [len(re.findall(rf"\b{word}\b", text.lower())) for text in responses]
        found[word] = f"{statistics.fmean(counts):.2f}"
    return found


def texts(round: int) -> list[str]:
    return [plan.text(round + 1, sample) for plan in PLANS for sample in range(SAMPLES)]


def test_lengths_and_words_are_means_over_all_responses(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        expected = means(texts(round))
        assert {name: row[name] for name in expected} == expected
        assert table(report, "Length of responses")[round]["own"] == expected["Tokens"]


def test_paths_and_what_their_responses_are_like(report: Path) -> None:
    rows = iter(table(report, "own: from round to round"))
    for round in range(1, ROUNDS):
        paths = ("C-C", "C-I", "I-C", "I-I")
        pairs: dict[str, list[tuple[str, str]]] = {path: [] for path in paths}
        for plan in READABLE:
            steps = zip(right(plan, round - 1), right(plan, round), strict=True)
            for sample, (then, now) in enumerate(steps):
                path = f"{'IC'[then]}-{'IC'[now]}"
                pairs[path].append((plan.text(round, sample), plan.text(round + 1, sample)))
        total = sum(map(len, pairs.values()))
        for path, of in pairs.items():
            row = next(rows)
            assert (row["Rounds"], row["Path"]) == (f"{round} → {round + 1}", path)
            assert (row["Responses"], row["%"]) == (str(len(of)), f"{100 * len(of) / total:.1f}")
            before, after = means([a for a, _ in of]), means([b for _, b in of])
            for name in before:
                assert row[name] == f"{before[name]} → {after[name]}"


def test_asked_alone_counts_samples_that_never_had_an_answer(report: Path) -> None:
    for round, row in enumerate(table(report, "own")):
        never = sum(
            all(plan.rounds[earlier][sample] is None for earlier in range(round))
            for plan in PLANS
            for sample in range(SAMPLES)
        )
        assert row["Asked alone"] == ("–" if round == 0 else str(never))


def test_latex_holds_the_same_cells(report: Path) -> None:
    latex = (report / "tables.tex").read_text()
    for row in table(report, "own"):
        cells = [cell.replace("±", r"$\pm$").replace("–", "--") for cell in row.values()]
        assert re.sub(r"\\textbf{(.*?)}", r"\1", latex).count(" & ".join(cells) + r" \\") == 1


def test_the_numbers_are_there_as_json_too(report: Path) -> None:
    rows = json.loads((report / "scores.json").read_text())
    assert [row["round"] for row in rows] == [1, 2, 3]
    expected = statistics.fmean(share(plan, 2) for plan in READABLE)
    assert rows[2]["pass1"]["value"] == pytest.approx(expected)


def test_the_plots_of_the_paper_are_drawn(report: Path) -> None:
    names = {path.name for path in report.glob("*.png")}
    assert names == {
        f"{kind}-{of}.png"
        for kind, of in [
            ("rounds", "loopback"),
            ("words", "own-loopback"),
            ("word-paths", "own-loopback"),
            ("lengths", "own-loopback"),
        ]
    }
