"""What a start makes of a damaged journal: a new one, a pause that lasts, an alarm, and the old one whole beside it.

And of an old copy that was put back: it goes on with that one, paused.
"""

from __future__ import annotations

import contextlib
import shutil
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
from station.core.records import AlarmRaised, CommandResult, ModeChanged, PolicyChanged, Record
from station.core.setup import PolicySetup
from station.journal import IdFile, Journal, JournalError, Reader, mode_left
from station.journal.backup import back_up, restore, set_aside
from station.journal.look import look_at
from station.journal.verify import verify
from station.publisher.cursor import Cursor
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
    assert (again.text, [record.type for record in kept]) == ("", ["station-started"])


def test_all_is_inspected_until_somebody_resumes_also_after_another_start(damaged: Path) -> None:
    bytes_then = damaged.read_bytes()
    begun = start(damaged)
    kept = first_turn(begun)
    assert [record.type for record in kept] == ["station-started", "station-mode", "command-result", "alarm-raised"]
    alarm = kept[-1]
    assert isinstance(alarm, AlarmRaised)
    assert (alarm.alarm, alarm.subject, alarm.priority, alarm.text) == ("journal", "aside", "top", begun.text)
    folder = damaged.parent / "journal-aside-20261125T120000Z"
    assert str(folder) in begun.text
    assert (folder / "journal.db").read_bytes() == bytes_then
    again = start(damaged)
    assert (again.text, mode_left(again.journal).paused) == ("", True)
    again.journal.close()


# --- an old copy ------------------------------------------------------------------------------------------------------


def run_and_publish(path: Path) -> None:
    """One run of the station, and the publisher's behind it."""
    first_turn(start(path))
    publish(path)


def publish(path: Path) -> None:
    with Cursor(path.with_name("cursor.db")) as cursor, contextlib.closing(Reader(path)) as reader:
        cursor.begin(reader)
        cursor.advance(reader.last_seq())
        cursor.keep()


@pytest.fixture
def put_back(tmp_path: Path) -> Path:
    """A journal of one run, in the place of one of two; the publisher has seen both."""
    path, copy = tmp_path / "journal.db", tmp_path / "backup" / "copy.db"
    copy.parent.mkdir()
    run_and_publish(path)
    back_up(path, copy)
    run_and_publish(path)
    set_aside(path, "1")
    restore(copy, path, "demo")
    return path


def test_behind_an_old_copy_all_is_inspected_until_somebody_resumes(put_back: Path) -> None:
    begun = start(put_back)
    last = begun.journal.last_seq
    kept = first_turn(begun)
    assert [record.type for record in kept] == ["station-started", "station-mode", "command-result", "alarm-raised"]
    alarm = kept[-1]
    assert isinstance(alarm, AlarmRaised)
    assert (alarm.alarm, alarm.subject, alarm.priority, alarm.text) == ("journal", "put-back", "top", begun.text)
    assert "was published, and journal" in begun.text
    assert (last > 0, begun.subject) == (True, "put-back")
    again = start(put_back)
    assert (again.text, mode_left(again.journal).paused) == ("", True)
    again.journal.close()


def test_check_tells_it_ahead_of_that_start_and_not_behind_it(put_back: Path) -> None:
    assert "the next start is paused until `station resume`" in look_at(put_back, "demo")
    first_turn(start(put_back))
    assert "paused" not in look_at(put_back, "demo")


def test_a_start_that_died_ahead_of_its_first_event_leaves_that_to_the_next(put_back: Path) -> None:
    killed = start(put_back)
    killed.journal.close()
    begun = start(put_back)
    assert begun.text == killed.text
    assert "station-mode" in [record.type for record in first_turn(begun)]


def test_it_is_paused_once_for_a_copy_though_nothing_can_be_published(put_back: Path) -> None:
    """Somebody resumed; the broker is away, so the publisher's cursor stands where it stood."""
    first_turn(start(put_back))
    for _ in range(2):
        again = start(put_back)
        assert again.text == ""
        first_turn(again)


