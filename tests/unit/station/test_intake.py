"""From the inbox to the core: each command once, until its answer is on disk, across restarts and a lost inbox."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from station.core.commands import ChangeModel, Command, HoldList, ParcelName, Pause, Resolve, Resume
from station.core.events import CommandMalformed, CommandReceived, Condition, Event, StagedModel
from station.core.records import CommandResult, ModelChanged, ParcelEntered, ParcelRef, Record
from station.forms import MALFORMED, malformed, waiting_form
from station.holding import FOLDER, current, in_force, stage
from station.intake import Intake
from station.journal import INBOX_FILE, Inbox, InboxError, Journal
from station.journal.inbox import APPLICATION_ID, AT_ONCE, VERSION
from station.vision import ModelError

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def wish(model: type[Command] = Pause, identity: str = "c-1", **fields: Any) -> Command:
    signed = {"id": identity, "who": "anna", "issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-25T12:01:00Z"}
    return model.model_validate(signed | fields)


@dataclass
class Desk:
    """A journal, and the intake of a run that goes on behind it; `got` is what the core gets."""

    data: Path
    journal: Journal
    got: list[Event] = field(default_factory=list)
    releases: Any = None

    def __post_init__(self) -> None:
        self.journal.probe()
        self.start()

    def start(self) -> None:
        self.got.clear()
        self.intake = Intake(self.data, self.journal.path, self.got.append, self.releases)

    def post(self, command: Command, source: Any = "station") -> None:
        with closing(Inbox(self.data)) as inbox:
            inbox.post(command.id, command.type, source, command.model_dump_json().encode())

    def step(self) -> list[Event]:
        """What the core gets by one step."""
        before = len(self.got)
        self.intake.step()
        return self.got[before:]

    def keep(self, *records: Record) -> None:
        self.journal.append(records, epoch=5, session=1)

    def answer(self, command: Command, result: str = "accepted") -> None:
        told = {"command": command.id, "command_type": command.type, "result": result, "about": ""}
        self.keep(CommandResult.model_validate(told | {"reason": "", "text": "", "who": "anna", "source": "station"}))

    def waiting(self) -> list[str]:
        with closing(Inbox(self.data)) as inbox:
            return [posted.id for posted in inbox.waiting()]

    def hold(self, *codes: str, identity: str = "h-1") -> Command:
        sha256, number = stage(self.data, codes)
        command = wish(HoldList, identity, sha256=sha256, codes=number)
        self.post(command)
        return command


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    journal = Journal(tmp_path / "journal.db", station="demo", now_utc=lambda: NOON, mono_ns=lambda: 7)
    made = Desk(tmp_path, journal)
    yield made
    made.intake.close()
    journal.close()


def test_a_command_is_handed_over_once_and_waits_for_its_answer(desk: Desk) -> None:
    command = wish()
    desk.post(command, "mqtt")
    assert desk.step() == [CommandReceived(command, "mqtt")]
    assert desk.step() == []
    assert desk.waiting() == ["c-1"]
    desk.answer(command)
    assert desk.step() == []
    assert desk.waiting() == []


def test_a_run_that_was_killed_before_the_answer_hands_it_over_again(desk: Desk) -> None:
    desk.post(wish())
    desk.step()
    desk.start()
    desk.intake.recover()
    assert desk.got == []
    assert desk.step() == [CommandReceived(wish(), "station")]


def test_a_run_that_was_killed_behind_the_answer_does_not(desk: Desk) -> None:
    desk.post(wish())
    desk.step()
    desk.answer(wish())
    desk.start()
    desk.intake.recover()
    assert desk.step() == []
    assert desk.waiting() == []


def test_one_that_was_answered_long_ago_is_not_handed_over(desk: Desk) -> None:
    desk.answer(wish())
    desk.post(wish())
    assert desk.step() == []
    assert desk.waiting() == []


def test_another_command_of_its_id_is_refused_and_puts_nothing_in_force(desk: Desk) -> None:
    first = wish()
    told = {"command": "c-1", "command_type": "pause", "result": "accepted", "reason": "", "text": "", "who": "anna"}
    desk.keep(CommandResult.model_validate(told | {"source": "station", "digest": first.digest}))
    desk.hold("B", identity="c-1")
    text = "a command pause had the id c-1, and was accepted: give each its own"
    assert desk.step() == [CommandMalformed("hold-list", "station", text, "c-1", "anna", "id-used")]
    with closing(Inbox(desk.data)) as inbox:
        inbox.post("c-1", "stop", "mqtt", b'{"id": "c-1"}')
    assert desk.step() == [CommandMalformed("stop", "mqtt", text, "c-1", "", "id-used")]
    assert desk.waiting() == []
    assert current(desk.data).codes == frozenset()


def test_one_that_was_undone_is_not_called_in_force_because_its_id_comes_again(desk: Desk) -> None:
    told = {"command_type": "pause", "result": "accepted", "reason": "", "text": "", "who": "anna"}
    for command in (wish(), wish(Resume, "c-2")):
        answer = told | {"command": command.id, "command_type": command.type, "source": "station"}
        desk.keep(CommandResult.model_validate(answer | {"digest": command.digest}))
    desk.post(wish())
    assert desk.step() == []
    desk.post(wish(issued_at="2026-11-25T12:00:01Z"))
    text = "a command pause had the id c-1, and was accepted: give each its own"
    assert desk.step() == [CommandMalformed("pause", "station", text, "c-1", "anna", "id-used")]


def test_a_command_whose_id_another_has_that_waits_is_answered_at_once(desk: Desk) -> None:
    desk.post(wish())
    used = replace(malformed("resume", "mqtt", b'{"id": "c-1"}', "another command waits"), reason="id-used")
    with closing(Inbox(desk.data)) as inbox:
        inbox.post("?1", MALFORMED, "mqtt", waiting_form(used))
    assert desk.step() == [CommandReceived(wish(), "station"), used]
    assert len(desk.waiting()) == 1
    desk.start()
    desk.answer(wish())
    desk.intake.recover()
    assert desk.waiting() == []
    assert desk.got == []


def test_many_come_in_their_order_a_few_at_once(desk: Desk) -> None:
    names = [f"c-{number:02}" for number in range(45)]
    for name in names:
        desk.post(wish(identity=name))
    got = [[event.command.id for event in desk.step() if isinstance(event, CommandReceived)] for _ in range(3)]
    assert [len(step) for step in got] == [20, 20, 5]
    assert [name for step in got for name in step] == names


def test_what_is_no_command_is_handed_over_to_be_answered(desk: Desk) -> None:
    found = malformed("pause", "mqtt", b'{"id": "m-1"}', "no who")
    with closing(Inbox(desk.data)) as inbox:
        inbox.post("m-1", MALFORMED, "mqtt", waiting_form(found))
        inbox.post("?", "pause", "station", b"\x00")
    first, second = desk.step()
    assert first == found
    assert isinstance(second, CommandMalformed)
    assert desk.waiting() == ["m-1"]


def test_a_resolution_comes_with_what_the_journal_knows_of_the_parcel(desk: Desk) -> None:
    name = ParcelName(epoch=5, number=1)
    desk.keep(ParcelEntered(parcel=ParcelRef(epoch=5, number=1), count=1, inspect_only=False))
    command = wish(Resolve, parcel=name, resolution="cleared")
    desk.post(command)
    assert desk.step() == [CommandReceived(command, "station", standing="entered")]


# --- hold lists


def test_a_hold_list_comes_with_its_codes_and_is_in_force_once_it_is_answered(desk: Desk) -> None:
    command = desk.hold("B", "A", "A")
    (received,) = desk.step()
    assert isinstance(received, CommandReceived)
    assert received.held is not None
    assert received.held.codes == {"A", "B"}
    assert current(desk.data).codes == frozenset()
    desk.answer(command)
    assert desk.step() == [Condition("lists", "commanded", standing=False)]
    assert current(desk.data).codes == {"A", "B"}


def test_one_that_was_refused_is_not(desk: Desk) -> None:
    command = desk.hold("A")
    desk.step()
    desk.answer(command, "refused")
    desk.step()
    assert in_force(desk.data) == ""


def test_one_that_cannot_be_finished_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `hold` of another user held up every pause behind it, over each restart."""

    def refuse(_data: Path, _sha256: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "hold/current")

    monkeypatch.setattr("station.intake.make_current", refuse)
    held = desk.hold("A")
    desk.step()
    desk.answer(held)
    for start in (lambda: None, desk.start):
        start()
        pause = wish(identity=f"p-{len(desk.got)}")
        desk.intake.recover()
        desk.post(pause)
        got = desk.step()
        assert CommandReceived(pause, "station") in got or CommandReceived(pause, "station") in desk.got
        assert any(isinstance(e, Condition) and e.standing and "hold/current" in e.text for e in desk.got)
        desk.answer(pause)
        desk.step()
    assert desk.waiting() == ["h-1"]
    monkeypatch.undo()
    desk.step()
    assert (desk.waiting(), in_force(desk.data)) == ([], held.model_dump()["sha256"])


