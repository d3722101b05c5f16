"""A target whose import takes longer than its deadline."""

from __future__ import annotations

import time

time.sleep(0.8)


def echo(item: object) -> object:
    return item