def test_the_same_copy_put_back_again_is_paused_for_again(put_back: Path, tmp_path: Path) -> None:
    run_and_publish(put_back)
    set_aside(put_back, "2")
    restore(tmp_path / "backup" / "copy.db", put_back, "demo")
    assert "station-mode" in [record.type for record in first_turn(start(put_back))]


def test_a_copy_that_knows_of_a_pause_of_the_same_moment_is_paused_for_anew(put_back: Path, tmp_path: Path) -> None:
    """A PC without a battery boots at the same moment again and again."""
    run_and_publish(put_back)
    copy = tmp_path / "backup" / "later.db"
    back_up(put_back, copy)
    run_and_publish(put_back)
    set_aside(put_back, "2")
    restore(copy, put_back, "demo")
    kept = first_turn(start(put_back))
    assert ("command-result", "accepted") in [(record.type, getattr(record, "result", "")) for record in kept]


def test_a_copy_of_all_that_was_published_goes_on_as_it_was_but_where_it_was_restored(tmp_path: Path) -> None:
    """Copied by hand nothing tells that it is one; by the command a pause that came behind it is not forgotten."""
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    run_and_publish(path)
    first_turn(start(path))
    back_up(path, copy)
    set_aside(path, "1")
    shutil.copy(copy, path)
    assert subject(path) == ""
    set_aside(path, "2")
    restore(copy, path, "demo")
    begun = start(path)
    assert (begun.subject, "restored" in begun.text) == ("put-back", True)
    first_turn(begun)
    assert subject(path) == ""


# --- one that is gone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["ids.json", "cursor.db"])
def test_where_one_is_gone_that_was_there_all_is_inspected_as_well(tmp_path: Path, left: str) -> None:
    path = tmp_path / "journal.db"
    path.with_name(left).touch()
    killed = start(path)
    killed.journal.close()
    begun = start(path)
    assert begun.text == killed.text
    assert "was not there or held nothing, and a station has run here" in begun.text
    assert "station-mode" in [record.type for record in first_turn(begun)]
    again = start(path)
    assert (again.text, mode_left(again.journal).paused) == ("", True)
    again.journal.close()


def test_each_damaged_one_has_a_folder_and_a_pause_of_its_own(damaged: Path) -> None:
    one = start(damaged)
    first_turn(one)
    damaged.write_bytes(b"y" * 5000)
    two = start(damaged, NOON + timedelta(minutes=1))
    assert "station-mode" in [record.type for record in first_turn(two)]
    assert one.text != two.text
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
    assert "found damaged while it was written" in begun.text
    assert "station-mode" in [record.type for record in first_turn(begun)]
    again = start(path)
    assert again.text == "", "the mark went with the damaged one"
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


