"""Nothing of the daemon dies unnoticed: a thread or task that fails by a fault of ours ends the station in order.

A service manager then starts it anew, which a person would do as well; meanwhile the PLC inspects everything.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)


class DiedError(Exception):
    """A part of the daemon failed by a fault of its own; the sentence names it."""


class Watch:
    """Every thread of the process, and the tasks that it is asked to start.

    Args:
        end: called once, from any thread, with what a person should read.
    """

    def __init__(self, end: Callable[[str], None]) -> None:
        self._end = end
        self._before = threading.excepthook
        self.died = ""

    def __enter__(self) -> Self:
        threading.excepthook = self._thread_died
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        threading.excepthook = self._before

    def task(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a task that should never end by itself before it is cancelled, or end well."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._dead(task.get_name(), error)

    def _thread_died(self, told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            self._dead(told.thread.name if told.thread else "a thread", told.exc_value)

    def _dead(self, name: str, error: BaseException) -> None:
        log.error("%s died, so the station ends: %r", name, error, exc_info=error)
        if not self.died:
            self.died = f"{name} died: {error!r}; the log has more. Report it, with the log"
            self._end(self.died)
