"""A decision is on disk before its order is sent: proved with a disk that fails at fsync."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station import turn as turns
from station.clock import Clock
from station.core.actions import Order, Send
from station.core.alarm_kinds import kind_of
from station.core.commands import Pause
from station.core.events import CommandReceived, DeviceState, Event, Lane, PictureRule, PlcConnected, Tick
from station.core.line import Line
from station.core.now import Now
from station.core.records import Record
from station.journal import IdFile, Journal, JournalError, Reader
from station.ports import Health, Sink
from station.turn import RETRY_NS, Turn
from tests.faulty_vfs import FaultyVfs
from tests.unit.core.virtual_line import VirtualLine


class RecordingPlc:
    """Remembers what it was told, and how much was on disk then."""

    name = "plc"
    proved = "it answers"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.orders: list[tuple[Order, set[tuple[int, str]]]] = []
        self.beats = 0
        self.sessions: list[tuple[int, int | None]] = []

    def start(self, sink: Sink) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def health(self) -> Health:
        """Fine."""
        return Health(connected=True, detail="", last_message_ns=None, counters={})

    def probe(self) -> str:
        """Fine."""
        return ""

    def beat(self) -> None:
        """Count."""
        self.beats += 1

    def send(self, orders: Sequence[Order]) -> None:
        """Look at the journal through a connection of its own, then remember."""
        reader = Reader(self._path)
        payloads = [json.loads(event.payload) for event in reader.after(0, 100_000) if event.type == "decided"]
        reader.close()
        decided = {(int(data["parcel"]["number"]), str(data["route"])) for data in payloads}
        self.orders += [(order, decided) for order in orders]

    def open_session(self, session: int, epoch: int | None) -> None:
        """Remember it."""
        self.sessions.append((session, epoch))


class Refusing:
    """A disk that takes nothing until it does."""

    def __init__(self) -> None:
        self.probes = 0
        self.appended: list[int] = []
        self.refuses = True

    def append(self, records: list[Record], *, epoch: int, session: int) -> object:
        del epoch, session
        self.appended.append(len(records))
        return self.probe()

    def probe(self) -> None:
        self.probes += 1
        if self.refuses:
            raise JournalError("fsync failed")


class Ticking:
    """A monotonic clock by which each turn is as long after the last as a disk that refused is tried again."""

    def __init__(self) -> None:
        self.ns = 1 << 60

    def on(self) -> None:
        """Go on."""
        self.ns += RETRY_NS

    def clock(self) -> Clock:
        """As a turn takes it."""
        return Clock(lambda: self.ns)


@pytest.fixture
def vfs() -> Iterator[FaultyVfs]:
    faulty = FaultyVfs("turn-test")
    yield faulty
    faulty.unregister()


def recorded_events(seconds: float) -> list[Event]:
    """What reached the core on a virtual line, from the start."""
    events: list[Event] = []

    def note(event: Event) -> list[Event]:
        events.append(event)
        return [event]

    line = VirtualLine(filters=[note])
    line.run(seconds)
    return events


def test_decision_on_disk_before_its_order(tmp_path: Path, vfs: FaultyVfs) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0, vfs=vfs.name)
    virtual = VirtualLine()
    plc = RecordingPlc(path)
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    ticking = Ticking()
    turn = Turn(Line(virtual.line.setup), journal, ids, plc, ticking.clock())
    sent = 0
    for number, event in enumerate(recorded_events(14.0)):
        ticking.on()
        vfs.fail_sync = number % 7 == 3
        before = len(plc.orders)
        beats = plc.beats
        kept = turn.take([event])
        if not kept:
            assert len(plc.orders) == before
            assert plc.beats == beats
        sent += len(plc.orders) - before
    assert sent > 3
    for order, decided in plc.orders:
        assert (order.parcel.number, order.lane.value) in decided
    vfs.fail_sync = False
    journal.close()


def test_a_pass_that_is_taken_back_in_the_same_turn_never_goes_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0)
    setup = VirtualLine().line.setup
    plc = RecordingPlc(path)
    clock = Clock(lambda: 1 << 60, lambda: datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    turn = Turn(Line(setup), journal, IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC)), plc, clock)
    ahead = Line(setup)
    times = {"issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-25T12:01:00Z"}
    pause = CommandReceived(Pause.model_validate({"id": "c-1", "who": "anna", **times}), "station")
    for event in recorded_events(14.0):
        sent = [a.order for a in ahead.handle(event, Now(1 << 60, "")) if isinstance(a, Send)]
        passed = [order.parcel for order in sent if order.lane is Lane.PASS]
        turn.take([event, pause] if passed else [event])
        if passed:
            break
    (parcel,) = passed
    assert [order.lane for order, _ in plc.orders if order.parcel == parcel] == [Lane.INSPECT]


def test_a_pass_that_is_taken_back_while_the_disk_refuses_is_taken_back_once_it_writes(
    tmp_path: Path, vfs: FaultyVfs
) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0, vfs=vfs.name)
    plc = RecordingPlc(path)
    ticking = Ticking()
    noon = Clock(lambda: ticking.ns, lambda: datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    turn = Turn(Line(VirtualLine().line.setup), journal, ids, plc, noon)
    events = iter(recorded_events(14.0))
    while not (passed := [order.parcel for order, _ in plc.orders if order.lane is Lane.PASS]):
        turn.take([next(events)])
    times = {"issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-25T12:01:00Z"}
    ticking.on()
    vfs.fail_sync = True
    assert not turn.take([CommandReceived(Pause.model_validate({"id": "c-1", "who": "anna", **times}), "station")])
    assert [order.lane for order, _ in plc.orders if order.parcel in passed] == [Lane.PASS]
    vfs.fail_sync = False
    ticking.on()
    assert turn.take([Tick()])
    assert [order.lane for order, _ in plc.orders if order.parcel in passed] == [Lane.PASS, Lane.INSPECT]
    order, decided = plc.orders[-1]
    assert (order.parcel.number, "inspect") in decided
    ticking.on()
    assert turn.take([Tick()])
    assert plc.orders[-1][0] is order
    journal.close()


def test_a_picture_goes_only_when_an_event_on_disk_says_so(tmp_path: Path, vfs: FaultyVfs) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0, vfs=vfs.name)
    told: list[tuple[str, ...]] = []

    def drop(frames: tuple[str, ...]) -> None:
        reader = Reader(path)
        told.extend(
            tuple(json.loads(event.payload)["frames_not_kept"])
            for event in reader.after(0, 100_000)
            if event.type == "parcel-completed"
        )
        reader.close()
        assert frames in told
        dropped.append(frames)

    dropped: list[tuple[str, ...]] = []
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    ticking = Ticking()
    turn = Turn(Line(VirtualLine().line.setup), journal, ids, RecordingPlc(path), ticking.clock(), drop=drop)
    turn.take([PictureRule(0)])
    for number, event in enumerate(recorded_events(20.0)):
        ticking.on()
        vfs.fail_sync = number % 7 < 3
        turn.take([event])
    vfs.fail_sync = False
    ticking.on()
    turn.take([Tick()])
    assert len(dropped) > 3
    assert len(set(dropped)) == len(dropped)
    journal.close()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_session_wanted_while_the_disk_refuses_is_opened_once_it_writes(
    tmp_path: Path, vfs: FaultyVfs, turns: int
) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0, vfs=vfs.name)
    virtual = VirtualLine()
    plc = RecordingPlc(path)
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    ticking = Ticking()
    turn = Turn(Line(virtual.line.setup), journal, ids, plc, ticking.clock())
    connected = next(event for event in recorded_events(0.1) if isinstance(event, PlcConnected))
    vfs.fail_sync = True
    for _ in range(turns):
        ticking.on()
        assert not turn.take([connected])
    assert not plc.sessions
    vfs.fail_sync = False
    ticking.on()
    assert turn.take([Tick()])
    assert len(plc.sessions) == 1
    assert plc.sessions[0][0] == turn.line.plc.session
    journal.close()


def test_a_disk_that_refused_is_tried_again_now_and_then_and_never_with_all_that_waits(tmp_path: Path) -> None:
    """A device that babbles wakes the loop with every message (seed 2026113055 took hours over a second of it)."""
    disk, ticking = Refusing(), Ticking()
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    turn = Turn(Line(VirtualLine().line.setup), disk, ids, RecordingPlc(tmp_path / "journal.db"), ticking.clock())
    connected = next(event for event in recorded_events(0.1) if isinstance(event, PlcConnected))
    assert not turn.take([connected])
    for moment in range(1000):
        ticking.ns += RETRY_NS // 100
        assert not turn.take([DeviceState("scanner", connected=moment % 2 == 0)])
    assert len(turn.backlog) > 1000
    assert disk.probes == 1 + 10
    assert max(disk.appended) <= 2
    disk.refuses = False
    ticking.on()
    assert turn.take([Tick()])
    assert max(disk.appended) > 1000
    assert turn.take([Tick()])
    assert turn.backlog == []


def test_what_the_disk_made_the_station_forget_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Numbers go on without a gap, so no subscriber could see it."""
    monkeypatch.setattr(turns, "BACKLOG", 100)
    disk, ticking = Refusing(), Ticking()
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    turn = Turn(Line(VirtualLine().line.setup), disk, ids, RecordingPlc(tmp_path / "journal.db"), ticking.clock())
    for moment in range(300):
        ticking.on()
        turn.take([DeviceState("scanner", connected=moment % 2 == 0)])
    lost = turn.counters["unkept"]
    assert lost > 100
    turn.end()
    assert "100 records could not be kept and are lost with this end" in caplog.text
    disk.refuses = False
    ticking.on()
    turn.take([Tick()])
    text = f"{lost} records could not be kept while the disk refused, and are lost"
    assert turn.line.alarms.open["journal", "unkept"].text == text
    assert text in caplog.text
    before = len(caplog.messages)
    turn.end()
    assert (turn.backlog, len(caplog.messages)) == ([], before)


