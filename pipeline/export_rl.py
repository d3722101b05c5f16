"""The config `rl`: each question with an instrument that can judge answers to it.

    {"prompt": [{"role": "user", "content": "Julie is …"}], "verifier": "math",
     "reference_answer": "42", "pass_rate": 0.25, "reward_model": {"style": "rule", …}, …}

A question need not have a published response: those that no teacher answered rightly are here
with a pass rate of 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from pipeline.acceptance import JUDGE, NEEDS, NOTHING, QUALITY, REWARD, instrument
from pipeline.card_header import TEST, TRAIN
from pipeline.config import Config
from pipeline.lives import Life, lives
from pipeline.records import Question
from pipeline.records_export import RlExample
from pipeline.store import Store
from pipeline.template import assistant_turn
from verifiers.personal import masked
from verifiers.response import split

MODELS = (JUDGE, REWARD, QUALITY)  # instruments that ask a model


def rl_rows(config: Config, store: Store, shard: int, test: Set[str]) -> Iterator[RlExample]:
    """Yield a shard's questions that an instrument can judge, in the order of ids."""
    for life in lives(config, store, shard):
        verifier = instrument(life.question, config.recipe.verify)
        if verifier != NOTHING:
            yield _row(config, life, verifier, TEST if life.question.id in test else TRAIN)


def _row(config: Config, life: Life, verifier: str, side: str) -> RlExample:
    question, decided = life.question, life.decided()
    truth = getattr(question, NEEDS[verifier]) if verifier in NEEDS else None
    return RlExample(
        prompt=prompt_turns(question, config.recipe.select.personal_data == "mask"),
        **life.about(),
        verifier=verifier,
        reference_answer=question.reference_answer,
        test_cases=question.test_cases,
        constraints=question.constraints,
        pass_rate=sum(decided) / len(decided) if decided else None,
        decided=len(decided),
        correct=sum(decided),
        data_source=question.source,
        ability=question.kind,
        reward_model={"style": "model" if verifier in MODELS else "rule", "ground_truth": truth},
        extra_info={"split": side, "index": question.id},
    )


def prompt_turns(question: Question, mask: bool) -> list[dict[str, Any]]:
    """Return the turns of a question as they are published, personal data masked if asked."""
    turns = []
    for turn in question.prompt:
        text = turn.content
        if turn.role == "assistant":
            text = assistant_turn(split(text), question.source)["content"]
        turns.append({"role": turn.role, "content": masked(text) if mask else text})
    return turns
