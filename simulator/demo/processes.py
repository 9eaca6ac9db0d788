"""The demo's processes: the plant, and the daemon as a site would start it."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

STOP_S = 4.0


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Plant:
    """`simulator run` with its control line."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "simulator", "run", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True).start()
        self.wires: dict[str, str] = json.loads(self._next(30.0))["wires"]
        self.last: dict[str, Any] = {}

    @property
    def plc_port(self) -> int:
        """Where the PLC listens."""
        return int(self.wires["plc"].rpartition(":")[2])

    def tell(self, line: str) -> str:
        """Send one control line and wait for its answer."""
        if self.process.stdin is None:
            return ""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._next(10.0)

    def stop(self) -> None:
        """End it; what it says last is kept in `last`."""
        end(self.process, STOP_S)
        while (line := self._said.get(timeout=STOP_S)) is not None:
            if line.startswith('{"late_ms"'):
                self.last = json.loads(line)

    def _next(self, seconds: float) -> str:
        line = self._said.get(timeout=seconds)
        if line is None:
            raise RuntimeError(f"the plant ended with code {self.process.wait()}")
        return line

    def _listen(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            self._said.put(line)
        self._said.put(None)


def start_station(folder: Path, config: Path, overrides: Sequence[str], log: IO[str]) -> subprocess.Popen[str]:
    """Start `station run` in that folder."""
    sets = [part for override in overrides for part in ("--set", override)]
    command = [sys.executable, "-m", "station", "run", str(config), *sets]
    return subprocess.Popen(
        command, cwd=folder, stderr=log, stdin=subprocess.DEVNULL, text=True, start_new_session=True
    )


def end(process: subprocess.Popen[str], seconds: float) -> int:
    """Ask a process to end, and make it after so long; returns its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
