"""The promises of the station as invariants, by name, on the plant's truth. They know nothing of the station's code.

Each is checked as it can first be broken; a broken one is a `Violation`, and the storm goes on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from simulator.plant.trouble import Emission
from simulator.storm.clock import ms_of
from simulator.storm.devices import Stamp
from simulator.storm.evidence import KEPT, ORDERED, SEEN, Evidence
from simulator.storm.obeyed import Mode, Obeyed
from simulator.storm.repeated import Repeated
from simulator.storm.truth import Body, Key, Truth, key_of
from simulator.storm.violation import Promise, Violation
from station.core.actions import Order
from station.core.records import (
    Acknowledged,
    AlarmCleared,
    AlarmRaised,
    CommandResult,
    Decided,
    FrameInspected,
    ModeChanged,
    Ordered,
    ParcelCompleted,
    ParcelEntered,
    PlcJoined,
    ReadingMatched,
    Record,
    SessionOpened,
    StationStarted,
)
from station.journal import Stored

_WORD = 1 << 32
_EARNED_MS = 300.0
_LASTING = ("trigger-step", "no-evidence")
"""Raised by what several parcels in a row show: some of them of before, while there were faults."""
_LATE_MS = 60.0


@dataclass(slots=True)
class Promises:
    """Told of every record on disk, every order, every parcel that leaves; `violations` is what was broken."""

    truth: Truth
    origin: dict[Stamp, Emission]
    now_ms: Callable[[], float]
    held: Callable[[], frozenset[str]]
    required: tuple[str, ...]
    violations: list[Violation] = field(default_factory=list)
    open: dict[Key, float] = field(default_factory=dict)
    completed: int = 0
    came_out: int = 0
    released: int = 0
    durable: Callable[[], bool] = lambda: True
    too_late: Callable[[], bool] = lambda: False
    strays: list[Key | None] = field(default_factory=list)
    stop_alarm_ms: float = float("-inf")
    undisturbed: Callable[[Body, frozenset[str]], bool] = lambda _body, _harmless: False
    exit_eye_lied: Callable[[Body, str], bool] = lambda _body, _lane: False
    calm: Callable[[], bool] = lambda: False
    left_ms: Callable[[Body], float] = lambda _body: float("inf")
    way_ms: float = 0.0
    encoder_mm: Callable[[], float] = lambda: 0.0
    alarms: dict[tuple[str, str], float] = field(default_factory=dict)
    held_ms: dict[str, float] = field(default_factory=dict)
    sessions: dict[int, float] = field(default_factory=dict)
    opened: int = 0
    accepted: Callable[[CommandResult], None] = lambda _answer: None
    obeyed: Obeyed = field(init=False)
    evidence: Evidence = field(init=False)
    _used: set[tuple[str, int]] = field(default_factory=set)
    _proved_ms: float = float("-inf")
    _refused: bool = False
    _outcomes: OrderedDict[Key, str] = field(default_factory=OrderedDict)
    _repeated: Repeated = field(default_factory=Repeated)
    _closed: OrderedDict[Key, str] = field(default_factory=OrderedDict)
    _reader: apsw.Connection | None = None

    def __post_init__(self) -> None:
        self.obeyed = Obeyed(self._mode_on_disk, self.now_ms)
        self.evidence = Evidence(self)

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
            for text, key in self.obeyed.take(record, event.seq):
                self.broken(Promise.OBEYED, text, key)
            match record:
                case ReadingMatched():
                    self.evidence.matched(record)
                case Decided():
                    self._decided(record, event)
                case ParcelEntered():
                    self._entered(record)
                case ParcelCompleted():
                    self._completed(record)
                case Ordered():
                    self.evidence.of(key_of(record.parcel)).ordered_lane = record.lane
                case Acknowledged():
                    self._acknowledged(record)
                case _:
                    self._of_the_line(record)

    def _of_the_line(self, record: Record) -> None:
        """What concerns no parcel by name."""
        match record:
            case FrameInspected():
                self.evidence.answered(record)
            case AlarmRaised():
                self._raised(record)
            case CommandResult(result="accepted"):
                self.accepted(record)
            case SessionOpened():
                self.opened = record.new_session
            case PlcJoined(resumed=False):
                self.opened = 0
            case AlarmCleared():
                self.alarms.pop((record.alarm, record.subject), None)
            case StationStarted():
                self.alarms.clear()
                self._outcomes.clear()

    def journal_lost(self) -> None:
        """A new one is begun: what the one before holds open stays open there."""
        self.opened = 0
        self.open.clear()
        self.obeyed.orders_lost()

    def copy_put_back(self, open_then: dict[Key, float], *, shows: bool) -> None:
        """A copy of before is the journal now: what was open then is open again, and is completed once more.

        `shows`: the publisher's cursor knows of an event that is not in it.
        """
        self.opened = 0
        self.open = dict(open_then)
        if shows:
            self.obeyed.orders_lost()
        else:
            self.obeyed.forget()
        for key in open_then:
            self._closed.pop(key, None)

    def _raised(self, record: AlarmRaised) -> None:
        self.alarms[record.alarm, record.subject] = self.now_ms()
        if record.alarm == "belt-stopped":
            self.stop_alarm_ms = self.now_ms()
        if self.calm() and record.alarm not in _LASTING:
            self.broken(Promise.USEFUL, f"an alarm without a cause: {record.alarm} {record.subject}: {record.text}")

    def _entered(self, record: ParcelEntered) -> None:
        key = key_of(record.parcel)
        self.open.setdefault(key, self.now_ms())
        seen = self.evidence.of(key)
        seen.ordered_lane = seen.accepted_lane = ""
        seen.reasons = ()
        body = self.truth.by_key.get(key)
        taken = self.sessions.get(self.opened)
        if record.inspect_only or body is None or body.entered_ns is None:
            return
        if taken is None or taken > ms_of(body.entered_ns):
            since = f"before the PLC took session {self.opened}" if self.opened else "while no session was opened"
            text = f"it entered {since}, and is not told to be inspected for it"
            self.broken(Promise.NO_OLD_ORDER, text, key)

    def _decided(self, record: Decided, event: Stored) -> None:
        key = key_of(record.parcel)
        seen = self.evidence.of(key)
        seen.route, seen.decided_seq, seen.reasons = record.route, event.seq, record.reasons
        if (record.route == "inspect") != bool(record.reasons):
            self.broken(Promise.ACCOUNTED, f"decided to {record.route} with {len(record.reasons)} reasons", key)
        self._leaves_time(key, record)
        self.evidence.decided(key, record, event.seq)

    def _leaves_time(self, key: Key, record: Decided) -> None:
        """Whoever is decided can still be ordered: the next poll writes, and a scan takes it."""
        body = self.truth.by_key.get(key)
        if body is None or body.at_decision_ns is not None or record.after or not self.undisturbed(body, ORDERED):
            return
        left_ms = self.left_ms(body)
        if left_ms < self.way_ms:
            text = f"decided {left_ms:.0f} ms ahead of the decision eye, an order may need {self.way_ms:g} ms"
            self.broken(Promise.IN_TIME, text, key)

    def _completed(self, record: ParcelCompleted) -> None:
        key = key_of(record.parcel)
        self.completed += 1
        self.came_out += record.outcome in {"pass", "inspect"}
        if key in self._closed:
            self.broken(Promise.ACCOUNTED, f"completed twice: {self._closed[key]}, then {record.outcome}", key)
        self._closed[key] = record.outcome
        if not record.adopted:
            self._sums_up(key, record)
        while len(self._closed) > 10 * KEPT:
            self._closed.popitem(last=False)
        if self.open.pop(key, None) is None and not self._is_on_disk(key, ParcelEntered):
            self.broken(Promise.ACCOUNTED, "completed, and never entered", key)
        body = self.truth.by_key.get(key)
        seen = body is not None and body.lane is not None and not body.hands and record.outcome in {"pass", "inspect"}
        if seen and body is not None and record.outcome != body.lane and not self.exit_eye_lied(body, record.outcome):
            self.broken(Promise.ACCOUNTED, f"it left by {body.lane}, the journal says {record.outcome}", key)

    # --- orders and lanes -----------------------------------------------------------------------------------------

    def ordered(self, orders: Sequence[Order], session: int) -> None:
        """These go to the PLC now."""
        if not self.durable():
            self.broken(Promise.DISK_FIRST, "an order goes out before the disk has synced what was written")
        for order in orders:
            key = order.parcel.epoch, order.parcel.number
            seen = self.evidence.of(key)
            if order.lane.value == "pass":
                seen.ordered_in = session
            if seen.route != order.lane.value or not self.on_disk(seen.decided_seq):
                self.broken(Promise.DISK_FIRST, f"ordered to {order.lane.value}, on disk is {seen.route}", key)

    def offered(self, session: int, epoch: int | None) -> None:
        """The PLC is offered a session now."""
        if not self._written("SELECT 1 FROM event WHERE type = ? AND session = ?", SessionOpened.type, session):
            self.broken(Promise.DISK_FIRST, f"session {session} is offered, and not in the journal")
        for kind, number in (("session", session), ("epoch", epoch)):
            if number is None:
                continue
            if (kind, number) in self._used or not 0 < number < _WORD:
                self.broken(Promise.NO_OLD_ORDER, f"{kind} {number} is offered a second time")
            self._used.add((kind, number))

    def taken(self, session: int) -> None:
        """The PLC has taken that session."""
        self.sessions.setdefault(session, self.now_ms())

    def proved(self, *, kept: bool) -> None:
        """The disk has kept what it was given, or refused it."""
        self._refused = not kept
        if kept:
            self._proved_ms = self.now_ms()

    def beats(self) -> None:
        """The heartbeat advances: it is earned by a commit, and lately."""
        if self._refused or self.now_ms() - self._proved_ms > _EARNED_MS:
            since = "the disk refuses" if self._refused else "the disk was not proved for long"
            self.broken(Promise.DISK_FIRST, f"the heartbeat advances while {since}")

    def outcome(self, key: Key, place: str) -> None:
        """The PLC tells the station where a parcel ended."""
        self._outcomes.setdefault(key, place)
        while len(self._outcomes) > KEPT:
            self._outcomes.popitem(last=False)

    def _sums_up(self, key: Key, record: ParcelCompleted) -> None:
        """The last record of a parcel says what happened to it."""
        seen, told = self.evidence.of(key), self._outcomes.get(key)
        if told is not None and record.outcome != told:
            self.broken(Promise.ACCOUNTED, f"the PLC says that it ended as {told}, the journal {record.outcome}", key)
        self.evidence.completed(key)
        acknowledged = bool(seen.accepted_lane) and seen.accepted_lane == seen.ordered_lane
        if record.acknowledged != acknowledged or record.ordered != bool(seen.ordered_lane):
            text = f"ordered {record.ordered} and acknowledged {record.acknowledged} in its sum, but"
            self.broken(Promise.ACCOUNTED, f"{text} {bool(seen.ordered_lane)} and {acknowledged} before", key)
        if record.route != seen.route or record.reasons != seen.reasons:
            self.broken(Promise.ACCOUNTED, "its sum gives another decision than its last", key)

    def _written(self, sql: str, *values: int | str) -> bool:
        return self._reader is None or self._reader.execute(sql, values).get is not None

    def on_disk(self, seq: int) -> bool:
        """True if an event of that number is in the journal's file, as another process sees it."""
        if self._reader is None:
            return seq > 0
        return self._reader.execute("SELECT 1 FROM event WHERE seq = ?", (seq,)).get is not None

    def at_decision_eye(self, body: Body | None, *, ordered: bool) -> None:
        """A body breaks the beam of the decision eye; whether the PLC held an order for it ahead of that."""
        if body is None or body.key is None:
            return
        if not ordered and self.undisturbed(body, ORDERED):
            self.broken(Promise.IN_TIME, "it is at the decision eye, and the PLC has no order for it", body.key)
        if self.evidence.of(body.key).route != "pass" or not self.undisturbed(body, SEEN):
            return
        against = [text for _, text in body.misseen] + [
            f"{c} is held" for c in body.barcodes if self.held_ms.get(c, 1e18) < self.now_ms() - _LATE_MS
        ]
        if against:
            self.broken(Promise.OWN_EVIDENCE, f"it is to pass, and {against[0]}", body.key)
        since = self.obeyed.since_ms
        if since is not None and since < self.now_ms() - _LATE_MS:
            self.broken(Promise.OBEYED, "it is to pass, and all is to be inspected", body.key)

    def _acknowledged(self, record: Acknowledged) -> None:
        key = key_of(record.parcel)
        if record.result == "accepted":
            self.evidence.of(key).accepted_lane = record.lane
        body = self.truth.by_key.get(key)
        first = self.evidence.of(key).passes == {} or record.lane == "pass"
        if record.result == "late" and first and body is not None and self.undisturbed(body, ORDERED):
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
        ordered_in = self.evidence.of(body.key).ordered_in
        if body.session == 0 or ordered_in != body.session:
            text = f"it entered in session {body.session}, the order is of session {ordered_in}"
            self.broken(Promise.NO_OLD_ORDER, text, body.key)

    def _wrongly_released(self, body: Body | None) -> str:
        """Why a body that passed should not have, "" if it rightly did."""
        if body is None or body.key is None:
            return "a parcel without a number passed"
        passes = self.evidence.of(body.key).passes
        if not passes:
            return "it passed without a decision to pass"
        lacks = list(passes.values())[-1]
        return "; ".join([*lacks, "hands were on it"] if body.hands else lacks)

    def finish(self, newest_allowed_ms: float) -> None:
        """At the end, with the belt empty: whoever entered before that time must be accounted for."""
        for key, differs in self._repeated.finish():
            self.broken(Promise.REPLAY, differs, key)
        for key, entered in self.open.items():
            if entered <= newest_allowed_ms and not self.completed_on_disk(key):
                self.broken(Promise.ACCOUNTED, "entered, and never completed", key)

    def unanswered(self, identity: str) -> bool:
        """Whether a command has no answer, not even one that is on disk and was told to nobody."""
        told = f'%"command":"{identity}"%'
        sql = "SELECT 1 FROM event WHERE type = ? AND CAST(payload AS TEXT) LIKE ?"
        return identity not in self.obeyed.ever and not self._written(sql, CommandResult.type, told)

    def _mode_on_disk(self, before: int) -> Mode | None:
        sql = "SELECT payload FROM event WHERE type = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
        rows = self._reader.execute(sql, (ModeChanged.type, before)).fetchall() if self._reader is not None else []
        if not rows:
            return None
        told = ModeChanged.model_validate_json(str(bytes(rows[0][0]), "utf-8"))  # type: ignore[arg-type]
        return told.paused, told.dry_run

    def completed_on_disk(self, key: Key) -> bool:
        """Whether its end is in the journal, though nobody was told."""
        return self._is_on_disk(key, ParcelCompleted)

    def _is_on_disk(self, key: Key, kind: type[Record]) -> bool:
        """A batch whose sync failed may be on disk all the same, and be found there at the next start."""
        if self._reader is None:
            return False
        told = (
            "SELECT 1 FROM parcel_event JOIN event USING (seq) WHERE number = ? AND parcel_event.epoch = ? AND type = ?"
        )
        return self._reader.execute(told, (key[1], key[0], kind.type)).get is not None
