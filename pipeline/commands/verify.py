"""Judge any JSONL or Parquet of answers: one verdict for each line, in the same order.

Reads {"id", "answer", …} and writes {"id", "outcome", "score", "reason", "verifier",
"evidence", "seconds"}. What each verifier wants beside the answer: docs/verdicts.md. A judge
is a model behind --judge-url; with --verifier math it is asked where math could not tell. For
--verifier reward, all of [recipe.verify.reward] and [runtime.reward] is set with --set.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pydantic import ValidationError

from pipeline.acceptance import ASKS_THE_JUDGE, JUDGE, PERPLEXITY, QUALITY, REWARD
from pipeline.config import (
    JudgeEndpoints,
    PerplexityEndpoints,
    QualityEndpoints,
    RewardEndpoints,
    Runtime,
)
from pipeline.errors import UserError
from pipeline.judging import doubtful, open_judge, open_quality
from pipeline.progress import meter
from pipeline.recipe import Judge, Quality
from pipeline.recipe_judges import Asked
from pipeline.recipe_reward import Improbable, Reward
from pipeline.rewards import open_reward
from pipeline.rowfile import Broken, Row, read_rows, row_writer
from verifiers import Result, Verifier, available
from verifiers.perplexity import Perplexity
from verifiers.quality_judge import QualityJudge
from verifiers.reference_judge import ReferenceJudge
from verifiers.reward_model import RewardModel

UNPINNED = "unpinned"  # what a command line need not say
Model = TypeVar("Model", bound=Asked)
Part = TypeVar("Part", Reward, Improbable)
Served = TypeVar("Served", bound=JudgeEndpoints)
Results = Callable[[Iterable[Row]], Iterator[Result]]  # one result for each row, in order

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("outcome", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("verifier", pa.string()),
        ("evidence", pa.string()),
        ("seconds", pa.float64()),
    ]
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("input", metavar="IN", type=Path, help=".jsonl, .jsonl.zst or .parquet")
    parser.add_argument("output", metavar="OUT", type=Path, help="the same")
    parser.add_argument("--verifier", required=True, choices=sorted(available()))
    parser.add_argument("--workers", type=positive, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a setting of the verifier (docs/verdicts.md), VALUE as in TOML",
    )
    parser.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="with --verifier code: run programs even where no sandbox holds",
    )
    add_judge(
        parser.add_argument_group(
            "a judge",
            "The server's key, if it wants one, is in the variable OPENAI_API_KEY, or in the one"
            " that --set 'judge.api_key_env=\"NAME\"' names. All of [recipe.verify.judge] and"
            " [runtime.judge] (docs/configuration.md) is set likewise: --set judge.retries=2.",
        )
    )


def add_judge(group: Any) -> None:
    """Add the options of a judge."""
    group.add_argument(
        "--judge-url",
        metavar="URL",
        action="append",
        default=[],
        help="an OpenAI-compatible server; may be given several times",
    )
    group.add_argument("--judge-model", metavar="NAME", help="the model, as the server knows it")
    group.add_argument(
        "--judge-journal",
        metavar="FOLDER",
        type=Path,
        help="keep the replies there: what it holds is not asked again",
    )


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be above 0, got {number}")
    return number


def unsafe(given: argparse.Namespace) -> dict[str, bool]:
    """Return the setting that --unsafe-no-sandbox stands for; raises UserError."""
    if not given.unsafe_no_sandbox:
        return {}
    if given.verifier != "code":
        raise UserError(
            "--unsafe-no-sandbox: only --verifier code runs programs,"
            f" got --verifier {given.verifier}; leave the option out"
        )
    return {"unsafe_no_sandbox": True}


def settings_of(pairs: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE options as a table; raises UserError for one that is not TOML."""
    import tomllib

    try:
        return tomllib.loads("\n".join(pairs))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"--set: must be NAME=VALUE with a TOML value ({error})") from None


def main(arguments: argparse.Namespace) -> int:
    """Judge every row; returns the exit code."""
    check_judge_options(arguments)
    rows = read_rows(arguments.input)
    outcomes: Counter[str] = Counter()
    with ExitStack() as stack:
        results = opened(arguments, stack)
        write = stack.enter_context(row_writer(arguments.output, SCHEMA))
        bar = stack.enter_context(meter("verify", None))
        for row in verdicts(results, rows):
            write(row)
            outcomes[row["outcome"]] += 1
            bar.advance(1)
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(outcomes.items()))
    print(f"{arguments.output}: {counts or 'no rows'}")
    return 0


def check_judge_options(given: argparse.Namespace) -> None:
    """Raise UserError for options of a judge that lack one another, or that nothing would use."""
    alone = given.verifier in (JUDGE, QUALITY)
    if not (alone or given.judge_url or given.judge_model or given.judge_journal):
        return
    if not alone and given.verifier not in ASKS_THE_JUDGE:
        raise UserError(
            f"--judge-…: only --verifier {' or '.join((JUDGE, QUALITY, *ASKS_THE_JUDGE))} asks one,"
            f" got --verifier {given.verifier}; leave the options out"
        )
    for option in ("judge_url", "judge_model"):
        if not getattr(given, option):
            raise UserError(
                f"--{option.replace('_', '-')}: is missing, and a judge is a model behind a URL;"
                " add --judge-url http://HOST:PORT/v1 --judge-model NAME"
            )


