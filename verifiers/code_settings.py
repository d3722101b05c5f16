"""What can be set of the code verifier, with defaults and their origins.

``CodeSettings(time_limit_s=4.0, tier=2)``; every one stands in docs/verdicts.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifiers.code_cases import DEFAULT_MEMORY_MB, DEFAULT_SECONDS
from verifiers.sandbox_pool import RECYCLE_AFTER

# The line of work of the paper that this dataset follows runs at most ten tests a question.
MAX_TESTS = 10
POSITIVE = (
    *("max_tests", "time_limit_s", "memory_limit_mb", "output_limit_mb", "recycle_after"),
    "compile_limit_s",
)


@dataclass(frozen=True, slots=True)
class CodeSettings:
    """What can be set; time and memory limits hold where a row names none.

    `packages` are the installed distributions that programs may import besides the
    standard library; `tier` 0 takes the best sandbox that holds; `recycle_after` is how many
    processes of programs and tests come from one zygote; `compile_limit_s` is for one C++
    program; `sandbox_fusion_url` has programs run by a service instead of here. Raises
    ValueError on a number that is not positive, or no tier.
    """

    max_tests: int = MAX_TESTS
    time_limit_s: float = DEFAULT_SECONDS
    memory_limit_mb: int = DEFAULT_MEMORY_MB
    output_limit_mb: float = 16
    packages: tuple[str, ...] = ("numpy",)
    tier: int = 0
    recycle_after: int = RECYCLE_AFTER
    compile_limit_s: float = 20.0
    sandbox_fusion_url: str = ""
    unsafe_no_sandbox: bool = False

    def __post_init__(self) -> None:
        for name in POSITIVE:
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name}: expected a positive number, got {value}")
        if self.tier not in (0, 1, 2):
            raise ValueError(f"tier: expected 1, 2, or 0 for the best that holds, got {self.tier}")

    @property
    def output_bytes(self) -> int:
        """The most that a program may print."""
        return int(self.output_limit_mb * 1024 * 1024)
