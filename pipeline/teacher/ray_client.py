"""The teacher on a cluster: Ray Data streams asks to engines in its workers, no server between.

The part of a configuration that it reads::

    [runtime.ray]
    address = "auto"
    replicas = 2
    [runtime.ray.vllm]
    tensor_parallel_size = 8

For clusters in which nobody serves a model, or none may. Servers (pipeline/teacher/openai.py)
come and go during a run and are watched one by one; here Ray places the workers, and a change
of the cluster's size needs a new run.
"""

from __future__ import annotations

import importlib.util
import logging
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipeline.cluster import Cluster
from pipeline.config import Runtime
from pipeline.errors import ConfigError, Unavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Client, Keeper, Reply
from pipeline.teacher.budget import Budget
from pipeline.teacher.delivery import LOOK_AHEAD, Delivery

if TYPE_CHECKING:
    from pipeline.teacher.ray_session import Session

KNOCK_S = 10.0  # a guess
PROBE_S = 600.0  # for a first worker to start, its environment included; a guess


class RayClient(Client):
    """Asks engines in a Ray cluster; one caller at a time."""

    def __init__(
        self,
        teacher: Teacher,
        sampling: Sampling,
        runtime: Runtime,
        budget: Budget | None = None,
    ) -> None:
        """Join the cluster; raises Unavailable without Ray, the cluster or its engine."""
        if importlib.util.find_spec("ray") is None:
            raise Unavailable(
                'teacher.engine: "ray" needs the package ray, which is not installed;'
                " pip install 'ray[data]'"
            )
        self._teacher, self._sampling, self._budget = teacher, sampling, budget
        self._settings, self._local = runtime.ray, runtime.local
        self._account = Account()
        self._session: Session | None = None
        self._ours = join(self._settings)
        try:
            check_engine(self._settings)
        except BaseException:
            self.close()
            raise

    def replies(
        self, asks: Iterable[Ask], keeper: Keeper | None = None
    ) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply as it arrives; `asks` is pulled in this thread.

        The workers load their model once for all of them.
        """
        from pipeline.teacher.ray_session import Session

        session = self._session = Session(
            self._teacher,
            self._sampling,
            self._settings,
            self._local,
            keeper=keeper,
            budget=self._budget,
            account=self._account,
        )
        try:
            session.start()
            yield from Delivery(session, _ending(asks, session), self._room, self._tick).run()
        finally:
            session.stop()
            self._session = None

    def note(self) -> str:
        """Return asks in flight and tokens a second."""
        flying = self._session.in_flight() if self._session else 0
        return f"{flying:,} in flight, {self._account.tokens_a_second():,.0f} tokens/s"

    def account(self) -> list[dict[str, Any]]:
        """Return what the cluster was asked and what it wrote."""
        at = self._settings.address or "this machine"
        return [self._account.line(f"ray, {self._settings.engine}, {at}")]

    def close(self) -> None:
        """Leave the cluster, if this client joined it; one that was started here ends."""
        import ray

        if self._session is not None:
            self._session.stop()
        if self._ours:
            ray.shutdown()

    def _room(self) -> int:
        """Return how many asks may be taken and not yet yielded."""
        settings = self._settings
        each = settings.concurrency if settings.engine == "vllm" else self._local.batch_size
        return LOOK_AHEAD * settings.replicas * each

    def _tick(self) -> None:
        if self.on_tick is not None:
            self.on_tick()


def join(settings: Cluster) -> bool:
    """Join a cluster, or start one here; tell whether it is this process that has to leave it."""
    import ray

    if ray.is_initialized():
        if settings.python:
            raise ConfigError(
                "runtime.ray.python: cannot be chosen in a process that is in a cluster already;"
                " leave it out and give the cluster's workers an environment with the engine"
            )
        return False
    environment = {"py_executable": settings.python} if settings.python else None
    try:
        _knock(settings.address)
        ray.init(
            address=settings.address or "local",
            include_dashboard=False,
            runtime_env=environment,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise Unavailable(
            f"runtime.ray.address: no Ray at {settings.address or 'this machine'} ({error});"
            " start it with `ray start`, or leave the address out"
        ) from None
    return True


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at host:port; Ray would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def check_engine(settings: Cluster) -> None:
    """Raise Unavailable where no worker can import the engine, ConfigError where none starts."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    from pipeline.teacher.ray_engines import here
    from pipeline.teacher.ray_rows import has_module

    probe = ray.remote(num_cpus=0, label_selector=here())(has_module)
    try:
        found = ray.get(probe.remote(settings.engine), timeout=PROBE_S)
    except GetTimeoutError:
        raise Unavailable(
            f"runtime.ray: no worker started in {PROBE_S:g} s; see Ray's logs"
        ) from None
    except RayError as error:
        raise ConfigError(
            f"runtime.ray.python: no worker can start with {settings.python!r}"
            f" ({type(error).__name__}); write the path of a Python with ray"
        ) from None
    if not found:
        raise Unavailable(
            f'runtime.ray.engine: "{settings.engine}" is not installed where the workers run;'
            ' install it there (vLLM: `make vllm`, then python = ".venv-vllm/bin/python" with an'
            " absolute path), or set another engine"
        )


def _ending(asks: Iterable[Ask], session: Session) -> Iterator[Ask]:
    yield from asks
    session.end()
