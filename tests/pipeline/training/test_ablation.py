"""Students compared: each on its selection, on the same questions, and told of in a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.card import Made
from pipeline.commands.evaluate import keep_for_card
from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.experiment import run as evaluate
from pipeline.evaluation.samples import Sample
from pipeline.evaluation.scores import shares_of
from pipeline.store import Store
from pipeline.students import Score, keep, known
from pipeline.training.ablation import Ablation, ablate, smallest
from pipeline.training.config import TrainingConfig
from pipeline.training.measuring import interval, scores_of, with_students
from tests.pipeline.training.student_support import config, row, student, write_rows

SELECTIONS: dict[str, Any] = {"whole": {}, "hard": {"only": {"difficulty": ["hard"]}}}


def training(folder: Path, **changes: Any) -> TrainingConfig:
    student(folder / "student")
    rows = [row(n, difficulty="hard" if n % 2 else "easy") for n in range(8)]
    path = write_rows(folder / "rows.jsonl", rows)
    found = config(folder, path, **{"selections": SELECTIONS, **changes})
    assert isinstance(found, TrainingConfig)
    return found


def evaluation(folder: Path) -> EvaluationConfig:
    lines = [json.dumps({"question": f"What follows {n}?", "answer": str(n + 1)}) for n in range(3)]
    (folder / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    benchmark = {"benchmark": "local_questions", "path": str(folder / "asked.jsonl"), "samples": 2}
    model: dict[str, Any] = {"name": "form", "model": "any", "revision": "1"}
    model["engine"] = "transformers"
    model["sampling"] = {"max_tokens": 4, "temperature": 0.5}
    measured = {"rounds": 1, "shards": 1, "models": [model], "benchmarks": [benchmark]}
    runtime = {"data": str(folder / "data"), "workers": 1}
    return EvaluationConfig.model_validate(
        {"name": "asked", "version": "1", "evaluation": measured, "runtime": runtime}
    )


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ablation]:
    folder = tmp_path_factory.mktemp("ablation")
    return folder, ablate(training(folder), evaluation(folder))


def test_all_selections_learn_from_as_many_rows(ablation: tuple[Path, Ablation]) -> None:
    students = ablation[1].students
    assert [one.counts.samples for one in students.values()] == [4, 4]
    assert students["whole"].counts.left_out == {"over_limit": 4}
    assert students["hard"].counts.left_out == {"not_selected": 4}


def test_selections_give_other_students(ablation: tuple[Path, Ablation]) -> None:
    whole, hard = ablation[1].students.values()
    assert whole.fingerprint != hard.fingerprint
    assert whole.model != hard.model


def test_the_table_has_a_row_for_each_student_and_the_first_is_the_yardstick(
    ablation: tuple[Path, Ablation],
) -> None:
    rows = [[cell.text for cell in row] for row in ablation[1].table.rows]
    assert [row[0] for row in rows] == ["whole", "hard"]
    assert [row[2] for row in rows] == ["3", "3"]
    assert rows[0][5:] == ["–", "–"]
    assert rows[1][5] != "–"


def test_students_are_asked_as_the_first_model_is(ablation: tuple[Path, Ablation]) -> None:
    models = ablation[1].config.evaluation.models
    assert [model.sampling.max_tokens for model in models] == [4, 4]
    assert {model.revision for model in models} == {
        one.fingerprint for one in ablation[1].students.values()
    }


def test_the_smallest_selection_or_the_limit_decides(tmp_path: Path) -> None:
    assert smallest(training(tmp_path)) == 4
    assert smallest(training(tmp_path, limit=2)) == 2


@pytest.mark.parametrize(
    ("selections", "error"),
    [
        ({"one": {}}, "two or more"),
        ({**SELECTIONS, "none": {"only": {"difficulty": ["absent"]}}}, r"\['none'\] have no rows"),
    ],
)
def test_what_can_not_be_compared_is_refused(
    tmp_path: Path, selections: dict[str, Any], error: str
) -> None:
    with pytest.raises(ConfigError, match=error):
        ablate(training(tmp_path, selections=selections), evaluation(tmp_path))


def test_a_paired_difference_is_over_the_questions_of_both() -> None:
    """Ten questions of which one comes out otherwise: +10 points, with an error of 10."""
    from pipeline.training.measuring import _row

    folder = Path("unused")
    asked = evaluation_without_files(folder)
    first = {str(n): float(n < 5) for n in range(10)}
    now = {**first, "5": 1.0}
    model = asked.evaluation.models[0]
    cells = [c.text for c in _row(asked.evaluation.benchmarks[0], model, first, now, False)]
    assert cells[3] == "60.0"
    assert cells[5] == "+10.0 ± 10.0"
    assert cells[6] == "-9.6 to 29.6"


def evaluation_without_files(folder: Path) -> EvaluationConfig:
    benchmark = {"benchmark": "local_questions", "path": str(folder / "none.jsonl")}
    model: dict[str, Any] = {"name": "form", "model": "any", "revision": "1"}
    model["engine"] = "transformers"
    return EvaluationConfig.model_validate(
        {
            "name": "asked",
            "version": "1",
            "evaluation": {"models": [model], "benchmarks": [benchmark]},
        }
    )


def sample(question: str, number: int, outcome: str) -> Sample:
    return Sample(question, number, outcome, "", None, {}, None, False)


def test_an_unverified_response_is_in_no_share() -> None:
    samples = [sample("a", 0, "correct"), sample("a", 1, "unverified"), sample("b", 0, "incorrect")]
    samples += [sample("c", 0, "unverified")]
    assert shares_of(samples) == {"a": 1.0, "b": 0.0}


def test_an_interval_is_two_errors_wide_to_either_side() -> None:
    assert interval(Estimate(0.5, 0.1, 9)) == "30.4 to 69.6"
    assert interval(Estimate(0.5, None, 1)) == "–"


SCORE = Score("1", "s", "f" * 32, "MATH-500", 1, 500, 0.99, 0.02, 3)


def test_an_interval_of_a_card_stays_within_0_and_1() -> None:
    assert SCORE.interval == pytest.approx((0.9508, 1.0))
    assert replace(SCORE, error=None).interval is None


def test_a_newer_figure_takes_an_older_ones_place(tmp_path: Path) -> None:
    store = Store(tmp_path, "set", "1", 1)
    keep(store, [SCORE, replace(SCORE, version="2")])
    keep(replace(store, version="2"), [replace(SCORE, version="2", pass1=0.5)])
    assert [(one.version, one.pass1) for one in known(store)] == [("1", 0.99), ("2", 0.5)]


def test_the_command_keeps_figures_for_a_card(
    ablation: tuple[Path, Ablation], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, made = ablation
    dataset = folder / "set.toml"
    dataset.write_text(
        'name = "set"\nversion = "3"\n[recipe]\n[[recipe.sources]]\nsource = "quickstart"\n'
        f'[recipe.distill]\nrounds = 0\n[runtime]\ndata = "{folder}"\n',
        encoding="utf-8",
    )
    keep_for_card(load_config(str(dataset)), made.config, made.scores)
    found = known(Store(folder, "set", "3", 1))
    assert {one.student for one in found} == {"whole", "hard"}
    assert {one.version for one in found} == {"3"}
    assert found == sorted(scores_of(made.config, made.scores, "3"), key=lambda one: one.key)
    assert "publish it again" in capsys.readouterr().out


def test_measuring_again_asks_nothing(ablation: tuple[Path, Ablation]) -> None:
    folder, made = ablation
    again = with_students(evaluation(folder), made.students)
    assert again == made.config
    scores, _ = evaluate(again)
    assert scores.rounds == made.scores.rounds


def test_a_card_without_students_tells_of_none() -> None:
    assert Made(()).students == ()
