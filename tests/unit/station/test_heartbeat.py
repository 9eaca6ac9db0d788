"""A heartbeat is sent only while every part has proved itself within its bound, and what is missing is named."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.clock import Clock
from station.core.events import Condition, Event, Tick
from station.core.line import Line
from station.core.records import AlarmCleared, AlarmRaised, Record
from station.eye import Eye
from station.heartbeat import ALARM_MS, JOURNAL_MS, LOOP_MS, Heartbeat, Proof
from station.journal import JournalError, PictureStore
from station.systemd import Systemd
from station.turn import RETRY_NS, Turn
from station.vision import NOT_SHOWN, DetectorFault
from tests.unit.core.virtual_line import VirtualLine

MS = 1_000_000


class Parts:
    """Journal, numbers and PLC of a turn, and the time."""

    def __init__(self) -> None:
        self.ns = 10**9
        self.refuses = False
        self.beats = 0
        self.kept: list[Record] = []

    def append(self, records: list[Record], *, epoch: int, session: int) -> None:  # noqa: ARG002
        if self.refuses:
            raise JournalError("no space left")
        self.kept += records

    def probe(self) -> None:
        self.append([], epoch=0, session=0)

    def next_session(self, floor: int = 0) -> int:
        return floor + 1

    def next_epoch(self, floor: int = 0) -> int:
        return floor + 1

    def beat(self) -> None:
        self.beats += 1

    def send(self, orders: object) -> None:
        raise AssertionError(orders)


def turn_of(parts: Parts, *proofs: Proof) -> Turn:
    clock = Clock(lambda: parts.ns, lambda: datetime.fromtimestamp(parts.ns / 1e9, UTC))
    return Turn(Line(VirtualLine().line.setup), parts, parts, parts, clock, proofs)  # type: ignore[arg-type]


def beats(turn: Turn, parts: Parts, *, after_ms: int) -> bool:
    before = parts.beats
    parts.ns += after_ms * MS
    turn.take([Tick()])
    return parts.beats > before


def alarms(parts: Parts) -> list[tuple[str, str, str]]:
    return [(r.type, r.alarm, r.subject) for r in parts.kept if isinstance(r, (AlarmRaised, AlarmCleared))]


def test_turns_in_time_that_commit_are_enough_without_a_detector() -> None:
    parts = Parts()
    turn = turn_of(parts)
    assert all(beats(turn, parts, after_ms=LOOP_MS) for _ in range(10))
    assert turn.heartbeat.missing == []


def test_a_turn_that_comes_late_earns_nothing_and_the_next_in_time_does() -> None:
    parts = Parts()
    turn = turn_of(parts)
    beats(turn, parts, after_ms=20)
    assert not beats(turn, parts, after_ms=LOOP_MS + 1)
    assert turn.heartbeat.missing == ["loop"]
    assert beats(turn, parts, after_ms=20)
    assert alarms(parts) == []


def test_a_loop_that_goes_on_being_late_is_alarmed_once_and_cleared() -> None:
    parts = Parts()
    turn = turn_of(parts)
    for _ in range(6):
        beats(turn, parts, after_ms=LOOP_MS + 50)
    for _ in range(60):
        beats(turn, parts, after_ms=20)
    assert alarms(parts) == [("alarm-raised", "heartbeat", "loop"), ("alarm-cleared", "heartbeat", "loop")]


def test_a_disk_that_refuses_is_named_and_alarmed_as_itself_alone() -> None:
    parts = Parts()
    turn = turn_of(parts)
    beats(turn, parts, after_ms=20)
    parts.refuses = True
    for _ in range(2 * JOURNAL_MS // 50):
        beats(turn, parts, after_ms=50)
    assert turn.heartbeat.missing == ["journal"]
    before = parts.beats
    parts.refuses = False
    assert beats(turn, parts, after_ms=RETRY_NS // MS)
    assert parts.beats == before + 1
    beats(turn, parts, after_ms=20)
    assert {(alarm, subject) for _, alarm, subject in alarms(parts)} == {("journal", "disk")}


def test_without_a_young_proof_of_the_detector_nothing_beats_and_a_person_is_told() -> None:
    parts = Parts()
    tested: list[int] = []
    turn = turn_of(parts, Proof("detector", 1000, lambda: tested[-1] if tested else None, "restart the station"))
    assert not any(beats(turn, parts, after_ms=50) for _ in range(2 * ALARM_MS // 50))
    assert turn.heartbeat.missing == ["detector"]
    tested.append(parts.ns)
    assert all(beats(turn, parts, after_ms=50) for _ in range(20))
    assert not beats(turn, parts, after_ms=50)
    tested.append(parts.ns)
    assert beats(turn, parts, after_ms=50)
    for _ in range(30):
        tested.append(parts.ns)
        beats(turn, parts, after_ms=50)
    assert alarms(parts) == [("alarm-raised", "heartbeat", "detector"), ("alarm-cleared", "heartbeat", "detector")]


def test_what_is_missing_for_less_than_the_delay_is_no_alarm() -> None:
    newest = [0]
    heartbeat = Heartbeat([Proof("it", 10, lambda: newest[0], "mend it")])
    assert heartbeat.look(11 * MS) == []
    assert not heartbeat.earned
    assert heartbeat.look((11 + ALARM_MS) * MS - 1) == []
    newest[0] = (11 + ALARM_MS) * MS
    assert heartbeat.look(newest[0]) == []
    assert heartbeat.earned


# --- the detector's own test


class Golden:
    """A detector with three golden pictures, which may stop seeing."""

    batches = False

    def __init__(self, *, proves: bool = True) -> None:
        self.proves = proves
        self.blind = threading.Event()
        self.steps = 0

    def golden_test(self) -> Iterator[None]:
        for number in range(3):
            if self.blind.is_set():
                raise DetectorFault(f"golden picture {number}: the knife in it is not found as before")
            self.steps += 1
            yield


def test_the_eye_tests_itself_and_tells_if_it_is_blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.eye._IDLE_S", 0.001)
    monkeypatch.setattr("station.eye._TEST_EVERY_NS", 1 * MS)
    monkeypatch.setattr("station.eye._TEST_AGAIN_NS", 1 * MS)
    told: list[Event] = []
    heard = threading.Condition()

    def out(event: object) -> None:
        with heard:
            told.append(event)  # type: ignore[arg-type]
            heard.notify()

    def wait_for(standing: bool) -> Condition:  # noqa: FBT001
        with heard:
            assert heard.wait_for(lambda: told and told[-1].standing is standing, 5)  # type: ignore[union-attr]
            found = told[-1]
        assert isinstance(found, Condition)
        return found

    detector = Golden()
    eye = Eye(detector, PictureStore(tmp_path), out)  # type: ignore[arg-type]
    assert eye.tested_ns is None
    eye.start()
    wait_for(standing=False)
    assert eye.tested_ns is not None
    assert detector.steps >= 3
    detector.blind.set()
    found = wait_for(standing=True)
    assert (found.alarm, found.subject) == ("detector", "golden")
    assert "the knife in it is not found" in found.text
    assert eye.tested_ns is None  # what was proved before it failed counts no more
    detector.blind.clear()
    wait_for(standing=False)
    assert eye.tested_ns is not None
    eye.stop()


@pytest.mark.parametrize("expects", [False, True])
def test_a_model_whose_golden_pictures_show_nothing_is_no_proof_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, expects: bool
) -> None:
    """It looks and finds, but its silence counts for nothing: the heartbeat is not earned."""
    monkeypatch.setattr("station.eye._IDLE_S", 0.001)
    monkeypatch.setattr("station.eye._TEST_EVERY_NS", 1 * MS)
    told: list[Event] = []
    detector = Golden(proves=expects)
    eye = Eye(detector, PictureStore(tmp_path), told.append)  # type: ignore[arg-type]
    eye.start()
    deadline = time.monotonic() + (5 if expects else 0.2)
    while not detector.steps and time.monotonic() < deadline:
        time.sleep(0.005)
    eye.stop()
    heartbeat = Heartbeat([Proof("detector", 60_000, lambda: eye.tested_ns, "")])
    heartbeat.look(time.monotonic_ns())
    assert heartbeat.earned is expects
    said = [
        event.text for event in told if isinstance(event, Condition) and event.subject == "golden" and event.standing
    ]
    assert bool(detector.steps) is expects
    assert [text.partition(",")[0] for text in said] == ([] if expects else [NOT_SHOWN])


# --- systemd


def test_systemd_is_told_by_datagrams_and_no_more_than_twice_a_second(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(2)
        systemd = Systemd.of({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        systemd.ready()
        for ms in range(0, 1000, 20):
            systemd.alive(ms * MS, "running")
        systemd.alive(1000 * MS, "all is inspected")
        systemd.stopping()
        systemd.reloading()
        told = [manager.recv(1000).decode() for _ in range(6)]
    alive = "WATCHDOG=1\nSTATUS=running"
    assert told == ["READY=1", alive, alive, "WATCHDOG=1\nSTATUS=all is inspected", "STOPPING=1", "RELOADING=1"]


def test_a_watchdog_has_patience_while_the_station_starts_again(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(2)
        systemd = Systemd.of({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "5000000"})
        systemd.reloading()
        systemd.ready()
        told = [manager.recv(1000).decode() for _ in range(2)]
    assert told == ["RELOADING=1\nWATCHDOG_USEC=60000000", "READY=1\nWATCHDOG_USEC=5000000"]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@no-such-socket-anywhere"])
def test_a_manager_that_does_not_listen_is_no_trouble(address: str) -> None:
    Systemd(address).ready()
    Systemd(address).alive(0, "running")
