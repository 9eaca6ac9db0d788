"""Retention: the oldest go first, finds stay longer, and the chain, the pictures and what is unpublished stay whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.core.records import (
    CountInterval,
    FindingRecord,
    FrameInspected,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ReadingMatched,
    Record,
    StationStopped,
)
from station.journal import Journal, JournalError, PictureStore, Reader
from station.journal.pruning import Bounds, Pruner
from station.journal.retention import Rules, TrustedClock, named_in
from station.journal.verify import verify

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
KNIFE = FindingRecord(label="knife", score=0.9, box=(1.0, 2.0, 3.0, 4.0))
HOUR_NS = 3600 * 10**9
SMALL = Bounds(window=20, at_once=7, newest_kept=10)


@dataclass
class Line:
    """A journal that grows by a parcel an hour, its pruner, and a clock."""

    folder: Path
    rules: Rules
    limit: int | None = None
    utc: datetime = BEGUN
    wrong: timedelta = timedelta(0)
    number: int = 0
    journal: Journal = field(init=False)
    store: PictureStore = field(init=False)
    pruner: Pruner = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        path = self.folder / "journal.db"
        self.journal = Journal(path, station="demo", now_utc=self.wall, mono_ns=self.mono_ns)
        self.store = PictureStore(self.folder / "pictures")
        self.store.measure()
        self.pruner = Pruner(self.journal, self.store, self.rules, self.published, SMALL)
        assert not self.pruner.clock.trusted(self.mono_ns() - HOUR_NS, self.utc - timedelta(hours=1))

    def restart(self) -> None:
        self.journal.close()
        self.open()

    def wall(self) -> datetime:
        return self.utc + self.wrong

    def mono_ns(self) -> int:
        return int((self.utc - BEGUN).total_seconds() * 1e9) + HOUR_NS

    def published(self) -> int:
        return self.journal.last_seq if self.limit is None else self.limit

    def parcel(self, *, find: bool = False, picture: bytes = b"") -> int:
        self.number += 1
        self.utc += timedelta(hours=1)
        ref = ParcelRef(epoch=1, number=self.number)
        frame = self.store.put(picture or f"picture of {self.number}".encode())
        findings = (KNIFE,) if find else ()
        place = {"after_ns": 0, "before_ns": 1, "interval": CountInterval(low=0, high=1), "count": 2}
        nothing = dict.fromkeys(["barcode", "weight_g", "length_mm", "decided_at", "order_latency_ms"])
        told = {"outcome": "inspect", "plc_why": "", "mode": "automatic", "entered_at": "", "completed_at": ""}
        flags = {"ordered": False, "acknowledged": False, "parcel": ref, "route": "inspect", "barcodes": ()}
        more = {"frames": (frame,), "findings": findings, "reasons": ()}
        records: list[Record] = [
            ParcelEntered(parcel=ref, count=0, inspect_only=False),
            ReadingMatched.model_validate(
                {"device": "x", "kind": "frame", "value": frame, "candidates": (ref,), "ambiguous": False, **place}
            ),
            FrameInspected(device="x", frame_id=frame, findings=findings, model_sha256="m", inference_ms=1.0),
            StationStopped(cause="something between"),
            ParcelCompleted.model_validate(nothing | told | flags | more),
        ]
        self.journal.append(records, epoch=1, session=1)
        return self.number

    def prune(self, steps: int = 10_000) -> None:
        for _ in range(steps):
            self.pruner._idle_until_ns = 0
            if not self.pruner.step(self.mono_ns(), self.wall(), epoch=1, session=1):
                break

    def events(self, number: int) -> int:
        return len(Reader(self.journal.path).of_parcel(1, number))

    def whole(self) -> None:
        """The chain holds, and every picture that a kept event names is there."""
        assert verify(self.journal.path, pictures=self.store).faults == []
        db = apsw.Connection(str(self.journal.path), flags=apsw.SQLITE_OPEN_READONLY)
        for table in ("frame_event", "parcel_event"):
            assert db.execute(f"SELECT count(*) FROM {table} WHERE seq NOT IN (SELECT seq FROM event)").get == 0
        db.close()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Line]:
    return lambda rules, **more: Line(tmp_path, rules, **more)


def test_old_parcels_go_finds_stay_and_the_chain_holds(make: Callable[..., Line]) -> None:
    line = make(Rules(days=2, finds_days=None))
    numbers = [line.parcel(find=n % 10 == 3) for n in range(100)]
    line.restart()
    line.prune()
    line.whole()
    kept = {number for number in numbers if line.events(number)}
    finds = {number for number in numbers if number % 10 == 4}
    assert finds <= kept
    assert all(line.events(number) == 4 for number in finds if number < 40)
    gone = set(numbers) - kept
    assert {n for n in range(1, 48) if n not in finds} <= gone
    assert all(number in kept for number in range(53, 101))
    pictures = {path.stem for path in line.store.folder.glob("*/*.bin")}
    assert pictures == {hashlib.sha256(f"picture of {n}".encode()).hexdigest() for n in kept}
    told = [e for e in Reader(line.journal.path).after(0, 10_000) if e.type == "journal-pruned"]
    assert len(told) > 5
    assert verify(line.journal.path).pruned > 150
    there = {event.seq for event in Reader(line.journal.path).after(0, 10_000)}
    first, last = min(set(range(1, max(there))) - there), max(there)
    verdict = verify(line.journal.path, heads={first: "0" * 64, last + 1: "0" * 64})
    assert verdict.not_compared == [first], "no sign of tampering: the rules took it"
    assert [fault.seq for fault in verdict.faults] == [last + 1]


def test_a_picture_that_cannot_be_removed_keeps_no_other(
    make: Callable[..., Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = make(Rules(days=2))
    for _ in range(100):
        line.parcel()
    line.restart()
    stuck = {hashlib.sha256(f"picture of {n}".encode()).hexdigest() for n in (3, 4, 9)}
    remove = line.store.remove

    def refuse(sha256: str) -> bool:
        if sha256 in stuck:
            raise PermissionError(1, "Operation not permitted", sha256)
        return remove(sha256)

    monkeypatch.setattr(line.store, "remove", refuse)
    refused = 0
    for _ in range(1000):
        try:
            line.prune()
        except PermissionError:
            refused += 1
        else:
            break
    line.whole()
    assert 0 < refused <= len(stuck)
    kept = {hashlib.sha256(f"picture of {n}".encode()).hexdigest() for n in range(1, 101) if line.events(n)}
    assert {path.stem for path in line.store.folder.glob("*/*.bin")} == kept | stuck


def test_finds_go_at_last_and_what_is_left_is_one_gap(make: Callable[..., Line]) -> None:
    line = make(Rules(days=2, finds_days=6))
    for n in range(300):
        line.parcel(find=n % 10 == 3)
        if n % 24 == 0:
            line.prune()
    line.restart()
    line.prune()
    line.whole()
    assert [line.events(number) for number in (4, 14, 104)] == [0, 0, 0]
    assert all(line.events(number) for number in range(164, 300, 10))
    db = apsw.Connection(str(line.journal.path), flags=apsw.SQLITE_OPEN_READONLY)
    assert db.execute("SELECT count(*) FROM gap WHERE first_seq = 1").get == 1
    assert db.execute("SELECT count(*) FROM gap").get < 500
    db.close()


def test_what_is_not_published_stays_however_old(make: Callable[..., Line]) -> None:
    line = make(Rules(days=1, finds_days=1, max_bytes=1), limit=103)
    for _ in range(100):
        line.parcel()
    line.restart()
    line.prune()
    line.whole()
    kept = {event.seq for event in Reader(line.journal.path).after(0, 10_000)}
    assert set(range(101, 501)) <= kept
    assert not kept & set(range(2, 101))
    assert "not published yet" in line.pruner.trouble
    line.limit = None
    line.prune()
    line.whole()
    assert len(Reader(line.journal.path).after(0, 10_000)) < 60


def test_size_counts_the_journal_and_its_pictures(make: Callable[..., Line]) -> None:
    line = make(Rules(max_bytes=700_000))
    for n in range(60):
        line.parcel(picture=bytes([n]) * 20_000, find=n < 10)
    assert line.store.bytes_kept == 1_200_000
    line.restart()
    assert line.store.bytes_kept == 1_200_000
    line.prune()
    line.whole()
    assert line.store.bytes_kept < 700_000
    assert line.pruner.trouble == ""
    assert line.events(60)
    causes = {
        e.payload.split(b'"cause":"')[1][:-2]
        for e in Reader(line.journal.path).after(0, 9999)
        if e.type == "journal-pruned"
    }
    assert b"size" in causes


def test_a_picture_that_a_kept_event_names_stays(make: Callable[..., Line]) -> None:
    line = make(Rules(days=2))
    for n in range(100):
        line.parcel(picture=b"all the same" if n % 2 else b"")
    line.restart()
    line.prune()
    line.whole()
    assert line.store.path_of(hashlib.sha256(b"all the same").hexdigest())


def test_a_picture_that_came_again_just_now_stays(tmp_path: Path) -> None:
    store = PictureStore(tmp_path)
    again = store.put(b"again")
    assert not store.remove(again)
    fresh = PictureStore(tmp_path)
    assert fresh.remove(again)
    assert not fresh.remove(again)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_killed_anywhere_it_goes_on_and_everything_stays_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    line = Line(tmp_path_factory.mktemp("line"), Rules(days=1, finds_days=3))
    for _ in range(data.draw(st.integers(20, 120))):
        line.parcel(find=data.draw(st.booleans()))
    line.limit = data.draw(st.integers(0, line.journal.last_seq))
    for steps in data.draw(st.lists(st.integers(1, 30), max_size=6)):
        line.prune(steps)
        line.whole()
        line.restart()
    line.prune()
    line.whole()
    kept = {event.seq for event in Reader(line.journal.path).after(0, 10_000)}
    assert set(range(line.limit + 1, line.journal.last_seq + 1)) <= kept


def test_any_tampering_with_a_pruned_journal_is_found(make: Callable[..., Line]) -> None:
    line = make(Rules(days=2))
    for n in range(100):
        line.parcel(find=n % 5 == 3)
    line.restart()
    line.prune()
    line.journal.close()
    path = line.journal.path
    good = path.read_bytes()
    first = "(SELECT min(first_seq) FROM gap)"
    for sql in (
        f"DELETE FROM gap WHERE first_seq = {first}",
        f"UPDATE gap SET last_seq = last_seq + 1 WHERE first_seq = {first}",
        f"UPDATE gap SET after = zeroblob(32) WHERE first_seq = {first}",
        f"UPDATE gap SET before = zeroblob(32) WHERE first_seq = {first}",
        "DELETE FROM event WHERE seq = (SELECT min(last_seq) + 1 FROM gap)",
        "DELETE FROM event WHERE type = 'journal-pruned' AND seq = (SELECT min(told) FROM gap)",
        "UPDATE event SET time = 'x' WHERE seq = 1",
    ):
        path.write_bytes(good)
        db = apsw.Connection(str(path))
        db.execute(sql)
        db.close()
        assert verify(path).faults, sql


def test_a_clock_that_stepped_prunes_nothing_for_an_hour(make: Callable[..., Line]) -> None:
    clock, utc = TrustedClock(), BEGUN
    assert not clock.trusted(0, utc)
    assert not clock.trusted(HOUR_NS - 1, utc + timedelta(hours=1))
    assert clock.trusted(HOUR_NS, utc + timedelta(hours=1, seconds=20))
    assert not clock.trusted(HOUR_NS + 1, utc + timedelta(days=14))
    assert clock.trusted(2 * HOUR_NS + 1, utc + timedelta(days=14, hours=1))
    line = make(Rules(days=2))
    for _ in range(60):
        line.parcel()
    line.utc += timedelta(days=4000)
    line.pruner.step(HOUR_NS + 60 * HOUR_NS, line.utc, epoch=1, session=1)
    line.prune(5)
    assert verify(line.journal.path).pruned == 0


def test_a_clock_that_begins_years_ahead_prunes_nothing_until_it_is_synchronised() -> None:
    synchronised = False
    clock = TrustedClock(BEGUN, lambda: not synchronised)
    later = BEGUN + timedelta(days=5 * 365)
    assert [clock.trusted(hours * HOUR_NS, later + timedelta(hours=hours)) for hours in range(5)] == [False] * 5
    synchronised = True
    assert clock.trusted(5 * HOUR_NS, later + timedelta(hours=5))


def test_one_that_nothing_synchronises_is_believed_where_it_goes_on_from_the_run_before() -> None:
    clock = TrustedClock(BEGUN, lambda: True)
    later = BEGUN + timedelta(days=2)
    seen = [clock.trusted(hours * HOUR_NS, later + timedelta(hours=hours)) for hours in (0, 1, 24 * 30)]
    assert seen == [False, True, True]


@pytest.mark.parametrize("hours", [1, -1, 24 * 14, -24 * 14, 24 * 365])
def test_a_step_and_its_correction_change_nothing_of_what_goes(tmp_path: Path, hours: int) -> None:
    """The clock is wrong for ten hours amid a hundred: meanwhile nothing goes, and then what would have gone."""
    left = []
    for wrong in (timedelta(0), timedelta(hours=hours)):
        folder = tmp_path / str(wrong.total_seconds())
        folder.mkdir()
        line = Line(folder, Rules(days=2))
        for _ in range(80):
            line.parcel()
        line.wrong = wrong
        if wrong:
            before = line.journal.last_seq
            line.prune()
            assert line.journal.last_seq == before
        for _ in range(10):
            line.parcel()
        line.wrong = timedelta(0)
        for _ in range(10):
            line.parcel()
        line.prune()
        line.utc += timedelta(hours=2)
        line.prune()
        line.whole()
        left.append([number for number in range(1, 101) if line.events(number)])
    assert left[0] == left[1]
    assert 0 < len(left[0]) < 60


def test_a_disk_that_refuses_loses_nothing(make: Callable[..., Line], monkeypatch: pytest.MonkeyPatch) -> None:
    line = make(Rules(days=2))
    for _ in range(100):
        line.parcel()
    line.restart()
    within, refusals = line.journal.within, []

    def refusing(work: Callable[[apsw.Connection], object]) -> object:
        if len(refusals) < 5:
            refusals.append(1)
            raise JournalError("the disk is full")
        return within(work)

    monkeypatch.setattr(line.journal, "within", refusing)
    while len(refusals) < 5:
        try:
            line.prune(1)
        except JournalError:
            line.whole()
    line.prune()
    line.whole()
    assert verify(line.journal.path).pruned > 100


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"null", b"\xff", b'{"parcel": 7}', b'{"candidates": [{}]}', b"[" * 9999]
)
def test_a_damaged_payload_names_nothing(payload: bytes) -> None:
    assert not named_in("parcel-completed", payload).frames


def test_a_confirmed_resolution_is_a_find() -> None:
    told = b'{"parcel": {"epoch": 1, "number": 2}, "resolution": "%s"}'
    assert named_in("parcel-resolved", told % b"confirmed").find
    assert not named_in("parcel-resolved", told % b"cleared").find


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("behind", [timedelta(days=365 * 50), timedelta(days=40)])
def test_what_was_recorded_while_the_clock_was_far_behind_is_as_old_as_it_is(
    tmp_path: Path,
    behind: timedelta,
    restarts: bool,  # noqa: FBT001
) -> None:
    """A PC without a battery booted into 1976, and what it recorded then was gone an hour after its clock was right."""
    line = Line(tmp_path, Rules(days=30, finds_days=365))
    line.wrong = -behind
    for n in range(40):
        line.parcel(find=n % 5 == 0)
    if restarts:
        line.restart()
    line.wrong = timedelta(0)
    for _ in range(10):
        line.parcel()
    line.prune()
    line.utc += timedelta(hours=2)
    line.prune()
    assert all(line.events(n) for n in range(1, 51))
    line.utc += timedelta(days=32)
    line.parcel()
    line.prune()
    line.utc += timedelta(hours=2)
    line.prune()
    assert [n for n in range(1, 31) if line.events(n)] == [n for n in range(1, 31) if n % 5 == 1]
    line.whole()