def test_a_session_lies_above_the_one_that_the_plc_holds(tmp_path: Path) -> None:
    """The file of numbers is lost and the clock is in 1970: the PLC's own word is left."""
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0)
    plc = RecordingPlc(path)
    numbers = IdFile(tmp_path / "ids.json", lambda: datetime.fromtimestamp(7, UTC))
    turn = Turn(Line(VirtualLine().line.setup), journal, numbers, plc)
    connected = next(event for event in recorded_events(0.1) if isinstance(event, PlcConnected))
    turn.take([replace(connected, epoch=3, session=1_790_000_000)])
    assert plc.sessions == [(1_790_000_001, None)]
    journal.close()


def test_numbers_that_cannot_be_written_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path, station="test", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 0)
    plc = RecordingPlc(path)
    ns = [0]
    ids = IdFile(tmp_path / "ids.json", lambda: datetime.now(UTC))
    turn = Turn(Line(VirtualLine().line.setup), journal, ids, plc, Clock(lambda: ns[0]))
    connected = next(event for event in recorded_events(0.1) if isinstance(event, PlcConnected))
    (tmp_path / "ids.json").mkdir()
    turn.take([connected])
    for _ in range(20):
        turn.take([Tick()])
    assert not plc.sessions
    (tmp_path / "ids.json").rmdir()
    for _ in range(3):
        turn.take([Tick()])
    assert len(plc.sessions) == 1
    ns[0] += int(kind_of("numbers", "disk").off_s * 1e9)
    turn.take([Tick()])
    reader = Reader(path)
    alarms = [event.type for event in reader.after(0, 1000) if event.type.startswith("alarm")]
    assert alarms == ["alarm-raised", "alarm-cleared"]
    reader.close()
    journal.close()
