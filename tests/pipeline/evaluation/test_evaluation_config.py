"""An evaluation's configuration: what is wrong is named, with its place and its rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import CONFIGS
from pipeline.errors import ConfigError, Unavailable
from pipeline.evaluation.base import available_benchmarks
from pipeline.evaluation.config import (
    EvaluationConfig,
    check_verifiers,
    is_evaluation,
    load_evaluation,
)
from tests.pipeline.evaluation.support import Plan, write_config

PLANS = [Plan("1 and 1?", "2", [["2"], ["2"]])]


def edited(folder: Path, old: str, new: str) -> EvaluationConfig:
    path = write_config(folder, "http://127.0.0.1:9/v1", PLANS)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return load_evaluation(str(path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rounds = 2", "round = 2", "evaluation.round: Extra inputs are not permitted"),
        ("rounds = 2", "rounds = 0", "evaluation.rounds: Input should be greater than or equal"),
        ("rounds = 2", 'rounds = 2\nprompt = "{question}"', "must contain {question} and {answer}"),
        ("pass_at = [2]", "pass_at = [1]", "must be 2 or more"),
        ('"local_questions"', '"nothing"', r"benchmarks\[0\]: must be one of .*'aime24'"),
        ("samples = 1", "samples = 0", r"benchmarks\[0\].samples: .*greater than or equal to 1"),
        ("samples = 1", "smaples = 1", r"benchmarks\[0\].smaples: Extra inputs"),
        ("samples = 1", 'prompt = "?"', r"benchmarks\[0\].prompt: must contain {question}"),
        ('name = "loopback"', 'name = "a/b"', "evaluation.models.0.name: String should match"),
        ("[runtime.endpoints.loopback]", "[runtime.endpoints.other]", "are no models of"),
        ("urls", "retries = 1\n#", "runtime.endpoints.loopback: urls is missing"),
        ("shards = 2", "shards = 2\nsettings = { code = {} }", "no benchmark here is judged by"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        edited(tmp_path, old, new)


def test_the_configuration_of_a_dataset_is_told_from_one_of_an_evaluation() -> None:
    with pytest.raises(ConfigError, match=r"has no \[evaluation\]; docs/think-twice.md shows one"):
        load_evaluation("quickstart")
    assert is_evaluation("think-twice")
    assert not is_evaluation("quickstart")


def test_two_benchmarks_with_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"benchmarks: names must differ, \['aime24'\]"):
        write_config(tmp_path, "http://127.0.0.1:9/v1", PLANS)
        edited(
            tmp_path,
            "samples = 1\n",
            "samples = 1\n[[evaluation.benchmarks]]\n"
            'benchmark = "aime24"\n[[evaluation.benchmarks]]\nbenchmark = "aime24"\n',
        )


def test_a_model_overrides_only_the_sampling_that_it_sets(tmp_path: Path) -> None:
    config = edited(tmp_path, 'revision = "1"', 'revision = "1"\nsampling = { max_tokens = 7 }')
    (model,), (benchmark,) = config.evaluation.models, config.evaluation.benchmarks
    changed = benchmark.model_copy(
        update={"sampling": benchmark.sampling.model_copy(update={"temperature": 0.1})}
    )
    sampling = model.sampled(changed).sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.top_p) == (7, 0.1, 0.95)


def test_a_model_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(
        'name = "mine"\nmodel = "m"\nrevision = "1"\nengine = "transformers"\n'
    )
    path = tmp_path / "e.toml"
    path.write_text(
        'name = "e"\nversion = "1"\n[evaluation]\nmodels = ["model.toml"]\n'
        'benchmarks = ["aime24"]\n'
    )
    config = load_evaluation(str(path), "2")
    assert (config.evaluation.models[0].name, config.version) == ("mine", "2")


def test_a_verifier_that_is_not_here_is_named_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = available_benchmarks()["math500"]
    monkeypatch.setattr(kind, "verifier", "crystal_ball")
    with pytest.raises(Unavailable, match="math500 is judged by the verifier 'crystal_ball'"):
        check_verifiers([kind.model_validate({"benchmark": "math500"})])


def test_the_experiment_of_the_paper_is_a_configuration_that_comes_along() -> None:
    given = load_evaluation("think-twice").evaluation
    samples = {benchmark.benchmark: benchmark.samples for benchmark in given.benchmarks}
    assert samples == {"aime24": 32, "math500": 4, "gpqa_diamond": 8, "livecodebench": 8}
    assert given.rounds == 4
    sampled = [model.sampled(one).sampling for model in given.models for one in given.benchmarks]
    assert {(one.temperature, one.top_p, one.max_tokens) for one in sampled} == {
        (0.6, 0.95, 32_768)
    }
    assert CONFIGS.joinpath("think-twice.toml").is_file()
