"""A journal, the real publisher and the broker of storms, on a clock that only the test moves."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from simulator.storm.broker import Broker
from simulator.storm.subscriber import SubscriberCheck, Violation, event_id
from station.clock import Clock
from station.core.records import AlarmRaised, DeviceChanged
from station.journal import Journal
from station.publisher.cursor import Cursor
from station.publisher.ending import Ending
from station.publisher.service import Service, Steps, World
from station.publisher.settings import PublisherSettings
from station.publisher.teller import Teller, Told

SHM = Path("/dev/shm")
BEAT_NS = 1_000_000_000
RESTART_NS = 500_000_000


class CountedEnding(Ending):
    """An ending whose questions are counted, and whose pipe may close at one of them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked = 0
        self.closes_at = 0

    def begun(self) -> bool:
        self.asked += 1
        if self.asked == self.closes_at:
            self.pipe_closed = True
        return super().begun()


class Rig:
    """The daemon's part is played here: it beats, and starts a publisher that ended again."""

    def __init__(self, seed: int = 1, **more: object) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None)
        data = Path(self._folder.name)
        self.now_ns = 5_000_000_000
        self.clock = Clock(
            lambda: self.now_ns, lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(0, 0, self.now_ns // 1000)
        )
        self.journal = Journal(data / "journal.db", station="s1", now_utc=self.clock.utc, mono_ns=self.clock.mono_ns)
        self.journal.probe()
        self.check = SubscriberCheck(self._known)
        self.broker = Broker(seed, self.clock.mono_ns, self.check.take)
        names = {"host": "broker", "site": "hall", "line": "belt", "station": "s1", "keepalive_s": 2, "data": data}
        self.settings = PublisherSettings.model_validate(names | more)
        self.told: list[Told] = []
        self.sent = 0
        self.guess: Callable[[], int] = lambda: self.journal.last_seq
        self.code: int | None = None
        self._steps: Steps | None = None
        self._ending = CountedEnding(self.clock)
        self._due_ns = self._beat_ns = self.now_ns

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.journal.close()
        self._folder.cleanup()

    def append(self, n: int) -> None:
        for _ in range(n):
            self.sent += 1
            text = f"{self.sent}"
            alarm = AlarmRaised(alarm="a", subject="s", text=text, priority="low")
            device = DeviceChanged(device=f"scale-{self.sent % 3}", connected=bool(self.sent % 2), detail=text)
            self.journal.append([device if self.sent % 7 == 0 else alarm], epoch=1, session=1)

    def kill(self) -> None:
        if self._steps is not None:
            self._steps.close()
            self._steps = None
            self._due_ns = self.now_ns + RESTART_NS

    def end(self, *, seconds: float = 1.2) -> None:
        """Close the daemon's pipe; the publisher says so and ends."""
        self._ending.pipe_closed = True
        self.code = None
        self.run(seconds, until=lambda: self.code is not None)

    def end_at_question(self, number: int, *, seconds: float = 1.2) -> None:
        """As `end`, with the pipe closing as the publisher asks for this time whether its end has begun."""
        self._ending.closes_at = self._ending.asked + number
        self.code = None
        self.run(seconds, until=lambda: self.code is not None)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        over_ns = self.now_ns + int(seconds * 1e9)
        while self.now_ns < over_ns and not until():
            self.now_ns = min(over_ns, max(self.now_ns, self._due_ns))
            if self.now_ns - self._beat_ns >= BEAT_NS:
                self.journal.probe()
                self._beat_ns = self.now_ns
            if self.now_ns >= self._due_ns:
                self._step()

    def settle(self, seconds: float = 200) -> None:
        self.run(seconds, until=lambda: self.check.newest(self.journal.journal_id) >= self.journal.last_seq)

    def rejected(self) -> dict[int, str]:
        """What the publisher flagged, once it is dead."""
        with contextlib.closing(Cursor(self.settings.data / "cursor.db")) as cursor:
            cursor.begin(self.journal.journal_id, self.journal.last_seq)
            return dict(cursor.rejected())

    def cursor(self) -> int:
        with contextlib.closing(Cursor(self.settings.data / "cursor.db")) as cursor:
            return cursor.seq

    def violations(self, *, excused: frozenset[str] = frozenset()) -> list[Violation]:
        lost = {event_id(message.payload) for message in self.broker.forgotten}
        return self.check.verdict({self.journal.journal_id: self.journal.last_seq}, lost | excused)

    def _utc(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.now_ns // 1000)

    def _known(self, identity: str) -> bool:
        journal, _, number = identity.rpartition("-")
        return journal == self.journal.journal_id and int(number) <= self.journal.last_seq

    def _step(self) -> None:
        if self._steps is None:
            self._ending = CountedEnding(self.clock)
            world = World(self.clock, self.broker.connect, self.guess)
            self._steps = Service(self.settings, world, self._ending, Teller(self.told.append)).live()
        try:
            wait = next(self._steps)
        except StopIteration as end:
            self.code, self._steps = end.value, None
            self._due_ns = self.now_ns + RESTART_NS
        else:
            self._due_ns = self.now_ns + int(wait.seconds * 1e9)
