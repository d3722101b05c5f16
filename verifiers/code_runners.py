"""Finds what may run programs here, for each language, and keeps it until the end.

``Runners(settings, workers=4).runner("python")`` is a `Runner` (`code_run.py`), or `NoRunner` is
raised with the reason and the evidence of an unverified verdict. The sandbox is looked for when
the first row comes, a compiler when the first C++ program does; neither where a service runs all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from verifiers.code_answer import CPP, TAGS
from verifiers.code_cpp_open import CppTools, NoCpp
from verifiers.code_fusion import FusionRunner
from verifiers.code_fusion_client import Fusion
from verifiers.code_local import Local
from verifiers.code_run import Runner
from verifiers.code_settings import CodeSettings
from verifiers.sandbox import Sandbox
from verifiers.sandbox_pool import Zygotes
from verifiers.sandbox_probe import Probe, probe, without
from verifiers.sandbox_root import importable

REMOTE = "remote"  # in place of a tier: how programs are shut in is the service's matter
LOG = logging.getLogger(__name__)


class NoRunner(Exception):
    """Nothing here may run a program in some language; `reason` is a verdict's."""

    def __init__(self, reason: str, evidence: dict[str, Any]) -> None:
        super().__init__(reason)
        self.reason, self.evidence = reason, evidence


class Runners:
    """What runs programs, by language; several threads may ask."""

    def __init__(self, settings: CodeSettings, workers: int) -> None:
        self._settings, self._workers = settings, workers
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._found: Probe | None = None
        self._zygotes: Zygotes | None = None
        self._tools: CppTools | None = None
        url = settings.sandbox_fusion_url
        self._service = Fusion(url, self._stopped) if url else None
        # One that is missing is told before any row; a service has its own.
        self._modules = [] if url else importable(settings.packages)

    def prepare(self) -> None:
        """Find what holds here, the first time only, and say so where nothing does."""
        if self._service is not None:
            return
        with self._lock:
            if self._found is None:
                given = self._settings
                self._found = probe(tuple(given.packages), given.tier)
                if self._found.tier is None:
                    self._found = self._without_sandbox(self._found)
                if self._found.sandbox is not None:
                    kept = (self._workers, given.recycle_after)
                    self._zygotes = Zygotes(self._found.sandbox, *kept)
                    self._tools = self._cpp_tools(self._found.sandbox)

    def _cpp_tools(self, sandbox: Sandbox) -> CppTools:
        given = self._settings
        limits = (given.compile_limit_s, given.output_bytes)
        return CppTools(sandbox, self._workers, *limits, self._stopped)

    def _without_sandbox(self, found: Probe) -> Probe:
        if not self._settings.unsafe_no_sandbox:
            text = "no sandbox holds here (%s), so no program is run; to change that: %s"
            LOG.warning(text, found.reason, found.remedy)
            return found
        LOG.warning("UNSAFE: no sandbox holds here (%s), and programs are run", found.reason)
        return without(tuple(self._settings.packages), found)

    def runner(self, language: str) -> Runner:
        """Return what runs programs in a language; raises NoRunner."""
        self.prepare()
        if language not in TAGS:
            raise NoRunner("language_unsupported", {"language": language})
        if self._service is not None:
            return FusionRunner(self._service, language)
        if self._zygotes is None:
            raise NoRunner("no_sandbox", self._found.evidence() if self._found else {})
        if language == CPP:
            return self._cpp(self._zygotes)
        return Local(self._zygotes, self._modules, self._settings.output_bytes, self._stopped)

    def _cpp(self, checkers: Zygotes) -> Runner:
        assert self._tools is not None
        try:
            return self._tools.runner(checkers)
        except NoCpp as error:
            raise NoRunner(error.reason, {"language": CPP, "error": str(error)}) from error

    def know(self, languages: Sequence[str]) -> bool:
        """Say whether any of some languages is one that can be run at all."""
        return any(language in TAGS for language in languages)

    def evidence(self) -> dict[str, Any]:
        """Return what every verdict says of where its program ran."""
        if self._service is not None:
            return {"tier": REMOTE}
        return {"tier": self._found.tier if self._found else None}

    def stop(self) -> None:
        """End every program that runs."""
        self._stopped.set()

    def close(self) -> None:
        """Give back all processes and connections."""
        if self._service is not None:
            self._service.close()
        if self._tools is not None:
            self._tools.close()
        if self._zygotes is not None:
            self._zygotes.close()
