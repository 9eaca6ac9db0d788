"""The publisher as a process: it really waits, and is told to end by its daemon's pipe or by a signal."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from types import FrameType
from typing import Any

from station.clock import Clock
from station.publisher.ending import Ending
from station.publisher.link import PahoLink
from station.publisher.service import Service, World
from station.publisher.settings import PublisherSettings
from station.publisher.teller import Teller, Told
from station.publisher.waits import Wait

KILL_S = 1.9
BEAT_NS = 1_000_000_000
"""So often an empty line says that the steps go on: the daemon starts one anew that says nothing for long."""
NICE = 10
"""What waits for the broker can wait; the line cannot. So a backlog is drained with what the line leaves."""


def run(settings: PublisherSettings) -> int:
    """Publish until told to end; the exit code."""
    os.nice(NICE)
    clock = Clock()
    ending = Ending(clock, when_begun=_kill_later)
    told = Pipe(ending)
    told.watch()
    steps = Service(settings, World(clock, partial(PahoLink, settings)), ending, Teller(_told)).live()
    beat_ns = 0
    try:
        wait = next(steps)
        while True:
            if clock.mono_ns() - beat_ns >= BEAT_NS:
                beat_ns = clock.mono_ns()
                _print({})
            wait = steps.send(told.wait(wait))
    except StopIteration as end:
        return int(end.value)


class Pipe:
    """Standard input, which the daemon holds open, and SIGTERM."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._closed = threading.Event()

    def watch(self) -> None:
        """Pass both on to the ending."""
        threading.Thread(target=self._read, name="daemon's pipe", daemon=True).start()
        signal.signal(signal.SIGTERM, self._signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait(self, wait: Wait) -> float:
        """Wait here, until the pipe closes at most; what is to be waited for the broker is returned."""
        if wait.link:
            return wait.seconds
        (threading.Event() if self._closed.is_set() else self._closed).wait(wait.seconds)
        return 0.0

    def _read(self) -> None:
        while os.read(0, 4096):
            pass
        self._ending.pipe_closed = True
        self._closed.set()

    def _signal(self, _number: int, _frame: FrameType | None) -> None:
        self._ending.signalled = True
        _kill_later()


def _kill_later() -> None:
    """SIGALRM kills a process that a call holds."""
    signal.setitimer(signal.ITIMER_REAL, KILL_S)


def _told(told: Told) -> None:
    _print(dataclasses.asdict(told))


def _print(line: Mapping[str, Any]) -> None:
    try:
        print(json.dumps(line), flush=True)  # noqa: T201
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
