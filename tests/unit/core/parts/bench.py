"""A line whose numbers can be reckoned in the head, fed by hand: 1 mm is 1 count is 1 ms.

No slip; a place along the belt is known within 10 counts (2 of latching, 8 of tolerance); the clocks of PLC and PC
agree within 1 ms. A parcel that enters at count 2000 with 300 mm is decided when the X-ray's window closes: its tail is
out of the zone at 2300 + 1210 + 10 = 3520, that PLC millisecond is over at 3521 and 1 ms of clock, a picture may take
100 ms.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from station.core.actions import Action, Drop, Keep, OpenSession, Order, Send
from station.core.belt import BeltHistory, ClockMatch
from station.core.events import (
    Arrived,
    BarcodeReading,
    BeltParcel,
    Constants,
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
    OutcomeSeen,
    Place,
    PlcConnected,
    PlcSample,
    SessionChosen,
    Tick,
    Watermark,
    WeightReading,
    Why,
)
from station.core.line import Line
from station.core.matching import TRIGGERS
from station.core.now import Now
from station.core.parcel import Parcel
from station.core.plc_state import STALE_MS
from station.core.records import AlarmCleared, AlarmRaised, ParcelCompleted, Reason, Record
from station.core.setup import DeviceSetup, Geometry, LineSetup, PolicySetup

MS = 1_000_000
EPOCH, SESSION = 5, 7
INFEED, TRIGGER, BEHIND, DECISION = range(4)
GEOMETRY = Geometry(
    mm_per_count=1.0,
    speed_mm_s=1000.0,
    slip=0.0,
    latch_ms=1.0,
    eyes_mm=(0.0, 1000.0, 1500.0, 2500.0),
    diverter_mm=3100.0,
    exit_mm=3500.0,
    switch_mm=200.0,
    longest_mm=600.0,
    shortest_mm=100.0,
    gap_mm=150.0,
    tolerance_mm=8.0,
    drift_ppm=0.0,
)
SCANNER = DeviceSetup("scanner", "barcode", (300.0, 320.0), (10.0, 20.0))
SCALE = DeviceSetup("scale", "weight", (500.0, 700.0), (10.0, 30.0), measuring_ms=60.0)
XRAY = DeviceSetup("xray", "frame", (1190.0, 1210.0), (50.0, 100.0), trigger_eye=TRIGGER)
POLICY = PolicySetup("rules", (100.0, 30_000.0), 50.0, 0.1, {"knife": 0.5})
SETUP = LineSetup(GEOMETRY, (SCANNER, SCALE, XRAY), POLICY)
CONSTANTS = Constants(
    mm_per_count=1.0,
    latch_ms=1.0,
    slip=0.0,
    tolerance_mm=8.0,
    length_tolerance_mm=16.0,
    switch_mm=200.0,
    eyes_mm=(0.0, 1000.0, 1500.0, 2500.0, 3500.0, 3500.0),
    decision_eye=DECISION,
    diverter_mm=3100.0,
    longest_mm=600.0,
    stale_ms=STALE_MS,
)
SAMPLE = PlcSample(
    after_ns=0,
    before_ns=0,
    plc_ms=0,
    count=0,
    epoch=EPOCH,
    session=SESSION,
    mode=Mode.AUTOMATIC,
    belt_running=True,
    stop_cause=0,
    faults=0,
    diverter=Lane.INSPECT,
    lane_full=False,
    scan_max_ms=10,
)
R = TypeVar("R", bound=Record)


def arrived(after_ms: float, before_ms: float) -> Arrived:
    return Arrived(int(after_ms * MS), int(before_ms * MS))


def clock_and_belt(*samples_ms: int) -> tuple[ClockMatch, BeltHistory]:
    """PC and PLC agree within 1 ms; the belt is at the count of its milliseconds."""
    clock, belt = ClockMatch(0.0), BeltHistory(1.0)
    for ms in samples_ms:
        clock.add(ms * MS, (ms + 1) * MS, ms)
        belt.add(ms, ms)
    return clock, belt


@dataclass(slots=True)
class Bench:
    """One core, its records and orders, and what is yet to come.

    `sample` is the template of the PLC's samples, each taken at some time in the last `bracket_ms`; of the ports in
    `unread` nothing is told; `utc` is the wall clock.
    """

    setup: LineSetup = SETUP
    ms: int = 1000
    sample: PlcSample = SAMPLE
    constants: Constants = CONSTANTS
    line: Line = field(init=False)
    records: list[Record] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    opened: list[bool] = field(default_factory=list)
    dropped: list[tuple[str, ...]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    utc: str = ""
    bracket_ms: int = 1
    _coming: list[tuple[float, int, Event]] = field(default_factory=list)
    _edges: int = 0
    _polled: int = 980

    def __post_init__(self) -> None:
        self.line = Line(self.setup)

    def started(self) -> Bench:
        """All devices connected, lists read, the session live, the belt running empty at count 1000."""
        for device in self.setup.devices:
            self.give(DeviceState(device.name, connected=True))
        self.give(ListsLoaded("lists", frozenset(), ()))
        self.connect()
        self.give(SessionChosen(SESSION, None))
        self.forerun()
        return self.go(self.ms)

    def forerun(self, trigger: int = TRIGGERS) -> None:
        """A picture of no parcel comes, the one right ahead of that of parcel 1: by it, that one is known to be new."""
        for device in self.setup.devices:
            if device.kind == "frame":
                self.give(Frame(device.name, f"forerunner of {self.ms}", arrived(self.ms - 5, self.ms), trigger))

    def connect(self, *rows: BeltParcel, resumed: bool = False, **changes: object) -> list[Action]:
        event = PlcConnected(EPOCH, 0, 1, self.ms, self.ms, rows, resumed, self.constants)
        return self.give(replace(event, **changes))  # type: ignore[arg-type]

    def give(self, event: Event) -> list[Action]:
        actions = self.line.handle(event, Now(self.ms * MS, self.utc or f"t{self.ms}"))
        for action in actions:
            match action:
                case Keep():
                    self.records.append(action.record)
                case Send():
                    self.orders.append(action.order)
                case OpenSession():
                    self.opened.append(action.needs_epoch)
                case Drop():
                    self.dropped.append(action.frames)
        return actions

    def at(self, ms: float, *events: Event) -> None:
        """These events are to come at that time; a reading when it has arrived, an edge ahead of the next sample."""
        self._coming += [(ms, len(self._coming) + i, event) for i, event in enumerate(events)]

    def edge(self, count: int, eye: int, direction: Direction, number: int = 0, trigger: int = 0) -> None:
        self._edges += 1
        self.at(count, Edge(self._edges, eye, direction, count, count, number, trigger))

    def ride(
        self,
        number: int,
        count: int,
        length: int = 300,
        eyes: tuple[int, ...] = (0, 1, 2, 3),
        trigger: int | None = None,
    ) -> None:
        """A parcel enters at that count and is seen at these eyes; its trigger number is its own unless told."""
        for eye in eyes:
            lead = count + int(GEOMETRY.eyes_mm[eye])
            fires = (number if trigger is None else trigger) if eye == TRIGGER else 0
            self.edge(lead, eye, Direction.BROKEN, number if eye == INFEED else 0, fires)
            self.edge(lead + length, eye, Direction.FREED)

    def scan(self, count: int, code: str | None = "A", symbology: str = "") -> None:
        """The scanner reads the parcel that entered at `count`, in the middle of its zone."""
        self.at(count + 425, BarcodeReading("scanner", code, arrived(count + 420, count + 425), symbology))

    def weigh(self, count: int, grams: float | None = 5000.0, fault: str = "") -> None:
        self.at(count + 705, WeightReading("scale", grams, arrived(count + 700, count + 705), fault))

    def picture(
        self, count: int, trigger: int | None, frame_id: str | None = None, *findings: Finding, fault: str = ""
    ) -> None:
        """The X-ray's picture of the parcel that entered at `count`; the detector answers 30 ms later."""
        frame_id = frame_id or f"picture-{count}"
        self.at(count + 1305, Frame("xray", frame_id, arrived(count + 1300, count + 1305), trigger))
        self.at(count + 1335, Detection("xray", frame_id, findings, "model", 20.0, fault))

    def clean(self, number: int, count: int, length: int = 300, code: str = "A") -> None:
        """A parcel with nothing against it."""
        self.ride(number, count, length)
        self.scan(count, code)
        self.weigh(count)
        self.picture(count, number)

    def leaves(self, number: int, ms: int, place: Place, why: Why = Why.RELEASED) -> None:
        self.at(ms, OutcomeSeen(number, number, place, why, ms, ms))

    def poll(self, count: int | None = None) -> None:
        """One sample, and what the daemon tells with it; the count is the time's unless told."""
        ms = self.ms
        count = ms if count is None else count
        after_ns = (ms + 1 - self.bracket_ms) * MS
        self.give(replace(self.sample, after_ns=after_ns, before_ns=(ms + 1) * MS, plc_ms=ms, count=count))
        for device in self.setup.devices:
            if device.name in self.line.connected - self.unread:
                self.give(Watermark(device.name, ms * MS))
        self.give(Tick())

    def go(self, until_ms: int) -> Bench:
        """Time passes with a poll every 20 ms, the last at `until_ms`."""
        for ms in range(self._polled + 20, until_ms + 1, 20):
            due = sorted(entry for entry in self._coming if entry[0] <= ms)
            self._coming = [entry for entry in self._coming if entry[0] > ms]
            for at_ms, _, event in due:
                self.ms = max(self.ms, int(at_ms))
                self.give(event)
            self.ms = self._polled = ms
            self.poll()
        return self

    def wait(self, seconds: float) -> Bench:
        """So much time passes for the core, and nothing else happens: the PLC says nothing."""
        self.ms += int(seconds * 1000)
        self.give(Tick())
        return self

    def kept(self, kind: type[R]) -> list[R]:
        return [record for record in self.records if isinstance(record, kind)]

    def last(self, kind: type[R]) -> R:
        return self.kept(kind)[-1]

    def parcel(self, number: int) -> Parcel:
        return next(p for p in self.line.tracker.parcels if p.key is not None and p.key.number == number)

    def completed(self, number: int) -> ParcelCompleted:
        return next(r for r in self.kept(ParcelCompleted) if r.parcel.number == number)


def codes(reasons: tuple[Reason, ...] | list[Reason]) -> list[tuple[str, str]]:
    return [(reason.code, reason.device) for reason in reasons]


def raised(bench: Bench) -> list[tuple[str, str, str, str]]:
    return [(r.alarm, r.subject, r.text, r.priority) for r in bench.kept(AlarmRaised)]


def cleared(bench: Bench) -> list[tuple[str, str]]:
    return [(r.alarm, r.subject) for r in bench.kept(AlarmCleared)]
