"""Pictures that a kill left without an event are taken away at a start, and never one that an event may name."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from station.clock import Clock
from station.config import RetentionConfig
from station.core.records import CountInterval, FrameInspected, ParcelCompleted, ParcelRef, ReadingMatched, Record
from station.journal import CURSOR_FILE, Journal, JournalError, PictureStore, Reader, orphans
from station.journal.backup import back_up, restore, set_aside
from station.journal.orphans import YOUNG, sweep, sweep_unfinished, told_elsewhere
from station.keeping import Keeping
from station.publisher.cursor import Cursor
from tests.unit.storm.rig import Rig

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGUN + timedelta(days=1)
OLD = NOW - 2 * YOUNG
REF = ParcelRef(epoch=1, number=1)


def reading(frame: str) -> Record:
    place = {"after_ns": 0, "before_ns": 1, "interval": CountInterval(low=0, high=1), "count": 2}
    told = {"device": "x", "kind": "frame", "value": frame, "candidates": (REF,), "ambiguous": False}
    return ReadingMatched.model_validate(told | place)


def inspected(frame: str) -> Record:
    return FrameInspected(device="x", frame_id=frame, findings=(), model_sha256="m", inference_ms=1.0)


def completed(frame: str) -> Record:
    nothing = dict.fromkeys(["barcode", "weight_g", "length_mm", "decided_at", "order_latency_ms"])
    told = {"outcome": "inspect", "plc_why": "", "mode": "automatic", "entered_at": "", "completed_at": ""}
    flags = {"ordered": False, "acknowledged": False, "parcel": REF, "route": "inspect", "barcodes": ()}
    return ParcelCompleted.model_validate(nothing | told | flags | {"frames": (frame,), "findings": (), "reasons": ()})


@dataclass
class Data:
    """A station's data folder, as a start finds it."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "journal.db"

    @property
    def store(self) -> PictureStore:
        return PictureStore(self.folder / "pictures")

    def run(self, *records: Record) -> None:
        with closing(self.open()) as journal:
            journal.append([inspected("none"), *records], epoch=1, session=1)

    def open(self) -> Journal:
        return Journal(self.path, station="demo", now_utc=lambda: BEGUN, mono_ns=lambda: 1)

    def publish(self) -> None:
        with closing(Cursor(self.folder / CURSOR_FILE)) as cursor, closing(Reader(self.path)) as reader:
            cursor.begin(reader)
            cursor.advance(reader.last_seq())
            cursor.keep()

    def picture(self, text: str, at: datetime = OLD) -> str:
        store = self.store
        sha256 = store.put(text.encode())
        path = store.path_of(sha256)
        assert path is not None
        os.utime(path, (at.timestamp(), at.timestamp()))
        return sha256

    def elsewhere(self) -> bool:
        with closing(self.open()) as journal:
            return told_elsewhere(self.folder, journal.incarnations(), journal.last_seq)

    def swept(self) -> int:
        with closing(Reader(self.path)) as reader:
            return sweep(self.store, reader, NOW, lambda: True)

    def has(self, sha256: str) -> bool:
        return self.store.path_of(sha256) is not None


@pytest.fixture
def data(tmp_path: Path) -> Data:
    made = Data(tmp_path)
    made.run()
    made.publish()
    return made


def test_a_picture_that_no_event_names_goes(data: Data) -> None:
    orphan = data.picture("orphan")
    assert not data.elsewhere()
    assert data.swept() == 1
    assert not data.has(orphan)


@pytest.mark.parametrize("named_by", [reading, inspected, completed])
def test_whatever_event_names_it_it_stays(data: Data, named_by: object) -> None:
    picture = data.picture("named")
    data.run(named_by(picture))  # type: ignore[operator]
    assert data.swept() == 0
    assert data.has(picture)


@pytest.mark.parametrize("change", ["DELETE FROM frame_event", "UPDATE frame_event SET frame_id = 'x' || frame_id"])
def test_what_an_event_names_stays_where_the_table_of_it_is_damaged(data: Data, change: str) -> None:
    picture, orphan = data.picture("named"), data.picture("orphan")
    data.run(reading(picture))
    with closing(apsw.Connection(str(data.path))) as db:
        db.execute(change)
    with pytest.raises(JournalError, match="lists not all pictures"):
        data.swept()
    assert data.has(picture)
    assert data.has(orphan)


