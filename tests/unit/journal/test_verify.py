"""Any change, cut or insertion is found, and said where."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.core.records import CountInterval, FrameInspected, ReadingMatched
from station.journal import Journal, PictureStore
from station.journal.verify import verify
from tests.unit.journal.conftest import NOON, changed
from tests.unit.journal.keep import parcel

Opened = Callable[..., Journal]
Tamper = Callable[[apsw.Connection], object]
_SHIFT = "UPDATE event SET seq = -seq WHERE seq > 8; UPDATE event SET seq = 1 - seq WHERE seq < 0"


@pytest.fixture
def whole(path: Path, opened: Opened) -> Path:
    for run in range(3):
        journal = opened()
        for n in range(3):
            journal.append([changed(10 * run + n), changed(n)], epoch=1, session=2)
        journal.close()
    return path


def test_a_whole_journal_of_several_runs_is_well_and_tells_its_head(whole: Path) -> None:
    verdict = verify(whole)
    assert verdict.faults == []
    assert verdict.events == 21
    assert (verdict.head[0], len(verdict.head[1])) == (21, 64)
    assert verify(whole, heads=dict([verdict.head])).faults == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM frame_event WHERE seq = (SELECT max(seq) FROM frame_event)",
        "DELETE FROM parcel_event WHERE seq = (SELECT max(seq) FROM parcel_event)",
        "UPDATE parcel_event SET number = number + 1 WHERE seq = (SELECT max(seq) FROM parcel_event)",
    ],
)
def test_an_event_that_is_not_listed_by_what_it_names_is_found(path: Path, opened: Opened, change: str) -> None:
    """By those tables retention tells a find, and the sweep what nobody names: they are outside of the chain."""
    journal = opened()
    for number in (1, 2, 3):
        journal.append(parcel(number), epoch=1, session=1)
    last = journal.last_seq
    journal.close()
    assert verify(path).faults == []
    db = apsw.Connection(str(path))
    db.execute(change)
    db.close()
    assert [fault.seq for fault in verify(path).faults] == [last]


_PAYLOAD = "CAST(replace(CAST(payload AS TEXT), 'true', 'false') AS BLOB)"
_COPIED = "id, type, version, time, mono_ns, epoch, session, payload, chain, clock FROM event WHERE seq = 8"
_OTHER = "(SELECT payload FROM event e WHERE e.seq = 19 - event.seq)"
_LINKS = "(SELECT chain FROM event WHERE seq = 2), (SELECT chain FROM event WHERE seq = 5)"
CHANGES = {
    "payload": (f"UPDATE event SET payload = {_PAYLOAD} WHERE seq = 9", 9),
    "time": ("UPDATE event SET time = '2026-10-25T12:00:00.251Z' WHERE seq = 9", 9),
    "clock": ("UPDATE event SET clock = 'synchronised 1 0' WHERE seq = 9", 9),
    "no clock": ("UPDATE event SET clock = '' WHERE seq = 9", 9),
    "type": ("UPDATE event SET type = 'decided' WHERE seq = 9", 9),
    "version": ("UPDATE event SET version = 1 WHERE seq = 9", 9),
    "mono_ns": ("UPDATE event SET mono_ns = 8 WHERE seq = 9", 9),
    "epoch": ("UPDATE event SET epoch = 2 WHERE seq = 9", 9),
    "session": ("UPDATE event SET session = 1 WHERE seq = 9", 9),
    "id": ("UPDATE event SET id = 'x-9' WHERE seq = 9", 9),
    "link": ("UPDATE event SET chain = zeroblob(32) WHERE seq = 9", 9),
    "cut": ("DELETE FROM event WHERE seq = 9", 9),
    "cut of the first": ("DELETE FROM event WHERE seq < 3", 1),
    "cut and renumbered": ("DELETE FROM event WHERE seq = 9; UPDATE event SET seq = seq - 1 WHERE seq > 9", 9),
    "insertion": (f"{_SHIFT}; INSERT INTO event SELECT 9, {_COPIED}", 9),
    "swap": (f"UPDATE event SET payload = {_OTHER} WHERE seq IN (9, 10)", 9),
    "run renamed": ("UPDATE incarnation SET id = 'other' WHERE first_seq = 8", 8),
    "gap not told": (f"INSERT INTO gap SELECT 3, 5, {_LINKS}, 4; DELETE FROM event WHERE seq BETWEEN 3 AND 5", 3),
    "gap told by nobody": ("INSERT INTO gap VALUES (3, 5, zeroblob(32), zeroblob(32), 99)", 3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_found_where_it_is(whole: Path, name: str) -> None:
    sql, seq = CHANGES[name]
    db = apsw.Connection(str(whole))
    db.execute(sql)
    db.close()
    faults = verify(whole).faults
    assert faults
    assert faults[0].seq == seq
    assert str(seq) in faults[0].text


def test_a_cut_at_the_end_is_found_by_a_head_that_was_noted(whole: Path) -> None:
    head = verify(whole).head
    db = apsw.Connection(str(whole))
    db.execute("DELETE FROM event WHERE seq > 18")
    db.close()
    assert verify(whole).faults == []
    assert [fault.seq for fault in verify(whole, heads=dict([head])).faults] == [21]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_single_byte_of_an_event_can_change(whole_once: Path, data: st.DataObject) -> None:
    copy = whole_once.with_name("copy.db")
    shutil.copy(whole_once, copy)
    db = apsw.Connection(str(copy))
    seq = data.draw(st.integers(1, 21))
    column = data.draw(st.sampled_from(["payload", "type", "time", "id", "chain", "clock"]))
    raw = bytearray(db.execute(f"SELECT CAST({column} AS BLOB) FROM event WHERE seq = ?", (seq,)).get)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 127))
    value: str | bytes = bytes(raw) if column in {"payload", "chain"} else raw.decode()
    db.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (value, seq))
    db.close()
    assert next(fault.seq for fault in verify(copy).faults) == seq


@pytest.fixture(scope="module")
def whole_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "journal.db"
    journal = Journal(path, station="demo", now_utc=lambda: NOON, mono_ns=lambda: 7)
    journal.append([changed(n) for n in range(20)], epoch=1, session=2)
    journal.close()
    return path


def test_pictures_are_looked_at_if_wanted(path: Path, tmp_path: Path, opened: Opened) -> None:
    store = PictureStore(tmp_path / "pictures")
    frames = [store.put(f"picture {n}".encode()) for n in range(3)]
    place = {"after_ns": 0, "before_ns": 1, "interval": CountInterval(low=0, high=1), "candidates": (), "count": 2}
    matched = [
        ReadingMatched.model_validate({"device": "x", "kind": "frame", "value": f, "ambiguous": False, **place})
        for f in frames
    ]
    opened().append(matched, epoch=1, session=1)
    assert verify(path, pictures=store).faults == []
    first, second = (store.path_of(frame) for frame in frames[:2])
    assert first
    assert second
    first.write_bytes(b"another")
    second.unlink()
    assert verify(path).faults == []
    verdict = verify(path, pictures=store)
    assert verdict.pictures == 3
    assert [(fault.seq, fault.text.rsplit(" ", 1)[-1]) for fault in verdict.faults] == [(2, "changed"), (3, "missing")]


def test_a_picture_that_an_event_says_was_not_kept_is_not_missing(path: Path, tmp_path: Path, opened: Opened) -> None:
    store = PictureStore(tmp_path / "pictures")
    refused, thinned, gone = ("a" * 64, "b" * 64, "c" * 64)
    seen = {"device": "x", "findings": (), "model_sha256": "m", "inference_ms": 1.0}
    done = parcel(1)[-1].model_copy(update={"frames": (thinned, gone), "frames_not_kept": (thinned,)})
    records = [FrameInspected.model_validate({**seen, "frame_id": refused, "kept": False}), done]
    opened().append(records, epoch=1, session=1)
    (fault,) = verify(path, pictures=store).faults
    assert (fault.seq, gone in fault.text) == (3, True)
