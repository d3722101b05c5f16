"""A Prefect plugin: `prefect deployment run build-dataset` means `build-dataset/build-dataset`.

Prefect's command line wants FLOW/DEPLOYMENT. Off unless PREFECT_PLUGINS_ENABLED is set (Prefect
starts no plugins otherwise); it completes this project's names in that one command, and
touches nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from prefect.plugins import HookContext, register_hook

NAMES = ("build-dataset", "republish", "train", "think-twice")
COMMANDS = (("deployment", "run"), ("deployments", "run"))


@register_hook
def setup_environment(*, ctx: HookContext) -> None:
    """Complete the name, before Prefect reads its command line."""
    sys.argv[:] = completed(sys.argv)


def completed(argv: Sequence[str]) -> list[str]:
    """Return a command line with the deployment's whole name."""
    words = list(argv)
    program = Path(words[0]).name
    if program == "prefect" and tuple(words[1:3]) in COMMANDS and set(words[3:4]) & set(NAMES):
        words[3] = f"{words[3]}/{words[3]}"
    return words
