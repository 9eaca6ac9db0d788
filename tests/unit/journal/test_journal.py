from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from station.core.events import OpenParcel, ParcelKey
from station.core.records import (
    CountInterval,
    Decided,
    DeviceChanged,
    FrameInspected,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ReadingMatched,
    Reason,
    SessionOpened,
)
from station.journal import Journal, JournalError, Reader
from tests.faulty_vfs import FaultyVfs
from tests.unit.journal.conftest import changed

Opened = Callable[..., Journal]


def test_events_get_gapless_numbers_and_the_very_bytes_that_were_kept(path: Path, opened: Opened) -> None:
    journal = opened()
    first = journal.append([changed(1), changed(2)], epoch=5, session=6)
    second = journal.append([changed(3)], epoch=5, session=6)
    assert [e.seq for e in [*first, *second]] == [2, 3, 4]
    assert first[0].id == f"{journal.journal_id}-2"
    assert first[0].time == "2026-10-25T12:00:00.250Z"
    assert (first[0].mono_ns, first[0].epoch, first[0].session, first[0].version) == (7, 5, 6, DeviceChanged.version)
    reader = Reader(path)
    assert reader.after(1, 10) == [*first, *second]
    assert reader.after(2, 1) == [first[1]]
    assert reader.tail(2) == [first[1], *second]
    assert reader.last_seq() == 4
    assert reader.meta.id == journal.journal_id
    assert reader.meta.station == "demo"
    assert reader.after(0, 10)[3].payload == changed(3).model_dump_json().encode()


def test_numbers_go_on_after_a_restart(opened: Opened) -> None:
    journal = opened()
    journal.append([changed(1)], epoch=0, session=0)
    journal.close()
    again = opened()
    assert again.journal_id == journal.journal_id
    kept = again.append([changed(2)], epoch=0, session=0)[0]
    assert (kept.seq, kept.id) == (4, f"{again.incarnation}-4")
    assert again.incarnation != journal.incarnation == journal.journal_id


def test_what_was_held_or_offered_is_known_by_its_highest_number(opened: Opened) -> None:
    journal = opened()
    assert journal.numbers() == (0, 0)
    journal.append([changed(1)], epoch=5, session=90)
    journal.append([changed(2)], epoch=0, session=0)
    assert journal.numbers() == (5, 90)
    offered = SessionOpened(new_session=91, new_epoch=6, parcels_on_belt=0)
    journal.append([offered, SessionOpened(new_session=70, new_epoch=None, parcels_on_belt=0)], epoch=5, session=70)
    assert journal.numbers() == (6, 91)


def _entered(epoch: int, number: int) -> ParcelEntered:
    return ParcelEntered(parcel=ParcelRef(epoch=epoch, number=number), count=0, inspect_only=False)


def _completed(epoch: int, number: int) -> ParcelCompleted:
    nothing = dict.fromkeys(["barcode", "weight_g", "route", "length_mm", "decided_at", "order_latency_ms"])
    empty = dict.fromkeys(["barcodes", "frames", "findings", "reasons"], ())
    told = {"outcome": "unobserved", "plc_why": "", "mode": "automatic", "entered_at": "", "completed_at": ""}
    flags = {"ordered": False, "acknowledged": False, "parcel": ParcelRef(epoch=epoch, number=number)}
    return ParcelCompleted.model_validate(nothing | empty | told | flags)


def test_parcels_that_entered_and_were_not_completed_are_open_after_a_restart(opened: Opened) -> None:
    journal = opened()
    journal.append([_entered(8, 1), _entered(9, 1), _entered(9, 2), changed(1)], epoch=9, session=1)
    journal.append([_completed(9, 1), _entered(8, 1), _entered(9, 3)], epoch=9, session=1)
    journal.close()
    again = opened()
    when = "2026-10-25T12:00:00.250Z"
    assert again.open_parcels() == [OpenParcel(ParcelKey(*key), when) for key in [(8, 1), (9, 2), (9, 3)]]


