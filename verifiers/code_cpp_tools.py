"""Finds the C++ compiler of this machine, and how it does its work.

`find_tools()` asks ``g++ -###`` for the commands that it would run, which are three::

    /usr/lib/gcc/x86_64-linux-gnu/12/cc1plus -quiet … main.cpp -o main.s
    /usr/bin/x86_64-linux-gnu-as --64 -o main.o main.s
    /usr/bin/x86_64-linux-gnu-ld.bfd -static -o main … main.o -lstdc++ …

They are run one by one in the sandbox (`inside/compiling.py`), so that the compiler itself starts
nothing. Programs are linked statically: they need no loader, and start half a millisecond sooner.

Only GCC is known, since only it keeps the standard headers precompiled in a form that any program
may use.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from verifiers.code_elf import loader_of
from verifiers.inside.compiling import SOURCE
from verifiers.sandbox_root import LIBRARIES, Mount

# As contests compile; `ONLINE_JUDGE` is what programs ask for before they read from files.
FLAGS = (
    *("-std=c++17", "-O2", "-fno-pie", "-DONLINE_JUDGE", "-w", "-fmax-errors=3"),
    *("-fdiagnostics-color=never", "-fno-diagnostics-show-caret"),
)
LINK = ("-static", "-no-pie", "-s")
RESULT = "main"
TEMPORARY = re.compile(r".*/cc\w{6}\.(s|o|res)")
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Tools:
    """A compiler: its version, the commands for one program, and what they need.

    `headers` are the folders of its headers, `parts` the files that are executed.
    """

    version: str
    commands: tuple[tuple[str, ...], ...]
    headers: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What it reads, besides the system's libraries."""
        needed = (*self.headers, *self.parts)
        return tuple(Mount(path, path) for path in needed if not _is_library(path))

    def compiling(self, extra: Sequence[str] = ()) -> list[list[str]]:
        """Return the commands that make a program of `main.cpp`."""
        first, *rest = self.commands
        return [[first[0], *extra, *first[1:]], *map(list, rest)]

    def precompiling(self, result: str) -> list[list[str]]:
        """Return the command that makes the headers which `main.cpp` includes into one."""
        return [[*self.commands[0], f"--output-pch={result}"]]


class NoTools(Exception):
    """There is no compiler here that can be used; the text says what to do."""


INSTALL = "install g++ (apt install g++, dnf install gcc-c++ libstdc++-static glibc-static)"


def _is_library(path: str) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in LIBRARIES)


@cache
def find_tools() -> Tools:
    """Return this machine's compiler, once a process; raises NoTools."""
    driver = shutil.which("g++")
    if driver is None:
        raise NoTools(f"no g++ here: {INSTALL}")
    lines = _ask(driver, *FLAGS, *LINK, "-###", SOURCE, "-o", RESULT).splitlines()
    found = [shlex.split(line) for line in lines if line.startswith(" ")]
    if [Path(words[0]).name for words in found] != ["cc1plus", "as", "collect2"]:
        raise NoTools(f"g++ works in another way than known (GCC's); {INSTALL}")
    commands = [_own_names(words) for words in found]
    commands[1][0], commands[2][0] = _part(driver, "as"), _part(driver, "ld")
    version = next((line for line in lines if line.startswith("gcc version")), "").strip()
    parts = [os.path.realpath(words[0]) for words in commands]
    loaders = {loader for part in parts if (loader := loader_of(part))}
    fixed = tuple((os.path.realpath(words[0]), *words[1:]) for words in commands)
    return Tools(version, fixed, tuple(_headers(driver)), (*parts, *sorted(loaders)))


def _ask(driver: str, *arguments: str) -> str:
    """Return what the driver says; nothing of any program is shown to it."""
    command = [driver, *arguments]
    env = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    try:
        found = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=env,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoTools(f"g++ does not answer ({error}): {INSTALL}") from error
    return found.stderr + found.stdout


def _own_names(words: list[str]) -> list[str]:
    """Return a command with our names for its files, and without the linker's plugin."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word.startswith("-plugin"):
            skip = word == "-plugin"
            continue
        temporary = TEMPORARY.fullmatch(word)
        kept.append(f"{RESULT}.{temporary[1]}" if temporary else word)
    return kept


def _part(driver: str, name: str) -> str:
    """Return the path of a program that the driver starts; raises NoTools."""
    told = _ask(driver, f"-print-prog-name={name}").strip()
    found = shutil.which(told)
    if found is None:
        raise NoTools(f"no {name} here: {INSTALL}")
    return found


def _headers(driver: str) -> Iterator[str]:
    """Yield the folders in which headers are looked for, none inside another."""
    told = _ask(driver, "-x", "c++", "-E", "-v", "/dev/null")
    _, _, listed = told.partition("#include <...> search starts here:")
    lines = listed.partition("End of search list.")[0].splitlines()
    found = sorted({os.path.realpath(line.strip()) for line in lines if line.strip()})
    for path in found:
        if not any(Path(path).is_relative_to(other) for other in found if other != path):
            yield path
