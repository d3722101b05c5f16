"""The flow `train`: builds a dataset, trains a student on it, measures it, and tells the card.

    prefect deployment run train/train \
      -p train='{"config": "my.toml", "training": "student.toml", "evaluation": "asked.toml"}'

The student learns from what this version publishes, whatever `path` its configuration has. It is
trained in a process of its own, which `launch` may spread over GPUs; what is done stays done, so
that a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows.artifacts import explaining, show_grid, show_published
from flows.build import build_dataset, held, requested
from flows.request import Build, Train
from pipeline.config import Config
from pipeline.earlier import earlier_version
from pipeline.errors import BuildError, UserError
from pipeline.evaluation.config import EvaluationConfig, load_evaluation
from pipeline.evaluation.experiment import run as evaluate
from pipeline.evaluation.report import read_scores
from pipeline.evaluation.tables import open_store as open_evaluation
from pipeline.publish import publish_folder
from pipeline.report import write_report
from pipeline.stages import open_store, published_folder
from pipeline.students import keep
from pipeline.training.config import Data, TrainingConfig, load_training
from pipeline.training.experiment import Trained, run
from pipeline.training.measuring import comparison, scores_of, with_students

TAIL = 2_000  # characters of a training's last lines that an error shows (guess)


@flow(name="train", persist_result=False)
def train_student(train: Train) -> None:
    """Build, train, measure, and publish again with the student's scores in the card."""
    at = ["configuration"]
    with explaining(at):
        config = requested(train)
        training = on_version(load_training(train.training), config)
        asked = load_evaluation(train.evaluation)
        build_dataset(Build(**train.model_dump(include=set(Build.model_fields))))
        at.append("train")
        trained = train_apart(training, config, train)
        at.append("evaluate")
        measured = measure(asked, training, trained)
        at.append("publish")
        tell_card(config, measured, train)


def on_version(training: TrainingConfig, config: Config) -> TrainingConfig:
    """Return a training on what a dataset's version publishes, under that version's name."""
    first = training.training.data[0]
    if len(training.training.data) > 1 or first.repo is not None:
        raise UserError(
            "training.data: must be one place with a path, which stands for the dataset that the"
            " flow builds"
        )
    given = first.model_dump() | {"path": str(published_folder(config).resolve())}
    recipe = training.training.model_copy(update={"data": (Data.model_validate(given),)})
    version = f"{training.version}-{config.name}-{config.version}"
    return training.model_copy(update={"version": version, "training": recipe})


@task(name="train", task_run_name="train", cache_policy=NO_CACHE, persist_result=False)
def train_apart(training: TrainingConfig, config: Config, train: Train) -> Trained:
    """Train in a process of its own, so that its memory is free afterwards; returns the student."""
    folder = open_store(config).folder
    path = folder / f"training-{training.name}.json"
    path.write_text(training.model_dump_json(indent=1), encoding="utf-8")
    command = [*(train.launch or [sys.executable]), "-m", "pipeline", "train", str(path)]
    done = subprocess.run(
        command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    get_run_logger().info("%s", done.stdout[-TAIL:])
    if done.returncode:
        raise BuildError(f"training ended with {done.returncode}: {done.stdout[-TAIL:].strip()}")
    return run(training)  # it is there, so that nothing is trained here


@task(name="evaluate", task_run_name="evaluate", cache_policy=NO_CACHE, persist_result=False)
def measure(
    asked: EvaluationConfig, training: TrainingConfig, trained: Trained
) -> EvaluationConfig:
    """Ask the student, and show its scores; returns the evaluation as it was."""
    measured = with_students(asked, {f"{training.name}-{training.version}": trained})
    evaluate(measured)
    show_grid(training.name, comparison(measured, open_evaluation(measured)))
    return measured


def tell_card(config: Config, measured: EvaluationConfig, train: Train) -> None:
    """Keep the scores beside the dataset's versions, and publish this one with them."""
    store = open_store(config)
    scores = read_scores(measured, open_evaluation(measured))
    with held(store, train):
        keep(store, scores_of(measured, scores, store.version))
        earlier = earlier_version(store)
        done = publish_folder(config, store, published_folder(config), against=earlier)
        report = store.folder / "report.html"
        write_report(config, store, report, earlier)
        show_published(config, Path(done.folder), report)
