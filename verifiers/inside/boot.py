"""Starts a process inside the sandbox: limits first, then its role.

Called as ``python -S -s -P -c "… boot.main()" '{"role": "solution", "fds": [5], "memory_mb":
1024, …}'`` with the job, one JSON object, on standard input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

from verifiers.inside.frames import Channel

MB = 1024 * 1024


def set_limits(limits: dict[str, Any]) -> None:
    """Set the limits of this process and all that it starts; they can't be raised again."""
    pairs = {
        resource.RLIMIT_AS: limits["memory_mb"] * MB,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_mb"] * MB,
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }
    for which, value in pairs.items():
        resource.setrlimit(which, (value, value))


def read_job() -> Any:
    """Read the job from standard input and put nothing in its place."""
    with open(0, "rb", closefd=False) as file:
        job = json.load(file)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return job


def main() -> None:
    """Take up the role that the command line names."""
    settings = json.loads(sys.argv[1])
    sys.argv = ["solution.py"]
    set_limits(settings)
    job = read_job()
    fds: list[int] = settings["fds"]
    if settings["role"] == "programs":
        from verifiers.inside import programs

        programs.main(Channel(-1, fds[0]), job)
    elif settings["role"] == "solution":
        from verifiers.inside import solution

        solution.main(Channel(fds[0], fds[0]), job)
    elif settings["role"] == "holder":
        from verifiers.inside import holder

        holder.main(Channel(-1, fds[0]), Channel(fds[1], fds[1]), job)
    else:
        from verifiers.inside import probing

        probing.main(Channel(-1, fds[0]), job)
