"""What a path in a configuration may be: with $VARIABLES, with ~, or inside a package.

For example `$REAL_DATA/questions/gsm8k_train.parquet`, or a file that comes along with
the code, wherever that is installed::

    package:pipeline/sources/quickstart_data/benchmark.jsonl

Says nothing about whether there is such a file.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from pipeline.errors import ConfigError

IN_PACKAGE = "package:"


def expand(path: str) -> Path:
    """Return the place that a configuration's path names.

    Raises ConfigError for a variable, a home folder or a package that is not there.
    """
    if path.startswith(IN_PACKAGE):
        return _in_package(path)
    if "://" in path:
        raise ConfigError(
            f"{path}: must be a file or folder here; of the settings only runtime.data of a"
            " dataset may name an object store"
        )
    expanded = os.path.expandvars(path)
    if "$" in expanded:
        raise ConfigError(
            f"{path}: names an environment variable that is not set; set it and run again"
        )
    try:
        return Path(expanded).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: names a home folder that is not known; write it out") from None


def _in_package(path: str) -> Path:
    package, _, inside = path.removeprefix(IN_PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"{path}: must name an installed package, got {package!r};"
            f" write {IN_PACKAGE}<package>/<path in it>"
        )
    return Path(spec.submodule_search_locations[0]) / inside
