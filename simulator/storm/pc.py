"""The station's PC on virtual time: the real core, turn, journal and publisher, in a process that can die."""

from __future__ import annotations

import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol

from simulator.plant.trouble import Emission, Trouble
from simulator.storm.broker import Broker
from simulator.storm.clock import NS_PER_S, VirtualClock
from simulator.storm.detector import ScriptedDetector
from simulator.storm.devices import NEVER, DevicePort
from simulator.storm.disk import Disk
from simulator.storm.plc_port import Cabinet, PlcPort
from station.beginning import begin
from station.core.actions import Order
from station.core.events import (
    Condition,
    DeviceState,
    Event,
    Frame,
    ListsLoaded,
    OutcomeSeen,
    Stopping,
    Tick,
    Watermark,
)
from station.core.line import Line
from station.core.records import Record
from station.core.setup import LineSetup
from station.holding import current
from station.intake import Intake
from station.journal import IdFile, Journal, JournalError, Stored, starting
from station.ports import Picture
from station.publisher.ending import Ending
from station.publisher.service import Service, Steps, World
from station.publisher.settings import PublisherSettings
from station.publisher.teller import Teller, Told
from station.turn import Turn

_BEGINS_NS = NS_PER_S * 3 // 10
_INTAKE_NS = NS_PER_S // 10
_PUBLISH_NS = NS_PER_S // 5


class KilledError(Exception):
    """The process is dead from here on."""


class Witness(Protocol):
    """Who is told what the station does, as it does it; the promises are checked on that."""

    def kept(self, records: Sequence[Record], stored: Sequence[Stored]) -> None:
        """These are on disk now."""

    def ordered(self, orders: Sequence[Order], session: int) -> None:
        """These go to the PLC now."""

    def offered(self, session: int, epoch: int | None) -> None:
        """The PLC is offered a session now, and with it an epoch."""

    def beats(self) -> None:
        """The heartbeat advances."""

    def proved(self, *, kept: bool) -> None:
        """The disk has kept what it was given, or refused it."""

    def outcome(self, seen: OutcomeSeen) -> None:
        """The PLC told where a parcel ended."""


@dataclass(slots=True)
class Fuse:
    """Counts the steps of the process; it is dead after so many more."""

    left: int | None = None

    def step(self) -> None:
        """One step, between two moments at which the process can be dead.

        Raises:
            KilledError: it was the last.
        """
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise KilledError


@dataclass(slots=True)
class Room:
    """What stands around the PC, and outlives its processes. `elapse(ms)` lets time pass while the disk works."""

    clock: VirtualClock
    cabinet: Cabinet
    trouble: Trouble
    ports: dict[str, DevicePort]
    broker: Broker
    folder: Path
    random: Random
    witness: Witness
    make_id: Callable[[], str]
    elapse: Callable[[float], None]
    disk: Disk | None = None
    ids_refused: bool = False
    fuse: Fuse = field(default_factory=Fuse)
    lists: ListsLoaded = field(default_factory=lambda: ListsLoaded("none", frozenset(), ()))

    def write(self) -> None:
        """The disk takes its time."""
        self.fuse.step()
        slow_ms = self.trouble.size("disk-slow")
        if slow_ms is not None:
            self.elapse(slow_ms)
        self.fuse.step()


class WatchedPlc(PlcPort):
    """The PLC's port, where each order is looked at on its way."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.clock, room.cabinet, room.trouble)
        self._room = room

    def send(self, orders: Sequence[Order]) -> None:
        """Queue orders for the next write."""
        self._room.fuse.step()
        self._room.witness.ordered(orders, self.session)
        super().send(orders)
        self._room.fuse.step()

    def beat(self) -> None:
        """Let the heartbeat advance once with the next write."""
        self._room.witness.beats()
        super().beat()

    def open_session(self, session: int, epoch: int | None) -> None:
        """Offer a session; orders of the one before are void."""
        self._room.fuse.step()
        self._room.witness.offered(session, epoch)
        super().open_session(session, epoch)
        self._room.fuse.step()


class WatchedDisk:
    """Journal and numbers as a turn needs them."""

    def __init__(self, room: Room, journal: Journal, numbers: IdFile) -> None:
        self._room = room
        self._journal = journal
        self._numbers = numbers

    def append(self, records: list[Record], *, epoch: int, session: int) -> object:
        """Keep records, synced."""
        self._room.write()
        with self._proof():
            stored = self._journal.append(records, epoch=epoch, session=session)
        self._room.witness.kept(records, stored)
        self._room.fuse.step()
        return stored

    def probe(self) -> None:
        """Prove that a commit reaches the disk."""
        self._room.write()
        with self._proof():
            self._journal.probe()

    @contextlib.contextmanager
    def _proof(self) -> Iterator[None]:
        try:
            yield
        except JournalError as error:
            self._room.witness.proved(kept=False)
            raise self._anywhere(error) from error
        self._room.witness.proved(kept=True)

    def next_session(self, floor: int = 0) -> int:
        """A session, durable."""
        self._write_numbers()
        return self._numbers.next_session(floor)

    def next_epoch(self, floor: int = 0) -> int:
        """An epoch, durable."""
        self._write_numbers()
        return self._numbers.next_epoch(floor)

    def _anywhere(self, error: JournalError) -> JournalError:
        """It as on any machine: its text becomes an event, and the folder of a storm has another name each time."""
        return JournalError(str(error).replace(str(self._room.folder), "data"))

    def _write_numbers(self) -> None:
        """The numbers' file lies on the same disk, though not behind its VFS."""
        self._room.write()
        disk = self._room.disk
        if self._room.ids_refused:
            raise JournalError("ids.json: permission denied")
        if disk is not None and (disk.faults.full or disk.faults.fsync):
            raise JournalError("ids.json: no space left, or fsync failed")


