"""What a child of the zygote becomes, once it is shut in: one role, one job, then its end.

``take_up("solution", [5, 6])`` reads the job, one JSON object, from the first descriptor and
closes it before anything of the program runs; the others are the role's own.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from verifiers.inside import (
    checking,
    choosing,
    compiling,
    holder,
    judging,
    native,
    programs,
    solution,
)
from verifiers.inside.frames import Channel, read_job


def take_up(role: str, fds: list[int]) -> NoReturn:
    """Do a role's work and end; whatever goes wrong is shown on standard error."""
    code = 1
    try:
        code = _work(role, fds)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - nothing may get past this, into the zygote's code
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _work(role: str, fds: list[int]) -> int:
    job = read_job(fds[0])
    if role == "program":
        return programs.execute(job["source"])
    if role == "native":
        native.start(job, fds[1], fds[2])
    if role == "compile":
        return compiling.compile_program(job, fds[1])
    if role == "judge":
        return judging.verdict(job)
    if role == "choice":
        return choosing.first_that_compiles(job["sources"])
    if role == "solution":
        solution.main(Channel(fds[1], fds[1]), job)
    elif role == "checker":
        checking.main(fds[1])
    elif role == "holder":
        holder.main(Channel(-1, fds[1]), Channel(fds[2], fds[2]), job)
    else:
        from verifiers.inside import probing

        probing.main(Channel(-1, fds[1]), job)
    return 0