@pytest.mark.parametrize("at", [NOW, NOW - YOUNG / 2, NOW + YOUNG, BEGUN - YOUNG, BEGUN])
def test_one_that_is_young_or_older_than_the_journal_stays(data: Data, at: datetime) -> None:
    picture = data.picture("orphan", at)
    assert data.swept() == 0
    assert data.has(picture)


@given(named=st.sets(st.integers(0, 30)), there=st.sets(st.integers(0, 30)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_exactly_what_is_not_named_goes(
    tmp_path_factory: pytest.TempPathFactory, named: set[int], there: set[int]
) -> None:
    data = Data(tmp_path_factory.mktemp("data"))
    pictures = {n: data.picture(f"{n}") for n in named | there}
    data.run(*(reading(pictures[n]) for n in named))
    assert data.swept() == len(there - named)
    assert {n for n in pictures if data.has(pictures[n])} == named


def test_one_that_comes_again_meanwhile_stays(data: Data) -> None:
    picture = data.picture("again")
    store = data.store
    store.put(b"again")
    with closing(Reader(data.path)) as reader:
        assert sweep(store, reader, NOW, lambda: True) == 0
    assert data.has(picture)


def test_more_than_kills_leave_belong_to_something_else(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "AT_MOST", 2)
    pictures = [data.picture(f"{n}") for n in range(3)]
    with pytest.raises(JournalError, match="none was removed"):
        data.swept()
    assert all(data.has(picture) for picture in pictures)


def test_it_ends_when_it_is_told(data: Data) -> None:
    picture = data.picture("orphan")
    with closing(Reader(data.path)) as reader:
        assert sweep(data.store, reader, NOW, lambda: False) == 0
    assert data.has(picture)


def test_half_a_picture_goes_once_it_is_old(data: Data) -> None:
    whole = Path(str(data.store.path_of(data.picture("whole"))))
    old, young = whole.with_suffix(".123"), whole.with_suffix(".124")
    for path, at in ((old, OLD), (young, NOW)):
        path.write_bytes(b"half")
        os.utime(path, (at.timestamp(), at.timestamp()))
    assert sweep_unfinished(data.store, NOW) == 1
    assert (old.exists(), young.exists(), whole.exists()) == (False, True, True)


# --- where an event may name it that is not in this journal -----------------------------------------------------------


def test_a_new_journal_shows_nothing(tmp_path: Path) -> None:
    data = Data(tmp_path)
    assert data.elsewhere()
    data.run()
    assert data.elsewhere()  # nothing is published yet
    data.publish()
    assert not data.elsewhere()


@pytest.mark.parametrize(
    "beside", ["journal-2026-11-25.db", "journal-aside-1", "old-journal.db", "cursor.db.damaged-1"]
)
def test_another_journal_may_lie_beside_it(data: Data, beside: str) -> None:
    (data.folder / beside).mkdir()
    assert data.elsewhere()


def test_a_cursor_that_cannot_be_read_shows_nothing(data: Data) -> None:
    (data.folder / CURSOR_FILE).write_bytes(b"no cursor" * 1000)
    assert data.elsewhere()


def test_a_journal_set_aside_keeps_its_pictures_wherever_it_went(data: Data) -> None:
    picture = data.picture("named")
    data.run(reading(picture))
    data.publish()
    shutil.rmtree(set_aside(data.path, "now"))
    for _ in range(3):
        assert data.elsewhere()
        data.run()
        data.publish()


def test_an_old_copy_put_back_keeps_all_pictures_for_good(data: Data, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("backup") / "copy.db"
    back_up(data.path, copy)
    data.run(reading(data.picture("named by what is lost")))
    data.publish()
    shutil.rmtree(set_aside(data.path, "now"))
    restore(copy, data.path, "demo")
    for _ in range(3):
        assert data.elsewhere()
        data.run()
        data.publish()


def test_a_copy_that_ends_within_its_run_keeps_them_too() -> None:
    with Rig() as rig:
        path = rig.settings.data / "journal.db"
        rig.append(10)
        copy = path.with_name("copy.db")
        back_up(path, copy)
        rig.append(10)
        rig.settle()
        rig.kill()
        rig.journal.close()
        shutil.rmtree(set_aside(path, "now"))
        restore(copy, path, "s1")
        copy.unlink()
        for _ in range(3):
            rig.open_journal()
            assert told_elsewhere(path.parent, rig.journal.incarnations(), rig.journal.last_seq)
            rig.append(5)
            rig.settle()
            rig.kill()
            rig.journal.close()
        rig.open_journal()


# --- in the daemon ----------------------------------------------------------------------------------------------------


def keeping(data: Data, journal: Journal) -> Keeping:
    clock = Clock(lambda: 1, lambda: NOW)
    return Keeping(RetentionConfig(days=1), journal, data.store, publishes=True, clock=clock)


def looked(kept: Keeping) -> None:
    kept.start()
    kept._thread.join(10)
    assert not kept._thread.is_alive()
    kept.stop()


def test_a_start_takes_it_away_and_says_so(data: Data, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    orphan, named = data.picture("orphan"), data.picture("named")
    data.run(reading(named))
    data.publish()
    with closing(data.open()) as journal:
        kept = keeping(data, journal)
        looked(kept)
        assert (data.has(orphan), data.has(named)) == (False, True)
        assert kept._pictures.bytes_kept == len("named")
    assert "1 removed" in caplog.text


def test_a_start_with_an_old_copy_takes_none(data: Data) -> None:
    orphan = data.picture("orphan")
    (data.folder / "journal-2026.db").write_bytes(b"a backup")
    with closing(data.open()) as journal:
        looked(keeping(data, journal))
    assert data.has(orphan)


def test_a_start_with_a_backup_that_was_restored_takes_none(data: Data, tmp_path: Path) -> None:
    """What was told behind the backup and never published nobody knows any more: its pictures are all that is left."""
    copy = tmp_path / "elsewhere.db"
    back_up(data.path, copy)
    told = data.picture("told behind the backup")
    data.run(reading(told))
    data.path.unlink()
    restore(copy, data.path, "demo")
    copy.unlink()
    for _ in range(2):
        with closing(data.open()) as journal:
            looked(keeping(data, journal))
            journal.append([inspected("none")], epoch=1, session=1)
        data.publish()
        assert data.has(told)


def test_what_is_not_published_stays_where_the_broker_is_taken_out_of_the_file(data: Data) -> None:
    with closing(data.open()) as journal:
        journal.append([inspected("none")] * 20, epoch=1, session=1)
        clock = Clock(lambda: 10**12, lambda: NOW)
        kept = Keeping(RetentionConfig(days=1), journal, data.store, publishes=False, clock=clock)
        assert kept._pruner.published() == 2
        (data.folder / CURSOR_FILE).unlink()
        kept = Keeping(RetentionConfig(days=1), journal, data.store, publishes=False, clock=clock)
        assert kept._pruner.published() == journal.last_seq


@pytest.mark.parametrize("change", ["PRAGMA user_version = 99", "PRAGMA application_id = 1"])
def test_a_journal_that_is_newer_or_foreign_takes_none(
    data: Data, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    orphan = data.picture("orphan")
    with closing(data.open()) as journal:
        kept = keeping(data, journal)
        with closing(apsw.Connection(str(data.path))) as db:
            db.execute(change)
        looked(kept)
    assert data.has(orphan)
    assert "pictures: " in caplog.text


def test_a_journal_that_is_gone_takes_none(data: Data, tmp_path: Path) -> None:
    orphan = data.picture("orphan")
    with closing(data.open()) as journal:
        kept = keeping(data, journal)
        data.path.rename(tmp_path / "gone.db")
        looked(kept)
    assert data.has(orphan)


def test_pictures_that_go_meanwhile_do_not_stop_the_measuring(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    data.picture("one"), data.picture("four")
    store = data.store
    there = [*store.files()]
    monkeypatch.setattr(PictureStore, "files", lambda _: iter([*there, data.folder / "pictures" / "gone"]))
    store.measure()
    assert store.bytes_kept == len("onefour")
