"""The part of the recipe that says where questions come from, and under which licences.

As TOML::

    [[recipe.sources]]
    source = "deep_math"
    [recipe.licences]
    deny = ["*-NC-*"]

The sources' own options stand in pipeline/sources/; the descriptions make docs/configuration.md.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from pipeline.licences import permits, spdx
from pipeline.recipe_teacher import Strict
from pipeline.sources.base import Source, available_sources


class Licences(Strict):
    """Under which licences a question may be taken, as SPDX identifiers or patterns (`*-NC-*`).

    Of `A AND B` both must be allowed, of `A OR B` one. A source under a licence that is not
    is an error; where rows say their own, those that are not are refused (`licence`).
    """

    allow: tuple[str, ...] = Field((), strict=False, description="empty: all but those denied")
    deny: tuple[str, ...] = Field((), strict=False, description="these never, allowed or not")

    def permits(self, expression: str) -> bool:
        """Tell whether rows under a licence may be taken; raises ValueError for no expression."""
        return permits(expression, self.allow, self.deny)


def check_licence(place: int, source: Source, allowed: Licences) -> None:
    """Raise ValueError for a source whose licence is none, or is not allowed for any row."""
    if spdx(source.licence) is None:
        raise ValueError(
            f"sources[{place}].licence: must be an SPDX expression such as MIT, CC-BY-4.0 or"
            f" LicenseRef-of-your-own, got {source.licence!r}"
        )
    if not source.licence_by_row() and not allowed.permits(source.licence):
        raise ValueError(
            f"sources[{place}].licence: recipe.licences does not allow {source.licence!r}; take"
            f" {source.name} out, or allow it"
        )


def source_of(index: int, options: Any) -> Source:
    """Make the source that an options table asks for; errors name its place in the list."""
    if isinstance(options, Source):
        return options
    known = available_sources()
    name = options.get("source") if isinstance(options, dict) else None
    if name not in known:
        raise ValueError(f"sources[{index}].source: must be one of {sorted(known)}, got {name!r}")
    try:
        return known[name](**options)
    except ValidationError as error:
        raise ValueError("; ".join(_wrong(index, item) for item in error.errors())) from None


def _wrong(index: int, item: Any) -> str:
    field = ".".join(str(part) for part in item["loc"])
    value = "" if item["type"] == "missing" else f" (got {item['input']!r:.80})"
    return f"sources[{index}].{field}: {item['msg'].removeprefix('Value error, ')}{value}"
