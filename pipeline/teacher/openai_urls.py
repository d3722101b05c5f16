"""Checks the addresses and the key of a configuration's servers, without showing a secret.

An address is `http://HOST:PORT/v1`; the key stands in the variable that `api_key_env` names.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from pipeline.config import Endpoints
from pipeline.errors import ConfigError


def checked_urls(endpoints: Endpoints) -> tuple[str, ...]:
    """Return each base URL once, without its last slash; raises ConfigError."""
    urls = (_checked(place, url) for place, url in enumerate(endpoints.urls))
    return tuple(dict.fromkeys(urls))


def some_urls(endpoints: Endpoints, teacher: str) -> tuple[str, ...]:
    """Return what `checked_urls` does; raises ConfigError where there is none."""
    if urls := checked_urls(endpoints):
        return urls
    raise ConfigError(
        f"runtime.endpoints.urls: is empty, and teacher {teacher} is asked over HTTP;"
        ' name its server, such as urls = ["http://127.0.0.1:8000/v1"]'
    )


def _checked(index: int, url: str) -> str:
    """Return one base URL; errors never show what may be a password."""
    wrong = f"runtime.endpoints.urls[{index}]:"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{wrong} is not a URL; write http://HOST:PORT/v1") from None
    if "@" in url or parts.query or parts.fragment:
        raise ConfigError(
            f"{wrong} carries a name, password, query or fragment; leave it out, and put the key"
            " into the variable that api_key_env names"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"{wrong} must begin with http:// or https:// and a host, got {url!r}")
    return url.rstrip("/")


def read_key(name: str) -> str:
    """Return the key in a variable, "" where it is not set; never shows it."""
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"runtime.endpoints.api_key_env: the variable {name} holds characters that no HTTP"
            " header can carry; set it to the key alone"
        )
    return key
