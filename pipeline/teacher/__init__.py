"""Teachers behind one seam: questions in, replies out as they arrive, each kept at once."""

from __future__ import annotations

from pipeline.config import Runtime
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Client
from pipeline.teacher.budget import Budget


def open_client(
    teacher: Teacher, sampling: Sampling, runtime: Runtime, budget: Budget | None = None
) -> Client:
    """Start the client of a teacher's engine; raises Unavailable where it can't be had."""
    # Imported here: torch takes seconds, and a run that resumes may ask nothing.
    if teacher.engine == "transformers":
        from pipeline.teacher.local import TransformersClient

        return TransformersClient(teacher, sampling, runtime.local, budget)
    if teacher.engine == "ray":
        from pipeline.teacher.ray_client import RayClient

        return RayClient(teacher, sampling, runtime, budget)
    from pipeline.teacher.openai import OpenAIClient

    return OpenAIClient(teacher, sampling, runtime.endpoints, budget=budget)