def opened(given: argparse.Namespace, stack: ExitStack) -> Results:
    """Return what judges rows; all that it starts ends with the stack."""
    settings = settings_of(given.set) | unsafe(given)
    of_judge = settings.pop("judge", {}) if given.judge_url else {}
    if not isinstance(of_judge, dict):
        raise UserError(f"--set judge: must be --set judge.NAME=VALUE, got {of_judge!r}")
    if given.verifier == JUDGE:
        return opened_judge(given, {**settings, **of_judge}, stack)[0].results
    if given.verifier == QUALITY:
        return opened_quality(given, {**settings, **of_judge}, stack).results
    if given.verifier == REWARD:
        return opened_reward(settings, stack).results
    if given.verifier == PERPLEXITY:
        return opened_perplexity(settings, stack).results
    try:
        verifier = available()[given.verifier].create(workers=given.workers, **settings)
    except (TypeError, ValueError) as error:
        raise UserError(f"--set: {error}") from None
    stack.enter_context(verifier)
    if not given.judge_url:
        return verifier.results
    judge, recipe = opened_judge(given, of_judge, stack)
    return lambda rows: judge.after(paired(verifier, rows), partial(doubtful, judge=recipe))


def opened_reward(settings: dict[str, Any], stack: ExitStack) -> RewardModel:
    """Return the reward model that the settings describe; raises UserError."""
    reward, served = parts_of(settings, Reward, RewardEndpoints)
    if reward.engine == "head" and reward.revision == UNPINNED:
        from pipeline.rewards.head import HeadFile

        digest = HeadFile.read(Path(reward.model))[1]
        reward = reward.model_copy(update={"revision": digest})
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reward-")))
    return stack.enter_context(open_reward(reward, Runtime(reward=served), folder, outlive=True))


def opened_perplexity(settings: dict[str, Any], stack: ExitStack) -> Perplexity:
    """Return the language model that the settings describe; raises UserError."""
    from pipeline.rewards.likelihoods import open_perplexity  # torch takes seconds

    model, served = parts_of(settings, Improbable, PerplexityEndpoints)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="perplexity-")))
    runtime = Runtime(perplexity=served)
    return stack.enter_context(open_perplexity(model, runtime, folder, outlive=True))


def parts_of(
    settings: dict[str, Any], recipe: type[Part], served: type[Served]
) -> tuple[Part, Served]:
    """Return a model and its servers as settings describe them; raises UserError."""
    where = {name: settings.pop(name) for name in served.model_fields if name in settings}
    try:
        model = recipe.model_validate({"revision": UNPINNED, **settings})
        return model, served.model_validate(where)
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"])
        raise UserError(f"--set {name}: {wrong['msg']} (docs/configuration.md)") from None


def opened_judge(
    given: argparse.Namespace, settings: dict[str, Any], stack: ExitStack
) -> tuple[ReferenceJudge, Judge]:
    """Return the judge that the options describe, and its recipe; raises UserError."""
    judge, served = described(given, settings, Judge, JudgeEndpoints)
    opened = open_judge(judge, Runtime(judge=served), kept(given, stack), outlive=True)
    return stack.enter_context(opened), judge


def opened_quality(
    given: argparse.Namespace, settings: dict[str, Any], stack: ExitStack
) -> QualityJudge:
    """Return the model that grades, as the options describe it; raises UserError."""
    quality, served = described(given, settings, Quality, QualityEndpoints)
    runtime = Runtime(quality=served)
    return stack.enter_context(open_quality(quality, runtime, kept(given, stack), outlive=True))


def described(
    given: argparse.Namespace, settings: dict[str, Any], recipe: type[Model], served: type[Served]
) -> tuple[Model, Served]:
    """Return a model and its servers as options and settings describe them; raises UserError."""
    where = {name: settings.pop(name) for name in served.model_fields if name in settings}
    named = {"model": given.judge_model, "revision": UNPINNED}
    try:
        model = recipe.model_validate({**named, **settings})
        return model, served.model_validate({**where, "urls": given.judge_url})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(str(part) for part in wrong["loc"])
        raise UserError(f"--set judge.{name}: {wrong['msg']} (docs/configuration.md)") from None


def kept(given: argparse.Namespace, stack: ExitStack) -> Path:
    """Return the folder for replies: the one given, or one that ends with the stack."""
    if given.judge_journal is not None:
        return Path(given.judge_journal)
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="judge-")))


def paired(verifier: Verifier, rows: Iterable[Row]) -> Iterator[tuple[Row, Result]]:
    """Yield each row with what a verifier found, holding no more rows than it does."""
    taken: deque[Row] = deque()

    def feed() -> Iterator[Row]:
        for row in rows:
            taken.append(row)
            yield row

    for result in verifier.results(feed()):
        yield taken.popleft(), result


def verdicts(results: Results, rows: Iterator[dict[str, Any] | Broken]) -> Iterator[Row]:
    """Yield one verdict for each row in order; a broken line is judged as an empty row."""
    asked: deque[tuple[Any, str | None]] = deque()

    def feed() -> Iterator[Row]:
        for row in rows:
            if isinstance(row, Broken):
                asked.append((None, row.error))
                yield {}
            else:
                asked.append((row.get("id"), None))
                yield row

    for result in results(feed()):
        id, error = asked.popleft()
        yield as_row(id, result, error)


def as_row(id: Any, result: Result, error: str | None) -> Row:
    """Return a line of the output; what is wrong with a broken line is its evidence."""
    return {
        "id": id,
        "outcome": result.outcome.value,
        "score": result.score,
        "reason": result.reason,
        "verifier": result.verifier,
        "evidence": {"error": error} if error else dict(result.evidence),
        "seconds": round(result.seconds, 6),
    }
