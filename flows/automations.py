"""Sets up what the server does by itself: killed runs become Crashed, teachers have limits.

    python -m flows.automations                                  killed runs only
    python -m flows.automations --teacher deepseek-r1=1          and one run at a time asks R1

A run sends a heartbeat every PREFECT_FLOWS_HEARTBEAT_FREQUENCY seconds (180 by default, 30 at
least). Without the automation a killed run stays Running for ever. Running this again changes
what is there and adds nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta

from prefect import get_client
from prefect.automations import Automation, EventTrigger, Posture, ResourceSpecification
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.settings import get_current_settings

from flows.work import limit_name

NAME = "Mark killed runs as Crashed"
MISSED = 3  # heartbeats; one may be late while the machine is busy (guess)
SHORTEST_S = 10  # Prefect refuses less
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
MESSAGE = "No sign of life: the process was killed, or its machine. Run again to go on."


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m flows.automations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--within",
        type=seconds,
        metavar="SECONDS",
        default=default_within(),
        help="silence after which a run counts as killed (default: %(default)g, three heartbeats)",
    )
    made.add_argument(
        "--teacher",
        type=teacher_limit,
        action="append",
        default=[],
        metavar="NAME=RUNS",
        help="so many runs at once may ask this teacher; its name as in the recipe",
    )
    return made


def default_within() -> float:
    """Return three times the heartbeat's period, as it is set here."""
    return MISSED * float(get_current_settings().flows.heartbeat_frequency or 180)


def seconds(text: str) -> float:
    """Return a period of silence that the server can watch for."""
    if not text.isdigit() or int(text) < SHORTEST_S:
        raise argparse.ArgumentTypeError(f"must be at least {SHORTEST_S}, got {text!r}")
    return float(text)


def teacher_limit(text: str) -> tuple[str, int]:
    """Return a teacher's name and how many runs may ask it at once."""
    name, _, runs = text.rpartition("=")
    if not name or not runs.isdigit() or runs == "0":
        raise argparse.ArgumentTypeError(f"must be NAME=RUNS with at least one run, got {text!r}")
    return name, int(runs)


def main(argv: Sequence[str] | None = None) -> int:
    """Set all of it up and say what there is; returns the exit code."""
    given = parser().parse_args(argv)
    put(crashed_when_silent(given.within))
    print(f"automation  {NAME}: after {given.within:g} s without a heartbeat")
    with get_client(sync_client=True) as client:
        for teacher, runs in given.teacher:
            client.upsert_global_concurrency_limit_by_name(limit_name(teacher), runs)
            print(f"limit       {limit_name(teacher)}: {runs} run(s) at once")
    return 0


def crashed_when_silent(within: float) -> Automation:
    """Return the automation: after a heartbeat, either another or an end, else Crashed."""
    trigger = EventTrigger(
        after={HEARTBEAT},
        expect={HEARTBEAT, *ENDS},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=within),
    )
    action = ChangeFlowRunState(state=StateType.CRASHED, message=MESSAGE)
    about = "Set up by python -m flows.automations of build-dataset"
    return Automation(name=NAME, description=about, trigger=trigger, actions=[action])


def put(wanted: Automation) -> None:
    """Create an automation, or change the one of its name."""
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(wanted.name)
    if found:
        wanted.id = found[0].id
        wanted.update()
    else:
        wanted.create()


if __name__ == "__main__":
    sys.exit(main())
