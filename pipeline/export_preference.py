"""The config `preference`: a correct and an incorrect response to the same question.

    {"prompt": [{"role": "user", …}], "chosen": [{"role": "assistant", …}], "rejected": […],
     "chosen_info": {"verifier": "math", "reason": "equal", …}, "rejected_info": {…}, …}

Both were judged by an instrument; what is unverified, or was refused by rules alone, is in no
pair. Both have a think part and an answer, so that the template does not tell them apart. No
response is in two pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.acceptance import NOTHING, PERPLEXITY, RULES, Finding
from pipeline.config import Config
from pipeline.export_rl import prompt_turns
from pipeline.lives import Life, Row, lives
from pipeline.recipe_publish import Preference
from pipeline.records import Response, content_hash
from pipeline.records_export import PreferenceExample
from pipeline.store import Store
from pipeline.template import assistant_turn, fits_template
from verifiers.base import Outcome
from verifiers.personal import masked
from verifiers.response import Parts

Judged = tuple[Response, Finding]
Pair = tuple[Judged, Judged]
NO_INSTRUMENTS = (NOTHING, RULES, PERPLEXITY)  # cannot say that an answer is right or wrong


def preference_rows(config: Config, store: Store, shard: int) -> Iterator[PreferenceExample]:
    """Yield a shard's pairs in the order of ids, those of a question from the best on."""
    setting = config.recipe.publish.preference
    assert setting is not None
    for life in lives(config, store, shard, responses=True):
        for pair in pairs(life, setting, config.recipe.seed):
            yield _row(config, life, pair)


def pairs(life: Life, setting: Preference, seed: int) -> list[Pair]:
    """Return the pairs of a question that are taken, at most `setting.pairs`."""
    told = [of for of in life.responses() if _is_judged(of)]
    right = [of for of in told if of[1].outcome == Outcome.CORRECT]
    wrong = [of for of in told if of[1].outcome == Outcome.INCORRECT]
    every = [(one, other) for one in right for other in wrong if _fits(one, other, setting)]
    every.sort(key=lambda pair: _rank(pair, setting, seed))
    return _disjoint(every)[: setting.pairs]


def _is_judged(of: Judged) -> bool:
    return of[1].verifier not in NO_INSTRUMENTS and fits_template(of[0])


def _fits(one: Judged, other: Judged, setting: Preference) -> bool:
    return setting.length_ratio is None or _apart(one, other) <= math.log(setting.length_ratio)


def _apart(one: Judged, other: Judged) -> float:
    """Return how far two lengths in characters are apart, as a logarithm."""
    return abs(math.log(len(one[0].text) / len(other[0].text)))


def _rank(pair: Pair, setting: Preference, seed: int) -> tuple[float, str]:
    keys = [of[0].key for of in pair]
    apart = round(_apart(*pair), 6) if setting.lengths == "balanced" else 0.0
    return apart, content_hash(["pair", seed, keys])


def _disjoint(every: list[Pair]) -> list[Pair]:
    """Return the pairs of which neither response is in an earlier one."""
    taken: list[Pair] = []
    used: set[tuple[str, str, int, int]] = set()
    for pair in every:
        keys = {of[0].key for of in pair}
        if not keys & used:
            used |= keys
            taken.append(pair)
    return taken


def _row(config: Config, life: Life, pair: Pair) -> PreferenceExample:
    mask = config.recipe.select.personal_data == "mask"
    decided = life.decided()
    chosen, rejected = pair
    return PreferenceExample(
        prompt=prompt_turns(life.question, mask),
        chosen=[_turn(chosen[0], mask)],
        rejected=[_turn(rejected[0], mask)],
        **life.about(),
        pass_rate=sum(decided) / len(decided),
        chosen_info=_info(*chosen),
        rejected_info=_info(*rejected),
    )


def _turn(response: Response, mask: bool) -> Row:
    parts = Parts("", response.think, response.answer)
    text = assistant_turn(parts, response.teacher)["content"]
    return {"role": "assistant", "content": masked(text) if mask else text}


def _info(response: Response, finding: Finding) -> Row:
    return {
        "teacher": response.teacher,
        "round": response.round,
        "attempt": response.attempt,
        "response_tokens": response.response_tokens,
        "verifier": finding.verifier,
        "reason": finding.reason,
        "score": finding.score,
    }
