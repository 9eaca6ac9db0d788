"""Window, verdict and cursor, without a broker."""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.journal import FileLock, Incarnation, LockedError, Place
from station.publisher.cursor import Cursor, put_aside
from station.publisher.messages import device_message
from station.publisher.verdict import Care, End, Verdict
from station.publisher.window import Window
from tests.unit.publisher.test_messages import EXAMPLES, SETTINGS, stored


@settings(deadline=None)
@given(st.permutations(range(1, 9)), st.sets(st.integers(1, 8)))
def test_the_cursor_never_passes_an_open_event(order: list[int], left_out: set[int]) -> None:
    window, acked, reached = Window(), set(left_out), 0
    for seq in range(1, 9):
        if seq in left_out:
            window.left_out(seq)
        else:
            window.sent(100 + seq, seq)
    for seq in order:
        window.acknowledged(100 + seq)
        acked.add(seq)
        reached = window.reached() or reached
        assert set(range(1, reached + 1)) <= acked
        assert window.head == min(set(range(1, 9)) - acked, default=None)
    assert reached == 8
    assert len(window) == 0


def test_acknowledgements_of_other_messages_move_nothing() -> None:
    window = Window()
    window.sent(1, 10)
    window.acknowledged(99)
    assert window.reached() is None
    assert window.head == 10


def ended(verdict: Verdict, head: int | None, **more: object) -> int | None:
    usual: dict[str, object] = {"newest": 20, "sound": True, "accepted": 1, "control": False, "lived_s": 0.5,
                                "open_s": 0.1, "ours": False}  # fmt: skip
    return verdict.ended(End(head=head, **(usual | more)))  # type: ignore[arg-type]


def test_three_sudden_ends_with_the_event_alone_and_another_accepted_prove_that_it_is_never_accepted() -> None:
    verdict = Verdict()
    assert [ended(verdict, 5) for _ in range(4)] == [None, None, None, 5]
    assert verdict.care.until == 20


@pytest.mark.parametrize("other", [{"sound": False}, {"open_s": 7.0}, {"accepted": 0}, {"control": True}])
def test_a_broker_that_is_away_or_accepts_no_other_event_proves_nothing(other: dict[str, object]) -> None:
    verdict = Verdict()
    assert {ended(verdict, 5, **other) for _ in range(50)} == {None}


def test_strikes_count_for_one_event_in_a_row() -> None:
    verdict = Verdict()
    assert {ended(verdict, head) for head in (5, 5, 5, 6, 6, 7, 7)} == {None}
    assert ended(verdict, 7) == 7


def test_a_control_that_fails_clears_the_event_and_the_next_connection_goes_without() -> None:
    verdict, controls = Verdict(), []
    for end in ({}, {}, {"control": True}, {"accepted": 0}, {}, {}):
        ended(verdict, 5, **end)
        controls.append(verdict.care.controls)
    assert controls == [1, 2, 0, 1, 2, 3]
    assert ended(verdict, 5) == 5


def test_a_broker_that_accepts_nothing_is_told_and_no_more_once_it_accepts_an_event() -> None:
    verdict, waits = Verdict(), []
    told = []
    for _ in range(9):
        ended(verdict, None, control=True, accepted=0)
        told.append(verdict.refuses)
        waits.append(verdict.wait_s())
    assert told == [False, False] + 7 * [True]
    assert waits[-1] == 5.0
    verdict.acknowledged(0, 1)
    assert (verdict.refuses, verdict.wait_s()) == (False, 0.2)
    silent = Verdict()
    ended(silent, 5, ours=True, accepted=0, open_s=30.0)
    assert silent.refuses


def test_a_connection_without_an_event_that_breaks_clears_the_event() -> None:
    verdict, waits = Verdict(), []
    for _ in range(20):
        assert [ended(verdict, 5), ended(verdict, 5)] == [None, None]
        waits.append(verdict.care.quiet_s)
        assert ended(verdict, None) is None
        assert verdict.care.quiet_s == 0
    assert min(waits) > 0


def test_the_suspected_event_waits_longer_each_time_and_no_more_once_it_is_acknowledged() -> None:
    verdict, waits = Verdict(), []
    for _ in range(3):
        ended(verdict, 5)
        waits.append(verdict.care.quiet_s)
    assert waits == [0.0, 3.0, 6.0]
    verdict.acknowledged(5, 2)
    assert verdict.care.quiet_s == 0


def test_silence_of_a_live_broker_is_a_strike_too() -> None:
    verdict = Verdict()
    assert [ended(verdict, 5, open_s=30.0, ours=True) for _ in range(4)] == [None, None, None, 5]


def test_acknowledged_events_end_the_care_and_the_waiting() -> None:
    verdict = Verdict()
    for _ in range(9):
        verdict.no_connection()
    assert verdict.wait_s() == 5.0
    ended(verdict, 5)
    verdict.acknowledged(19, 3)
    assert verdict.care.until == 20
    verdict.acknowledged(20, 4)
    assert verdict.care == Care()
    assert verdict.wait_s() == 0.2


def test_short_lives_in_a_row_are_flapping_and_back_off() -> None:
    verdict, waits = Verdict(), []
    for _ in range(12):
        ended(verdict, None)
        waits.append(verdict.wait_s())
    assert verdict.flapping
    assert waits[-1] == 30.0
    ended(verdict, None, lived_s=60.0)
    assert not verdict.flapping


