"""The PLC's port on virtual time: one write and one read a poll, as docs/plc-interface.md has it, without the wire."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from simulator.plant.trouble import Trouble
from simulator.plc.orders import Command, OrderWords
from simulator.plc.program import PlcProgram
from simulator.storm.clock import NS_PER_MS, VirtualClock
from station.core.actions import Order
from station.core.events import (
    AckResult,
    BeltParcel,
    Constants,
    DeviceState,
    Direction,
    Edge,
    Event,
    Lane,
    Mode,
    OrderAcknowledged,
    OutcomeSeen,
    Place,
    PlcConnected,
    PlcLost,
    PlcSample,
    Why,
)
from station.ports import Health, Sink

WORD = 1 << 32
SILENT_NS = 300 * NS_PER_MS
_ORDERS = 12
_PLACES = {1: Place.PASS, 2: Place.INSPECT, 3: Place.LOST, 4: Place.UNOBSERVED}
_MODES = {1: Mode.AUTOMATIC, 2: Mode.HAND, 3: Mode.BYPASS}
_Entry = TypeVar("_Entry")


@dataclass(slots=True)
class Cabinet:
    """The PLC itself: its program, the commands that lie in its registers until a scan, and when it last scanned."""

    program: PlcProgram
    scanned_ns: int = 0
    taken_ns: int = 0
    commands: list[tuple[int, Command]] = field(default_factory=list)

    def take_commands(self) -> None:
        """At a scan: take what was written since the last."""
        program = self.program
        for written_ns, command in self.commands:
            eye = program.settings.decision_eye
            program.orders.take(command, program.rows, eye, program.count, program.ms)
            self.taken_ns = written_ns
        self.commands.clear()


class PlcPort:
    """A `station.ports.Plc`. `poll` is called as often as a driver would; events go to `sink`."""

    name = "plc"
    proved = "it answers"

    def __init__(self, clock: VirtualClock, cabinet: Cabinet, trouble: Trouble) -> None:
        self.cabinet = cabinet
        self._clock = clock
        self._trouble = trouble
        self._sink: Callable[[Event], None] = lambda _event: None
        self._connected = False
        self._known: PlcProgram | None = None
        self._answered_ns = 0
        self._edges = self._outcomes = 0
        self._pending: OrderedDict[int, Order] = OrderedDict()
        self._beats = self._session = self._grant = self._number = 0
        self._late: deque[tuple[int, list[Event]]] = deque()

    # --- station.ports.Plc ------------------------------------------------------------------------------------------

    def start(self, sink: Sink) -> None:
        """Begin to poll."""
        self._sink = sink

    def stop(self) -> None:
        """End."""

    def health(self) -> Health:
        """How the connection is now."""
        return Health(self._connected, "", self._answered_ns, {})

    def probe(self) -> str:
        """Nothing can be wrong with it."""
        return ""

    def beat(self) -> None:
        """Let the heartbeat advance once with the next write."""
        self._beats = (self._beats + 1) % 65_536

    def send(self, orders: Sequence[Order]) -> None:
        """Queue orders for the next write; one takes the place of any of its parcel that waits still."""
        for order in orders:
            for older in [o.sequence for o in self._pending.values() if o.parcel == order.parcel]:
                del self._pending[older]
            self._pending[order.sequence] = order

    def open_session(self, session: int, epoch: int | None) -> None:
        """Offer a session; orders of the one before are void."""
        self._session, self._grant = session, epoch or 0
        self._pending.clear()

    # --- the poll ---------------------------------------------------------------------------------------------------

    @property
    def session(self) -> int:
        """The session on offer."""
        return self._session

    def poll(self) -> None:
        """One write and one read."""
        now, trouble = self._clock.ns, self._trouble
        while self._late and self._late[0][0] <= now:
            self._tell(self._late.popleft()[1])
        if self._late:
            return
        if "plc-mute" in trouble.on:
            self._silence(now)
            return
        if self._connected:
            self._write(now)
        if trouble.on and ("plc-stale" in trouble.on or trouble.strikes("plc-torn")):
            self._silence(now)
            return
        slow = trouble.size("plc-slow") if trouble.on else None
        if slow is None:
            self._tell(self._read(now))
        else:
            answered = now + int(slow * NS_PER_MS)
            self._late.append((answered, self._read(answered)))

    def _tell(self, events: list[Event]) -> None:
        self._answered_ns = self._clock.ns
        for event in events:
            self._sink(event)

    def _silence(self, now: int) -> None:
        if self._connected and now - self._answered_ns > SILENT_NS:
            self._connected = False
            if "plc-stale" in self._trouble.on:
                self._known = None
            self._sink(DeviceState(self.name, connected=False, detail="no answer"))
            self._sink(PlcLost("no answer"))

    def _write(self, now: int) -> None:
        self._number = (self._number + 1) % 65_536
        if not self._session:
            return
        words: tuple[OrderWords, ...] = ()
        if self._pending:
            words = tuple(
                OrderWords(o.sequence, o.parcel.number, 1 if o.lane is Lane.PASS else 2, o.last_count)
                for o in list(self._pending.values())[:_ORDERS]
            )
        self.cabinet.commands.append((now, Command(self._number, self._session, self._beats, self._grant, words)))

    def _read(self, answered_ns: int) -> list[Event]:
        program = self.cabinet.program
        if program.orders.epoch == self._grant:
            self._grant = 0
        events: list[Event] = []
        if not self._connected:
            self._connected = True
            self._number = program.orders.number or 0  # so that the next write has advanced
            events += [DeviceState(self.name, connected=True)]
            events += [self._connect(resumed=self._known is program and not self._missed())]
        elif self._known is not program or self._missed():
            self._pending.clear()
            events += [self._connect(resumed=False)]
        rings = program.rings
        if rings.edge_total != self._edges or rings.outcome_total != self._outcomes:
            events += self._news(program)
        events.append(self._sample(program, answered_ns))
        if self._trouble.strikes("ack-lost"):
            program.orders.acks.clear()
        if self._pending:
            events += self._echoes(program)
        return events

    def _echoes(self, program: PlcProgram) -> Iterator[Event]:
        for ack in list(program.orders.acks)[::-1]:
            order = self._pending.get(ack.order)
            lane = Lane.PASS if ack.lane == 1 else Lane.INSPECT
            if order is not None and (order.parcel.number, order.lane) == (ack.parcel, lane):
                del self._pending[ack.order]
                yield OrderAcknowledged(ack.order, ack.parcel, lane, AckResult(ack.result))

    def _missed(self) -> bool:
        rings = self.cabinet.program.rings
        edges, outcomes = rings.edge_total - self._edges, rings.outcome_total - self._outcomes
        return edges > len(rings.edges) or outcomes > len(rings.outcomes)

    def _connect(self, *, resumed: bool) -> PlcConnected:
        program = self.cabinet.program
        if not resumed:
            self._known = program
            self._edges, self._outcomes = program.rings.edge_total, program.rings.outcome_total
        rows = [] if resumed else list(program.rows.values())[-32:]
        parcels = tuple(
            BeltParcel(r.number, r.infeed_count % WORD, r.length, r.session, max(r.seen), r.seen[max(r.seen)] % WORD)
            for r in rows
        )
        book = program.orders
        return PlcConnected(
            book.epoch,
            book.session,
            program.settings.program_version,
            program.count % WORD,
            program.ms % WORD,
            parcels,
            resumed,
            constants_of(program),
        )

    def _news(self, program: PlcProgram) -> Iterator[Event]:
        rings = program.rings
        for record in _newest(rings.edges, rings.edge_total - self._edges):
            self._edges += 1
            direction = Direction.BROKEN if record.broken else Direction.FREED
            at = record.count % WORD, record.ms % WORD
            yield Edge(self._edges, record.eye, direction, *at, record.parcel, record.trigger)
        for outcome in _newest(rings.outcomes, rings.outcome_total - self._outcomes):
            self._outcomes += 1
            at = outcome.count % WORD, outcome.ms % WORD
            yield OutcomeSeen(self._outcomes, outcome.number, _PLACES[outcome.place], Why(outcome.why), *at)

    def _sample(self, program: PlcProgram, answered_ns: int) -> PlcSample:
        at_pass, at_inspect = program.at
        return PlcSample(
            min(self.cabinet.taken_ns, self.cabinet.scanned_ns),
            answered_ns,
            program.ms % WORD,
            program.count % WORD,
            program.orders.epoch,
            program.orders.session,
            _MODES[program.mode],
            program.belt,
            program.stop_cause,
            program.guard.faults,
            None if at_pass == at_inspect else Lane.PASS if at_pass else Lane.INSPECT,
            program.lane_full,
            program.scan_max_ms,
        )


def constants_of(program: PlcProgram) -> Constants:
    """What the program's settings block says."""
    settings = program.settings
    return Constants(
        mm_per_count=settings.um_per_count / 1000,
        latch_ms=settings.latch_us / 1000,
        slip=settings.slip_ppm / 1e6,
        tolerance_mm=float(settings.tolerance_mm),
        length_tolerance_mm=float(settings.length_tolerance_mm),
        switch_mm=float(settings.switch_mm),
        eyes_mm=tuple(float(mm) for mm in settings.eye_mm),
        decision_eye=settings.decision_eye,
        diverter_mm=float(settings.diverter_mm),
        longest_mm=float(settings.longest_mm),
        stale_ms=settings.stale_ms,
    )


def _newest(ring: deque[_Entry], wanted: int) -> list[_Entry]:
    return [ring[-n] for n in range(min(wanted, len(ring)), 0, -1)]
