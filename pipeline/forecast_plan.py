"""A plan of a run from recorded rates alone: no question is asked, no dataset is fetched.

    plan = make_plan(config, None)              before anything is built
    plan.sizes                    {"math/hard": 41200.0, …}     questions that a round would ask
    plan.requests, plan.response_tokens

Before the tables exist, sizes are the registry's: what each source is known to have, cut by its
`limit` and the quotas of `[recipe.choose]`, and shared out among difficulties as in the original.
Each figure is of one value: how far rates of others hold here nobody knows, and an interval
would only look as if somebody did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.config import Config, Prices
from pipeline.original import DIFFICULTIES
from pipeline.recorded import (
    ANSWERED,
    KEPT,
    LENGTHS,
    MODEL,
    PROMPT_TOKENS,
    THROUGHPUTS,
    TOKENS,
    Rate,
    Throughput,
    tokens_of,
)
from pipeline.sources.base import Source
from pipeline.teacher.budget import Tokens


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is expected to ask; `unknown` are sources of which nobody knows the rows."""

    sizes: Mapping[str, float]
    built: bool  # whether the sizes are those of tables
    requests: float
    response_tokens: float
    answered: float
    unknown: tuple[str, ...] = field(default=())

    @property
    def prompt_tokens(self) -> float:
        """Tokens of all prompts."""
        return self.requests * PROMPT_TOKENS.value


def make_plan(config: Config, strata: Mapping[str, int] | None) -> Plan:
    """Plan a recipe's rounds; `strata` are the sizes of a built `chosen`, by kind/difficulty."""
    unknown: list[str] = []
    sizes: Mapping[str, float] = strata if strata is not None else _sizes(config, unknown)
    sampling = config.recipe.teacher.sampling if config.recipe.teacher else None
    longest = sampling.max_tokens if sampling else 0
    distill = config.recipe.distill
    # Cautious: what round 1 leaves unanswered is asked in every later round, as often.
    times = distill.attempts + (distill.rounds - 1) * distill.most * (1 - ANSWERED.value)
    asked = sum(sizes.values())
    tokens = sum(
        size * times * min(longest, tokens_of(*stratum.split("/")))
        for stratum, size in sizes.items()
    )
    answered = asked * ANSWERED.value
    return Plan(sizes, strata is not None, asked * times, tokens, answered, tuple(unknown))


def _sizes(config: Config, unknown: list[str]) -> dict[str, float]:
    """Return what the registry knows of the sources; adds to `unknown` what it does not."""
    sizes: dict[str, float] = defaultdict(float)
    for source in config.recipe.sources:
        rows = rows_of(source)
        if rows is None:
            unknown.append(source.name)
            continue
        for stratum, share in _shares(config, source):
            sizes[stratum] += rows * share
    return dict(sorted(sizes.items()))


def rows_of(source: Source) -> int | None:
    """Return about how many rows will be read of a source, None where nobody knows."""
    known = type(source).describe(source.source).rows
    if known is None or source.limit is None:
        return known if source.limit is None else source.limit
    return min(known, source.limit)


def _shares(config: Config, source: Source) -> Iterator[tuple[str, float]]:
    """Yield the share of a source's rows in each stratum that a round would ask."""
    choose, rows = config.recipe.choose, rows_of(source) or 1
    whole = sum(DIFFICULTIES.values())  # 99.9, as published
    shares = {level: part / whole * choose.share("", level) for level, part in DIFFICULTIES.items()}
    kept = KEPT.value * sum(shares.values())
    quota = choose.per_source.get(source.name)
    cut = 1.0 if quota is None else min(1.0, quota / max(1.0, rows * kept))
    # Sources that carry responses are judged in round 0, and only the rest of them is asked.
    open_ = 1 - ANSWERED.value if "responses" in source.carries else 1.0
    for level, share in shares.items():
        for kind in source.kinds:
            yield f"{kind}/{level}", share * KEPT.value * cut * open_ / len(source.kinds)


def throughputs(config: Config, tokens_a_second: float | None) -> list[Throughput]:
    """Return at what rates the plan's hours are told, of one GPU; none for an unknown model."""
    gpus = max(1, config.runtime.prices.gpus)
    if tokens_a_second is not None:
        return [Throughput(tokens_a_second / gpus, "as given", "--tokens-per-second")]
    teacher = config.recipe.teacher
    return list(THROUGHPUTS) if teacher and is_recorded(teacher.model) else []


def is_recorded(model: str) -> bool:
    """Tell whether the rates are those of a model; its distilled versions are others."""
    return MODEL in model and "Distill" not in model


def lines(plan: Plan, config: Config, tokens_a_second: float | None) -> Iterator[str]:
    """Yield the plan as people read it, what is recorded apart from what is assumed."""
    prices = config.runtime.prices
    asked = sum(plan.sizes.values())
    yield "a plan from recorded rates; nothing was asked, and a pilot of 200 questions knows better"
    yield f"  {'questions to ask':<30} {asked:,.0f}"
    yield f"  {'requests':<30} {plan.requests:,.0f}"
    yield f"  {'tokens of responses':<30} {plan.response_tokens:,.0f}"
    yield f"  {'tokens of prompts':<30} {plan.prompt_tokens:,.0f}"
    yield f"  {'questions answered':<30} {plan.answered:,.0f}"
    for rate in throughputs(config, tokens_a_second):
        yield _hours(plan, rate, prices)
    yield from _origins(plan, config)


def _hours(plan: Plan, rate: Throughput, prices: Prices) -> str:
    hours = plan.response_tokens / rate.tokens / 3_600
    days = hours / max(1, prices.gpus) / 24
    money = Tokens(plan.prompt_tokens, plan.response_tokens).money(prices) + hours * prices.gpu_hour
    return (
        f"  {hours:,.0f} GPU hours, {days:,.1f} days on {prices.gpus:,} GPU(s),"
        f" {money:,.2f} {prices.currency}, at {rate.tokens:,.0f} tokens/s of each GPU"
        f" ({rate.how}; {rate.origin})"
    )


def _origins(plan: Plan, config: Config) -> Iterator[str]:
    """Yield what is recorded and what is assumed."""
    named = {
        **{f"tokens of a response, {level}": rate for level, rate in TOKENS.items()},
        **{f"times that for {kind}": rate for kind, rate in LENGTHS.items()},
        "tokens of a prompt": PROMPT_TOKENS,
        "share answered": ANSWERED,
    }
    if not plan.built:
        named["share left by the stages"] = KEPT
    yield "reckoned from what others published:"
    yield from (_origin(name, rate) for name, rate in named.items() if rate.recorded)
    yield "assumed:"
    yield from (_origin(name, rate) for name, rate in named.items() if not rate.recorded)
    if not plan.built:
        yield "  sizes: the registry's rows, `limit` and quotas; difficulties as in the original"
    model = config.recipe.teacher.model if config.recipe.teacher else ""
    if not is_recorded(model):
        yield f"  the rates above are {MODEL}'s, not {model}'s; hours need --tokens-per-second"
    if plan.unknown:
        yield f"not in it, since nobody knows how many rows they have: {', '.join(plan.unknown)}"


def _origin(name: str, rate: Rate) -> str:
    return f"  {name:<34} {rate.value:>8,g}   {rate.origin}"
