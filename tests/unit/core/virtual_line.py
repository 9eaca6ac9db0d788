"""The real core against the simulated plant and PLC on virtual time: no wires, no threads, the same every run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from simulator.config import PlantConfig
from simulator.demo.report import Truth, make_report
from simulator.plant.feed import Feed
from simulator.plant.trouble import Emission
from simulator.plant.world import Plant
from simulator.plc.orders import Command, OrderWords
from simulator.plc.program import PlcProgram
from simulator.storm.plc_port import constants_of
from simulator.storm.setup import DEVICES, setup_of
from station.core.actions import Keep, OpenSession, Order, Send
from station.core.events import (
    AckResult,
    Arrived,
    BarcodeReading,
    BeltParcel,
    Detection,
    DeviceState,
    Direction,
    Edge,
    Event,
    Finding,
    Frame,
    Lane,
    ListsLoaded,
    Mode,
    OrderAcknowledged,
    OutcomeSeen,
    Place,
    PlcConnected,
    PlcSample,
    SessionChosen,
    Starting,
    Tick,
    Watermark,
    WeightReading,
    Why,
)
from station.core.line import Line
from station.core.now import Now
from station.core.records import ReadingMatched, Record

MS = 1_000_000
WORD = 1 << 32
PLACES = {1: Place.PASS, 2: Place.INSPECT, 3: Place.LOST, 4: Place.UNOBSERVED}


@dataclass(slots=True)
class VirtualLine:
    """One run. `filters` may change, drop or multiply what is about to reach the core."""

    config: PlantConfig = field(default_factory=PlantConfig)
    filters: list[Callable[[Event], list[Event]]] = field(default_factory=list)
    ns: int = 1_000_000_000
    records: list[Record] = field(default_factory=list)
    truth_lines: list[dict[str, Any]] = field(default_factory=list)
    beating: bool = True
    poll_every: int = 1
    stated_slip: float | None = None
    utc: str = ""
    line: Line = field(init=False)
    plant: Plant = field(init=False)
    program: PlcProgram = field(init=False)
    _random: Random = field(default_factory=lambda: Random(5))
    _orders: dict[int, Order] = field(default_factory=dict)
    _session: int = 0
    _grant: int = 0
    _number: int = 0
    _beats: int = 0
    _edges: int = 0
    _outcomes: int = 0
    _numbers: int = 0
    _sessions: int = 100
    _later: list[tuple[int, Event]] = field(default_factory=list)
    _last_scan_ns: int = 0
    _steps: int = 0

    def __post_init__(self) -> None:
        self.plant = Plant(self.config, lambda kind, fields: self.truth_lines.append({"kind": kind, **fields}))
        self.plant.feeding = False
        self.restart_plc()
        self.start_station()

    def restart_plc(self) -> None:
        """The PLC's program begins anew."""
        inputs = self.plant.inputs()
        settings = self.config.plc_settings()
        if self.stated_slip is not None:
            settings = replace(settings, slip_ppm=round(self.stated_slip * 1e6))
        self.program = PlcProgram(settings, inputs.ms, inputs.count)
        self._edges = self._outcomes = self._numbers = 0

    def start_station(self) -> None:
        """A new core, as after a kill: no evidence, no orders, the PLC's table of parcels."""
        setup = setup_of(self.config)
        if self.stated_slip is not None:
            setup = replace(setup, geometry=replace(setup.geometry, slip=self.stated_slip))
        self.line = Line(setup)
        self._orders.clear()
        self._session = self._grant = 0
        self.give(Starting("0.1", "config", "model", (), self._known_offsets()))
        for device in DEVICES:
            self.give(DeviceState(device.name, connected=True))
        feed = Feed(self.config.feed, self.config.seed, self.config.belt.speed_mm_s)
        items = [feed.next()[0] for _ in range(6000)]
        held = frozenset(item.barcode for item in items if item.held and item.barcode)
        declared = tuple((i.barcode, i.declared_g) for i in items if i.barcode and i.declared_g is not None)
        self.give(ListsLoaded("lists", held, declared))
        self.connect(resumed=False)

    def _known_offsets(self) -> tuple[tuple[str, int], ...]:
        """As the daemon takes them from its journal."""
        pictures = [r for r in self.records if isinstance(r, ReadingMatched) and r.trigger and r.plc_trigger]
        return tuple({r.device: (r.device, r.trigger - r.plc_trigger) for r in pictures}.values())  # type: ignore[operator]

    def connect(self, *, resumed: bool) -> None:
        """What the driver says when it reaches the PLC."""
        program = self.program
        self._edges, self._outcomes = program.rings.edge_total, program.rings.outcome_total
        rows = [
            BeltParcel(r.number, r.infeed_count % WORD, r.length, r.session, max(r.seen), r.seen[max(r.seen)] % WORD)
            for r in program.rows.values()
        ]
        book = program.orders
        self.give(
            PlcConnected(
                book.epoch,
                book.session,
                1,
                program.count % WORD,
                program.ms % WORD,
                tuple(rows),
                resumed,
                constants_of(program),
            )
        )

    def give(self, event: Event) -> None:
        """Hand one event to the core, through the filters, and do what it wants."""
        events = [event]
        for change in self.filters:
            events = [after for before in events for after in change(before)]
        for one in events:
            for action in self.line.handle(one, Now(self.ns, self.utc or f"t{self.ns // MS}")):
                match action:
                    case Keep():
                        self.records.append(action.record)
                    case Send():
                        self._orders[action.order.sequence] = action.order
                    case OpenSession():
                        self._open(action)

    def run(self, seconds: float) -> None:
        """Let virtual time pass, feeding once a session is live."""
        for _ in range(int(seconds * 50)):
            self.step()

    def step(self) -> None:
        """20 ms: the plant moves, the PLC scans twice, the driver polls, the devices speak."""
        for _ in range(2):
            self.ns += 10 * MS
            self.plant.advance((self.ns - 1_000_000_000) / MS)
            self.plant.outputs(self.program.scan(self.plant.inputs()))
            self._last_scan_ns = self.ns
            self._tell()
        if self.program.orders.session and self.program.run_empty:
            self.plant.feeding = True
        self._devices()
        self._steps += 1
        if self._steps % self.poll_every == 0:
            self._poll()

    def report(self) -> dict[str, Any]:
        """Compare with the truth, as the demo does."""
        truth = Truth()
        path = [json.dumps(line) for line in self.truth_lines]
        truth.take(path)
        events = [{"type": f"v1.{r.type}", "data": r.model_dump(mode="json")} for r in self.records]
        return make_report(truth, events, len(events))

    def _open(self, wanted: OpenSession) -> None:
        self._sessions += 1
        self._session = self._sessions
        self._grant = self._sessions + 1000 if wanted.needs_epoch else 0
        self._orders.clear()
        self.give(SessionChosen(self._session, self._grant or None))

    def _poll(self) -> None:
        program = self.program
        self._number = (self._number + 1) % 65_536
        self._beats += self.beating
        words = tuple(
            OrderWords(o.sequence, o.parcel.number, 1 if o.lane is Lane.PASS else 2, o.last_count)
            for o in list(self._orders.values())[:12]
        )
        command = Command(self._number, self._session, self._beats, self._grant, words)
        program.orders.take(command, program.rows, program.settings.decision_eye, program.count, program.ms)
        rings = program.rings
        for record in list(rings.edges)[len(rings.edges) - (rings.edge_total - self._edges) :]:
            self._edges += 1
            direction = Direction.BROKEN if record.broken else Direction.FREED
            count, ms = record.count % WORD, record.ms % WORD
            self.give(Edge(self._edges, record.eye, direction, count, ms, record.parcel, record.trigger))
        for outcome in list(rings.outcomes)[len(rings.outcomes) - (rings.outcome_total - self._outcomes) :]:
            self._outcomes += 1
            place, why = PLACES[outcome.place], Why(outcome.why)
            self.give(OutcomeSeen(self._outcomes, outcome.number, place, why, outcome.count % WORD, outcome.ms % WORD))
        for ack in list(program.orders.acks):
            order = self._orders.get(ack.order)
            if order and order.parcel.number == ack.parcel:
                del self._orders[ack.order]
                lane = Lane.PASS if ack.lane == 1 else Lane.INSPECT
                self.give(OrderAcknowledged(ack.order, ack.parcel, lane, AckResult(ack.result)))
        self.give(self._sample())
        for device in DEVICES:
            if device.name in self.line.connected:
                self.give(Watermark(device.name, self.ns))
        self.give(Tick())

    def _sample(self) -> PlcSample:
        program = self.program
        at_pass, at_inspect = program.at
        return PlcSample(
            after_ns=self._last_scan_ns - self._random.randrange(1, 6) * MS,
            before_ns=self.ns + self._random.randrange(1, 6) * MS,
            plc_ms=program.ms % WORD,
            count=program.count % WORD,
            epoch=program.orders.epoch,
            session=program.orders.session,
            mode=Mode.AUTOMATIC if program.mode == 1 else Mode.HAND,
            belt_running=program.belt,
            stop_cause=program.stop_cause,
            faults=program.guard.faults,
            diverter=Lane.PASS if at_pass else Lane.INSPECT if at_inspect else None,
            lane_full=program.lane_full,
            scan_max_ms=program.scan_max_ms,
        )

    def _devices(self) -> None:
        now_ms = (self.ns - 1_000_000_000) / MS
        for emission in self.plant.due(now_ms):
            self._speak(emission)
        due = [event for at, event in self._later if at <= self.ns]
        self._later = [(at, event) for at, event in self._later if at > self.ns]
        for event in due:
            self.give(event)

    def _speak(self, emission: Emission) -> None:
        at = 1_000_000_000 + int(emission.due_ms * MS)
        arrived = Arrived(at - 5 * MS, at)
        match emission.device:
            case "scanner":
                self.give(BarcodeReading("scanner", None if emission.text == "NOREAD" else emission.text, arrived))
            case "scale":
                self.give(WeightReading("scale", float(emission.text) * 1000, arrived))
            case "xray":
                frame_id = f"picture-{emission.item.identity}"
                fact = {"item": emission.item.identity, "sha256": frame_id, "hazards": list(emission.item.hazards)}
                self.truth_lines.append({"kind": "picture", **fact})
                self.give(Frame("xray", frame_id, arrived, emission.trigger))
                findings = tuple(Finding(label, 0.9, (0.0, 0.0, 9.0, 9.0)) for label in emission.item.hazards)
                self._later.append((self.ns + 30 * MS, Detection("xray", frame_id, findings, "model", 20.0)))

    def _tell(self) -> None:
        program = self.program
        for number in range(self._numbers + 1, program.number + 1):
            row = program.rows.get(number)
            if row is not None:
                fact = {"epoch": program.orders.epoch, "number": number, "count": row.infeed_count % WORD}
                self.truth_lines.append({"kind": "numbered", **fact})
        self._numbers = program.number
