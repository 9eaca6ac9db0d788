"""The publisher as a process of its own, and the journal of a living daemon beside it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from station.clock import now_ns, now_utc
from station.core.records import AlarmRaised, Record
from station.journal import Journal


def alarm(text: str) -> AlarmRaised:
    return AlarmRaised(alarm="a", subject="s", text=text, priority="low")


def bulky() -> AlarmRaised:
    """An event of more than 5,000 bytes; a text of that length would be cut."""
    return AlarmRaised(alarm="a", subject="x" * 5000, text="t", priority="low")


class Publisher:
    def __init__(self, folder: Path, port: int, **more: Any) -> None:
        self.folder = folder
        settings = {"host": "127.0.0.1", "port": port, "site": "hall", "line": "belt", "station": "s1",
                    "data": str(folder), "keepalive_s": 2, **more}  # fmt: skip
        command = [sys.executable, "-m", "station.publisher", "--config-json", json.dumps(settings)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if told := json.loads(line):  # an empty one says that it lives
                self._lines.put(told)

    def told(self, subject: str, *, standing: bool = True, timeout_s: float = 15) -> str:
        end = time.monotonic() + timeout_s
        while True:
            line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            if line["subject"] == subject and line["standing"] == standing:
                assert line["alarm"] == "publisher"
                return str(line["text"])

    def end(self, timeout_s: float = 2.0) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        return self.wait(timeout_s)

    def wait(self, timeout_s: float) -> int:
        code = self.process.wait(timeout_s)
        self._thread.join(2)
        return code

    def kill(self) -> None:
        self.process.kill()
        self.wait(5)

    def close_pipes(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


class Station:
    """A journal whose daemon lives: it commits several times a second."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal.db", station="s1", now_utc=now_utc, mono_ns=now_ns)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._over.wait(0.2):
            with self._lock:
                self.journal.probe()

    def add(self, *records: Record) -> None:
        with self._lock:
            self.journal.append(list(records), epoch=1, session=1)

    def many(self, n: int) -> None:
        self.add(*(alarm(f"{i}") for i in range(n)))

    @property
    def numbers(self) -> list[int]:
        return list(range(1, self.journal.last_seq + 1))

    def freeze(self) -> None:
        self._over.set()
        self._thread.join()

    def close(self) -> None:
        self.freeze()
        self.journal.close()


@contextmanager
def living_station(folder: Path) -> Iterator[Station]:
    """A station whose data is in `folder`, which is made; closed whatever happens."""
    folder.mkdir()
    station = Station(folder)
    yield station
    station.close()


@contextmanager
def publishers(folder: Path) -> Iterator[Callable[..., Publisher]]:
    """Start publishers of the data in `folder`, each with a port and more settings; none outlives this."""
    made: list[Publisher] = []

    def make(port: int, **more: Any) -> Publisher:
        made.append(Publisher(folder, port, **more))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.kill()
        one.close_pipes()