def test_of_a_long_journal_the_newest_events_tell_what_is_open(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.journal.writer.OPEN_AMONG", 3)
    journal = opened()
    journal.append([_entered(9, 1), _entered(9, 2), changed(1), changed(2)], epoch=9, session=1)
    assert [o.key.number for o in journal.open_parcels()] == [2]


def test_nothing_to_keep_is_no_commit(opened: Opened) -> None:
    vfs = FaultyVfs("nothing")
    journal = opened(vfs.name)
    vfs.syncs.clear()
    assert journal.append([], epoch=0, session=0) == []
    assert vfs.syncs == []


def test_append_and_probe_are_synced(opened: Opened) -> None:
    vfs = FaultyVfs("synced")
    journal = opened(vfs.name)
    vfs.syncs.clear()
    journal.append([changed(1)], epoch=0, session=0)
    after_append = len(vfs.syncs)
    assert after_append > 0
    journal.probe()
    assert len(vfs.syncs) > after_append
    assert journal.last_seq == 2


@pytest.mark.parametrize(("fault", "word"), [("fail_sync", "failed"), ("full", "no space")])
def test_a_failed_commit_keeps_nothing_and_the_next_may_succeed(
    path: Path, opened: Opened, fault: str, word: str
) -> None:
    vfs = FaultyVfs(f"fail-{fault}")
    journal = opened(vfs.name)
    journal.append([changed(1)], epoch=0, session=0)
    setattr(vfs, fault, True)
    for _ in range(3):
        with pytest.raises(JournalError, match=word):
            journal.append([changed(2), changed(3)], epoch=0, session=0)
        with pytest.raises(JournalError, match=word):
            journal.probe()
    reader = Reader(path)
    assert reader.last_seq() == journal.last_seq == 2
    setattr(vfs, fault, False)
    kept = journal.append([changed(4)], epoch=0, session=0)
    assert kept[0].seq == 3
    assert [json.loads(e.payload)["device"] for e in reader.after(1, 10)] == ["scanner-1", "scanner-4"]
    journal.close()
    assert opened().last_seq == 3


def test_a_batch_that_sqlite_refuses_is_refused_whole(path: Path, opened: Opened) -> None:
    journal = opened()
    journal.append([changed(1)], epoch=0, session=0)
    journal.last_seq = 0
    with pytest.raises(JournalError, match="UNIQUE"):
        journal.append([changed(2), changed(3)], epoch=0, session=0)
    assert Reader(path).last_seq() == 2


def test_a_killed_writer_loses_nothing_that_was_appended(path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from datetime import datetime, UTC
        from station.core.records import AlarmCleared
        from station.journal import Journal
        journal = Journal(Path(sys.argv[1]), station="demo", now_utc=lambda: datetime.now(UTC), mono_ns=lambda: 1)
        while True:
            print(journal.append([AlarmCleared(alarm="a", subject="s")], epoch=1, session=1)[-1].seq, flush=True)
    """)
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    for _ in range(50):
        child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    said = [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.stdout.close()
    child.wait()
    numbers = [e.seq for e in Reader(path).after(0, 100_000)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= max(said, default=50)


def test_a_second_writer_is_refused_and_told_the_pid(opened: Opened) -> None:
    opened()
    with pytest.raises(JournalError, match=f"process {os.getpid()}"):
        opened()


def test_a_journal_locked_by_another_program_is_refused_with_a_sentence(path: Path, opened: Opened) -> None:
    opened().close()
    other = apsw.Connection(str(path))
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalError, match="locked by another program"):
        opened()
    other.execute("ROLLBACK")
    other.close()
    opened()


def test_a_foreign_file_is_refused_and_left_as_it_was(path: Path, opened: Opened) -> None:
    path.write_text("Dear diary, " * 100)
    with pytest.raises(JournalError, match="not a journal"):
        opened()
    assert path.read_text() == "Dear diary, " * 100
    path.unlink()
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE a (b)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="another program"):
        opened()
    assert path.read_bytes() == before


def test_a_newer_file_and_another_stations_are_refused(path: Path, opened: Opened) -> None:
    opened().close()
    with pytest.raises(JournalError, match="belongs to station 'demo'"):
        opened(station="other")
    db = apsw.Connection(str(path))
    db.pragma("user_version", 99)
    db.close()
    with pytest.raises(JournalError, match="version 99"):
        opened()
    with pytest.raises(JournalError, match="version 99"):
        Reader(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused_and_left_as_it_was(path: Path, opened: Opened, share: float) -> None:
    journal = opened()
    for _ in range(20):
        journal.append([changed(n) for n in range(100)], epoch=0, session=0)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(JournalError, match=r"truncated|cut off"):
        opened()
    assert path.read_bytes() == whole[: int(len(whole) * share)]


def test_an_overwritten_page_is_refused(path: Path, opened: Opened) -> None:
    journal = opened()
    for _ in range(20):
        journal.append([changed(n) for n in range(100)], epoch=0, session=0)
    journal.close()
    whole = bytearray(path.read_bytes())
    whole[8192:12288] = os.urandom(4096)
    path.write_bytes(whole)
    with pytest.raises(JournalError, match="damaged"):
        opened()


def test_a_missing_journal_beside_its_log_is_refused(path: Path, opened: Opened) -> None:
    Path(f"{path}-wal").write_bytes(b"x")
    with pytest.raises(JournalError, match="is missing, but its log"):
        opened()


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="make its folder"):
        Journal(tmp_path / "no" / "j.db", station="s", now_utc=lambda: None, mono_ns=lambda: 0)  # type: ignore[arg-type,return-value]
    with pytest.raises(JournalError, match="start the station"):
        Reader(tmp_path / "no" / "j.db")


def _matched(number: int, kind: str, value: str, others: tuple[int, ...] = ()) -> ReadingMatched:
    refs = tuple(ParcelRef(epoch=9, number=n) for n in (number, *others))
    return ReadingMatched(
        device="d", kind=kind, value=value, after_ns=0, before_ns=1, interval=CountInterval(low=0, high=1),
        candidates=refs, ambiguous=bool(others), count=2,
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_parcels_events_are_found_with_what_was_ambiguous_and_its_frames_inspection(
    path: Path, opened: Opened
) -> None:
    def inspected(frame: str) -> FrameInspected:
        return FrameInspected(device="x", frame_id=frame, findings=(), model_sha256="m", inference_ms=1.0)

    def decided(epoch: int, number: int) -> Decided:
        reason = Reason(code="no-barcode", text="no barcode")
        ref = ParcelRef(epoch=epoch, number=number)
        return Decided(parcel=ref, route="inspect", reasons=(reason,), policy_version="1", count=3)

    journal = opened()
    journal.append([decided(8, 1), inspected("ff"), _matched(1, "barcode", "0123", (2,))], epoch=9, session=1)
    journal.append([inspected("aa"), _matched(1, "frame", "aa"), _matched(12, "barcode", "7")], epoch=9, session=1)
    journal.append([decided(9, 1), inspected("aa")], epoch=9, session=1)
    reader = Reader(path)
    assert [e.seq for e in reader.of_parcel(9, 1)] == [4, 5, 6, 8]
    assert [e.seq for e in reader.of_parcel(None, 1)] == [4, 5, 6, 8]
    assert [e.seq for e in reader.of_parcel(8, 1)] == [2]
    assert [e.seq for e in reader.of_parcel(None, 2)] == [4]
    assert reader.of_parcel(None, 77) == []


def test_a_reader_keeps_no_snapshot_so_the_log_stays_bounded(path: Path, opened: Opened) -> None:
    journal = opened()
    reader = Reader(path)
    largest = 0
    for _ in range(400):
        journal.append([changed(n) for n in range(50)], epoch=0, session=0)
        reader.after(journal.last_seq - 10, 10)
        largest = max(largest, journal.wal_bytes())
    assert largest < 6 * 2**20
    reader.close()
    journal.close()
    assert journal.wal_bytes() == 0