def test_those_that_cannot_be_taken_away_hold_up_no_other_and_are_answered_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_inbox: Inbox, _seq: int) -> None:
        raise InboxError("may not be written")

    monkeypatch.setattr(Inbox, "done", refuse)
    for number in range(AT_ONCE + 1):
        desk.post(wish(identity=f"c-{number}"))
        desk.answer(wish(identity=f"c-{number}"))
    desk.start()
    desk.intake.recover()
    assert [e for e in desk.got if isinstance(e, CommandReceived)] == []
    desk.post(wish(identity="last"))
    desk.step()
    assert CommandReceived(wish(identity="last"), "station") in [*desk.step(), *desk.got]
    monkeypatch.undo()
    desk.answer(wish(identity="last"))
    desk.step()
    assert desk.waiting() == []


def test_an_inbox_that_may_not_be_written_is_told_as_it_is_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite falls back to reading only: the first command was answered, and the next never taken."""
    desk.post(wish())
    real = apsw.Connection

    def read_only(path: str, **_: Any) -> apsw.Connection:
        return real(path, flags=apsw.SQLITE_OPEN_READONLY)

    with monkeypatch.context() as patch:
        patch.setattr("station.journal.inbox.apsw.Connection", read_only)
        (told,) = desk.step()
        assert isinstance(told, Condition)
        assert (told.standing, "let this user write there" in told.text) == (True, True)
    assert CommandReceived(wish(), "station") in desk.step()


def test_what_a_killed_run_accepted_is_in_force_ahead_of_the_next(desk: Desk) -> None:
    command = desk.hold("A")
    desk.step()
    desk.answer(command)
    desk.start()
    desk.intake.recover()
    assert current(desk.data).codes == {"A"}


@pytest.mark.parametrize(
    "spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"B\n")], ids=["gone", "other"]
)
def test_a_hold_list_that_is_not_what_it_was_is_not_used(desk: Desk, spoil: Callable[[Path], object]) -> None:
    desk.hold("A")
    (path,) = (desk.data / FOLDER).glob("*.txt")
    spoil(path)
    (received,) = desk.step()
    assert isinstance(received, CommandReceived)
    assert received.held is None
    assert "give the hold list again" in received.fault


def test_one_sent_again_does_not_come_back_in_force_ahead_of_a_newer_one(desk: Desk) -> None:
    older = desk.hold("A")
    desk.step()
    desk.answer(older)
    newer = desk.hold("B", identity="h-2")
    desk.step()
    desk.answer(newer)
    desk.step()
    desk.post(older)
    assert desk.step() == []
    assert desk.waiting() == []
    assert current(desk.data).codes == {"B"}


# --- models


class Shelf:
    """Knows one model; what was taken is a start."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def tried(self, release: str) -> StagedModel:
        if release != "a" * 64:
            raise ModelError("it fails its test")
        return StagedModel(release, "m" * 64, "c" * 64)

    def take(self, release: str) -> None:
        self.taken.append(release)

    def end(self) -> None:
        """No trial of this one takes long."""