class Daemon:
    """One run of the daemon's process, up to its death; opening the journal may raise JournalError."""

    def __init__(self, room: Room, setup: LineSetup, station: str) -> None:
        self.room = room
        self.line = Line(setup)
        self.plc = WatchedPlc(room)
        path = room.folder / "journal.db"
        opened = partial(
            Journal,
            path,
            station=station,
            now_utc=room.clock.utc,
            mono_ns=room.clock.mono_ns,
            make_id=room.make_id,
            vfs=room.disk.name if room.disk else None,
            quality=room.clock.quality,
        )
        begun = begin(path, room.clock.utc(), opened)
        self.journal, self.set_aside = begun.journal, begun.subject == "aside"
        numbers = IdFile(room.folder / "ids.json", room.clock.utc, self.journal.numbers())
        disk = WatchedDisk(room, self.journal, numbers)
        self.turn = Turn(self.line, disk, disk, self.plc, room.clock.clock())
        self.intake = Intake(room.folder, self.journal.path, self._of_pc)
        self._intake_ns = room.clock.ns
        self.detector = ScriptedDetector(room.random, room.trouble)
        self._inbox: deque[Event] = deque()
        self._looked: list[tuple[int, int, Event]] = []
        self._serial = 0
        self.turned_ns = 0
        self._deadline_ns: int | None = None
        self.plc.start(self.put)
        self.put(starting(self.journal, setup.policy.version, "storm", "config", self.detector.model))
        for event in begun.events:
            self._of_pc(event)
        self.intake.recover()
        self.put(replace(room.lists, commanded=current(room.folder)))
        for port in room.ports.values():
            port.forget()
            self.put(DeviceState(port.name, connected=port.connected))

    def put(self, event: Event | Picture) -> None:
        """Take what drivers and publisher have; no driver here delivers pixels."""
        if isinstance(event, OutcomeSeen):
            self.room.witness.outcome(event)
        if not isinstance(event, Picture):
            self._inbox.append(event)

    def frame(self, frame: Frame, emission: Emission) -> None:
        """A picture was handed over: the core hears of it, and of the detector's answer when that is due."""
        self.put(self.detector.accept(frame, len(self._looked)))
        if frame.fault:
            return
        due_ns, detection = self.detector.look(frame, emission, self.room.clock.ns)
        self._serial += 1
        heapq.heappush(self._looked, (due_ns, self._serial, detection))

    def next_ns(self) -> int:
        """When it wants its next turn by itself; a deadline that a turn has met already waits for the PLC's time."""
        due = self._looked[0][0] if self._looked else NEVER
        deadline = self._deadline_ns
        return due if deadline is None or deadline <= self.turned_ns else min(due, deadline)

    def one_turn(self) -> None:
        """As the daemon's turns: marks first, then all that waits.

        Raises:
            KilledError: the process died on the way.
        """
        now = self.turned_ns = self.room.clock.ns
        if now >= self._intake_ns:
            self._intake_ns = now + _INTAKE_NS
            self.room.fuse.step()
            self.intake.step()
            self.room.fuse.step()
        marks = [Watermark(port.name, port.mark_ns()) for port in self.room.ports.values() if port.connected]
        while self._looked and self._looked[0][0] <= now:
            self._inbox.append(heapq.heappop(self._looked)[2])
        events = list(self._inbox)
        self._inbox.clear()
        self.turn.take([*events, *marks, Tick()])
        self._deadline_ns = self.line.next_deadline()

    def stop(self) -> None:
        """Say what there is to say at an end in order."""
        self.put(Stopping("SIGTERM"))
        self.one_turn()

    def let_go(self) -> None:
        """What the system does with a dead process: its files are closed."""
        self.intake.close()
        with contextlib.suppress(JournalError):
            self.journal.close()

    def _of_pc(self, event: Event) -> None:
        """As on any machine: an alarm's text becomes an event, and the folder of a storm has another name each time."""
        if isinstance(event, Condition):
            event = replace(event, text=event.text.replace(str(self.room.folder), "data"))
        self.put(event)


class Publishing:
    """The publisher's process, driven by virtual time; it outlives its daemon by a second."""

    def __init__(
        self, room: Room, settings: PublisherSettings, out: Callable[[Event], None], newest: Callable[[], int]
    ) -> None:
        clock = room.clock.clock()
        self._room = room
        self._out = out
        self.ending = Ending(clock)
        service = Service(settings, World(clock, room.broker.connect, newest), self.ending, Teller(self._told))
        self._steps: Steps | None = service.live()
        self._begun = False
        self.next_ns = room.clock.ns + _BEGINS_NS

    @property
    def alive(self) -> bool:
        """True until its process has ended."""
        return self._steps is not None

    def step(self) -> None:
        """Let it do what it can."""
        if self._steps is None:
            return
        try:
            wait = self._steps.send(None)
        except StopIteration:
            self._steps = None
            self.next_ns = NEVER
            return
        self.next_ns = self._room.clock.ns + max(int(wait.seconds * NS_PER_S), _PUBLISH_NS)

    def kill(self) -> None:
        """It is dead, wherever it was."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None
            self.next_ns = NEVER

    def _told(self, told: Told) -> None:
        self._out(Condition(told.alarm, told.subject, standing=told.standing, text=told.text))
