"""What a start makes of a damaged journal: a new one, a pause that lasts, an alarm, and the old one whole beside it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from unittest import mock

import apsw
import pytest

from station.beginning import Begun, begin
from station.clock import utc_text
from station.core.actions import Keep
from station.core.events import DeviceState, Starting, Tick
from station.core.line import Line
from station.core.now import Now
from station.core.records import AlarmRaised, Record
from station.journal import IdFile, Journal, JournalError, mode_left
from station.turn import Turn
from tests.unit.core.parts.bench import SETUP
from tests.unit.core.virtual_line import VirtualLine
from tests.unit.station.test_turn import RecordingPlc

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def opened(path: Path) -> Journal:
    ticks = count()
    return Journal(path, station="demo", now_utc=lambda: NOON, mono_ns=lambda: next(ticks))


def start(path: Path, at: datetime = NOON) -> Begun:
    return begin(path, at, lambda: opened(path))


def first_turn(begun: Begun) -> list[Record]:
    """What the core keeps of a start, and its journal."""
    line, now = Line(SETUP), Now(1, utc_text(NOON))
    events = [Starting("1", "config", "model", mode=mode_left(begun.journal)), *begun.events]
    kept = [action.record for event in events for action in line.handle(event, now) if isinstance(action, Keep)]
    begun.journal.append(kept, epoch=0, session=0)
    begun.journal.close()
    return kept


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    first_turn(start(path))
    path.write_bytes(b"x" * path.stat().st_size)
    return path


def test_a_sound_journal_is_gone_on_with_and_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first_turn(start(path))
    again = start(path)
    last = again.journal.last_seq
    kept = first_turn(again)
    assert last > 0
    assert (again.aside, [record.type for record in kept]) == ("", ["station-started"])


def test_all_is_inspected_until_somebody_resumes_also_after_another_start(damaged: Path) -> None:
    bytes_then = damaged.read_bytes()
    begun = start(damaged)
    kept = first_turn(begun)
    assert [record.type for record in kept] == ["station-started", "station-mode", "command-result", "alarm-raised"]
    alarm = kept[-1]
    assert isinstance(alarm, AlarmRaised)
    assert (alarm.alarm, alarm.subject, alarm.priority, alarm.text) == ("journal", "aside", "top", begun.aside)
    folder = damaged.parent / "journal-aside-20261125T120000Z"
    assert str(folder) in begun.aside
    assert (folder / "journal.db").read_bytes() == bytes_then
    again = start(damaged)
    assert (again.aside, mode_left(again.journal).paused) == ("", True)
    again.journal.close()


@pytest.mark.parametrize("left", ["ids.json", "cursor.db"])
def test_where_one_is_gone_that_was_there_all_is_inspected_as_well(tmp_path: Path, left: str) -> None:
    path = tmp_path / "journal.db"
    path.with_name(left).touch()
    killed = start(path)
    killed.journal.close()
    begun = start(path)
    assert begun.aside == killed.aside
    assert "was not there or held nothing, and a station has run here" in begun.aside
    assert "station-mode" in [record.type for record in first_turn(begun)]
    again = start(path)
    assert (again.aside, mode_left(again.journal).paused) == ("", True)
    again.journal.close()


def test_each_damaged_one_has_a_folder_and_a_pause_of_its_own(damaged: Path) -> None:
    one = start(damaged)
    first_turn(one)
    damaged.write_bytes(b"y" * 5000)
    two = start(damaged, NOON + timedelta(minutes=1))
    assert "station-mode" in [record.type for record in first_turn(two)]
    assert one.aside != two.aside
    assert len(list(damaged.parent.glob("journal-aside-*/journal.db"))) == 2


def garble(path: Path) -> None:
    """All but the first page, once another writer has made the journal's own forget what it remembers of the file."""
    db = apsw.Connection(str(path))
    db.execute("UPDATE probe SET mono_ns = 5")
    db.pragma("wal_checkpoint(TRUNCATE)")
    page, size = int(db.pragma("page_size")), path.stat().st_size
    db.close()
    with path.open("r+b") as file:
        file.seek(page)
        file.write(b"\xa5" * (size - page))


def test_one_that_is_damaged_while_it_is_written_is_set_aside_by_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = opened(path)
    plc, numbers = RecordingPlc(path), IdFile(tmp_path / "ids.json", lambda: NOON)
    turn = Turn(Line(VirtualLine().line.setup), journal, numbers, plc)
    assert turn.take([Tick()])
    garble(path)
    assert not turn.take([DeviceState("scanner", connected=True)])
    assert "damaged" in turn.damaged
    with contextlib.suppress(JournalError):
        journal.close()
    path.write_bytes(b"S" * 9000)  # whatever the start would find
    begun = start(path)
    assert "found damaged while it was written" in begun.aside
    assert "station-mode" in [record.type for record in first_turn(begun)]
    again = start(path)
    assert again.aside == "", "the mark went with the damaged one"
    again.journal.close()


def test_one_that_was_taken_away_or_replaced_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = opened(path)
    assert journal.in_place()
    copy = path.rename(tmp_path / "elsewhere.db")
    assert not journal.in_place()
    path.write_bytes(copy.read_bytes())
    assert not journal.in_place()
    journal.close()


def test_a_folder_of_that_moment_stays_as_it_is(damaged: Path) -> None:
    """A PC without a battery boots at the same moment again and again (seed 2026113148)."""
    taken = damaged.parent / "journal-aside-20261125T120000Z"
    taken.mkdir()
    (taken / "journal.db").write_bytes(b"an older one")
    bytes_then = damaged.read_bytes()
    begun = start(damaged)
    begun.journal.close()
    assert (taken / "journal.db").read_bytes() == b"an older one"
    assert (Path(f"{taken}-2") / "journal.db").read_bytes() == bytes_then
    assert f"{taken}-2" in begun.aside


def test_where_it_cannot_be_set_aside_it_is_refused_and_left(damaged: Path) -> None:
    bytes_then = damaged.read_bytes()
    refused = mock.patch.object(Path, "rename", side_effect=OSError(5, "Input/output error"))
    with refused, pytest.raises(JournalError, match="nothing was deleted"):
        start(damaged)
    assert damaged.read_bytes() == bytes_then


def test_another_stations_journal_is_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first_turn(start(path))
    with pytest.raises(JournalError, match="belongs to station 'demo'"):
        begin(path, NOON, lambda: Journal(path, station="s9", now_utc=lambda: NOON, mono_ns=lambda: 1))
    assert path.exists()
    assert not list(tmp_path.glob("journal-aside-*"))
