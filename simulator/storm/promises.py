"""The promises of the station as invariants, by name, on the plant's truth. They know nothing of the station's code.

Each is checked as it can first be broken; a broken one is a `Violation`, and the storm goes on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import apsw

from simulator.storm.devices import Stamp
from simulator.storm.repeated import Repeated
from simulator.storm.truth import Body, Key, Truth
from station.core.actions import Order
from station.core.records import (
    Acknowledged,
    AlarmRaised,
    Decided,
    FrameInspected,
    ParcelCompleted,
    ParcelEntered,
    ReadingMatched,
    Record,
)
from station.journal import Stored

_KEPT = 400


class Promise(Enum):
    """Each by the word that DESIGN has for it."""

    OWN_EVIDENCE = "no pass without complete, fresh, unambiguous, clean evidence of that very parcel"
    DISK_FIRST = "the decision is on disk before its order"
    IN_TIME = "the order is with the PLC before the parcel is at the decision eye, or the parcel is inspected"
    NO_OLD_ORDER = "no order outlives its epoch or session"
    ACCOUNTED = "every parcel is accounted for, once, and in the lane where it was"
    AT_SUBSCRIBER = "events reach the subscriber in order, without a gap, and none that is unknown"
    REPLAY = "the journal replayed gives the same decision"
    RECOVERY = "recovery within a bound"
    BOUNDED = "nothing grows without a bound"
    LIVENESS = "with all faults over the line flows again"
    USEFUL = "in fault-free stretches the clean parcels pass"
    STOPS = "what is detected too late stops the belt, with an alarm"


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken promise: when (ms since the start), which, by which parcel, and how."""

    ms: float
    promise: Promise
    text: str
    key: Key | None = None


@dataclass(slots=True)
class Seen:
    """What the journal holds of a parcel."""

    stamps: list[tuple[ReadingMatched, Stamp]] = field(default_factory=list)
    ambiguous: set[str] = field(default_factory=set)
    passes: dict[int, list[str]] = field(default_factory=dict)
    route: str | None = None
    decided_seq: int = 0
    accepted: set[str] = field(default_factory=set)
    ordered_in: int | None = None


