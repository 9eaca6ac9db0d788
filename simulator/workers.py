"""Processes that work for another one: they leave Ctrl-C to it, and do not outlive it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process


def _nothing() -> None:
    """Nothing to prepare."""


@contextmanager
def workers(count: int | None = None, prepare: Callable[[], None] = _nothing) -> Iterator[ProcessPoolExecutor]:
    """So many processes to work for this one, or one for each core.

    Whoever breaks off, by Ctrl-C or otherwise, does not wait for what they are at.

    Args:
        count: how many.
        prepare: called first in each of them.
    """
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_ready, initargs=(prepare,))
    try:
        yield pool
    except BaseException:
        for process in active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(prepare: Callable[[], None]) -> None:
    serve_parent()
    prepare()


def serve_parent() -> None:
    """To be called first in such a process: it ends with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
