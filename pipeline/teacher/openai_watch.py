"""Notices servers that do not answer, says so long before anybody gives up, and when to do that.

What it tells of a fleet of two, as events (pipeline/logs.py); warnings reach a terminal too::

    no_server_answers  silent_s=5 ends_in_s=3595
        servers={"http://a:8000/v1": "status 500: …", "http://b:8000/v1": "ClientConnectorError …"}
    no_server_answers  …                 again after a minute, and after twice as long each time
    servers_answer     silent_s=71

A server is silent while it has something to do and neither a reply nor more text comes from it.
Long silence is no proof of illness: a full queue in front of a large model looks the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import logs
from pipeline.progress import clock
from pipeline.teacher.openai_retry import Pace
from pipeline.teacher.openai_server import Server

NOTHING_CAME = "nothing came yet"
REMEDY = (
    "see to the server, or put another URL into the file (it is read again while a run waits), or"
    " raise patience_s of its endpoints, and run again: replies that arrived are kept"
)


@dataclass(frozen=True, slots=True)
class Telling:
    """After how many seconds of silence somebody is told; guesses."""

    failing_s: float = 5.0  # of a server that kept failing: longer than a hiccup
    quiet_s: float = 60.0  # of one that only says nothing: R1's first token takes some seconds
    again_s: float = 60.0  # for the second time, and after twice as long from then on


class Watch:
    """Looks at the servers about once a second; `silence` is what a person should see now."""

    def __init__(self, pace: Pace, telling: Telling) -> None:
        self.silence = ""
        self._pace, self._telling = pace, telling
        self._next: dict[str, float] = {}  # the silence that is told next, by URL; "" is all
        self._longest = 0.0

    def look(self, servers: Sequence[Server], patience_s: float, now: float) -> None:
        """Tell of what is silent, and of all servers at once where none answers."""
        heard = [server.hear(now) for server in servers]
        silent = [server for server in servers if self._is_silent(server, now)]
        if servers and len(silent) == len(servers):
            self._tell_of_all(silent, patience_s, now)
            return
        if "" in self._next and any(heard):  # not so for a URL that was added and has no news
            del self._next[""]
            logs.event("servers_answer", silent_s=round(self._longest))
        self.silence = ""
        for server in servers:
            self._tell_of(server, server in silent, now)

    def _is_silent(self, server: Server, now: float) -> bool:
        sick = server.health.is_sick(self._pace)
        limit = self._telling.failing_s if sick else self._telling.quiet_s
        return server.silent_s(now) >= limit

    def _tell_of_all(self, silent: Sequence[Server], patience_s: float, now: float) -> None:
        seconds = self._longest = min(server.silent_s(now) for server in silent)
        ends = f", ends after {clock(patience_s)}" if patience_s else ""
        self.silence = f"no server answers for {clock(seconds)}{ends}"
        if self._is_due("", seconds):
            why = {server.url: server.trouble or NOTHING_CAME for server in silent}
            left = {"ends_in_s": round(max(0.0, patience_s - seconds))} if patience_s else {}
            told = {"silent_s": round(seconds), **left, "servers": why}
            logs.event("no_server_answers", logging.WARNING, **told)

    def _tell_of(self, server: Server, is_silent: bool, now: float) -> None:
        """Tell of one server while another one is well."""
        if not is_silent:
            if self._next.pop(server.url, None) is not None:
                logs.event("server_answers", server=server.url)
            return
        seconds = server.silent_s(now)
        if self._is_due(server.url, seconds):
            told = {"server": server.url, "silent_s": round(seconds)}
            why = server.trouble or NOTHING_CAME
            logs.event("server_silent", logging.WARNING, **told, error=why)

    def _is_due(self, who: str, seconds: float) -> bool:
        """Tell whether a silence is to be told now; the next time it is at least twice as long."""
        if seconds < self._next.get(who, 0.0):
            return False
        self._next[who] = max(self._telling.again_s, 2 * seconds)
        return True


def is_over(servers: Sequence[Server], patience_s: float, now: float) -> bool:
    """Tell whether every server has failed and been silent for all of the patience."""
    return bool(servers) and all(
        server.trouble and server.silent_s(now) >= patience_s for server in servers
    )


def told_of(teacher: str, servers: Sequence[Server], now: float) -> str:
    """Return the text of the error with which asking ends after so much silence."""
    seconds = min(server.silent_s(now) for server in servers)
    said = "; ".join(map(reason, servers))
    return f"teacher {teacher}: no server has answered for {clock(seconds)}: {said}; {REMEDY}"


def reason(server: Server) -> str:
    """Return a server's last trouble and its address."""
    return f"{server.url}: {server.trouble or NOTHING_CAME}"
