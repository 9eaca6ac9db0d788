"""The PLC's program: numbers parcels, takes orders of the live session, decides at the decision eye, fail-secure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from simulator.plc.diverter import Crossing, DiverterGuard
from simulator.plc.encoder import EncoderWatch
from simulator.plc.orders import OrderBook
from simulator.plc.signals import EdgeSignal, Inputs, Outputs, PlcSettings
from simulator.plc.table import Place, Record, Rings, Row, Why


@dataclass(slots=True)
class PlcProgram:
    """State of the program since its start. `scan` is one cycle; registers show what it left."""

    settings: PlcSettings
    start_ms: int = 0
    start_count: int = 0
    ms: int = 0
    count: int = 0
    scans: int = 0
    scan_max_ms: int = 0
    mode: int = 1
    number: int = 0
    triggers: int = 0
    lane_full: bool = False
    belt: bool = True
    operator_stopped: bool = False
    at: tuple[bool, bool] = (False, True)
    rows: dict[int, Row] = field(default_factory=dict)
    rings: Rings = field(default_factory=Rings)
    orders: OrderBook = field(init=False)
    guard: DiverterGuard = field(init=False)
    encoder: EncoderWatch = field(init=False)
    _covering: dict[int, int] = field(default_factory=dict)
    _quiet: tuple[float, int] = (0.0, 0)
    _contacts: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.orders = OrderBook(self.settings, self.start_ms)
        self.guard = DiverterGuard(self.settings)
        self.encoder = EncoderWatch(self.settings, self.start_ms, self.start_count)
        self.ms, self.count = self.start_ms, self.start_count

    def scan(self, inputs: Inputs) -> Outputs:
        """Run one cycle on the inputs and return the outputs."""
        self.scan_max_ms = max(self.scan_max_ms, inputs.ms - self.ms)
        self.scans += 1
        believable = self.encoder.believable(inputs.ms, inputs.count, driven=self.belt)
        self.ms, self.count = inputs.ms, self.encoder.furthest
        if self.count != inputs.count:
            inputs = replace(inputs, count=self.count)
        contacts = inputs.contacts
        if not believable or inputs.edges or contacts != self._contacts or not self.quiet(inputs.ms, inputs.count):
            self._contacts = contacts
            self._work(inputs, believable=believable)
            self._quiet = self._quiet_until()
        return Outputs(belt=self.belt, to_pass=self.guard.to_pass, triggers=self.triggers)

    def quiet(self, ms: int, count: int) -> bool:
        """True if a scan at that time and count would change nothing as long as no contact and no eye does."""
        return self.belt and count < self._quiet[0] and (not self.orders.session or ms <= self._quiet[1])

    def _quiet_until(self) -> tuple[float, int]:
        """The count, and with a session the ms, up to which a scan has nothing to do by itself."""
        counts = [self.guard.next_count(self.count)]
        counts += [self._lost_beyond(row) for row in self.rows.values() if row.number not in self.guard.numbers]
        return min(counts), self.orders.beat_ms + self.settings.stale_ms

    def _work(self, inputs: Inputs, *, believable: bool) -> None:
        self.mode, self.lane_full = inputs.mode, inputs.lane_full
        self.at = (inputs.at_pass, inputs.at_inspect)
        self.operator_stopped = inputs.operator_stop
        self.orders.watch(self.ms)
        for edge in inputs.edges:
            self._on_edge(edge)
        if not believable:
            self.guard.encoder_failed()
            self._lose_all()
        self._lose()
        for crossing in self.guard.scan(inputs, moving=self.belt):
            self._outcome(crossing, Place.UNOBSERVED)
        self.belt = not (self.guard.stop_cause or self.lane_full or self.operator_stopped)

    @property
    def stop_cause(self) -> int:
        """Why the belt stands, as the register shows it."""
        if self.guard.stop_cause:
            return self.guard.stop_cause
        if self.lane_full:
            return 2
        return 1 if self.operator_stopped else 0

    @property
    def run_empty(self) -> bool:
        """True once everything that lay on the belt at the program's start must have left it."""
        end = self.settings.travel(0, self.settings.eye_mm[-1] + self.settings.longest_mm)[1]
        return self.count > self.start_count + end

    def _on_edge(self, edge: EdgeSignal) -> None:
        settings = self.settings
        trigger = 0
        if edge.broken and edge.eye == settings.trigger_eye:
            self.triggers = self.triggers % 65_535 + 1
            trigger = self.triggers
        if edge.eye < settings.decision_eye:
            number = self._at_eye(edge)
        elif edge.eye == settings.decision_eye:
            number = self._at_decision_eye(edge)
        else:
            number = self._at_exit(edge)
        self.rings.edge(Record(edge.eye, edge.broken, edge.count, edge.ms, number, trigger))

    def _at_eye(self, edge: EdgeSignal) -> int:
        if not edge.broken:
            number = self._covering.pop(edge.eye, 0)
            row = self.rows.get(number)
            if row and edge.eye == 0:
                row.length = edge.count - row.infeed_count
            return number
        number = self._new(edge) if edge.eye == 0 else self._claim(edge)
        self._covering[edge.eye] = number
        return number

    def _new(self, edge: EdgeSignal) -> int:
        if not self.orders.epoch:
            return 0
        self.number += 1
        self.rows[self.number] = Row(self.number, edge.count, self.orders.session, {0: edge.count})
        return self.number

    def _claim(self, edge: EdgeSignal) -> int:
        """One edge claims one number, one number is claimed by one edge; anything else refuses all concerned."""
        hits = [row for row in self.rows.values() if self._due(row, edge)]
        free = [row for row in hits if edge.eye not in row.seen]
        if len(hits) == 1 and free:
            free[0].seen[edge.eye] = edge.count
            return free[0].number
        for row in hits:
            row.refused = Why.AMBIGUOUS
            row.seen.setdefault(edge.eye, edge.count)
        return 0

    def _due(self, row: Row, edge: EdgeSignal) -> bool:
        eye = max((e for e in row.seen if e < edge.eye), default=0)
        least, most = self.settings.travel(self.settings.eye_mm[eye], self.settings.eye_mm[edge.eye])
        return row.seen[eye] + least <= edge.count <= row.seen[eye] + most

    def _at_decision_eye(self, edge: EdgeSignal) -> int:
        if not edge.broken:
            return self._measure(edge)
        number = self._claim(edge)
        row = self.rows.get(number)
        crossing = Crossing(number, edge.count)
        if row is None:
            crossing.refuse(Why.UNKNOWN_PARCEL if not self.run_empty else Why.AMBIGUOUS)
        else:
            crossing.refuse(self._verdict(row, edge))
        self.guard.enter(crossing)
        for other in self.guard.queue:  # a second edge may have refused a parcel that came before
            before = self.rows.get(other.number)
            if before is not None and before.refused is not None:
                other.refuse(before.refused)
        self._covering[edge.eye] = number
        return number

    def _verdict(self, row: Row, edge: EdgeSignal) -> Why | None:
        """Return why the parcel must be inspected, None if it holds a valid pass of its own live session."""
        if row.refused is not None:
            return row.refused
        if self.mode != 1:
            return Why.NOT_AUTOMATIC
        if not self.run_empty:
            return Why.UNKNOWN_PARCEL
        if not row.session:
            return Why.STALE
        if row.session != self.orders.session:
            return Why.OTHER_SESSION
        return self.orders.verdict(row.number, row.session, edge.count)

    def _measure(self, edge: EdgeSignal) -> int:
        number = self._covering.pop(edge.eye, 0)
        crossing = self.guard.newest
        if crossing is None:
            return number
        crossing.trail = edge.count
        row = self.rows.get(number)
        if row is not None:
            settings = self.settings
            length = edge.count - crossing.lead
            allowed = 2 * settings.latch_counts + settings.length_tolerance_mm / settings.mm_per_count
            allowed += length * settings.slip_ppm / 1e6
            if abs(length - row.length) > allowed or not row.length:
                crossing.refuse(Why.LENGTH)
        return number

    def _at_exit(self, edge: EdgeSignal) -> int:
        if not edge.broken:
            return 0
        place = Place.PASS if edge.eye == self.settings.decision_eye + 1 else Place.INSPECT
        crossing = self.guard.leave(edge.eye, edge.count)
        if place is Place.PASS and (crossing is None or not crossing.released):
            self.guard.unreleased()
        if crossing is None:
            self.rings.outcome(0, place, Why.UNKNOWN_PARCEL, edge.count, edge.ms)
            if place is Place.PASS:
                self._lose_all()
            return 0
        self._outcome(crossing, place, edge)
        return crossing.number

    def _outcome(self, crossing: Crossing, place: Place, edge: EdgeSignal | None = None) -> None:
        count, ms = (edge.count, edge.ms) if edge else (self.count, self.ms)
        why = Why.RELEASED if crossing.released else (crossing.why or Why.AMBIGUOUS)
        self.rings.outcome(crossing.number, place, why, count, ms)
        self._forget(crossing.number)

    def _lose(self) -> None:
        """A parcel that claimed no edge at the decision eye in its window is lost, and its order dies with it."""
        claimed = self.guard.numbers
        for row in list(self.rows.values()):
            if row.number not in claimed and self.count > self._lost_beyond(row):
                self.rings.outcome(row.number, Place.LOST, row.refused or Why.NOT_SEEN, self.count, self.ms)
                self._forget(row.number)

    def _lose_all(self) -> None:
        """No place on the belt is known any more: count it as full of unknown parcels, as at the start."""
        for crossing in self.guard.give_up():
            self._outcome(crossing, Place.UNOBSERVED)
        for row in list(self.rows.values()):
            self.rings.outcome(row.number, Place.UNOBSERVED, row.refused or Why.AMBIGUOUS, self.count, self.ms)
            self._forget(row.number)
        self.start_count = self.count

    def _lost_beyond(self, row: Row) -> float:
        """The count beyond which a parcel has missed its window at the decision eye."""
        settings = self.settings
        eye = max(eye for eye in row.seen if eye < settings.decision_eye)
        return row.seen[eye] + settings.travel(settings.eye_mm[eye], settings.eye_mm[settings.decision_eye])[1]

    def _forget(self, number: int) -> None:
        self.rows.pop(number, None)
        self.orders.forget(number)
