"""The solution's process: runs the program as module `solution` and answers requests.

A request is a list over the pipe, for example ``["call", table, node]`` with the node
of ``(function, args, keywords)``; the reply is an object::

    {"table": [0], "value": 2, "out": "printed\\n"}        # entry 0 of the request unchanged
    {"table": [], "raised": {"mro": [["builtins", "ValueError"], …], …}, "out": ""}

Nothing here is trusted by anyone: the program shares this process and may answer in its
place. All that such answers can do is to be wrong, since tests and expected values are
in another process.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import io
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from verifiers.inside import helpers, raised, scalars
from verifiers.inside.frames import BrokenChannel, Channel
from verifiers.inside.graph import Node, Reader, Writer
from verifiers.inside.operations import OPERATIONS

MAX_PRINTED = 1024 * 1024
NAME = "solution"
ORIGINAL = {name: getattr(builtins, name) for name in ("input", "print")}


class Printed(io.RawIOBase):
    """Keeps what the program prints, up to a cap; printing beyond it is only counted."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()
        self.overflown = False

    def writable(self) -> bool:
        """Say that this can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        room = MAX_PRINTED - len(self._data)
        self._data += bytes(data)[:room]
        self.overflown = self.overflown or len(data) > room
        return len(data)

    def take(self) -> str:
        """Return what was printed since the last time."""
        text = self._data.decode("utf-8", "replace")
        self._data.clear()
        return text


# One of each for a process, made before it is forked: making them touches 50 pages.
PRINTED = Printed()
STDOUT = io.TextIOWrapper(io.BufferedWriter(PRINTED), "utf-8", newline="\n")


class SolutionSide:
    """Refers to the solution's objects by number and to the tests' functions by theirs."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.wait: Callable[[], Any] = channel.receive
        self.module = types.ModuleType(NAME)
        self.shared: dict[str, type] = dict(helpers.NODES)
        self.asked_for: set[str] = set()
        self._objects: list[Any] = []
        self._handles: dict[int, int] = {}
        self._callbacks: dict[int, Any] = {}

    def refer(self, value: Any) -> Node | None:
        """Refer to instances of classes that the tests asked for, whatever they derive from."""
        kind = type(value)
        if kind.__module__ == NAME and kind.__name__ in self.asked_for:
            return self.foreign(value)
        return self._referred_function(value)

    def _referred_function(self, value: Any) -> Node | None:
        number = getattr(value, "__tests_function__", None) if callable(value) else None
        return ["function", number] if type(number) is int else None

    def foreign(self, value: Any) -> Node:
        """Refer to an object by its number, with what the other side must know of it."""
        kind = type(value)
        if isinstance(value, type):
            if issubclass(value, BaseException):
                return ["exception", raised.lineage(value)]
            return ["remote", self.handle(value), "class", value.__name__, 0]
        owner = self.handle(kind) if kind.__module__ == NAME else 0
        if hasattr(kind, "__next__"):
            return ["remote", self.handle(value), "iterator", kind.__name__, owner]
        if not callable(value):
            return ["remote", self.handle(value), "object", kind.__name__, owner]
        name = getattr(value, "__name__", kind.__name__)
        return ["remote", self.handle(value), "callable", str(name), owner]

    def handle(self, value: Any) -> int:
        """Return an object's number, one for each object; numbers begin at 1."""
        known = self._handles.get(id(value))
        if known is None:
            self._objects.append(value)
            known = self._handles[id(value)] = len(self._objects)
        return known

    def resolve(self, node: Node) -> Any:
        """Return an object of the solution, or a stand-in for a function of the tests."""
        if node[0] == "remote":
            return self._objects[node[1] - 1]
        if node[0] == "exception":
            return raised.Exceptions().kind(node[1])
        if node[0] == "builtin":
            return getattr(importlib.import_module(node[1]), node[2])
        if node[0] == "method":
            return getattr(scalars.PLAIN_TYPES[node[1]], node[2])
        return self._callback(node)

    def _callback(self, node: Node) -> Any:
        kind, number = node
        if number not in self._callbacks:
            function = _ask(self, number)
            made = iter(function, _NEVER) if kind == "iterator" else function
            self._callbacks[number] = made
        return self._callbacks[number]

    def shared_name(self, value: Any) -> str | None:
        """Return the name under which both sides know an object's class."""
        kind = type(value)
        name = kind.__name__
        if name not in self.shared or name in self.asked_for or not hasattr(value, "__dict__"):
            return None
        return name if kind in (self.shared[name], vars(self.module).get(name)) else None

    def shared_class(self, name: str) -> type:
        """Return the solution's own class of that name, else the shared one."""
        own = vars(self.module).get(name)
        return own if isinstance(own, type) else self.shared[name]


_NEVER = object()


def _ask(side: SolutionSide, number: int) -> Callable[..., Any]:
    """Make a function that runs a function of the tests in the tests' process."""

    def ask(*args: Any, **keywords: Any) -> Any:
        writer = Writer(side)
        node = writer.value((args, tuple(keywords.items())))
        side.channel.send({"function": number, "table": writer.table(), "value": node})
        reply = side.wait()
        reader = Reader(side, reply["table"])
        if "raised" in reply:
            raise raised.Exceptions().make(reply["raised"], reader.read)
        return reader.read(reply["value"])

    ask.__tests_function__ = number  # type: ignore[attr-defined]
    return ask


