"""The figures of a round, from its samples: nothing here reads a file or asks a model.

    round_score(samples, before, pass_at=(4,))      RoundScore(pass1=Estimate(0.803, 0.062, 30), …)

An unverified response counts neither as right nor as wrong: a question's share of correct
responses is over those that were decided, and a question of which none was is left out and
counted in `undecided_questions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.evaluation.estimates import Estimate, mean_of, pass_at
from pipeline.evaluation.samples import Sample
from pipeline.evaluation.words import WORDS
from verifiers import Outcome

TRAJECTORIES = ("C-C", "C-I", "I-C", "I-I")
LETTERS = {Outcome.CORRECT.value: "C", Outcome.INCORRECT.value: "I"}
ByQuestion = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Lengths:
    """What a set of responses is like: mean tokens (of `counted` that have them), mean words."""

    responses: int
    tokens: float | None
    counted: int
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The samples that went one way from a round to the next, as they were in both."""

    before: Lengths
    after: Lengths


@dataclass(frozen=True, slots=True)
class Vote:
    """Majority votes: the share of questions that they get right, and how many could not vote.

    `silent` questions have no readable answer, `undecided` ones a winner that is unverified.
    """

    right: Estimate
    silent: int
    undecided: int


@dataclass(frozen=True, slots=True)
class RoundScore:
    """All figures of one round of one model on one benchmark.

    `gain` is the mean over questions of this round's share less that of round 1, with its own
    error: the questions are the same in both, so it is smaller than that of two means.
    `trajectories` are from the round before; `undecided_pairs` are in none of them.
    """

    questions: int
    undecided_questions: int
    outcomes: Mapping[str, int]
    unverified: Mapping[str, int]
    asked_alone: int
    pass1: Estimate
    gain: Estimate | None
    pass_at: Mapping[int, Estimate]
    vote: Vote | None
    lengths: Lengths
    trajectories: Mapping[str, Trajectory]
    undecided_pairs: int


def round_score(
    samples: Sequence[Sample],
    first: Sequence[Sample] | None,
    before: Sequence[Sample] | None,
    ks: Iterable[int] = (),
    votes: bool = True,
) -> RoundScore:
    """Return a round's figures; `first` and `before` are round 1 and the round before it."""
    questions = _by_question(samples)
    shares = _shares(questions)
    most = max((len(group) for group in questions.values()), default=0)
    paths, undecided = _trajectories(before, samples) if before is not None else ({}, 0)
    return RoundScore(
        questions=len(questions),
        undecided_questions=len(questions) - len(shares),
        outcomes=dict(sorted(Counter(one.outcome for one in samples).items())),
        unverified=_reasons(samples),
        asked_alone=sum(not one.shows_answer for one in samples),
        pass1=mean_of(list(shares.values())),
        gain=_gain(_shares(_by_question(first)), shares) if first is not None else None,
        pass_at={k: _pass_at(k, questions) for k in ks if k <= most},
        vote=_vote(questions) if votes and most > 1 else None,
        lengths=lengths_of(samples),
        trajectories=paths,
        undecided_pairs=undecided,
    )


def lengths_of(samples: Sequence[Sample]) -> Lengths:
    """Return mean tokens and mean words of some responses."""
    tokens = [one.tokens for one in samples if one.tokens is not None]
    mean = sum(tokens) / len(tokens) if tokens else None
    n = max(1, len(samples))
    words = {word: sum(one.words[word] for one in samples) / n for word in WORDS}
    return Lengths(len(samples), mean, len(tokens), words)


def shares_of(samples: Sequence[Sample]) -> dict[str, float]:
    """Return each question's share of correct among its decided responses, if it has any."""
    return _shares(_by_question(samples))


def _by_question(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.question, []).append(sample)
    return found


def _decided(group: Iterable[Sample]) -> list[bool]:
    return [one.outcome == Outcome.CORRECT for one in group if one.outcome in LETTERS]


def _shares(questions: ByQuestion) -> dict[str, float]:
    """Return each question's share of correct among its decided responses, if it has any."""
    decided = {question: _decided(group) for question, group in questions.items()}
    return {question: sum(right) / len(right) for question, right in decided.items() if right}


def _reasons(samples: Iterable[Sample]) -> dict[str, int]:
    unverified = (one.reason for one in samples if one.outcome == Outcome.UNVERIFIED)
    return dict(sorted(Counter(unverified).items()))


def _gain(first: Mapping[str, float], now: Mapping[str, float]) -> Estimate:
    return mean_of([now[question] - share for question, share in first.items() if question in now])


def _pass_at(k: int, questions: ByQuestion) -> Estimate:
    """Return pass@k over the questions of which at least k responses were decided."""
    decided = [_decided(group) for group in questions.values()]
    return mean_of([pass_at(k, len(right), sum(right)) for right in decided if len(right) >= k])


def _vote(questions: ByQuestion) -> Vote:
    results = [_elect(group) for group in questions.values()]
    told = [share for share, _ in results if share is not None]
    silent = sum(reason == "silent" for _, reason in results)
    return Vote(mean_of(told), silent, len(results) - len(told) - silent)


def _elect(group: Sequence[Sample]) -> tuple[float | None, str]:
    """Return whether the most frequent answer is right; of a tie, the share of right ones.

    A tie is thus worth what drawing lots among its answers would be on average.
    """
    sizes = Counter(one.group for one in group if one.group is not None)
    if not sizes:
        return None, "silent"
    winners = [number for number, size in sizes.items() if size == max(sizes.values())]
    outcomes = [_outcome(group, number) for number in winners]
    if any(outcome is None for outcome in outcomes):
        return None, "undecided"
    return sum(map(bool, outcomes)) / len(outcomes), ""


def _outcome(group: Sequence[Sample], number: int) -> bool | None:
    """Return whether an answer is right: as the first response that gives it was judged."""
    decided = _decided(one for one in group if one.group == number)
    return decided[0] if decided else None


def _trajectories(
    before: Sequence[Sample], after: Sequence[Sample]
) -> tuple[dict[str, Trajectory], int]:
    earlier = {one.place: one for one in before}
    pairs: dict[str, list[tuple[Sample, Sample]]] = {name: [] for name in TRAJECTORIES}
    undecided = 0
    for now in after:
        then = earlier[now.place]
        if then.outcome in LETTERS and now.outcome in LETTERS:
            pairs[f"{LETTERS[then.outcome]}-{LETTERS[now.outcome]}"].append((then, now))
        else:
            undecided += 1
    found = {
        name: Trajectory(lengths_of([a for a, _ in group]), lengths_of([b for _, b in group]))
        for name, group in pairs.items()
    }
    return found, undecided