class Slow(Shelf):
    """Tries a model until it is told to end."""

    def __init__(self) -> None:
        super().__init__()
        self.trying, self.ended = threading.Event(), threading.Event()

    def tried(self, release: str) -> StagedModel:
        self.trying.set()
        self.ended.wait(10)
        raise ModelError(f"{release} could not be tried to the end")

    def end(self) -> None:
        self.ended.set()


def change(identity: str = "m-1", release: str = "a" * 64) -> Command:
    return wish(ChangeModel, identity, release=release)


def test_a_station_without_a_model_is_given_none(desk: Desk) -> None:
    desk.post(change())
    text = "the station's YAML names no image model"
    assert desk.step() == [CommandReceived(change(), "station", fault=text)]


def test_a_model_comes_tried_and_a_start_follows_once_it_is_on_disk(desk: Desk) -> None:
    shelf = desk.releases = Shelf()
    desk.start()
    bad = change("m-0", "b" * 64)
    desk.post(bad)
    assert desk.step() == [CommandReceived(bad, "station", fault="it fails its test")]
    desk.answer(bad, "refused")
    desk.post(change())
    assert desk.step() == [CommandReceived(change(), "station", model=shelf.tried("a" * 64))]
    told = {"release": "a" * 64, "model_sha256": "m" * 64, "over": "c" * 64, "command": "m-1", "who": "anna"}
    assert shelf.taken == []
    desk.answer(change())
    desk.keep(ModelChanged.model_validate(told))
    desk.step()
    assert shelf.taken == ["a" * 64]


