"""The core's one door: `handle(event, now) -> actions`, and when it next wants to be woken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from station.core import closing, policy
from station.core.actions import Action, Keep
from station.core.alarms import Alarms
from station.core.belt import BACK_MM, NS_PER_MS, BeltHistory, ClockMatch, Unwrap
from station.core.clerk import Clerk
from station.core.desk import Desk
from station.core.events import (
    BarcodeReading,
    CommandMalformed,
    CommandReceived,
    Condition,
    Detection,
    DeviceState,
    Edge,
    Event,
    Frame,
    Lane,
    ListsLoaded,
    OpenParcel,
    OrderAcknowledged,
    OutcomeSeen,
    ParcelKey,
    PictureRule,
    Place,
    PlcConnected,
    PlcLost,
    PlcSample,
    SessionChosen,
    Starting,
    StationMode,
    Stopping,
    Tick,
    Watermark,
    WeightReading,
)
from station.core.matching import Matcher
from station.core.network import Network
from station.core.now import Now
from station.core.parcel import Parcel
from station.core.plc_state import PlcState, compare, joined_record
from station.core.records import (
    DeviceChanged,
    EdgesRead,
    LeftOpen,
    ParcelEntered,
    ParcelRef,
    PlcJumped,
    SetupRecord,
    StationStarted,
    StationStopped,
)
from station.core.refs import ref
from station.core.setup import LineSetup, PolicySetup
from station.core.tracking import Seen, Tracker
from station.core.witness import FLOOD, Witness

Handler = Callable[[Any, Now], list[Action]]
_SLOW_NS = 2_000_000_000
"""All answers of so long must be slow before the PLC is called that: some always are."""


@dataclass(slots=True)
class Line:
    """The state of one line: parcels, readings, orders, alarms. Deterministic, and free of I/O."""

    setup: LineSetup
    alarms: Alarms = field(init=False)
    plc: PlcState = field(default_factory=PlcState)
    tracker: Tracker = field(init=False)
    desk: Desk = field(init=False)
    matcher: Matcher = field(init=False)
    witness: Witness = field(init=False)
    clerk: Clerk = field(init=False)
    clock: ClockMatch = field(init=False)
    belt: BeltHistory = field(init=False)
    connected: set[str] = field(default_factory=set)
    _seen_ns: dict[str, int] = field(default_factory=dict)
    _edges: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)
    _count: Unwrap = field(default_factory=Unwrap)
    _plc_ms: Unwrap = field(default_factory=Unwrap)
    _sharp: bool = False
    _slow_from_ns: int | None = None
    _left_open: tuple[OpenParcel, ...] = ()
    _offsets: dict[str, int] = field(default_factory=dict)
    _handlers: dict[type, Handler] = field(init=False)

    def __post_init__(self) -> None:
        self.alarms = Alarms(Network(self.setup.hosts))
        self.tracker = Tracker(self.setup.geometry)
        self.desk = Desk(self.setup, self.plc, self.alarms)
        self.witness = Witness(self.desk, Matcher(self.setup))
        self.clerk = Clerk(self.desk, self.tracker, self.alarms)
        self._new_belt()
        self._handlers = {
            BarcodeReading: self._on_reading,
            WeightReading: self._on_reading,
            Frame: self._on_reading,
            Detection: self._on_detection,
            DeviceState: self._on_device,
            Watermark: self._on_watermark,
            PlcConnected: self._on_connected,
            PlcLost: self._on_lost,
            Edge: self._on_edge,
            PlcSample: self._on_sample,
            OrderAcknowledged: self._on_ack,
            OutcomeSeen: self._on_outcome,
            SessionChosen: lambda event, _: self.plc.chosen(event, len(self.tracker.parcels)),
            ListsLoaded: self._on_lists,
            Condition: self._on_condition,
            CommandReceived: self._on_command,
            CommandMalformed: lambda event, _: self.clerk.refuse(event),
            PictureRule: self._on_picture_rule,
            Starting: self._on_starting,
            Stopping: lambda event, _: [Keep(StationStopped(cause=event.cause))],
            Tick: lambda _, now: [*self.alarms.pass_time(), *self._decide_ready(now)],
        }

    def handle(self, event: Event, now: Now) -> list[Action]:
        """Take one event and return what is to be done, in order. Never raises on anything a device can say."""
        kind, self.alarms.now_ns = type(event), now.ns
        if self._edges and kind is not Edge:
            return self._read() + self._handlers[kind](event, now)
        return self._handlers[kind](event, now)

    def next_deadline(self) -> int | None:
        """Monotonic ns at which a parcel's evidence or an alarm's delay ends next, None if nothing waits for time."""
        first: float | None = self.alarms.next_ns
        for parcel in self.tracker.parcels:
            if parcel.route is None and parcel.key and parcel.on_belt:
                closes = closing.next_close_ns(parcel, self.setup, self.clock, self.belt)
                if closes is not None and (first is None or closes < first):
                    first = closes
        return None if first is None else int(first)

    # --- the PLC -----------------------------------------------------------------------------------------------

    def _new_belt(self) -> None:
        self.clock = ClockMatch(self.setup.geometry.drift_ppm)
        self.belt = BeltHistory(self.setup.geometry.counts_per_ms, BACK_MM / self.setup.geometry.mm_per_count)
        self._count, self._plc_ms = Unwrap(), Unwrap()
        self.matcher = self.witness.matcher = Matcher(self.setup)

    def _on_connected(self, event: PlcConnected, now: Now) -> list[Action]:
        self._slow_from_ns = None
        actions: list[Action] = [*self.alarms.clear("plc-lost", "plc")]
        mismatches = compare(event.constants, self.setup.geometry)
        actions += self.alarms.when(bool(mismatches), "plc-mismatch", "plc", "; ".join(mismatches))
        self.plc.trusted = not mismatches
        before = self.plc.epoch
        actions += self.plc.connected(event)
        if event.resumed:
            return [*actions, joined_record(event)]
        actions += self.doubt_waiting("the PLC began anew", now)
        adopted = {ParcelKey(event.epoch, row.number) for row in event.parcels}
        for parcel in self.tracker.parcels:
            if parcel.key and parcel.on_belt and parcel.key not in adopted:
                actions += self.desk.complete(parcel, Place.UNOBSERVED, None, now)
        if event.epoch == before and event.epoch:
            self._offsets = self.matcher.offsets
        self._new_belt()
        self.matcher.trust(self._offsets)
        self._offsets = {}
        actions.append(joined_record(event))
        actions += self._close_old(adopted, now)
        self.desk.new_belt(self.connected)
        self.matcher.since = float(self._count(event.count))
        counts = [(self._count(row.infeed_count), self._count(row.last_eye_count)) for row in event.parcels]
        for parcel in self.tracker.adopt(event.parcels, event.epoch, counts):
            actions += self._entered(parcel, now)
        return actions

    def _close_old(self, still_there: set[ParcelKey], now: Now) -> list[Action]:
        """What an earlier run left open has left the belt unseen, unless the PLC still has it."""
        actions: list[Action] = []
        for left in self._left_open:
            if left.key not in still_there:
                parcel = Parcel(left.key, 0, {}, inspect_only=True, entered_at=left.entered_at)
                parcel.doubts["adopted"] = "was on the belt when an earlier run of the station ended"
                actions += self.desk.complete(parcel, Place.UNOBSERVED, None, now)
        self._left_open = ()
        return actions

    def _on_lost(self, event: PlcLost, _now: Now) -> list[Action]:
        return list(self.alarms.set("plc-lost", "plc", f"no valid answer: {event.detail}"))

    def _on_edge(self, edge: Edge, now: Now) -> list[Action]:
        self._edges.append(
            (edge.sequence, edge.eye, int(edge.direction), edge.count, edge.plc_ms, edge.parcel, edge.trigger)
        )
        if edge.eye >= len(self.setup.geometry.eyes_mm):
            return []
        seen = Seen(edge.eye, edge.direction, self._count(edge.count), edge.parcel)
        new = self.tracker.see(seen, self.plc.numbering, inspect_only=not self.plc.live)
        owner = new or self.tracker.covering(edge.eye)
        if edge.trigger and owner is not None:
            self.matcher.fired(edge.eye, edge.trigger, owner)
        if new is None:
            return []
        if new.key is None:
            return [*self._read(), *self.witness.question(new, self._at, now)]
        return [*self._read(), *self._entered(new, now)]

    def _read(self) -> list[Action]:
        """The edges since the last time, as one record: it goes ahead of all that follows from them."""
        record = EdgesRead(edges=tuple(self._edges), count=self.belt.count)
        self._edges.clear()
        return [Keep(record)]

    @property
    def _at(self) -> int:
        return self.belt.count or 0

    def _entered(self, parcel: Parcel, now: Now) -> list[Action]:
        parcel.entered_at = now.utc
        record = ParcelEntered(parcel=ref(parcel), count=parcel.leads[0], inspect_only=parcel.inspect_only)
        return [Keep(record)]

    def _on_sample(self, sample: PlcSample, now: Now) -> list[Action]:
        actions: list[Action] = []
        plc_ms, count = self._plc_ms(sample.plc_ms), self._count(sample.count)
        in_step, before = self.clock.add(sample.after_ns, sample.before_ns, plc_ms), self.belt.count
        # A step of the PLC's clock hides in a bracket as wide: after an outage readings wait for the next, narrow one.
        bracket_ms = (sample.before_ns - sample.after_ns) / NS_PER_MS
        self._sharp = bracket_ms <= self.setup.order_room_ms / 2
        if not in_step:
            self.belt.forget()
        if not (self.belt.add(plc_ms, count) and in_step):
            actions += [Keep(PlcJumped(before=before, count=count)), *self.jumped(now)]
        jumped = any("clock" in parcel.doubts for parcel in self.tracker.parcels)
        text = "its clock or its encoder count jumped: what was on the belt then is inspected; look at the encoder"
        actions += self.alarms.when(jumped, "plc-jump", "plc", text)
        strange = next((p.doubts["number"] for p in self.tracker.parcels if "number" in p.doubts), "")
        actions += self.alarms.when(bool(strange), "plc-fault", "numbers", f"{strange}: look at its program")
        text = f"its answers tell of {bracket_ms:.0f} ms ago, more than {self.setup.order_room_ms / 2:g}"
        self._slow_from_ns = None if self._sharp else self._slow_from_ns or now.ns
        slow = self._slow_from_ns is not None and now.ns - self._slow_from_ns >= _SLOW_NS
        actions += self.alarms.when(slow, "plc-slow", "plc", text)
        actions += self.plc.take(sample, self.alarms, self.new_world)
        actions += self.carry(count, now)
        if self._sharp:
            actions += self.settle(count, now)
        actions += self.withdraw_doubted(now)
        return actions + self._decide_ready(now)

    def jumped(self, now: Now) -> list[Action]:
        """The PLC's clock or count jumped: no track and no waiting reading can be reckoned any more."""
        for parcel in self.tracker.parcels:
            parcel.doubts["clock"] = "the PLC's clock or count jumped"
            parcel.reckon_anew()
        self.desk.new_belt(self.connected)
        return self.doubt_waiting("the PLC's clock or count jumped", now)

    def settle(self, count: int, now: Now) -> list[Action]:
        """Match the readings that the samples have reached, and take what they testify."""
        actions: list[Action] = []
        for match in self.matcher.settle(self.clock, self.belt, self.tracker.parcels):
            actions += self.witness.testify(match, count, now)
        for match in self.matcher.crowded():
            for parcel in match.candidates:
                parcel.doubts["flood"] = FLOOD
        return actions

    def new_world(self, epoch: int) -> None:
        """The PLC began a new epoch under us: what it did not number in that has no number any more."""
        for parcel in self.tracker.parcels:
            if parcel.key is not None and parcel.key.epoch == epoch:
                continue
            parcel.inspect_only = True
            parcel.doubts["epoch"] = "the PLC restarted while it was on the belt"

    def carry(self, count: int, now: Now) -> list[Action]:
        """The belt is at `count`: who was missed at an eye is doubted, who has left it is taken out."""
        if not self.tracker.waits_for(count):
            return []
        self.tracker.pass_by(count)
        actions: list[Action] = []
        before = len(self.tracker.parcels)
        for parcel in self.tracker.retire(count):
            if parcel.key:
                actions += self.desk.complete(parcel, Place.UNOBSERVED, None, now)
        if len(self.tracker.parcels) != before:
            self.matcher.forget(count, self.tracker.parcels)
        return actions

    def _on_ack(self, ack: OrderAcknowledged, now: Now) -> list[Action]:
        return self.desk.acknowledge(self.tracker.by_key(ParcelKey(self.plc.epoch, ack.number)), ack, now)

    def _on_outcome(self, outcome: OutcomeSeen, now: Now) -> list[Action]:
        parcel = self.tracker.by_key(ParcelKey(self.plc.epoch, outcome.number)) if outcome.number else None
        actions: list[Action] = self._in_wrong_lane(outcome, parcel)
        if parcel is None or not parcel.on_belt:
            return actions
        actions += self.desk.complete(parcel, outcome.place, outcome.why, now)
        missing = outcome.place in {Place.LOST, Place.UNOBSERVED}
        text = f"parcel {outcome.number} was not seen where it should be: removed by hand, or stuck?"
        return actions + self.alarms.when(missing, "parcel-lost", "belt", text)

    def _in_wrong_lane(self, outcome: OutcomeSeen, parcel: Parcel | None) -> list[Action]:
        """Whatever leaves by the pass lane must have been decided to pass; what ended before is no news."""
        if parcel is None and ParcelKey(self.plc.epoch, outcome.number) in self.desk.ended:
            return []
        to_pass = parcel is not None and (parcel.route is Lane.PASS or parcel.overruled)
        wrong = outcome.place is Place.PASS and not to_pass
        what = f"parcel {outcome.number}, which was not to pass," if parcel else "an object that nobody knows"
        text = f"{what} left by the pass lane: take it out and open it; then look why"
        return list(self.alarms.when(wrong, "wrong-lane", "belt", text))

    # --- devices -------------------------------------------------------------------------------------------------

    def _on_reading(self, reading: BarcodeReading | WeightReading | Frame, now: Now) -> list[Action]:
        self.matcher.wait(reading)
        actions: list[Action] = []
        for match in self.matcher.overflow([parcel for parcel in self.tracker.parcels if parcel.route is None]):
            actions += self.witness.testify(match, self._at, now)
        return actions

    def doubt_waiting(self, note: str, now: Now) -> list[Action]:
        """The waiting readings cannot be reckoned any more. A parcel that is decided had all its own before."""
        undecided = [parcel for parcel in self.tracker.parcels if parcel.route is None]
        doubted = self.matcher.doubt(undecided, note)
        return [action for match in doubted for action in self.witness.testify(match, self._at, now)]

    def _on_detection(self, detection: Detection, now: Now) -> list[Action]:
        actions = self.witness.detect(detection, self.tracker.parcels, self._at, now)
        return actions + self._decide_ready(now)

    def _on_watermark(self, mark: Watermark, _now: Now) -> list[Action]:
        self._seen_ns[mark.device] = mark.seen_ns
        return []

    def _on_device(self, event: DeviceState, _now: Now) -> list[Action]:
        name, on, detail = event.device, event.connected, event.detail
        record = Keep(DeviceChanged(device=name, connected=on, detail=detail, count=self.belt.count))
        if event.connected:
            self.connected.add(event.device)
        else:
            self.connected.discard(event.device)
        self._note_down(event.device)
        text = f"not connected: {event.detail}"
        actions: list[Action] = [record, *self.alarms.when(not event.connected, "device-lost", event.device, text)]
        return actions if event.connected else [*actions, *self.desk.usable.forget(event.device)]

    def _note_down(self, device: str) -> None:
        """Keep where it was away; without a belt yet, it is away from ever or here from ever."""
        count = float("-inf") if self.belt.count is None else float(self.belt.count)
        if device in self.connected:
            self.desk.came(device, count)
        else:
            self.desk.went(device, count)

    def _on_condition(self, event: Condition, _now: Now) -> list[Action]:
        return list(self.alarms.when(event.standing, event.alarm, event.subject, event.text))

    def _on_picture_rule(self, event: PictureRule, _now: Now) -> list[Action]:
        self.desk.every = event.every
        return []

    def _on_lists(self, event: ListsLoaded, now: Now) -> list[Action]:
        parcels = self.tracker.parcels
        return [*self.desk.take_lists(event, parcels, self.belt.count), *self._withdraw(parcels, now)]

    def _on_command(self, event: CommandReceived, now: Now) -> list[Action]:
        parcels = self.tracker.parcels
        return [*self.clerk.take(event, self.belt.count, now), *self._withdraw(parcels, now)]

    def change_mode(self, mode: StationMode, now: Now) -> list[Action]:
        """Take a mode from here on: the passes that do not go with it are taken back."""
        self.desk.mode = mode
        return self._withdraw(self.tracker.parcels, now)

    def change_policy(self, rules: PolicySetup, now: Now) -> list[Action]:
        """Take a policy from here on, in the same way."""
        self.desk.rules = rules
        return self._withdraw(self.tracker.parcels, now)

    def withdraw_doubted(self, now: Now) -> list[Action]:
        """Take back the passes of those whose track is doubted."""
        return self._withdraw([parcel for parcel in self.tracker.parcels if parcel.doubts], now)

    def _withdraw(self, parcels: list[Parcel], now: Now) -> list[Action]:
        """Best effort, while they are ahead of the decision eye; what is released stands."""
        actions: list[Action] = []
        for parcel in parcels:
            if self._at < parcel.lead_at(self.setup.geometry.decision_mm, self.setup.geometry).low:
                actions += self.desk.withdraw(parcel, self._at, now)
        return actions

    def _on_starting(self, event: Starting, _now: Now) -> list[Action]:
        self._left_open, self._offsets = event.left_open, dict(event.trigger_offsets)
        self.desk.mode = event.mode
        self.desk.rules = event.rules or self.desk.rules
        self.clerk.issued = dict(event.issued)
        open_ones = [(ParcelRef(epoch=o.key.epoch, number=o.key.number), o.entered_at) for o in event.left_open]
        record = StationStarted(
            software=event.software,
            config_sha256=event.config_sha256,
            model_sha256=event.model_sha256,
            policy_version=self.desk.rules.version,
            setup=SetupRecord.of(replace(self.setup, policy=self.desk.rules)),
            left_open=tuple(LeftOpen(parcel=parcel, entered_at=at) for parcel, at in open_ones),
            trigger_offsets=event.trigger_offsets,
            paused=event.mode.paused,
            dry_run=event.mode.dry_run,
        )
        return [Keep(record)]

    # --- decisions -----------------------------------------------------------------------------------------------

    def _decide_ready(self, now: Now) -> list[Action]:
        """Decide every parcel whose evidence is closed, and, with that as a reason, those that can wait no longer."""
        count = self.belt.count
        if count is None:
            return []
        actions: list[Action] = []
        decision_eye = len(self.setup.geometry.eyes_mm) - 1
        for parcel in self.tracker.parcels:
            if parcel.route is not None or count < parcel.reckoned("first look", self._first_look):
                continue
            if parcel.key is None or not parcel.on_belt or decision_eye in parcel.leads:
                continue
            closed = self._closed_ns(parcel, now)
            if closed is not None and closing.detected(parcel):
                parcel.ready_ns = max(parcel.ready_ns, closed)
                actions += self.desk.decide(parcel, self.desk.reasons(parcel), self._at, now)
            elif self.at_deadline(parcel):
                parcel.ready_ns = max(parcel.ready_ns, closed or now.ns)
                reasons = [*self.desk.reasons(parcel), policy.reason("deadline")]
                actions += self.desk.decide(parcel, reasons, self._at, now)
        return actions

    def _closed_ns(self, parcel: Parcel, now: Now) -> float | None:
        """When its evidence was closed; None if it is not, or if the PLC's clock may have stepped unseen meanwhile."""
        if not self._sharp:
            return None
        ports = closing.Ports(self._seen_ns, self.connected, self.matcher.waiting_ns)
        return closing.closed_ns(parcel, self.setup, self.clock, self.belt, ports, now.ns)

    def at_deadline(self, parcel: Parcel) -> bool:
        """True once the belt is where an order for the parcel must be on its way."""
        count = self.belt.count
        return count is not None and count >= parcel.reckoned("deadline", self._deadline)

    def _first_look(self, parcel: Parcel) -> float:
        """The count ahead of which there is nothing to decide about it."""
        return min(self._deadline(parcel), closing.last_end(parcel, self.setup))

    def _deadline(self, parcel: Parcel) -> float:
        geometry = self.setup.geometry
        room = self.setup.order_room_ms * geometry.counts_per_ms
        return parcel.lead_at(geometry.decision_mm, geometry).low - room
