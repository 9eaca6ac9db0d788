"""Where decisions are made, ordered, withdrawn, acknowledged and closed: one parcel at a time."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from station.core import policy
from station.core.actions import Action, Drop, Keep, Order, Send
from station.core.alarms import Alarms
from station.core.belt import NS_PER_MS, Interval
from station.core.events import (
    SERIAL,
    AckResult,
    HeldCodes,
    Lane,
    ListsLoaded,
    OrderAcknowledged,
    ParcelKey,
    Place,
    StationMode,
    Why,
)
from station.core.now import Now
from station.core.parcel import STEP_OF_PLACE, Parcel, State, Step
from station.core.plc_state import PlcState
from station.core.records import (
    Acknowledged,
    Decided,
    ListsChanged,
    Lookup,
    Ordered,
    ParcelCompleted,
    Reason,
)
from station.core.refs import finding_records, ref
from station.core.setup import DeviceSetup, LineSetup, PolicySetup
from station.core.usable import Usable

_WORD = 1 << 32
_ORDERS = 65_535
_RECENT = 12
_AWAY = 64
_ENDED = 200
_POLL_MS = 100
_INF = float("inf")


@dataclass(slots=True)
class Desk:
    """The rules in force, what is known of the devices, and what was decided lately.

    Of parcels that pass clean, every `every`-th keeps its pictures (0: none). `away` is, by device, the stretches of
    counts in which it was not connected; the oldest are kept as one.
    """

    setup: LineSetup
    plc: PlcState
    alarms: Alarms
    held: frozenset[str] = frozenset()
    declared_g: dict[str, float] = field(default_factory=dict)
    away: dict[str, deque[list[float]]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    recent: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    lists_known: bool = False
    mode: StationMode = field(default_factory=StationMode)
    commanded: HeldCodes | None = None
    ended: OrderedDict[ParcelKey, State] = field(default_factory=OrderedDict)
    lists_version: str = ""
    rules: PolicySetup = field(init=False)
    every: int = 1
    _order: int = 0

    usable: Usable = field(init=False)

    def __post_init__(self) -> None:
        self.rules = self.setup.policy
        self.usable = Usable(self.alarms)

    def take_lists(self, lists: ListsLoaded, parcels: Collection[Parcel], count: int | None) -> list[Action]:
        """Replace the hold list and the declared weights, as a whole; `parcels` are on the belt, now at `count`."""
        self.lists_known = True
        self.held, self.declared_g = lists.held, dict(lists.declared_g)
        self.lists_version = lists.version
        if self.commanded is None:
            self.commanded = lists.commanded
        return self._lists_changed(parcels, count)

    def take_held(self, held: HeldCodes, parcels: Collection[Parcel], count: int | None) -> list[Action]:
        """Replace the commanded hold list, as a whole."""
        self.commanded = held
        return self._lists_changed(parcels, count)

    def _lists_changed(self, parcels: Collection[Parcel], count: int | None) -> list[Action]:
        commanded = self.commanded or HeldCodes()
        codes = sorted({code for parcel in parcels for code in parcel.evidence.barcodes})
        record = ListsChanged(
            lists_version=f"{self.lists_version}+{commanded.sha256[:16]}" if commanded.sha256 else self.lists_version,
            held=len(self.held) + len(commanded.codes),
            declared=len(self.declared_g),
            on_belt=tuple(self.lookup(code) for code in codes),
            count=count,
        )
        return [Keep(record)]

    def lookup(self, code: str) -> Lookup:
        """What the lists in force say of a barcode."""
        return Lookup(code=code, held=code in self, declared_g=self._declared(code))

    def _declared(self, code: str) -> float | None:
        """The weight declared for it, or for its GTIN with any serial."""
        found = self.declared_g.get(code)
        return self.declared_g.get(code.partition(SERIAL)[0]) if found is None else found

    def __contains__(self, code: object) -> bool:
        """Whether a barcode is held, by the site's file or by the list that was commanded."""
        return code in self.held or (self.commanded is not None and code in self.commanded.codes)

    def reasons(self, parcel: Parcel) -> list[Reason]:
        """Every reason to inspect the parcel, by what is known of it now."""
        lost = self._lost(parcel)
        declared = {code: grams for code in parcel.evidence.barcodes if (grams := self._declared(code)) is not None}
        found = policy.reasons_to_inspect(parcel, self.rules, self.setup.devices, lost, self, declared)
        if not self.lists_known:
            found.append(policy.reason("no-lists"))
        if not self.plc.trusted:
            found.append(Reason(code="device-lost", text="the PLC's map or settings do not fit", device="plc"))
        found += [policy.reason("paused")] if self.mode.paused else []
        return found + ([policy.reason("dry-run")] if self.mode.dry_run else [])

    def new_belt(self, connected: Collection[str]) -> None:
        """Counts begin anew: whoever is not connected now counts as away from ever."""
        self.away = {device: deque() for device in self.away}
        for device in self.away.keys() - set(connected):
            self.went(device, -_INF)

    def went(self, device: str, count: float) -> None:
        """The device is not connected from that count on."""
        stretches = self.away.setdefault(device, deque())
        if not stretches or stretches[-1][1] != _INF:
            stretches.append([count, _INF])
        if len(stretches) > _AWAY:  # when exactly it was there between the oldest two is forgotten: it counts as away
            begin, _ = stretches.popleft()
            stretches[0][0] = begin

    def came(self, device: str, count: float) -> None:
        """The device is connected again at that count, which the last sample told: the belt may be a poll further."""
        if device not in self.away:  # never heard of before: away until now
            self.went(device, -_INF)
        stretches = self.away[device]
        if stretches and stretches[-1][1] == _INF:
            stretches[-1][1] = count + _POLL_MS * self.setup.geometry.counts_per_ms

    def _lost(self, parcel: Parcel) -> set[str]:
        """Devices that were not connected all the while the parcel passed them."""
        return {device.name for device in self.setup.devices if self._was_away(device, parcel)}

    def _exceptions(self, parcel: Parcel) -> tuple[str, ...]:
        """Devices that policy allows to be missing, and that were away while the parcel passed them."""
        allowed = self.rules.may_be_missing
        return tuple(d.name for d in self.setup.devices if d.name in allowed and self._was_away(d, parcel))

    def _was_away(self, device: DeviceSetup, parcel: Parcel) -> bool:
        """Not connected while some part of the parcel was in its zone, or its reading still on the way."""
        geometry = self.setup.geometry
        on_the_way = (device.latency_ms[1] + device.measuring_ms) * geometry.counts_per_ms
        zone = parcel.within(device.zone_mm, geometry)
        window = Interval(zone.low, zone.high + on_the_way)
        stretches = self.away.get(device.name)
        return stretches is None or any(window.meets(Interval(*stretch)) for stretch in stretches)

    def decide(self, parcel: Parcel, reasons: list[Reason], count: int, now: Now, after: str = "") -> list[Action]:
        """Decide, and order it: the record of the decision goes before the order. ValueError without a number."""
        identity = ref(parcel)
        parcel.advance(Step.DECIDE)
        parcel.route = Lane.INSPECT if reasons else Lane.PASS
        parcel.reasons = tuple(reasons)
        parcel.exceptions = self._exceptions(parcel)
        parcel.decided_at = now.utc
        self._order = self._order % _ORDERS + 1
        parcel.order = self._order
        decided = Decided(
            parcel=identity,
            route=parcel.route.value,
            reasons=parcel.reasons,
            policy_version=self.rules.version,
            count=count,
            after=after,
            exceptions=parcel.exceptions,
        )
        parcel.advance(Step.ORDER)
        parcel.ordered_lane = parcel.route
        geometry = self.setup.geometry
        last = (int(parcel.lead_at(geometry.decision_mm, geometry).high) + 1) % _WORD
        # Only a pass has one: an order to inspect that a count could void would leave an earlier pass standing.
        key = ParcelKey(identity.epoch, identity.number)
        order = Order(self._order, key, parcel.route, None if reasons else last)
        ordered = Ordered(parcel=identity, order=order.sequence, lane=parcel.route.value)
        told = [] if after else self.usable.decided(parcel, self.setup.devices, self._lost(parcel))
        return [Keep(decided), Send(order), Keep(ordered), *told]

    def withdraw(self, parcel: Parcel, count: int, now: Now) -> list[Action]:
        """A parcel that was to pass has new evidence against it: best effort, the PLC may answer `late`."""
        if parcel.route is not Lane.PASS or not parcel.on_belt:
            return []
        reasons = self.reasons(parcel)
        if not reasons:
            return []
        parcel.ready_ns = float(now.ns)
        return self.decide(parcel, reasons, count, now, after="pass")

    def acknowledge(self, parcel: Parcel | None, ack: OrderAcknowledged, now: Now) -> list[Action]:
        """The PLC's echo of an order; one of another order than the parcel's last says nothing."""
        if parcel is None or parcel.order != ack.order or parcel.ordered_lane is not ack.lane or not parcel.on_belt:
            return []
        parcel.advance(Step.ACKNOWLEDGE)
        parcel.latency_ms = round((now.ns - parcel.ready_ns) / NS_PER_MS, 3)
        if ack.result is AckResult.ACCEPTED:
            parcel.accepted_lane = ack.lane
        record = Acknowledged.model_validate(
            {
                "parcel": ref(parcel),
                "order": ack.order,
                "lane": ack.lane.value,
                "result": ack.result.name.lower().replace("_", "-"),
                "latency_ms": parcel.latency_ms,
            }
        )
        text = "an order reached the PLC after its parcel had passed the decision eye"
        late = ack.result is AckResult.LATE and not parcel.overruled
        return [Keep(record), *self.alarms.when(late, "order-late", "plc", text)]

    def complete(self, parcel: Parcel, place: Place, why: Why | None, now: Now) -> list[Action]:
        """The parcel has left: all that a central system needs of it, in one record."""
        parcel.advance(STEP_OF_PLACE[place])
        parcel.place, parcel.why = place, why
        evidence = parcel.evidence
        codes = tuple(dict.fromkeys(evidence.barcodes))
        length = parcel.length_mm(self.setup.geometry)
        detections = [frame.detection for frame in evidence.frames if frame.detection]
        record = ParcelCompleted(
            parcel=ref(parcel),
            barcode=codes[0] if len(codes) == 1 else None,
            barcodes=codes,
            weight_g=evidence.weights_g[-1] if evidence.weights_g else None,
            frames=tuple(frame.frame_id for frame in evidence.frames if frame.frame_id),
            findings=tuple(finding for detection in detections for finding in finding_records(detection)),
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
            exceptions=parcel.exceptions,
            adopted="adopted" in parcel.doubts,
        )
        thinned = self._thinned(parcel, record)
        refused = tuple(frame.frame_id for frame in evidence.frames if frame.frame_id and not frame.kept)
        record = record.model_copy(update={"frames_not_kept": tuple(dict.fromkeys((*refused, *thinned)))})
        self._remember(record)
        self.end(ParcelKey(record.parcel.epoch, record.parcel.number), parcel.state)
        return [Keep(record), Drop(thinned)] if thinned else [Keep(record)]

    def _thinned(self, parcel: Parcel, record: ParcelCompleted) -> tuple[str, ...]:
        """The pictures of a parcel that passed clean, unless it is one of those whose pictures stay."""
        clean = record.route == record.outcome == "pass" and not record.findings
        if not clean or self.every == 1 or (self.every and record.parcel.number % self.every == 0):
            return ()
        return tuple(frame.frame_id for frame in parcel.evidence.frames if frame.frame_id and frame.kept)

    def end(self, key: ParcelKey, state: State) -> None:
        """How a parcel ended; the newest are remembered."""
        self.ended[key] = state
        while len(self.ended) > _ENDED:
            self.ended.popitem(last=False)

    def _remember(self, record: ParcelCompleted) -> None:
        for key in ("completed", record.outcome, *(f"reason {r}" for r in {r.code for r in record.reasons})):
            self.counters[key] = self.counters.get(key, 0) + 1
        self.recent.append(record.model_dump(mode="json", exclude={"findings", "frames"}))
