r"""PRIME's training data (Eurus-2-RL-Data): mathematics with answers, programs with tests.

A row::

    {"data_source": "numina_olympiads", "ability": "math",
     "prompt": [{"role": "system", "content": "When tackling … [ASSESS] …"},
                {"role": "user", "content": "Find x.\n\nPresent the answer in LaTex format: …"}],
     "reward_model": {"style": "rule", "ground_truth": "2"}, "extra_info": {…}}

For programs `ground_truth` is JSON, `{"inputs": ["1\n"], "outputs": ["2\n"]}`, and perhaps
`fn_name`; then both are JSON in text, an argument a line. Shape: PRIME-RL/PRIME@18ad596f08d4:
training/scripts/data_prepare.py, training/verl/utils/reward_score (what the tests mean);
NovaSky-AI/SkyThought@0d190f11fd8e: skythought/skythought-rl/data/data_prepare_mini.py.

Traps: the system turn demands PRIME's own form of answer and is left out, as is the sentence
at the end of a mathematical question; outputs of functions may be wrapped in a list;
`data_source` names the set inside (NuminaMath, APPS, TACO, Codeforces, CodeContests).
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow
from pipeline.sources.local_fields import BadRow

FORM = "Present the answer in LaTex format: \\boxed{Your answer}"


class Prime(HubSource):
    """Questions with answers or tests."""

    summary: ClassVar[str] = "PRIME (Eurus-2-RL-Data): mathematics and programs to check"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "test cases")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="PRIME-RL/Eurus-2-RL-Data",
        columns=("prompt", "ability", "reward_model", "data_source"),
        splits=("train", "validation"),
        rows=484_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return the user's turn, without what it says about PRIME's form of answer."""
        asked = [turn.content for turn in row.turns("prompt") if turn.role == "user"]
        code = row.text("ability") == "code"
        if not asked or not (code or row.text("ability") == "math"):
            raise BadRow("unknown_ability" if asked else "empty_prompt")
        return Draft(
            prompt=asked[-1].strip().removesuffix(FORM),
            kind="code" if code else "math",
            reference=None if code else row.maybe("reward_model.ground_truth"),
            cases=row.cases("reward_model.ground_truth") if code else (),
            nested=row.maybe("data_source"),
        )