@dataclass(slots=True)
class Promises:
    """Told of every record on disk, every order, every parcel that leaves; `violations` is what was broken."""

    truth: Truth
    origin: dict[Stamp, int | None]
    now_ms: Callable[[], float]
    held: Callable[[], frozenset[str]]
    required: tuple[str, ...]
    violations: list[Violation] = field(default_factory=list)
    open: dict[Key, float] = field(default_factory=dict)
    completed: int = 0
    released: int = 0
    durable: Callable[[], bool] = lambda: True
    too_late: Callable[[], bool] = lambda: False
    strays: list[Key | None] = field(default_factory=list)
    stop_alarm_ms: float = float("-inf")
    well: Callable[[Body], bool] = lambda _body: False
    _repeated: Repeated = field(default_factory=Repeated)
    _seen: OrderedDict[Key, Seen] = field(default_factory=OrderedDict)
    _closed: OrderedDict[Key, str] = field(default_factory=OrderedDict)
    _detections: OrderedDict[str, FrameInspected] = field(default_factory=OrderedDict)
    _reader: apsw.Connection | None = None

    def broken(self, promise: Promise, text: str, key: Key | None = None) -> None:
        """Write a broken promise down."""
        self.violations.append(Violation(round(self.now_ms(), 1), promise, text, key))

    # --- the station's journal -----------------------------------------------------------------------------------

    def journal_is(self, path: Path | None) -> None:
        """Look into that journal with a connection of our own, from now on."""
        if self._reader is not None:
            self._reader.close()
        self._reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) if path else None

    def kept(self, records: Sequence[Record], stored: Sequence[Stored]) -> None:
        """These are on disk now."""
        for key, differs in self._repeated.take(records):
            self.broken(Promise.REPLAY, differs, key)
        for record, event in zip(records, stored, strict=True):
            self._kept(record, event)

    def _kept(self, record: Record, event: Stored) -> None:
        match record:
            case ReadingMatched():
                self._reading(record)
            case FrameInspected():
                self._detections[record.frame_id] = record
                while len(self._detections) > _KEPT:
                    self._detections.popitem(last=False)
            case Decided():
                self._decided(record, event)
            case Acknowledged():
                self._acknowledged(record)
            case AlarmRaised(alarm="belt-stopped"):
                self.stop_alarm_ms = self.now_ms()
            case ParcelEntered():
                self.open.setdefault(key_of(record.parcel), self.now_ms())
            case ParcelCompleted():
                self._completed(record)

    def journal_lost(self) -> None:
        """It was moved aside: what it holds open stays open there, and the next one knows nothing of it."""
        self.open.clear()

    def copy_put_back(self, open_then: dict[Key, float]) -> None:
        """A copy of before is the journal now: what was open then is open again, and is completed once more."""
        self.open = dict(open_then)
        for key in open_then:
            self._closed.pop(key, None)

    def _of(self, key: Key) -> Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = Seen()
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
        return seen

    def _reading(self, record: ReadingMatched) -> None:
        if record.ambiguous:
            for parcel in record.candidates:
                self._of(key_of(parcel)).ambiguous.add(record.device)
        else:
            stamp = record.device, record.after_ns, record.before_ns, record.value
            self._of(key_of(record.candidates[0])).stamps.append((record, stamp))

    def _decided(self, record: Decided, event: Stored) -> None:
        key = key_of(record.parcel)
        seen = self._of(key)
        seen.route, seen.decided_seq = record.route, event.seq
        if record.route == "pass":
            seen.passes[event.seq] = self._lacks(key, seen, record)

    def _lacks(self, key: Key, seen: Seen, record: Decided) -> list[str]:
        """What the evidence of a pass lacks, by the plant's truth."""
        lacks = [f"it has reasons against it: {record.reasons[0].text}"] if record.reasons else []
        body = self.truth.by_key.get(key)
        if body is None:
            return [*lacks, "the number belongs to no parcel"]
        lacks += [f"a reading of {device} is ambiguous" for device in sorted(seen.ambiguous)]
        got = set()
        for reading, stamp in seen.stamps:
            if self.origin.get(stamp, -1) != body.identity and reading.value is not None:
                lacks.append(f"{reading.device} said {reading.value!r} of something else")
            if reading.value not in {None, ""} and not reading.fault:
                got.add(reading.device)
        lacks += [f"nothing of {device}" for device in self.required if device not in got | set(record.exceptions)]
        lacks += [f"it holds {hazard}" for hazard in body.hazards]
        lacks += [f"{code} is held" for code in sorted(body.barcodes & self.held())]
        lacks += self._pictures(seen)
        item = body.items[0]
        if item.declared_g is not None and abs(item.weight_g - item.declared_g) > 50 + 0.05 * item.declared_g + 5:
            lacks.append(f"it weighs {item.weight_g} g, {item.declared_g:g} g are declared")
        return lacks

    def _pictures(self, seen: Seen) -> list[str]:
        frames = [reading.value for reading, _ in seen.stamps if reading.kind == "frame" and not reading.fault]
        lacks = []
        for frame in frames:
            answer = self._detections.get(str(frame))
            if answer is None or answer.fault:
                lacks.append(f"the detector has not answered for {frame}")
        return lacks

    def _completed(self, record: ParcelCompleted) -> None:
        key = key_of(record.parcel)
        self.completed += 1
        if key in self._closed:
            self.broken(Promise.ACCOUNTED, f"completed twice: {self._closed[key]}, then {record.outcome}", key)
        self._closed[key] = record.outcome
        while len(self._closed) > 10 * _KEPT:
            self._closed.popitem(last=False)
        if self.open.pop(key, None) is None and not self._is_on_disk(key, ParcelEntered):
            self.broken(Promise.ACCOUNTED, "completed, and never entered", key)
        body = self.truth.by_key.get(key)
        seen = body is not None and body.lane is not None and not body.hands and record.outcome in {"pass", "inspect"}
        if seen and body is not None and record.outcome != body.lane:
            self.broken(Promise.ACCOUNTED, f"it left by {body.lane}, the journal says {record.outcome}", key)

    # --- orders and lanes -----------------------------------------------------------------------------------------

    def ordered(self, orders: Sequence[Order], session: int) -> None:
        """These go to the PLC now."""
        if not self.durable():
            self.broken(Promise.DISK_FIRST, "an order goes out before the disk has synced what was written")
        for order in orders:
            key = order.parcel.epoch, order.parcel.number
            seen = self._of(key)
            if order.lane.value == "pass":
                seen.ordered_in = session
            if seen.route != order.lane.value or not self.on_disk(seen.decided_seq):
                self.broken(Promise.DISK_FIRST, f"ordered to {order.lane.value}, on disk is {seen.route}", key)

    def on_disk(self, seq: int) -> bool:
        """True if an event of that number is in the journal's file, as another process sees it."""
        if self._reader is None:
            return seq > 0
        return self._reader.execute("SELECT 1 FROM event WHERE seq = ?", (seq,)).get is not None

    def at_decision_eye(self, body: Body | None, *, ordered: bool) -> None:
        """A body breaks the beam of the decision eye; whether the PLC held an order for it ahead of that."""
        if body is not None and body.key is not None and not ordered and self.well(body):
            self.broken(Promise.IN_TIME, "it is at the decision eye, and the PLC has no order for it", body.key)

    def _acknowledged(self, record: Acknowledged) -> None:
        key = key_of(record.parcel)
        if record.result == "accepted":
            self._of(key).accepted.add(record.lane)
        body = self.truth.by_key.get(key)
        if record.result == "late" and body is not None and self.well(body):
            self.broken(Promise.IN_TIME, f"its order to {record.lane} came too late", key)

    def left(self, body: Body | None, lane: str) -> None:
        """A body has left by that lane."""
        if lane != "pass":
            return
        self.released += 1
        wrong = self._wrongly_released(body)
        if wrong and self.too_late():
            self.strays.append(body.key if body else None)
        elif wrong:
            self.broken(Promise.OWN_EVIDENCE, wrong, body.key if body else None)
        if body is None or body.key is None or wrong:
            return
        ordered_in = self._of(body.key).ordered_in
        if body.session == 0 or ordered_in != body.session:
            text = f"it entered in session {body.session}, the order is of session {ordered_in}"
            self.broken(Promise.NO_OLD_ORDER, text, body.key)

    def _wrongly_released(self, body: Body | None) -> str:
        """Why a body that passed should not have, "" if it rightly did."""
        if body is None or body.key is None:
            return "a parcel without a number passed"
        passes = self._of(body.key).passes
        if not passes:
            return "it passed without a decision to pass"
        lacks = list(passes.values())[-1]
        return "; ".join([*lacks, "hands were on it"] if body.hands else lacks)

    def finish(self, newest_allowed_ms: float) -> None:
        """At the end, with the belt empty: whoever entered before that time must be accounted for."""
        for key, differs in self._repeated.finish():
            self.broken(Promise.REPLAY, differs, key)
        for key, entered in self.open.items():
            if entered <= newest_allowed_ms and not self._is_on_disk(key, ParcelCompleted):
                self.broken(Promise.ACCOUNTED, "entered, and never completed", key)

    def _is_on_disk(self, key: Key, kind: type[Record]) -> bool:
        """A batch whose sync failed may be on disk all the same, and be found there at the next start."""
        if self._reader is None:
            return False
        told = (
            "SELECT 1 FROM parcel_event JOIN event USING (seq) WHERE number = ? AND parcel_event.epoch = ? AND type = ?"
        )
        return self._reader.execute(told, (key[1], key[0], kind.type)).get is not None


def key_of(parcel: object) -> Key:
    """A parcel's identity out of its record."""
    return parcel.epoch, parcel.number  # type: ignore[attr-defined]
