"""Worker processes that leave Ctrl-C to their parent and never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from pipeline import logs


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of processes, which start when first needed.

    After an error they end at once, since what they do is not wanted any more.
    """
    pool = ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(os.getpid(),),
    )
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown(wait=True)
        raise
    pool.shutdown(wait=True)


def _start(parent: int) -> None:
    """Leave Ctrl-C to the parent, log as it does, and end when it is gone.

    PR_SET_PDEATHSIG is no help here: it fires when the parent's *thread* ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.inherit()
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