@dataclass
class Written:
    """A journal by its runs: name and first number."""

    runs: list[tuple[str, int]]
    last: int

    def incarnations(self) -> list[Incarnation]:
        return [Incarnation(first, name) for name, first in self.runs]

    def last_seq(self) -> int:
        return self.last

    def place_of(self, seq: int) -> Place | None:
        run = [name for name, first in self.runs if first <= seq]
        return Place(run[-1], seq, f"{run[-1]} {seq}".encode()) if run and 0 < seq <= self.last else None


def test_the_cursor_outlives_its_process_and_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "cursor.db"
    one = Written([("j1", 1)], 10)
    with Cursor(path) as cursor:
        assert cursor.begin(one) == ""
        cursor.advance(7)
        cursor.advance(3)
        cursor.keep()
        cursor.reject(stored(EXAMPLES["decided"], 6)._replace(id="j1-6"), "too large", "now")
        word = device_message(stored(EXAMPLES["device-changed"]), SETTINGS)
        assert word
        cursor.keep_device(*word)
        cursor.advance(9)
        assert (cursor.seq, cursor.unkept) == (9, 2)
        with pytest.raises(LockedError):
            Cursor(path)
    with Cursor(path) as cursor:
        assert cursor.begin(one) == ""
        assert cursor.seq == 7
        assert cursor.rejected() == [(6, "too large")]
        assert [message.topic[-8:] for message in cursor.devices()] == ["/scale-1"]
        assert "event j1-7 was published and is not in the journal" in cursor.begin(Written([("j1", 1)], 5))
        assert cursor.seq == 5
        assert "another journal" in cursor.begin(Written([("j2", 1)], 50))
        assert (cursor.seq, cursor.devices(), cursor.rejected()) == (0, [], [])


def test_a_restored_copy_is_published_from_where_it_parts_and_again_later(tmp_path: Path) -> None:
    live = Written([("a", 1), ("b", 6)], 20)
    with Cursor(tmp_path / "cursor.db") as cursor:
        cursor.begin(live)
        cursor.advance(3)
        cursor.keep()
        cursor.advance(18)
        cursor.keep()
        assert [(place.incarnation, place.seq) for place in cursor.reached()] == [("a", 5), ("b", 18)]
        copy = Written([("a", 1), ("b", 6), ("c", 11)], 14)
        assert "event b-18 was published" in cursor.begin(copy)
        assert cursor.seq == 10
        cursor.advance(14)
        cursor.keep()
        assert cursor.begin(copy) == ""
        older = Written([("a", 1), ("d", 4)], 6)
        assert "event c-14 was published" in cursor.begin(older)
        assert cursor.seq == 3
        cursor.advance(6)
        cursor.keep()
        assert "event d-6 was published" in cursor.begin(live)
        assert cursor.seq == 18


def test_an_event_that_was_changed_since_it_was_published_is_named(tmp_path: Path) -> None:
    class Changed(Written):
        def place_of(self, seq: int) -> Place | None:
            return Place("a", seq, b"another")

    with Cursor(tmp_path / "cursor.db") as cursor:
        cursor.begin(Written([("a", 1)], 9))
        cursor.advance(9)
        cursor.keep()
        assert "event 9 is not the one that was published" in cursor.begin(Changed([("a", 1)], 9))


def test_a_cursor_of_the_first_version_goes_on_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "cursor.db"
    old = apsw.Connection(str(path))
    old.execute("CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), journal TEXT, seq INTEGER) STRICT")
    old.execute("INSERT INTO cursor VALUES (1, 'j1', 7)")
    old.close()
    with Cursor(path) as cursor:
        assert cursor.begin(Written([("j1", 1), ("k", 11)], 12)) == ""
        assert cursor.seq == 7


def test_what_cannot_be_written_is_kept_in_memory_until_it_can(tmp_path: Path) -> None:
    path = tmp_path / "cursor.db"
    one = Written([("j1", 1)], 10)
    with Cursor(path) as cursor:
        cursor.begin(one)
        room = cursor._db.pragma("page_count")
        cursor._db.pragma("max_page_count", room)
        cursor.advance(7)
        cursor.reject(stored(EXAMPLES["decided"], 7)._replace(id="j1-7"), "x" * 20_000, "now")
        word = device_message(stored(EXAMPLES["device-changed"]), SETTINGS)
        assert word
        cursor.keep_device(*word)
        assert "full" in cursor.fault
        assert [seq for seq, _ in cursor.rejected()] == [7]
        assert cursor.devices() == [word[1]]
        assert cursor.unkept == 7
        cursor._db.pragma("max_page_count", 1000)
        cursor.keep()
        assert (cursor.fault, cursor.unkept) == ("", 0)
    with Cursor(path) as cursor:
        cursor.begin(one)
        assert (cursor.seq, [seq for seq, _ in cursor.rejected()], cursor.devices()) == (7, [7], [word[1]])
        cursor.forget_device(word[0])
        assert cursor.devices() == []


def test_a_lock_holds_though_its_pid_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(LockedError) as caught:
        FileLock(tmp_path / "lock")
    assert caught.value.pid is None
    lock.close()
    FileLock(tmp_path / "lock").close()
    monkeypatch.setattr(fcntl, "flock", full)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No space"):
        FileLock(tmp_path / "lock")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_damaged_cursor_is_kept_aside_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "cursor.db"
    path.write_bytes(b"not a database")
    Path(f"{path}-wal").write_bytes(b"wal")
    assert put_aside(path).name == "cursor.db.damaged-1"
    path.write_bytes(b"again")
    assert put_aside(path).name == "cursor.db.damaged-2"
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"cursor.db.damaged-1", "cursor.db.damaged-1-wal", "cursor.db.damaged-2"}
