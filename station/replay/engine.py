"""The replay: journaled inputs go to the real core, and what it then says is compared with the journal.

Taken as recorded: the interval of each reading, the moment of a decision, the session's being live as a parcel
entered, and what the lists said of a barcode. All else is reckoned anew; docs/decisions/0040 tells why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from station.core import policy
from station.core.actions import Action, Keep
from station.core.belt import Interval
from station.core.events import DeviceState, ParcelKey, Place, SessionChosen, StationMode, Why
from station.core.line import Line
from station.core.now import Now
from station.core.parcel import Parcel, StepNotAllowedError
from station.core.records import (
    Decided,
    DeviceChanged,
    EdgesRead,
    FrameInspected,
    JournalOpened,
    ListsChanged,
    ModeChanged,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    PlcChanged,
    PlcJoined,
    PlcJumped,
    PolicyChanged,
    ReadingMatched,
    Record,
    SessionOpened,
    StationStarted,
)
from station.core.setup import LineSetup
from station.journal import Stored
from station.replay import checks, difference, events
from station.replay.difference import Difference, Verdict
from station.replay.events import ReplayError
from station.replay.stand_ins import RecordedBelt, RecordedClock

_NOW = Now(0, "")
_EVERYWHERE = 1 << 53
_NOT_EVENTS = (ArithmeticError, LookupError, TypeError, ValueError, StepNotAllowedError)

Due = tuple[object, ...]


@dataclass(slots=True)
class Replay:
    """Give it every journaled event (or record) in order; each call returns what differs with that event.

    Without a setup it waits for the first `station-started` that tells one; each later one begins anew, as the
    daemon did. Memory is bounded as the core's is.

    Attributes:
        decisions: how many were compared.
        skipped: events ahead of the first that tells a setup.
    """

    setup: LineSetup | None = None
    decisions: int = 0
    skipped: int = 0
    _line: Line | None = None
    _seq: int = 0
    _count: int | None = None
    _jumped_to: int | None = None
    _only_jumped: bool = False
    _clock: RecordedClock = field(init=False)
    _belt: RecordedBelt = field(init=False)
    _due: dict[Due, Record] = field(default_factory=dict)
    _handlers: dict[str, Callable[[Line, Any], Iterable[Difference]]] = field(init=False)

    def __post_init__(self) -> None:
        self._handlers = {
            SessionOpened.type: self._on_session,
            DeviceChanged.type: self._on_device,
            PlcJoined.type: self._on_connected,
            PlcJumped.type: self._on_jump,
            PlcChanged.type: self._on_plc,
            ListsChanged.type: self._on_lists,
            ModeChanged.type: self._on_mode,
            PolicyChanged.type: self._on_policy,
            EdgesRead.type: self._on_edges,
            ParcelEntered.type: self._on_entered,
            ReadingMatched.type: self._on_reading,
            FrameInspected.type: self._on_inspected,
            Decided.type: self._on_decided,
            ParcelCompleted.type: self._on_completed,
        }
        if self.setup is not None:
            self._begin(self.setup)

    def take(self, event: Stored | Record) -> list[Difference]:
        """Take the next event.

        Raises:
            ReplayError: it is damaged, of another version, or makes no sense.
        """
        self._seq = event.seq if isinstance(event, Stored) else self._seq + 1
        if event.type == StationStarted.type:
            return self._on_started(event)
        handler = self._handlers.get(event.type)
        if event.type == JournalOpened.type:
            return []
        if self._line is None:
            self.skipped += 1
            return []
        if handler is None:
            return []
        record = events.record_of(event) if isinstance(event, Stored) else event
        try:
            return list(handler(self._line, record))
        except _NOT_EVENTS as error:
            sentence = f"event {self._seq}, {event.type}, makes no sense to the core"
            raise ReplayError(f"{sentence}: {type(error).__name__}: {error}") from error

    def finish(self) -> list[Difference]:
        """The journal has ended: what the core would have said still."""
        return list(self._overdue())

    # --- beginnings ----------------------------------------------------------------------------------------------

    def _on_started(self, event: Stored | Record) -> list[Difference]:
        missing = self.finish()
        self._line = None
        if isinstance(event, Stored) and event.version != StationStarted.version:
            self.skipped += 1
            return missing
        record = events.record_of(event) if isinstance(event, Stored) else event
        if isinstance(record, StationStarted):
            self._begin(record.setup.line_setup(), record)
        return missing

    def _begin(self, setup: LineSetup, started: StationStarted | None = None) -> None:
        self._line = Line(setup)
        if started is not None:
            self._line.handle(events.starting_of(started), _NOW)
        self._stand_in(self._line)

    def _stand_in(self, line: Line) -> None:
        geometry = line.setup.geometry
        try:
            self._clock, self._belt = RecordedClock(geometry.drift_ppm), RecordedBelt(geometry.counts_per_ms)
        except ZeroDivisionError as error:
            raise ReplayError(f"event {self._seq}: a belt without a length of a count makes no sense") from error
        line.clock, line.belt = self._clock, self._belt
        self._count = self._jumped_to = None
        self._only_jumped = False

    # --- what the core was told -----------------------------------------------------------------------------------

    def _on_session(self, line: Line, record: SessionOpened) -> Iterator[Difference]:
        line.handle(SessionChosen(record.new_session, record.new_epoch), _NOW)
        yield from ()

    def _on_device(self, line: Line, record: DeviceChanged) -> Iterator[Difference]:
        yield from self._overdue()
        self._carry(line, record.count)
        line.handle(DeviceState(record.device, record.connected, record.detail), _NOW)

    def _on_connected(self, line: Line, record: PlcJoined) -> Iterator[Difference]:
        yield from self._overdue()
        self._expect(line.handle(events.connection_of(record), _NOW))
        if not record.resumed:
            self._stand_in(line)

    def _on_jump(self, line: Line, record: PlcJumped) -> Iterator[Difference]:
        yield from self._overdue()
        self._carry(line, record.before)
        self._belt.at = self._count = self._jumped_to = record.count
        self._only_jumped = True
        self._expect(line.jumped(_NOW))

    def _on_plc(self, line: Line, record: PlcChanged) -> Iterator[Difference]:
        yield from self._overdue()
        line.plc.take(events.sample_of(record, self._count or 0), line.alarms, line.new_world)

    def _on_lists(self, line: Line, record: ListsChanged) -> Iterator[Difference]:
        yield from self._overdue()
        self._carry(line, record.count)
        self._expect(line.handle(events.lists_of(record), _NOW))

    def _on_mode(self, line: Line, record: ModeChanged) -> Iterator[Difference]:
        yield from self._overdue()
        self._carry(line, record.count)
        self._expect(line.change_mode(StationMode(record.paused, record.dry_run), _NOW))

    def _on_policy(self, line: Line, record: PolicyChanged) -> Iterator[Difference]:
        yield from self._overdue()
        self._carry(line, record.count)
        self._expect(line.change_policy(record.policy, _NOW))

    def _on_edges(self, line: Line, record: EdgesRead) -> Iterator[Difference]:
        yield from self._overdue()
        if self._carry(line, record.count):
            self._expect(line.withdraw_doubted(_NOW))
            yield from self._overdue()
        for edge in events.edges_of(record):
            self._expect(line.handle(edge, _NOW))

    def _on_reading(self, line: Line, record: ReadingMatched) -> Iterator[Difference]:
        due = self._due.pop(_key(record), None)
        if isinstance(due, ReadingMatched):
            yield from difference.of_readings(record, due, self._seq)
            return
        yield from self._overdue()
        if record.device not in line.setup.by_name:
            raise ValueError(f"the setup has no device '{record.device}'")
        checks.look_up(line, record)
        line.matcher.wait(events.reading_of(record))
        if record.interval.low == -_EVERYWHERE and record.interval.high == _EVERYWHERE:
            if record.count != self._jumped_to:
                self._carry(line, record.count)
            actions = line.doubt_waiting(record.note, _NOW)
        else:
            self._carry(line, record.count)
            self._clock.interval = Interval(record.interval.low, record.interval.high)
            actions = line.settle(record.count, _NOW)
        self._expect(actions)
        replayed = self._due.pop(_key(record), None)
        if isinstance(replayed, ReadingMatched):
            told = replayed.model_copy(update={"count": record.count})
            yield from difference.of_readings(record, told, self._seq)

    def _on_inspected(self, line: Line, record: FrameInspected) -> Iterator[Difference]:
        yield from self._overdue()
        self._expect(line.witness.detect(events.detection_of(record), line.tracker.parcels, self._count or 0, _NOW))

    # --- what the core said ----------------------------------------------------------------------------------------

    def _on_entered(self, line: Line, record: ParcelEntered) -> Iterator[Difference]:
        due, parcel = self._due.pop(_key(record), None), _known(line, record.parcel)
        if not isinstance(due, ParcelEntered) or parcel is None:
            yield Difference(record.parcel, self._seq, record.type, "no edge of the infeed eye begins this parcel")
            return
        parcel.inspect_only = record.inspect_only
        yield from difference.of_entries(record, due, self._seq)

    def _on_decided(self, line: Line, record: Decided) -> Iterator[Difference]:
        self.decisions += 1
        if not record.after:
            yield from self._overdue()
        if _key(record) not in self._due:
            self._carry(line, record.count)
            if record.after:
                self._expect(line.withdraw_doubted(_NOW))
        due, parcel = self._due.pop(_key(record), None), _known(line, record.parcel)
        if parcel is None or not parcel.on_belt:
            what = "the journal decides a parcel that is not on the belt by its edges"
            yield Difference(record.parcel, self._seq, record.type, what, Verdict(record.route, record.reasons))
            return
        if not isinstance(due, Decided):
            if not record.after and not checks.may_be_decided(line, parcel, late=_late(record)):
                verdict = Verdict(record.route, record.reasons)
                what = f"decided at count {record.count}: its evidence was not closed, or not yet at the deadline"
                yield Difference(record.parcel, self._seq, record.type, what, verdict, Verdict(None))
            due = self._decide(line, parcel, record)
        yield from difference.of_decisions(record, due, self._seq)

    def _decide(self, line: Line, parcel: Parcel, record: Decided) -> Decided:
        reasons = line.desk.reasons(parcel)
        if _late(record) and not record.after:
            reasons.append(policy.reason("deadline"))
        actions = line.desk.decide(parcel, reasons, record.count, _NOW, after=record.after)
        return next(a.record for a in actions if isinstance(a, Keep) and isinstance(a.record, Decided))

    def _on_completed(self, line: Line, record: ParcelCompleted) -> Iterator[Difference]:
        due, parcel = self._due.pop(_key(record), None), _known(line, record.parcel)
        if due is None and (parcel is None or not parcel.on_belt):
            what = "the journal completes a parcel that is not on the belt by its edges"
            yield Difference(record.parcel, self._seq, record.type, what)
            return
        if due is None and parcel is not None:
            why = Why[record.plc_why.upper().replace("-", "_")] if record.plc_why else None
            kept = line.desk.complete(parcel, Place(record.outcome), why, _NOW)[0]
            due = kept.record if isinstance(kept, Keep) else None
        if isinstance(due, ParcelCompleted):
            yield from difference.of_completions(record, due, self._seq)

    # --- between the two -------------------------------------------------------------------------------------------

    def _carry(self, line: Line, count: int | None) -> bool:
        """The belt moves on to a sample that the core had taken, if it is not there; a jump alone is no move."""
        if count is None or (count == self._count and not self._only_jumped):
            return False
        self._count = self._belt.at = count
        self._only_jumped = False
        self._expect(line.carry(count, _NOW))
        return True

    def _expect(self, actions: Iterable[Action]) -> None:
        """What the core says now must come next in the journal."""
        for action in actions:
            if isinstance(action, Keep) and action.record.type in difference.EXPECTED:
                self._due[_key(action.record)] = action.record

    def _overdue(self) -> Iterator[Difference]:
        while self._due:
            yield from difference.of_missing(self._due.pop(next(iter(self._due))))


def _key(record: Record) -> Due:
    if isinstance(record, ReadingMatched):
        return (record.type, record.device, record.after_ns, record.before_ns, str(record.value))
    parcel = getattr(record, "parcel", None)
    return (record.type, parcel)


def _known(line: Line, parcel: ParcelRef) -> Parcel | None:
    return line.tracker.by_key(ParcelKey(parcel.epoch, parcel.number))


def _late(record: Decided) -> bool:
    return any(reason.code == "deadline" for reason in record.reasons)
