"""The core's one door: `handle(event, now) -> actions`, and when it next wants to be woken."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from station.core import closing, policy
from station.core.actions import Action, Keep, OpenSession, Order, Send
from station.core.alarms import Alarms
from station.core.belt import NS_PER_MS, BeltHistory, ClockMatch, Unwrap
from station.core.events import (
    AckResult,
    BarcodeReading,
    Condition,
    Detection,
    DeviceState,
    Direction,
    Edge,
    Event,
    Frame,
    Lane,
    ListsLoaded,
    OrderAcknowledged,
    OutcomeSeen,
    ParcelKey,
    Place,
    PlcConnected,
    PlcLost,
    PlcSample,
    SessionChosen,
    Starting,
    Stopping,
    Tick,
    Watermark,
    WeightReading,
    Why,
)
from station.core.matching import Match, Matcher
from station.core.parcel import STEP_OF_PLACE, FrameEvidence, Parcel, Step
from station.core.plc_state import PlcState, compare
from station.core.records import (
    Acknowledged,
    CountInterval,
    Decided,
    DeviceChanged,
    EdgesRead,
    FindingRecord,
    FrameInspected,
    ListsChanged,
    Ordered,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ReadingMatched,
    Reason,
    StationStarted,
    StationStopped,
)
from station.core.setup import LineSetup
from station.core.tracking import Seen, Tracker

_WORD = 1 << 32
_ORDERS = 65_535
_DETECTIONS_KEPT = 200


@dataclass(frozen=True, slots=True)
class Now:
    """The time, as the caller has it: monotonic ns for all reckoning, UTC text for people."""

    ns: int
    utc: str


@dataclass(slots=True)
class Line:
    """The state of one line: parcels, readings, orders, alarms. Deterministic, and free of I/O."""

    setup: LineSetup
    alarms: Alarms = field(default_factory=Alarms)
    plc: PlcState = field(default_factory=PlcState)
    tracker: Tracker = field(init=False)
    matcher: Matcher = field(init=False)
    clock: ClockMatch = field(init=False)
    belt: BeltHistory = field(init=False)
    held: frozenset[str] = frozenset()
    declared_g: dict[str, float] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)
    recent: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=12))
    _down_at: dict[str, float] = field(default_factory=dict)
    _seen_ns: dict[str, int] = field(default_factory=dict)
    _last_frame: dict[str, str] = field(default_factory=dict)
    _detections: OrderedDict[str, Detection] = field(default_factory=OrderedDict)
    _edges: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    _count: Unwrap = field(default_factory=Unwrap)
    _plc_ms: Unwrap = field(default_factory=Unwrap)
    _order: int = 0

    def __post_init__(self) -> None:
        self.tracker = Tracker(self.setup.geometry)
        self.matcher = Matcher(self.setup)
        self._new_belt()

    def handle(self, event: Event, now: Now) -> list[Action]:
        """Take one event and return what is to be done, in order. Never raises on anything a device can say."""
        match event:
            case PlcSample():
                return self._on_sample(event, now)
            case Edge():
                return self._on_edge(event, now)
            case BarcodeReading() | WeightReading() | Frame():
                self.matcher.waiting.append(event)
                return []
            case Detection():
                return self._on_detection(event, now)
            case Watermark():
                self._seen_ns[event.device] = event.seen_ns
                return []
            case Tick():
                return self._decide_ready(now)
            case OrderAcknowledged():
                return self._on_ack(event, now)
            case OutcomeSeen():
                return self._on_outcome(event, now)
            case DeviceState():
                return self._on_device(event)
            case ListsLoaded():
                return self._on_lists(event)
            case SessionChosen():
                return self.plc.chosen(event, len(self.tracker.parcels))
            case Condition():
                return list(self.alarms.when(event.standing, event.alarm, event.subject, event.text, event.priority))
            case Starting():
                return [Keep(self._started(event))]
            case Stopping():
                return [Keep(StationStopped(cause=event.cause))]
            case PlcConnected():
                return self._on_connected(event, now)
            case PlcLost():
                return list(self.alarms.set("plc-lost", "plc", f"no valid answer: {event.detail}", "top"))

    def next_deadline(self) -> int | None:
        """Monotonic ns at which a parcel's evidence closes next, None if nothing waits for time alone."""
        waiting = [p for p in self.tracker.parcels if p.key and p.on_belt and p.route is None]
        closes = [closing.next_close_ns(p, self.setup, self.clock, self.belt) for p in waiting]
        known = [c for c in closes if c is not None]
        return int(min(known)) if known else None

    # --- the PLC -----------------------------------------------------------------------------------------------

    def _new_belt(self) -> None:
        self.clock = ClockMatch(self.setup.geometry.drift_ppm)
        self.belt = BeltHistory(self.setup.geometry.counts_per_ms)
        self._count, self._plc_ms = Unwrap(), Unwrap()

    def _on_connected(self, event: PlcConnected, now: Now) -> list[Action]:
        actions: list[Action] = [*self.alarms.clear("plc-lost", "plc")]
        mismatches = compare(event.constants, self.setup.geometry)
        text = "; ".join(mismatches)
        actions += self.alarms.when(bool(text), "plc-mismatch", "plc", text, "top")
        self.plc.trusted = not mismatches
        actions += self.plc.connected(event)
        if event.resumed:
            return actions
        gone = [p for p in self.tracker.parcels if p.key and p.on_belt]
        for parcel in gone:
            actions += self._complete(parcel, Place.UNOBSERVED, None, now)
        self.matcher = Matcher(self.setup)
        self._new_belt()
        self._count(event.count)
        self._plc_ms(event.plc_ms)
        counts = [(self._count(row.infeed_count), self._count(row.last_eye_count)) for row in event.parcels]
        for parcel in self.tracker.adopt(event.parcels, event.epoch, counts):
            actions += self._entered(parcel, now)
        return actions

    def _on_edge(self, edge: Edge, now: Now) -> list[Action]:
        self._edges.append(
            (edge.sequence, edge.eye, int(edge.direction), edge.count, edge.plc_ms, edge.parcel, edge.trigger)
        )
        if edge.eye >= len(self.setup.geometry.eyes_mm):
            return []
        seen = Seen(edge.eye, edge.direction, self._count(edge.count), edge.parcel, edge.trigger)
        new = self.tracker.see(seen, self.plc.epoch, inspect_only=not self.plc.live)
        if edge.trigger:
            owner = new or self.tracker.covering(edge.eye)
            if owner is not None:
                self.matcher.fired(edge.eye, edge.trigger, owner)
        if new is None:
            return []
        actions: list[Action] = self._entered(new, now) if new.key else []
        if new.key is None or edge.direction is Direction.FREED:
            actions += self._on_stranger(new, now)
        return actions

    def _entered(self, parcel: Parcel, now: Now) -> list[Action]:
        parcel.entered_at = now.utc
        record = ParcelEntered(parcel=_ref(parcel), count=parcel.leads[0], inspect_only=parcel.inspect_only)
        return [Keep(record)]

    def _on_stranger(self, stranger: Parcel, now: Now) -> list[Action]:
        actions: list[Action] = []
        for match, owner in self.matcher.question(stranger):
            owner.evidence.ambiguous.add(match.device.name)
            actions += [self._matched(match), *self._withdraw(owner, now)]
        return actions

    def _on_sample(self, sample: PlcSample, now: Now) -> list[Action]:
        actions: list[Action] = [Keep(EdgesRead(edges=tuple(self._edges)))] if self._edges else []
        self._edges.clear()
        plc_ms, count = self._plc_ms(sample.plc_ms), self._count(sample.count)
        in_step = self.clock.add(sample.after_ns, sample.before_ns, plc_ms)
        if not (self.belt.add(plc_ms, count) and in_step):
            for parcel in self.tracker.parcels:
                parcel.doubts["clock"] = "the PLC's clock or count jumped"
        actions += self.plc.take(sample, self.alarms, self._new_world)
        self.tracker.pass_by(count)
        for done in self.matcher.settle(self.clock, self.belt, self.tracker.parcels):
            actions += self._on_match(done, now)
        actions += self._decide_ready(now)
        for name in self._down_at.keys() - self.connected:
            self._down_at[name] = count
        return actions + self._retire(count, now)

    def _new_world(self) -> None:
        """The PLC began a new epoch under us: what is on the belt has no number any more."""
        for parcel in self.tracker.parcels:
            parcel.inspect_only = True
            parcel.doubts["epoch"] = "the PLC restarted while it was on the belt"

    def _retire(self, count: int, now: Now) -> list[Action]:
        actions: list[Action] = []
        before = len(self.tracker.parcels)
        left = self.tracker.retire(count)
        for parcel in left:
            if parcel.key:
                actions += self._complete(parcel, Place.UNOBSERVED, None, now)
        if len(self.tracker.parcels) != before:
            self.matcher.forget(count, self.tracker.parcels)
        return actions

    # --- evidence ------------------------------------------------------------------------------------------------

    def _on_match(self, match: Match, now: Now) -> list[Action]:
        reading, device = match.reading, match.device.name
        actions: list[Action] = [self._matched(match)]
        counter = self.matcher.counters.get(device)
        if counter is not None:
            text = "its trigger numbers and times disagree: pictures are not trusted until three in a row agree"
            actions += self.alarms.when(not counter.in_step, "trigger-step", device, text, "high")
        owner = match.owner
        if owner is None:
            for parcel in match.candidates:
                parcel.evidence.ambiguous.add(device)
                actions += self._withdraw(parcel, now)
            return actions
        evidence = owner.evidence
        match reading:
            case BarcodeReading(code=None):
                evidence.faults[device] = reading.symbology or "NOREAD"
            case BarcodeReading(code=str(code)):
                evidence.barcodes.append(code)
            case WeightReading(weight_g=None):
                evidence.faults[device] = reading.fault
            case WeightReading(weight_g=float(weight)):
                evidence.weights_g.append(weight)
            case Frame():
                evidence.frames.append(self._frame(reading))
        return actions + self._withdraw(owner, now)

    def _frame(self, frame: Frame) -> FrameEvidence:
        fault = frame.fault
        if not fault and self._last_frame.get(frame.device) == frame.frame_id:
            fault = "the very same picture as the one before: frozen?"
        self._last_frame[frame.device] = frame.frame_id
        return FrameEvidence(frame.device, frame.frame_id, self._detections.get(frame.frame_id), fault)

    def _on_detection(self, detection: Detection, now: Now) -> list[Action]:
        findings = _findings(detection)
        actions: list[Action] = [
            Keep(
                FrameInspected(
                    device=detection.device,
                    frame_id=detection.frame_id,
                    findings=findings,
                    model_sha256=detection.model_sha256,
                    inference_ms=round(detection.inference_ms, 3),
                    fault=detection.fault,
                )
            )
        ]
        self._detections[detection.frame_id] = detection
        while len(self._detections) > _DETECTIONS_KEPT:
            self._detections.popitem(last=False)
        for parcel in self.tracker.parcels:
            for frame in parcel.evidence.frames:
                if frame.frame_id == detection.frame_id and frame.detection is None:
                    frame.detection = detection
                    parcel.ready_ns = max(parcel.ready_ns, now.ns)
                    actions += self._withdraw(parcel, now)
        return actions + self._decide_ready(now)

    def _matched(self, match: Match) -> Keep:
        reading = match.reading
        value: str | float | None
        match reading:
            case BarcodeReading():
                kind, value, fault, trigger = "barcode", reading.code, "", None
            case WeightReading():
                kind, value, fault, trigger = "weight", reading.weight_g, reading.fault, None
            case Frame():
                kind, value, fault, trigger = "frame", reading.frame_id, reading.fault, reading.trigger
        return Keep(
            ReadingMatched.model_validate(
                {
                    "device": reading.device,
                    "kind": kind,
                    "value": value,
                    "fault": fault,
                    "trigger": trigger,
                    "after_ns": reading.arrived.after_ns,
                    "before_ns": reading.arrived.before_ns,
                    "interval": CountInterval(low=_whole(match.counts.low), high=_whole(match.counts.high)),
                    "candidates": tuple(_ref(p) for p in match.candidates if p.key),
                    "ambiguous": match.owner is None,
                    "note": match.note,
                }
            )
        )

    # --- decisions and orders ------------------------------------------------------------------------------------

    def _decide_ready(self, now: Now) -> list[Action]:
        actions: list[Action] = []
        ports = closing.Ports(self._seen_ns, self.connected, self.matcher.waiting)
        for parcel in self.tracker.parcels:
            if parcel.key is None or parcel.route is not None or not parcel.on_belt:
                continue
            closed = closing.closed_ns(parcel, self.setup, self.clock, self.belt, ports, now.ns)
            if closed is not None and closing.detected(parcel):
                parcel.ready_ns = max(parcel.ready_ns, closed)
                actions += self._decide(parcel, self._reasons(parcel), now)
            elif self._at_deadline(parcel):
                parcel.ready_ns = max(parcel.ready_ns, closed or now.ns)
                late = Reason(code="deadline", text=policy.REASONS["deadline"])
                actions += self._decide(parcel, [*self._reasons(parcel), late], now)
        return actions

    def _at_deadline(self, parcel: Parcel) -> bool:
        geometry = self.setup.geometry
        room = self.setup.order_room_ms * geometry.counts_per_ms
        count = self.belt.count
        return count is not None and count >= parcel.lead_at(geometry.decision_mm, geometry).low - room

    def _reasons(self, parcel: Parcel) -> list[Reason]:
        geometry = self.setup.geometry
        lost = {
            device.name
            for device in self.setup.devices
            if self._down_at.get(device.name, float("inf")) >= parcel.within(device.zone_mm, geometry).low
        }
        found = policy.reasons_to_inspect(
            parcel, self.setup.policy, self.setup.devices, lost, self.held, self.declared_g
        )
        if not self.plc.trusted:
            found.append(Reason(code="device-lost", text="the PLC's map or settings do not fit", device="plc"))
        return found

    def _decide(self, parcel: Parcel, reasons: list[Reason], now: Now, after: str = "") -> list[Action]:
        if parcel.key is None:
            return []
        parcel.advance(Step.DECIDE)
        parcel.route = Lane.INSPECT if reasons else Lane.PASS
        parcel.reasons = tuple(reasons)
        parcel.decided_at = now.utc
        self._order = self._order % _ORDERS + 1
        parcel.order = self._order
        geometry = self.setup.geometry
        last = int(parcel.lead_at(geometry.decision_mm, geometry).high) + 1
        order = Order(self._order, parcel.key, parcel.route, last % _WORD)
        decided = Decided(
            parcel=_ref(parcel),
            route=parcel.route.value,
            reasons=parcel.reasons,
            policy_version=self.setup.policy.version,
            count=self.belt.count or 0,
            after=after,
        )
        parcel.advance(Step.ORDER)
        parcel.ordered_lane = parcel.route
        ordered = Ordered(parcel=_ref(parcel), order=order.sequence, lane=parcel.route.value)
        return [Keep(decided), Send(order), Keep(ordered)]

    def _withdraw(self, parcel: Parcel, now: Now) -> list[Action]:
        """A parcel that was to pass has new evidence against it: best effort, the PLC may answer `late`."""
        if parcel.route is not Lane.PASS or not parcel.on_belt:
            return []
        reasons = self._reasons(parcel)
        if not reasons:
            return []
        parcel.ready_ns = now.ns
        return self._decide(parcel, reasons, now, after="pass")

    def _on_ack(self, ack: OrderAcknowledged, now: Now) -> list[Action]:
        parcel = self.tracker.by_key(ParcelKey(self.plc.epoch, ack.number))
        if parcel is None or parcel.order != ack.order or parcel.ordered_lane is not ack.lane or not parcel.on_belt:
            return []
        parcel.advance(Step.ACKNOWLEDGE)
        parcel.latency_ms = round((now.ns - parcel.ready_ns) / NS_PER_MS, 3)
        if ack.result is AckResult.ACCEPTED:
            parcel.accepted_lane = ack.lane
        late = ack.result is AckResult.LATE
        record = Acknowledged.model_validate(
            {
                "parcel": _ref(parcel),
                "order": ack.order,
                "lane": ack.lane.value,
                "result": ack.result.name.lower().replace("_", "-"),
                "latency_ms": parcel.latency_ms,
            }
        )
        text = "an order reached the PLC after its parcel had passed the decision eye"
        return [Keep(record), *self.alarms.when(late, "order-late", "plc", text, "high")]

    # --- outcomes and the rest -----------------------------------------------------------------------------------

    def _on_outcome(self, outcome: OutcomeSeen, now: Now) -> list[Action]:
        parcel = self.tracker.by_key(ParcelKey(self.plc.epoch, outcome.number)) if outcome.number else None
        if parcel is None or not parcel.on_belt:
            return []
        actions: list[Action] = self._complete(parcel, outcome.place, outcome.why, now)
        missing = outcome.place in {Place.LOST, Place.UNOBSERVED}
        text = f"parcel {outcome.number} was not seen where it should be: removed by hand, or stuck?"
        return actions + self.alarms.when(missing, "parcel-lost", "belt", text, "medium")

    def _complete(self, parcel: Parcel, place: Place, why: Why | None, now: Now) -> list[Action]:
        parcel.advance(STEP_OF_PLACE[place])
        parcel.place, parcel.why = place, why
        evidence = parcel.evidence
        codes = tuple(dict.fromkeys(evidence.barcodes))
        length = parcel.length_mm(self.setup.geometry)
        detections = [frame.detection for frame in evidence.frames if frame.detection]
        record = ParcelCompleted(
            parcel=_ref(parcel),
            barcode=codes[0] if len(codes) == 1 else None,
            barcodes=codes,
            weight_g=evidence.weights_g[-1] if evidence.weights_g else None,
            frames=tuple(frame.frame_id for frame in evidence.frames if frame.frame_id),
            findings=tuple(finding for detection in detections for finding in _findings(detection)),
            route=parcel.route.value if parcel.route else None,
            reasons=parcel.reasons,
            ordered=parcel.ordered_lane is not None,
            acknowledged=parcel.accepted_lane is not None and parcel.accepted_lane is parcel.ordered_lane,
            outcome=place.value,
            plc_why=why.name.lower().replace("_", "-") if why is not None else "",
            mode=self.plc.mode.value,
            length_mm=None if length is None else round(length, 1),
            entered_at=parcel.entered_at,
            decided_at=parcel.decided_at,
            completed_at=now.utc,
            order_latency_ms=parcel.latency_ms,
        )
        self._count_completed(record)
        return [Keep(record)]

    def _count_completed(self, record: ParcelCompleted) -> None:
        for key in ("completed", record.outcome, *(f"reason {r}" for r in {r.code for r in record.reasons})):
            self.counters[key] = self.counters.get(key, 0) + 1
        self.recent.append(record.model_dump(mode="json", exclude={"findings", "frames"}))

    def _on_device(self, event: DeviceState) -> list[Action]:
        record = Keep(DeviceChanged(device=event.device, connected=event.connected, detail=event.detail))
        if event.connected:
            self.connected.add(event.device)
        else:
            self.connected.discard(event.device)
        self._down_at[event.device] = float(self.belt.count or 0)
        text = f"not connected: {event.detail}"
        return [record, *self.alarms.when(not event.connected, "device-lost", event.device, text, "high")]

    def _started(self, event: Starting) -> StationStarted:
        return StationStarted(
            software=event.software,
            config_sha256=event.config_sha256,
            model_sha256=event.model_sha256,
            policy_version=self.setup.policy.version,
        )

    def _on_lists(self, event: ListsLoaded) -> list[Action]:
        self.held, self.declared_g = event.held, dict(event.declared_g)
        return [Keep(ListsChanged(lists_version=event.version, held=len(event.held), declared=len(event.declared_g)))]


def _ref(parcel: Parcel) -> ParcelRef:
    if parcel.key is None:
        raise ValueError("an object without a number has no identity")
    return ParcelRef(epoch=parcel.key.epoch, number=parcel.key.number)


def _findings(detection: Detection) -> tuple[FindingRecord, ...]:
    return tuple(
        FindingRecord(label=f.label, score=round(f.score, 4), box=(f.box[0], f.box[1], f.box[2], f.box[3]))
        for f in detection.findings
    )


def _whole(value: float) -> int:
    return int(max(-(2**53), min(2**53, value)))


__all__ = ["Action", "Line", "Now", "OpenSession"]
