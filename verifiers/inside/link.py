"""The tests' end of the pipe: asks the solution's process and believes nothing but data.

``link.request("call", function, (1,), ())`` sends one request and returns the value of
the reply, raises the exception that the solution raised, or raises `SolutionLost`, which
no ``except Exception`` of a test can take for an answer.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from verifiers.inside import helpers, raised
from verifiers.inside.frames import BrokenChannel, Channel, TooLarge
from verifiers.inside.graph import CannotCross, Node, Reader, Writer
from verifiers.inside.remote import Remote, make_remote


class SolutionLost(BaseException):
    """The solution's process is gone, sent too much or broke the protocol."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class Unsupported(BaseException):
    """The tests want something that this instrument can't do; not the solution's fault."""


ORIGINAL = {name: getattr(builtins, name) for name in ("input", "print")}
METHOD_KINDS = (type(str.upper), type(str.__len__))


class Link:
    """Sends requests, runs the tests' functions that the solution calls, keeps the last call."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._functions: list[Callable[..., Any]] = []
        self._remotes: dict[int, Remote] = {}
        self._exceptions = raised.Exceptions()
        self._patched = dict(ORIGINAL)
        self.shared: dict[str, type] = dict(helpers.NODES)
        self.generation = 0
        self.lost: SolutionLost | None = None
        self.last_raised: BaseException | None = None
        self.last_call: tuple[str, Any, Any] | None = None
        self.overflown = False
        self.may_adopt = False
        self.adopted: dict[str, str] = {}

    # What crosses, seen from this side (graph.Side).

    def refer(self, value: Any) -> Node | None:
        """Refer to the solution's own objects by their numbers."""
        return ["remote", value.remote_handle] if isinstance(value, Remote) else None

    def foreign(self, value: Any) -> Node:
        """Let functions and iterators of the tests be called from the other side."""
        kind = type(value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["exception", raised.lineage(value)]
        if kind in METHOD_KINDS and value.__objclass__ in (str, list, dict, set, int, float, tuple):
            return ["method", value.__objclass__.__name__, value.__name__]
        if kind is types.BuiltinFunctionType and isinstance(value.__self__, types.ModuleType):
            return ["builtin", value.__self__.__name__, value.__name__]
        if callable(value) and not isinstance(value, type):
            return ["function", self._function_number(value)]
        if hasattr(kind, "__next__"):
            return ["iterator", self._function_number(value.__next__)]
        raise CannotCross(f"an object of the tests' class {kind.__name__}")

    def _function_number(self, function: Callable[..., Any]) -> int:
        self._functions.append(function)
        return len(self._functions) - 1

    def resolve(self, node: Node) -> Any:
        """Return the stand-in for an object of the solution, always the same for one object."""
        tag, number = node[0], node[1]
        if tag == "exception":
            return self._exceptions.kind(number)
        if tag == "function" and type(number) is int and number >= 0:
            return self._functions[number]
        if tag != "remote" or type(number) is not int:
            raise KeyError(tag)
        if number not in self._remotes:
            self._remotes[number] = make_remote(self, number, str(node[2]), str(node[3]), node[4])
        return self._remotes[number]

    def shared_name(self, value: Any) -> str | None:
        """Return the name under which both sides know an object's class."""
        name = type(value).__name__
        known = self.shared.get(name) is type(value) and hasattr(value, "__dict__")
        return name if known else None

    def shared_class(self, name: str) -> type:
        """Return this side's class of that name."""
        return self.shared[name]

    # Requests.

    def request(self, kind: str, *arguments: Any) -> Any:
        """Ask the solution's process; raises what it raised, SolutionLost or Unsupported."""
        if self.lost is not None:
            raise self.lost
        try:
            writer = Writer(self)
            node = writer.value(arguments)
            table = writer.table()
        except CannotCross as error:
            raise Unsupported(str(error)) from error
        value, raised_there = self._exchange([kind, table, node], writer.objects)
        if raised_there is None:
            return value
        if isinstance(raised_there, StopIteration) and not self._is_next(kind, arguments):
            # `all(map(f, cases))` would take it for the end of the cases.
            raised_there = RuntimeError("the solution raised StopIteration")
        self.last_raised = raised_there
        raise raised_there

    @staticmethod
    def _is_next(kind: str, arguments: tuple[Any, ...]) -> bool:
        return kind == "operation" and arguments[0] == "next"

    def _exchange(self, message: Any, sent: list[Any]) -> tuple[Any, BaseException | None]:
        """Send a request and return the value or the exception of its reply."""
        try:
            self._channel.send(message)
            return self._settle(self._wait(), sent)
        except BrokenChannel as error:
            outcome = "output_limit" if isinstance(error, TooLarge) else "runtime_error"
            self.lost = SolutionLost(outcome, str(error))
        except MemoryError:
            self.lost = SolutionLost("memory_limit", "the solution's result is too large")
        raise self.lost

    def call(self, function: Remote, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call a function of the solution and remember the call for the evidence."""
        self.generation += 1
        self._pass_on_patches()
        self.last_call = (function.remote_name, (args, keywords), ...)
        result = self.request("call", function, args, tuple(keywords.items()))
        self.last_call = (function.remote_name, (args, keywords), result)
        return result

    def _pass_on_patches(self) -> None:
        """Let the solution see a patched `input`, `print` or `sys.stdin`, as tests expect."""
        for name, known in self._patched.items():
            current = getattr(builtins, name)
            if current is not known:
                self.request("patch", name, None if current is ORIGINAL[name] else current)
                self._patched[name] = current
        if isinstance(sys.stdin, io.StringIO):
            self.request("stdin", sys.stdin.read())

    def _wait(self) -> dict[str, Any]:
        """Return the reply; functions of the tests that the solution calls are run meanwhile."""
        while True:
            message = self._channel.receive()
            if type(message) is not dict:
                raise BrokenChannel("a reply that is no object")
            if "function" not in message:
                return message
            self._channel.send(self._run(message))

    def _run(self, message: dict[str, Any]) -> dict[str, Any]:
        number = message["function"]
        if type(number) is not int or not 0 <= number < len(self._functions):
            raise BrokenChannel("a function that was never handed out")
        args, keywords = self._read_arguments(message)
        writer = Writer(self)
        try:
            node = writer.value(self._functions[number](*args, **keywords))
            return {"table": writer.table(), "value": node}
        except CannotCross as error:
            raise Unsupported(str(error)) from error
        except Exception as error:  # noqa: BLE001 - a test's function may raise; the caller gets it
            return {"table": [], "raised": raised.describe(error, writer.value)}

    def _read_arguments(self, message: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        try:
            args, keywords = Reader(self, message["table"]).read(message["value"])
            return tuple(args), {str(name): value for name, value in keywords}
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenChannel("a malformed call of a function of the tests") from error

    def _settle(self, reply: dict[str, Any], sent: list[Any]) -> tuple[Any, BaseException | None]:
        """Bring the arguments up to date, print what was printed, read value or exception."""
        try:
            table, out = reply["table"], reply["out"]
            self.overflown = self.overflown or reply["overflown"] is True
        except KeyError as error:
            raise BrokenChannel("a reply with a part missing") from error
        reader = Reader(self, table, sent)
        if out:
            sys.stdout.write(str(out))
        if "raised" in reply:
            return None, self._exceptions.make(reply["raised"], reader.read)
        return reader.read(reply.get("value")), None

    def hello(self) -> Any:
        """Wait for the first message of the solution's process."""
        return self._channel.receive()

    def forget(self) -> None:
        """Start a test: the last call and the last exception belong to another."""
        self.last_call = self.last_raised = None
        self.overflown = False

    def tests_wrote_files(self) -> bool:
        """Say whether the tests left files here, which the solution's process can't see."""
        return any(os.scandir())