class Server:
    """Answers the tests' requests one after the other."""

    def __init__(self, channel: Channel, setup: str, source: str) -> None:
        self._channel = channel
        self._side = SolutionSide(channel)
        self._side.wait = self.wait
        self._setup = setup
        self._source = source
        self._raw, self._out = PRINTED, STDOUT
        sys.stdout = STDOUT

    def prepare(self) -> None:
        """Run the trusted setup; says hello only when that is done."""
        module = self._side.module
        sys.modules[NAME] = module
        before = set(vars(module))
        run_source(self._setup, "setup.py", module)
        for name, value in vars(module).items():
            if name not in before and isinstance(value, type) and value.__module__ == NAME:
                self._side.shared[name] = value
        self._channel.send(["hello"])

    def serve(self) -> None:
        """Answer until the tests' process hangs up."""
        with contextlib.suppress(BrokenChannel):
            self.wait()

    def wait(self) -> Any:
        """Answer requests until a reply comes, to a function of the tests that was called."""
        while type(message := self._channel.receive()) is list:
            self._channel.send(self._answer(message))
        return message

    def _answer(self, request: Any) -> dict[str, Any]:
        name, table, node = request
        reader = Reader(self._side, table)
        try:
            arguments = reader.read(node)
            result = getattr(self, f"_{name}")(*arguments)
            return self._reply(reader, table, "value", result)
        except RecursionError as error:
            return self._failed(reader, table, error.with_traceback(None))
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is its answer
            return self._failed(reader, table, error)

    def _failed(self, reader: Reader, table: Any, error: BaseException) -> dict[str, Any]:
        writer = Writer(self._side)
        described = raised.describe(error, writer.value)
        return self._reply(reader, table, "raised", None) | {"raised": described}

    def _reply(self, reader: Reader, table: Any, key: str, result: Any) -> dict[str, Any]:
        writer = Writer(self._side, reader.objects)
        node = writer.value(result)
        entries = [
            0 if place < len(table) and entry == table[place] else entry
            for place, entry in enumerate(writer.table())
        ]
        return {"table": entries, key: node, **self._printed()}

    def _printed(self) -> dict[str, Any]:
        self._out.flush()
        return {"out": self._raw.take(), "overflown": self._raw.overflown}

    # The requests; `_answer` finds them by name.

    def _load(self) -> str:
        """Run the program."""
        run_source(self._source, raised.SOLUTION_FILE, self._side.module)
        return "loaded"

    def _entry(self, expression: str) -> Any:
        """Return what the tests call, for example `Solution().solve`."""
        return eval(compile(expression, "entry point", "eval"), vars(self._side.module))

    def _defines(self, names: list[str]) -> list[str]:
        own = vars(self._side.module)
        return [name for name in names if name in own]

    def _name(self, name: str) -> Any:
        """Return a name of the solution; a class asked for is referred to from now on."""
        value = vars(self._side.module)[name]
        if isinstance(value, type) and value.__module__ == NAME:
            self._side.asked_for.add(value.__name__)
        return value

    def _lonely_functions(self) -> list[str]:
        """Return the functions of the program that nothing in it refers to."""
        used = set(_global_loads(compile(self._source, raised.SOLUTION_FILE, "exec")))
        own = vars(self._side.module)
        made = [name for name, value in own.items() if isinstance(value, types.FunctionType)]
        return [name for name in made if own[name].__module__ == NAME and name not in used]

    def _rename(self, name: str, value: Any) -> None:
        """Set a name of the solution, as monkeypatch does."""
        vars(self._side.module)[name] = value

    def _patch(self, name: str, value: Any) -> None:
        """Replace a builtin as the tests did; None puts Python's own back."""
        setattr(builtins, name, ORIGINAL[name] if value is None else value)

    def _stdin(self, text: str) -> None:
        sys.stdin = io.StringIO(text)

    def _names(self) -> list[str]:
        own = vars(self._side.module)
        listed = own.get("__all__")
        return list(listed) if listed else [name for name in own if not name.startswith("_")]

    def _call(self, function: Any, args: tuple[Any, ...], keywords: Any) -> Any:
        return function(*args, **dict(keywords))

    def _get(self, value: Any, name: str) -> Any:
        return getattr(value, name)

    def _set(self, value: Any, name: str, to: Any) -> None:
        setattr(value, name, to)

    def _delete(self, value: Any, name: str) -> None:
        delattr(value, name)

    def _operation(self, name: str, args: tuple[Any, ...]) -> Any:
        return OPERATIONS[name](*args)


def _global_loads(code: types.CodeType) -> Iterator[str]:
    """Yield the global names that code reads, inner functions included."""
    import dis

    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            yield step.argval
        elif isinstance(step.argval, types.CodeType):
            yield from _global_loads(step.argval)


def run_source(source: str, file: str, module: types.ModuleType) -> None:
    """Run source in a module, the helpers that it mentions among its builtins."""
    code = compile(source, file, "exec", dont_inherit=True)
    for name in helpers.NAMES.intersection(helpers.names_of(code)):
        if not hasattr(builtins, name):
            setattr(builtins, name, helpers.find(name))
    exec(code, vars(module))


def main(channel: Channel, job: dict[str, Any]) -> None:
    """Prepare, then answer requests about the program until the tests are done."""
    server = Server(channel, job["setup"], job["source"])
    try:
        server.prepare()
    except BaseException as error:  # noqa: BLE001 - the setup is the question's, and broken
        channel.send(["broken", f"setup.py: {type(error).__name__}: {raised.text_of(error)}"])
        return
    server.serve()
