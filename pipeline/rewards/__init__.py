"""Reward models behind one seam: conversations in, a model's outputs for each.

The parts of a configuration that are read::

    [recipe.verify.by_kind]
    chat = "reward"
    [recipe.verify.reward]
    engine = "transformers"
    model = "RLHFlow/Decision-Tree-Reward-Llama-3.1-8B"
    revision = "…"        # 40 hexadecimal digits, which trust_remote_code wants
    trust_remote_code = true
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.acceptance import PERPLEXITY, REWARD
from pipeline.config import Config, Runtime
from pipeline.errors import ConfigError
from pipeline.recipe_reward import Improbable, Reward
from verifiers.reward_model import RewardModel, Settings


def check_reward(config: Config) -> None:
    """Raise ConfigError where a served model has no server, or a server no such model."""
    for name in (REWARD, PERPLEXITY):
        model: Reward | Improbable | None = getattr(config.recipe.verify, name)
        urls: tuple[str, ...] = getattr(config.runtime, name).urls
        served = model is not None and model.engine == "vllm"
        if urls and not served:
            raise ConfigError(
                f"runtime.{name}.urls: names a server, and no [recipe.verify.{name}] has engine ="
                ' "vllm"; add it, or remove the URLs'
            )
        if served and not urls:
            raise ConfigError(
                f"runtime.{name}.urls: is empty, and the model is to be asked over HTTP; name its"
                ' server, such as urls = ["http://127.0.0.1:8002/v1"]'
            )


@contextmanager
def open_reward(
    reward: Reward, runtime: Runtime, folder: Path, *, outlive: bool = False
) -> Iterator[RewardModel]:
    """Give the verifier that runs a reward model; replies of servers are kept below `folder`.

    With `outlive`, what servers that went down did not answer is `reward_unavailable`; else
    TeacherUnavailable is raised. Raises ConfigError and Unavailable for a model that can't be
    had.
    """
    settings = Settings(**reward.scoring())
    # Imported here: torch takes seconds.
    if reward.engine == "vllm":
        from pipeline.rewards.served import open_served

        with open_served(reward, runtime, folder, outlive=outlive) as served:
            yield RewardModel(served, settings)
    elif reward.engine == "head":
        from pipeline.rewards.head import Head

        yield RewardModel(Head.load(reward), settings)
    else:
        from pipeline.rewards.local import LocalReward

        yield RewardModel(LocalReward(reward, runtime.local), settings)
