"""References that may be wrong: several attempts agree with each other, and not with it.

Of a question with the reference 41, answered 42 by four attempts of five::

    Suspect(id="1c0f…", source="orz_math", reference="41", answer="42", agreeing=4, decided=5,
            correct=0)

Answers count as the same where they are spelled the same, or are the same number; what a
verifier extracted is compared, and only where it is short enough to be in the evidence whole.
That models agree proves nothing: they may share a mistake.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from pipeline.recipe_select import Suspicion
from pipeline.records import Question, Suspect, Verdict
from verifiers.base import Outcome
from verifiers.equality.numerals import decimal, fraction
from verifiers.equality.text import key, normalise
from verifiers.judge_words import EXCERPT_CHARS


def suspect(
    question: Question, verdicts: Iterable[Iterable[Verdict]], policy: Suspicion
) -> Suspect | None:
    """Return what speaks against a question's reference, None where nothing does.

    `verdicts` are those of each response.
    """
    if question.reference_answer is None:
        return None
    decided = [found for group in verdicts if (found := _decided(group)) is not None]
    wrong = Counter(answer for answer, right in decided if not right and answer)
    if len(decided) < policy.attempts or not wrong:
        return None
    answer, agreeing = min(wrong.items(), key=lambda item: (-item[1], item[0]))
    if agreeing < policy.attempts or agreeing < policy.share * len(decided):
        return None
    return Suspect(
        id=question.id,
        source=question.source,
        reference=question.reference_answer,
        answer=answer,
        agreeing=agreeing,
        decided=len(decided),
        correct=sum(right for _, right in decided),
    )


def _decided(verdicts: Iterable[Verdict]) -> tuple[str, bool] | None:
    """Return a response's answer, spelled plainly, and whether it is right; None if undecided."""
    for verdict in verdicts:
        extracted = json.loads(verdict.evidence).get("extracted")
        if verdict.outcome != Outcome.UNVERIFIED and isinstance(extracted, str):
            whole = len(extracted) < EXCERPT_CHARS
            return (_plain(extracted) if whole else "", verdict.outcome == Outcome.CORRECT)
    return None


def _plain(text: str) -> str:
    """Return a spelling that is equal for equal answers, as far as spelling goes."""
    spelled = key(normalise(text))
    number = decimal(spelled)
    value = fraction(spelled) if number is None else number.fraction
    return spelled if value is None else str(value)