def test_where_its_log_alone_was_taken_away_an_orderly_end_keeps_all(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = opened(path)
    journal.append([AlarmRaised(alarm="a", subject="s", text="t", priority="low")], epoch=1, session=1)
    assert journal.in_place()
    Path(f"{path}-wal").unlink()
    assert not journal.in_place()
    last = journal.append([AlarmRaised(alarm="b", subject="s", text="t", priority="low")], epoch=1, session=1)[-1].seq
    journal.close()
    again = opened(path)
    assert again.last_seq == last
    again.close()


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
    assert f"{taken}-2" in begun.text


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


# --- what was commanded last ------------------------------------------------------------------------------------------


STRICTER = PolicySetup("abc+c-1", (1.0, 2.0), 3.0, 0.04, {"knife": 0.11}, frozenset({"scale"}))


@pytest.fixture
def commanded(tmp_path: Path) -> Path:
    """A journal whose station was given a policy, and a mode."""
    path = tmp_path / "journal.db"
    first_turn(start(path))
    mode = ModeChanged(mode="automatic", paused=False, dry_run=False, command="c-2", who="anna", count=None)
    journal = opened(path)
    journal.append([PolicyChanged(policy=STRICTER, command="c-1", who="anna"), mode], epoch=1, session=1)
    journal.close()
    return path


def subject(path: Path) -> str:
    begun = start(path)
    begun.journal.close()
    return begun.subject


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("UPDATE standing SET payload = CAST(replace(payload, '0.11', '0.91') AS BLOB)", "policy-changed"),
        ("UPDATE standing SET payload = CAST(replace(payload, 'thresholds', 'uhresholds') AS BLOB)", "policy-changed"),
        ("UPDATE standing SET name = 'policy-changee' WHERE name = 'policy-changed'", "policy-change"),
        ("DELETE FROM standing WHERE name = 'policy-changed'", "policy-changed"),
        ("UPDATE standing SET payload = x'00' WHERE name = 'sha256 of station-mode'", "station-mode"),
        ("DELETE FROM standing WHERE name LIKE 'sha256%'; UPDATE standing SET payload = x'00'", "policy-changed"),
    ],
)
def test_a_bit_in_what_was_commanded_last_is_a_pause_and_verify_finds_it(
    commanded: Path, change: str, name: str
) -> None:
    """A threshold of 0.11 became 0.91, or the configured one, and nothing told of it."""
    assert verify(commanded).faults == []
    assert subject(commanded) == ""
    db = apsw.Connection(str(commanded))
    db.execute(change)
    db.close()
    assert any(f"({name}" in fault.text for fault in verify(commanded).faults)
    begun = start(commanded)
    assert (begun.subject, name in begun.text) == ("left", True)
    alarm = first_turn(begun)[-1]
    assert isinstance(alarm, AlarmRaised)
    assert (alarm.alarm, alarm.subject) == ("journal", "left")
    again = opened(commanded)
    assert mode_left(again).paused
    again.close()
    given_again = name == "station-mode"
    assert subject(commanded) == ("" if given_again else "left")


def accepted(kind: str, identity: str, text: str = "done") -> CommandResult:
    return CommandResult(
        command=identity,
        command_type=kind,
        result="accepted",
        reason="",
        text=text,
        who="anna",
        source="station",
        issued_at=utc_text(NOON),
        digest="0123456789abcdef",
    )


@pytest.mark.parametrize("name", ["station-mode", "pause", "dry-run", "policy-changed", "policy", "hold-list", "%"])
def test_what_was_commanded_and_is_kept_no_more_is_a_pause_and_verify_finds_it(tmp_path: Path, name: str) -> None:
    """A row that is gone together with its hash is as one that never was: a pause was forgotten."""
    path = tmp_path / "journal.db"
    journal = opened(path)
    mode = ModeChanged(mode="dry-run", paused=False, dry_run=True, command="c-1", who="anna", count=None)
    policy = PolicyChanged(policy=STRICTER, command="c-3", who="anna")
    before = accepted("resume", "c-2", "the station is dry-run as before")
    answers = [accepted("dry-run", "c-1"), before, accepted("policy", "c-3"), accepted("hold-list", "c-4")]
    journal.append([mode, policy, *answers, accepted("acknowledge-alarm", "c-5")], epoch=1, session=1)
    journal.close()
    assert verify(path).faults == []
    assert subject(path) == ""
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM standing WHERE name LIKE ?", (f"%{name}",))
    db.close()
    assert verify(path).faults
    assert subject(path) == "left"


def test_a_wish_that_changed_nothing_needs_no_mode_to_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = opened(path)
    journal.append([accepted("resume", "c-1", "the station is automatic as before")], epoch=1, session=1)
    journal.close()
    assert verify(path).faults == []
    assert subject(path) == ""


def test_what_a_program_of_before_left_without_a_hash_counts(commanded: Path) -> None:
    db = apsw.Connection(str(commanded))
    db.execute("DELETE FROM standing WHERE name LIKE 'sha256%'")
    db.close()
    assert verify(commanded).faults == []
    assert subject(commanded) == ""