def test_an_end_waits_for_no_trial_and_the_next_run_makes_it_anew(desk: Desk) -> None:
    slow = desk.releases = Slow()
    desk.start()
    desk.intake.start()
    desk.post(change())
    assert slow.trying.wait(10)
    desk.intake.stop()
    assert not desk.intake._thread.is_alive()
    assert desk.got == []
    assert desk.waiting() == ["m-1"]


def test_what_a_killed_run_was_given_needs_no_further_start(desk: Desk) -> None:
    shelf = desk.releases = Shelf()
    desk.post(change())
    desk.answer(change())
    told = {"release": "a" * 64, "model_sha256": "m" * 64, "over": "c" * 64, "command": "m-1", "who": "anna"}
    desk.keep(ModelChanged.model_validate(told))
    desk.start()
    desk.intake.recover()
    assert desk.waiting() == []
    assert shelf.taken == []


# --- the inbox itself


def test_a_damaged_inbox_is_an_alarm_and_the_next_command_goes_through(desk: Desk) -> None:
    desk.step()
    (desk.data / INBOX_FILE).write_bytes(b"no database" * 100)
    desk.intake.close()
    (lost,) = desk.step()
    assert isinstance(lost, Condition)
    assert (lost.alarm, lost.subject, lost.standing) == ("inbox", "lost", True)
    assert "inbox.db.damaged-1" in lost.text
    desk.post(wish())
    assert desk.step() == [CommandReceived(wish(), "station")]


def test_rows_that_no_program_of_ours_wrote_are_answered(desk: Desk) -> None:
    """The file is ours by its header; what stands in it is not."""
    path = desk.data / INBOX_FILE
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE command (seq INTEGER PRIMARY KEY, id, type, source, payload)")
    rows = [(1, None, None, None, None), (2, 7, 8, 9, 10), (3, b"\xff", "pause", "mqtt", "x" * 100_000)]
    db.executemany("INSERT INTO command VALUES (?, ?, ?, ?, ?)", rows)
    db.pragma("application_id", APPLICATION_ID)
    db.pragma("user_version", VERSION)
    db.close()
    got = desk.step()
    assert got
    assert all(isinstance(event, CommandMalformed | Condition) for event in got)
    desk.step()
    desk.post(wish())
    assert CommandReceived(wish(), "station") in [*desk.step(), *desk.step()]


def test_one_that_is_taken_away_under_way_is_begun_anew(desk: Desk) -> None:
    desk.post(wish(identity="c-0"))
    desk.step()
    (desk.data / INBOX_FILE).unlink()
    (lost,) = desk.step()
    assert isinstance(lost, Condition)
    assert "gone" in lost.text
    desk.post(wish())
    assert desk.step() == [CommandReceived(wish(), "station")]


def test_one_that_cannot_be_opened_is_an_alarm_until_it_can(desk: Desk) -> None:
    path = desk.data / INBOX_FILE
    path.mkdir()
    (stands,) = desk.step()
    assert isinstance(stands, Condition)
    assert (stands.subject, stands.standing) == ("access", True)
    assert desk.step() == []
    path.rmdir()
    assert desk.step() == [Condition("inbox", "access", standing=False)]


def test_one_that_cannot_be_moved_is_an_alarm(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    (desk.data / INBOX_FILE).write_bytes(b"no database" * 100)
    monkeypatch.setattr("station.intake.put_aside", refuse)
    (stands,) = desk.step()
    assert isinstance(stands, Condition)
    assert (stands.subject, stands.standing) == ("access", True)
    assert "Permission denied" in stands.text


def test_its_thread_looks_by_itself_and_ends(desk: Desk) -> None:
    desk.intake.start()
    desk.post(wish())
    desk.intake.stop()
    assert not desk.intake._thread.is_alive()
