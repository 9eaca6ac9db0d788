"""Ctrl-C ends storms at once, and what is done by then is told."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from rich.console import Console

from simulator.storm import run
from simulator.storm.cli import Screen
from simulator.storm.storm import Result


def broken_off(results: list[Result]) -> Iterator[Result]:
    yield from results
    raise KeyboardInterrupt


def test_what_is_done_is_told_and_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    done = [Result(7, 1.0, parcels=30), Result(8, 1.0, parcels=12)]
    monkeypatch.setattr(run, "many", lambda *_: broken_off(done))
    out = io.StringIO()
    screen = Screen(Console(file=out, width=200), Console(file=io.StringIO()))
    assert screen.run(7, 2.5, 1, coverage=False, shrink=True) == 130
    said = out.getvalue()
    assert "stopped after 2 of 3 storms; the others: simulator storm --seed 9 --hours 0.5" in said
    assert "2 line hours, 42 parcels" in said


@contextmanager
def running() -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """Storms on two cores, and the processes that work for them, once they do."""
    command = [sys.executable, "-m", "simulator", "storm", "--hours", "4", "--jobs", "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, process_group=0) as storms:
        first, limit = psutil.Process(storms.pid), time.monotonic() + 30
        while len(children := busy(first)) < 2:
            assert storms.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield storms, children


@pytest.mark.parametrize(
    "end",
    [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGTERM)],
    ids=["Ctrl-C", "kill"],
)
def test_the_processes_end_with_it(end: Callable[[int], None]) -> None:
    with running() as (storms, children):
        end(storms.pid)
        said = storms.communicate(timeout=10)[0]
    assert storms.returncode == 130, said
    assert "stopped after 0 of 4 storms; the others: simulator storm --seed 1 --hours 4" in said
    assert "Traceback" not in said
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_they_end_too_when_it_is_killed() -> None:
    with running() as (storms, children):
        storms.kill()
        assert psutil.wait_procs(children, timeout=5)[1] == []


def busy(process: psutil.Process) -> list[psutil.Process]:
    """Its children that have begun to work."""
    children = process.children(recursive=True)
    return [child for child in children if child.cpu_times().user > 1.0]
