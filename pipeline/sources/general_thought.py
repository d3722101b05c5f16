r"""GeneralThought: questions of many sources with the thinking of several models.

A row::

    {"question_id": 1, "question": "What is 1 + 1?", "reference_answer": "2",
     "model_name": "DeepSeek/DeepSeek-R1", "model_reasoning": "One and …", "model_answer": "2",
     "question_source": "General/GeneralQuestions", "task": "Arithmetic", …}

Shape and revision: marin-community/marin@8db714b0926c:
experiments/posttrain/instruction_datasets.py; rows without thinking:
allenai/open-instruct@e6c3044aa620: scripts/data/convert_general_thought_to_tulu_thinker.py.
AM calls it `GeneralThought-Feb25`. `question_license` is unseen.

Traps: one row for each pair of question and model, so that a question comes several times
with responses of different models, and may come with references that contradict each
other; `model_reasoning` is missing for models that hide it; licences differ by question.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, thought


class GeneralThought(HubSource):
    """Questions, each row with the response of one model."""

    summary: ClassVar[str] = "GeneralThought-195K: questions of many sources, several models"
    kinds: ClassVar[tuple[str, ...]] = ("math", "science")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses", "licences")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="GeneralReasoning/GeneralThought-195K",
        columns=("question", "reference_answer", "model_name", "model_reasoning", "model_answer"),
        optional=("question_source", "task", "question_license"),
        unseen=("question_license",),
        licence="MIT",
        licence_by_row=True,
        rows=195_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a question with one model's response; its task tells mathematics (a guess)."""
        task = row.maybe("task") or ""
        maths = any(word in task.lower() for word in ("math", "arithmetic", "algebra", "geometry"))
        teacher = row.text("model_name").rpartition("/")[2] or "unnamed"
        return Draft(
            prompt=row.text("question"),
            kind="math" if maths else "science",
            reference=row.maybe("reference_answer"),
            responses=[thought(row.text("model_reasoning"), row.text("model_answer"), teacher)],
            nested=row.maybe("question_source"),
            licence=row.maybe("question_license"),
            keep={"task": task or None},
        )
