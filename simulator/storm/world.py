"""The whole line on virtual time: plant, PLC, ports, the PC with the station's processes, the broker.

Time goes from one thing that is due to the next. The order of what is due at once is fixed, so that the same seed gives
the same events.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from simulator.config import PlantConfig
from simulator.plant.listed import feed_of
from simulator.plant.trouble import Emission
from simulator.plant.world import Plant
from simulator.plc.program import PlcProgram
from simulator.storm.broker import Broker
from simulator.storm.clock import NS_PER_MS, VirtualClock, ms_of
from simulator.storm.commander import Commander
from simulator.storm.devices import NEVER, DevicePort, Glance, Stamp, stamp
from simulator.storm.disk import Disk
from simulator.storm.onlooker import Onlooker
from simulator.storm.pc import Daemon, KilledError, Publishing, Room
from simulator.storm.plc_port import Cabinet
from simulator.storm.promises import Promises
from simulator.storm.runs import Runs
from simulator.storm.setup import DEVICES, setup_of
from simulator.storm.subscriber import SubscriberCheck
from simulator.storm.truth import Key, Truth
from simulator.storm.violation import Promise
from station.core.actions import Order
from station.core.commands import HoldList
from station.core.events import DeviceState, Event, Frame, ListsLoaded, OutcomeSeen
from station.core.records import CommandResult, Record
from station.holding import in_force
from station.journal import JournalError, Stored
from station.publisher.settings import PublisherSettings

RESTART_MS = 800.0
STATION = "storm/1/a"
_SETTINGS = {"host": "broker", "site": "storm", "line": "1", "station": "a", "keepalive_s": 2}

Heard = Callable[[float, str, dict[str, Any]], None]
"""Told of what happens: ms, kind, fields."""


@dataclass(order=True, slots=True)
class Due:
    """Something that the world does at a time."""

    ns: int
    serial: int
    act: Callable[[], None] = field(compare=False)


class World:
    """One line. `run_until(ms)` lets time pass; faults are put in between by whoever holds it.

    Without a `battery` the PC's clock tells the same time at each start of the station.
    """

    def __init__(
        self,
        config: PlantConfig,
        folder: Path,
        disk: Disk | None = None,
        heard: Heard | None = None,
        poll_ms: float = 20.0,
        lasts_s: float = 3600.0,
    ) -> None:
        self.config = config
        self._poll_ns = int(poll_ms * NS_PER_MS)
        self.clock = VirtualClock()
        self.heard = heard
        self.plant = Plant(config, self._on_truth)
        self.plant.feeding = False
        self.truth = Truth()
        self.glance = Glance()
        origin: dict[Stamp, Emission] = {}
        self._random = Random(config.seed * 15_485_863 + 7)
        ports = {
            d.name: DevicePort(d.name, self.plant.trouble, Random(f"{config.seed} {d.name}"), origin, self.glance)
            for d in DEVICES
        }
        self.broker = Broker(config.seed, self.clock.mono_ns, self._delivered)
        self.cabinet = Cabinet(self._new_program())
        self.promises = Promises(
            self.truth,
            origin,
            self.ms,
            self._held,
            tuple(d.name for d in DEVICES),
        )
        self.commanded = frozenset[str]()
        self.promises.accepted = self._accepted
        self.commander = Commander(folder, self.clock, Random(f"{config.seed} commands"))
        self.subscriber = SubscriberCheck(self._is_known)
        self.runs = Runs()
        self._names = Random(f"{config.seed} incarnations")
        self.room = Room(
            clock=self.clock,
            cabinet=self.cabinet,
            trouble=self.plant.trouble,
            ports=ports,
            broker=self.broker,
            folder=folder,
            random=Random(config.seed * 32_452_843 + 9),
            witness=self,
            make_id=self._make_id,
            elapse=self._elapse,
            disk=disk,
            lists=self._lists(lasts_s),
        )
        if disk is not None:
            self.promises.durable = disk.durable
        self.onlooker = Onlooker(config, self.plant, self.truth, self.promises, self.cabinet, self.clock, self.after)
        self.promises.left_ms = self.onlooker.left_ms
        self.promises.way_ms = poll_ms + config.plc.scan_ms[1]
        self.promises.encoder_mm = lambda: self.plant.encoder_mm
        self.held_ms = self.promises.held_ms
        self.daemon: Daemon | None = None
        self.publishing: Publishing | None = None
        self.frozen = self.busy = self.flapping = False
        self.policies = 0
        self.supervised = True
        self.wants_feed = True
        self.battery = True
        self.open_in_copy: dict[Key, float] = {}
        self._fed = False
        self._session = 0
        self._settings = PublisherSettings(data=folder, **_SETTINGS)  # type: ignore[arg-type]
        self._agenda: list[Due] = []
        self._serial = 0
        self._begun_ns = self.clock.ns
        self._next_scan = self._next_poll = self.clock.ns
        self.start_station()

    # --- time ---------------------------------------------------------------------------------------------------------

    def ms(self) -> float:
        """Since the world began."""
        return (self.clock.ns - self._begun_ns) / NS_PER_MS

    def after(self, ms: float, act: Callable[[], None]) -> None:
        """Do that so much later."""
        self._serial += 1
        heapq.heappush(self._agenda, Due(self.clock.ns + int(ms * NS_PER_MS), self._serial, act))

    def run_until(self, ms: float) -> None:
        """Let time pass up to `ms` since the world began."""
        end = self._begun_ns + int(ms * NS_PER_MS)
        while True:
            due = self._next_due()
            if due > end:
                self.clock.ns = end
                return
            self.clock.ns = max(due, self.clock.ns)
            self._do(self.clock.ns)

    def _next_due(self) -> int:
        due = self._next_scan
        if self._agenda and self._agenda[0].ns < due:
            due = self._agenda[0].ns
        if not self.frozen:
            if self.plant.emissions:
                due = min(due, self._begun_ns + int(self.plant.emissions[0][0] * NS_PER_MS) + 1)
            due = min(due, self.glance.due_ns)
            if self.daemon is not None:
                due = min(due, self._next_poll, NEVER if self.busy else self.daemon.next_ns())
        if self.publishing is not None:
            due = min(due, self.publishing.next_ns)
        return due

    def _do(self, now: int) -> None:
        while self._agenda and self._agenda[0].ns <= now:
            heapq.heappop(self._agenda).act()
        if self._next_scan <= now:
            self._scan(now)
        if self.daemon is not None and not self.frozen:
            woken = self._read_ports(now)
            if self._next_poll <= now:
                self.daemon.plc.poll()
                self._next_poll = now + self._poll_ns
                woken = True
            if (woken or self.daemon.next_ns() <= now) and not self.busy:
                self._turn()
        else:
            self._lose(now)
        if self.publishing is not None and self.publishing.next_ns <= now:
            self.publishing.step()

    def _elapse(self, ms: float) -> None:
        """Time passes while the daemon waits for its disk.

        Raises:
            KilledError: it is dead by then, and another may run in its place.
        """
        waits, self.busy = self.daemon, True
        try:
            self.run_until(self.ms() + ms)
        finally:
            self.busy = False
        if self.daemon is not waits:
            raise KilledError

    # --- plant and PLC ------------------------------------------------------------------------------------------------

    def _scan_ns(self) -> int:
        return int(self._random.uniform(*self.config.plc.scan_ms) * NS_PER_MS)

    def _scan(self, now: int) -> None:
        plant, program = self.plant, self.cabinet.program
        plant.advance((now - self._begun_ns) / NS_PER_MS)
        self.cabinet.take_commands()
        before = program.number
        plant.outputs(program.scan(plant.inputs()))
        self.cabinet.scanned_ns = now
        self._next_scan = now + self._scan_ns()
        if program.number != before:
            self.truth.numbered(program)
        if program.orders.session != self._session:
            self._session = program.orders.session
            if self._session:
                self.promises.taken(self._session)
        self._fed = self._fed or bool(program.orders.session and program.run_empty)
        plant.feeding = self.wants_feed and self._fed

    def _new_program(self) -> PlcProgram:
        inputs = self.plant.inputs()
        return PlcProgram(self.config.plc_settings(), inputs.ms, inputs.count)

    def restart_plc(self) -> None:
        """The PLC's program begins anew."""
        self.cabinet.program = self._new_program()
        self.cabinet.commands.clear()

    # --- the PC -------------------------------------------------------------------------------------------------------

    def start_station(self) -> None:
        """Start the daemon, and with it the publisher; where its journal refuses, it is tried again."""
        if self.daemon is not None:
            return
        if not self.battery:
            self.clock.wrong_s = -self.ms() / 1000
        try:
            self.daemon = Daemon(
                self.room, setup_of(self.config, f"policy-{self.policies}", self._poll_ns / NS_PER_MS), STATION
            )
        except JournalError as error:
            self.tell("station-refused", {"why": str(error)})
            self._again()
            return
        if self.daemon.set_aside:
            self.tell("journal-aside", {})
            self.promises.journal_lost()
            self.answers_lost()
        if self.commander.lists.get(in_force(self.room.folder), frozenset()) != self.commanded:
            self.promises.broken(Promise.OBEYED, "a start takes another hold list than the one accepted last")
        self.tell("station-started", {"policy": self.policies})
        self._next_poll = self.clock.ns + self._poll_ns
        self.promises.journal_is(self.room.folder / "journal.db")
        self.frozen = False
        if self.publishing is not None:
            self.publishing.kill()
        self.start_publisher()

    def start_publisher(self) -> None:
        """Start the publisher's process, as the daemon does."""
        if self.daemon is not None and (self.publishing is None or not self.publishing.alive):
            self.publishing = Publishing(self.room, self._settings, self.daemon.put, self._newest)

    def _newest(self) -> int:
        """The last number on disk, as far as it was told; what it was not told yet is published a step later."""
        return self.daemon.journal.last_seq if self.daemon is not None else NEVER

    def kill_station(self) -> None:
        """The daemon is dead; its publisher ends by itself, and the supervisor starts both again."""
        if self.daemon is None:
            return
        self.tell("station-dead", {})
        self.promises.journal_is(None)
        self.daemon.let_go()
        self.daemon = None
        self.frozen = self.busy = False
        self.room.fuse.left = None
        if self.publishing is not None:
            self.publishing.ending.pipe_closed = True
        self._again()

    def stop_station(self) -> None:
        """The daemon ends in order, and is started again."""
        if self.daemon is None or self.frozen or self.busy:
            return
        with contextlib.suppress(KilledError):
            self.daemon.stop()
        self.kill_station()

    def _again(self) -> None:
        if self.supervised:
            self.after(RESTART_MS, self.start_station)

    def _turn(self) -> None:
        daemon = self.daemon
        if daemon is None:
            return
        try:
            daemon.one_turn()
            if daemon.turn.damaged:
                self.kill_station()
        except KilledError:
            if self.daemon is daemon:
                self.kill_station()
        except Exception as error:  # noqa: BLE001 - whatever a bug raises, the process ends of it
            self.promises.broken(Promise.LIVENESS, f"the daemon ends by itself: {error!r}")
            self.kill_station()

    def _read_ports(self, now: int) -> bool:
        """The drivers read what is at the wires; True if the core gets something."""
        daemon = self.daemon
        if daemon is None:
            return False
        if self.plant.emissions:
            for emission in self.plant.due((now - self._begun_ns) / NS_PER_MS):
                at = self._begun_ns + int(emission.due_ms * NS_PER_MS)
                port = self.room.ports[emission.device]
                if port.connected:
                    port.arrive(emission, at, now)
        woken = False
        if self.glance.due_ns <= now:
            for port in self.room.ports.values():
                for reading, emission in port.handed_over(now):
                    woken = True
                    self.promises.evidence.handed(stamp(reading))
                    if isinstance(reading, Frame):
                        daemon.frame(reading, emission)
                    else:
                        daemon.put(reading)
            self.glance.due_ns = min(port.next_ns() for port in self.room.ports.values())
        self.glance.ns = now
        return woken

    def _lose(self, now: int) -> None:
        """Nobody reads: what comes while the process is dead is gone, while it only stands still it waits."""
        if not self.frozen:
            self.plant.due((now - self._begun_ns) / NS_PER_MS)
            for port in self.room.ports.values():
                port.forget()
            self.glance.ns, self.glance.due_ns = now, NEVER

    def plug(self, device: str, *, into: bool) -> None:
        """A device's cable goes out or in, if it is not there already."""
        port = self.room.ports[device]
        if port.connected == into:
            return
        zone = next(d.zone_mm for d in DEVICES if d.name == device)
        for item in self.plant.under(zone):
            if (body := self.truth.of_item(item.identity)) is not None:
                body.unwatched.add(device)
        port.connected = into
        if self.daemon is not None:
            self.daemon.put(DeviceState(device, connected=into, detail="" if into else "unplugged"))

    def give(self, event: Event) -> None:
        """Something else comes to the station's daemon."""
        if self.daemon is not None:
            self.daemon.put(event)

    # --- who looks on -------------------------------------------------------------------------------------------------

    def kept(self, records: Sequence[Record], stored: Sequence[Stored]) -> None:
        """Records are on disk."""
        again = self.runs.kept(stored[0].incarnation, stored[0].seq, stored[-1].seq)
        if again:
            self.promises.broken(Promise.AT_SUBSCRIBER, again)
        self.promises.kept(records, stored)
        if self.heard is not None:
            for record in records:
                self.tell("record", {"record": record})

    def ordered(self, orders: Sequence[Order], session: int) -> None:
        """Orders go out."""
        self.promises.ordered(orders, session)

    def offered(self, session: int, epoch: int | None) -> None:
        """A session is offered."""
        self.promises.offered(session, epoch)

    def beats(self) -> None:
        """The heartbeat advances."""
        self.promises.beats()

    def proved(self, *, kept: bool) -> None:
        """The disk kept what it was given, or not."""
        self.promises.proved(kept=kept)

    def outcome(self, seen: OutcomeSeen) -> None:
        """The PLC tells where a parcel ended."""
        self.promises.outcome((self.cabinet.program.orders.epoch, seen.number), seen.place.value)

    @property
    def newest(self) -> tuple[str, int]:
        """The run that writes now, and its last number."""
        return next(reversed(self.runs.ends.items()), ("", 0))

    @property
    def owed(self) -> int:
        """How many events on disk, of the run that writes now, the subscriber has not got."""
        journal, newest = self.newest
        return newest - self.subscriber.newest(journal)

    def _is_known(self, identity: str) -> bool:
        journal, _, number = identity.rpartition("-")
        return int(number) <= self.runs.ends.get(journal, 0) or self.promises.on_disk(int(number))

    def _delivered(self, topic: str, payload: bytes) -> None:
        if "/event/" in topic:
            self.subscriber.take(topic, payload)

    def _on_truth(self, kind: str, fields: dict[str, Any]) -> None:
        self.tell(kind, fields)
        self.onlooker.take(kind, fields)

    def tell(self, kind: str, fields: dict[str, Any]) -> None:
        """For the story."""
        if self.heard is not None:
            self.heard(self.ms(), kind, fields)

    def _held(self) -> frozenset[str]:
        """What was held as the daemon's turn began: what comes while its disk works is for the next."""
        begun_ms = ms_of(self.daemon.turned_ns) if self.daemon is not None else self.ms()
        new = {code for code, since_ms in self.held_ms.items() if since_ms > begun_ms}
        return (self.room.lists.held - new) | self.commanded

    def _accepted(self, answer: CommandResult) -> None:
        """A command is carried out: a hold list is in force from here on."""
        if answer.command_type != HoldList.type:
            return
        self.commanded = self.commander.lists[answer.about]
        for code in self.commanded:
            self.held_ms.setdefault(code, self.ms())
        for code in self.held_ms.keys() - (self.room.lists.held | self.commanded):
            del self.held_ms[code]

    def answers_lost(self) -> None:
        """The journal is another one: a hold list that it had accepted, and that waits still, is to be taken again."""
        if self.commander.waits(HoldList):
            self.commanded = self.commander.lists.get(in_force(self.room.folder), frozenset())

    def _make_id(self) -> str:
        """Only a new journal's name is of the world's own chance: a restart changes nothing else of a storm."""
        begun = (self.room.folder / "journal.db").exists()
        return f"{(self._names if begun else self._random).getrandbits(128):032x}"

    def _lists(self, lasts_s: float) -> ListsLoaded:
        """The hold list and the declared weights of all that comes, and more; of an hour at least."""
        feed, hours = feed_of(self.config), max(1.0, lasts_s / 3600)
        items = [feed.next()[0] for _ in range(int(self.config.feed.parcels_per_hour * 1.3 * hours))]
        held = frozenset(item.barcode for item in items if item.held and item.barcode)
        declared = tuple((i.barcode, i.declared_g) for i in items if i.barcode and i.declared_g is not None)
        return ListsLoaded("lists-0", held, declared)
