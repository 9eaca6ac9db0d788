"""The command inbox: what waits in it, and what becomes of it when the file is not what it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from station.core.events import StationMode
from station.core.records import (
    CommandResult,
    ModeChanged,
    ModelChanged,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    ParcelResolved,
    PolicyChanged,
)
from station.core.setup import PolicySetup
from station.journal import (
    INBOX_FILE,
    Inbox,
    InboxError,
    InboxLostError,
    Journal,
    Reader,
    mode_left,
    model_left,
    policy_left,
)
from station.journal.inbox import LONGEST_BYTES, MOST_WAITING, put_aside
from station.journal.left import issued_left

PARCEL = ParcelRef(epoch=5, number=1)


def waiting(data: Path) -> list[tuple[str, bytes]]:
    with closing(Inbox(data)) as inbox:
        return [(posted.id, posted.payload) for posted in inbox.waiting()]


def post(data: Path, identity: str, payload: bytes = b"{}") -> None:
    with closing(Inbox(data)) as inbox:
        inbox.post(identity, "pause", "station", payload)


def test_what_is_posted_waits_in_order_until_it_is_done(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        for name in "abc":
            inbox.post(name, "pause", "mqtt", name.encode())
        first, second, third = inbox.waiting()
        assert (first.id, first.type, first.source, first.payload) == ("a", "pause", "mqtt", b"a")
        inbox.done(second.seq)
        assert [posted.id for posted in inbox.waiting()] == ["a", "c"]
        assert inbox.waiting(after=first.seq) == [third]
        assert inbox.waiting(limit=1) == [first]


def test_one_that_waits_already_changes_nothing(tmp_path: Path) -> None:
    post(tmp_path, "a", b"first")
    post(tmp_path, "a", b"first")
    assert waiting(tmp_path) == [("a", b"first")]


def test_one_that_waits_may_be_given_again_later(tmp_path: Path) -> None:
    first, later = b'{"id": "a", "who": "b", "issued_at": "1"}', b'{"id": "a", "who": "b", "issued_at": "2"}'
    post(tmp_path, "a", first)
    post(tmp_path, "a", later)
    assert waiting(tmp_path) == [("a", first)]
    with pytest.raises(InboxError, match="another command of the id a waits"):
        post(tmp_path, "a", later.replace(b"b", b"c"))


def test_another_of_an_id_that_waits_is_refused(tmp_path: Path) -> None:
    post(tmp_path, "a", b"first")
    with pytest.raises(InboxError, match="another command of the id a waits: give each its own"):
        post(tmp_path, "a", b"second")
    assert waiting(tmp_path) == [("a", b"first")]


def test_a_place_is_never_given_again(tmp_path: Path) -> None:
    """Whoever has seen all up to a place would miss what came into it later."""
    with closing(Inbox(tmp_path)) as inbox:
        inbox.post("a", "pause", "station", b"")
        (posted,) = inbox.waiting()
        inbox.done(posted.seq)
        inbox.post("b", "pause", "station", b"")
        assert inbox.waiting()[0].seq > posted.seq


def test_it_has_an_end(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        for number in range(MOST_WAITING):
            inbox.post(f"{number}", "pause", "station", b"")
        with pytest.raises(InboxError, match="does the station run"):
            inbox.post("one more", "pause", "station", b"")
        inbox.post("0", "pause", "station", b"")


def test_a_wish_has_an_end(tmp_path: Path) -> None:
    post(tmp_path, "a", b"x" * LONGEST_BYTES)
    with pytest.raises(InboxError, match="16385 bytes"):
        post(tmp_path, "b", b"x" * (LONGEST_BYTES + 1))


def foreign(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE command (a)")
    db.close()


def another_schema(path: Path) -> None:
    with closing(Inbox(path.parent)):
        pass
    db = apsw.Connection(str(path))
    db.execute("ALTER TABLE command RENAME COLUMN payload TO other")
    db.close()


def garbage(path: Path) -> None:
    post(path.parent, "a", b"x" * 5000)
    for more in ("-wal", "-shm"):
        Path(f"{path}{more}").unlink(missing_ok=True)
    path.write_bytes(path.read_bytes()[:100] + os.urandom(4096))


@pytest.mark.parametrize(
    "spoil", [foreign, another_schema, garbage, lambda path: path.write_bytes(b"no database" * 99)]
)
def test_what_is_no_inbox_is_lost_and_kept_aside(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / INBOX_FILE
    spoil(path)
    spoilt = path.read_bytes()
    with pytest.raises(InboxLostError, match=INBOX_FILE):
        waiting(tmp_path)
    aside = put_aside(tmp_path)
    assert aside is not None
    assert aside.read_bytes() == spoilt
    assert waiting(tmp_path) == []
    post(tmp_path, "a")
    assert put_aside(tmp_path) == tmp_path / f"{INBOX_FILE}.damaged-2"


def test_one_that_was_taken_away_is_noticed(tmp_path: Path) -> None:
    with closing(Inbox(tmp_path)) as inbox:
        (tmp_path / INBOX_FILE).rename(tmp_path / "elsewhere")
        with pytest.raises(InboxLostError, match="gone"):
            inbox.waiting()
        assert put_aside(tmp_path) is None
        with closing(Inbox(tmp_path)), pytest.raises(InboxLostError, match="another file"):
            inbox.waiting()


def test_a_folder_in_its_place_is_no_reason_to_lose_anything(tmp_path: Path) -> None:
    (tmp_path / INBOX_FILE).mkdir()
    with pytest.raises(InboxError, match="let this user write") as raised:
        Inbox(tmp_path)
    assert not isinstance(raised.value, InboxLostError)


def test_one_that_is_locked_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.journal.inbox.BUSY_MS", 1)
    with closing(Inbox(tmp_path)) as inbox, closing(apsw.Connection(str(tmp_path / INBOX_FILE))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(InboxError, match="locked by another"):
            inbox.post("a", "pause", "station", b"")
        with pytest.raises(InboxError, match="locked by another"):
            inbox.done(1)


# --- what the journal knows of commands


def mode(*, paused: bool, dry_run: bool = False) -> ModeChanged:
    word = "paused" if paused else "dry-run" if dry_run else "automatic"
    return ModeChanged(mode=word, paused=paused, dry_run=dry_run, command="c", who="anna")  # type: ignore[arg-type]


def answer(command: str, kind: str = "pause", result: str = "accepted", about: str = "") -> CommandResult:
    fields = {"reason": "", "text": "", "who": "anna", "source": "mqtt", "about": about}
    return CommandResult.model_validate({"command": command, "command_type": kind, "result": result, **fields})


def test_the_mode_is_left_as_it_was_changed_last(opened: Callable[..., Journal]) -> None:
    journal = opened()
    assert mode_left(journal) == StationMode()
    journal.append([mode(paused=True)], epoch=1, session=1)
    journal.append([mode(paused=False, dry_run=True)], epoch=1, session=1)
    assert mode_left(journal) == StationMode(dry_run=True)
    journal.close()
    assert mode_left(opened()) == StationMode(dry_run=True)


def test_a_mode_that_cannot_be_read_is_a_pause(opened: Callable[..., Journal]) -> None:
    journal = opened()
    journal.append([mode(paused=False)], epoch=1, session=1)
    journal.within(lambda db: db.execute("UPDATE standing SET payload = x'00'"))
    assert mode_left(journal) == StationMode(paused=True)


def test_when_what_is_in_force_was_issued_is_known_behind_a_start(opened: Callable[..., Journal]) -> None:
    journal = opened()
    assert issued_left(journal) == ()
    for command, kind, at in (("c-1", "pause", "10"), ("c-2", "resume", "11"), ("c-3", "policy", "12")):
        journal.append([answer(command, kind).model_copy(update={"issued_at": at})], epoch=1, session=1)
    journal.append([answer("c-4", "pause", "refused"), answer("c-5", "resolve")], epoch=1, session=1)
    journal.close()
    assert issued_left(opened()) == (("pause", "11"), ("policy", "12"))


def test_the_policy_left_counts_on_top_of_the_one_it_changed(opened: Callable[..., Journal]) -> None:
    journal = opened()
    assert policy_left(journal, "abc") is None
    policy = PolicySetup("abc+c-1", (1.0, 2.0), 3.0, 0.04, {"knife": 0.5}, frozenset({"scale"}))
    journal.append([PolicyChanged(policy=policy, command="c-1", who="anna")], epoch=1, session=1)
    assert policy_left(journal, "abc") == policy
    assert policy_left(journal, "another") is None
    journal.within(lambda db: db.execute("UPDATE standing SET payload = x'00'"))
    assert policy_left(journal, "abc") is None


def test_the_hold_list_left_is_the_one_accepted_last(opened: Callable[..., Journal]) -> None:
    journal = opened()
    assert Reader(journal.path).hold_list_told() == ""
    told = [
        answer("1", "hold-list", about="aa"),
        answer("2", "hold-list", "refused", about="bb"),
        answer("3", about="cc"),
    ]
    journal.append(told, epoch=1, session=1)
    assert Reader(journal.path).hold_list_told() == "aa"
    journal.within(lambda db: db.execute("UPDATE standing SET payload = x'00'"))
    assert Reader(journal.path).hold_list_told() == ""


def test_the_model_left_is_the_last_one_over_the_configured_one(opened: Callable[..., Journal]) -> None:
    journal = opened()
    assert model_left(journal, "a") == ""
    for release in ("b", "c"):
        told = {"release": release, "model_sha256": "m", "over": "a", "command": f"c-{release}", "who": "anna"}
        journal.append([ModelChanged.model_validate(told)], epoch=1, session=1)
    assert model_left(journal, "a") == "c"
    assert model_left(journal, "another") == ""
    with closing(Reader(journal.path)) as reader:
        assert [reader.stands(command) for command in ("c-b", "c-c", "c-")] == [False, True, False]
    journal.within(lambda db: db.execute("UPDATE standing SET payload = x'00'"))
    assert model_left(journal, "a") == ""


def test_an_answer_is_found_by_the_id_as_a_whole(path: Path, opened: Callable[..., Journal]) -> None:
    opened().append([answer("c-10"), answer("c-1", result="refused"), answer("c-1.1")], epoch=1, session=1)
    with closing(Reader(path)) as reader:
        found = reader.answer_to("c-1")
        assert found is not None
        assert CommandResult.model_validate_json(found.payload).result == "refused"
        assert reader.answer_to("c-") is None


def test_answers_are_found_without_looking_at_other_events(opened: Callable[..., Journal]) -> None:
    journal = opened()
    plan = "EXPLAIN QUERY PLAN SELECT * FROM event WHERE type = 'command-result' AND instr(payload, x'00') ORDER BY seq"
    assert "command_result" in str(journal.rows(plan))


def completed(outcome: str) -> ParcelCompleted:
    left = {"ordered": True, "acknowledged": True, "plc_why": "", "mode": "automatic", "length_mm": None}
    times = {"entered_at": "", "decided_at": None, "completed_at": "", "order_latency_ms": None}
    empty = {"barcode": None, "barcodes": (), "weight_g": None, "frames": (), "findings": (), "reasons": ()}
    return ParcelCompleted.model_validate(
        {"parcel": PARCEL, "route": "inspect", "outcome": outcome, **left, **times, **empty}
    )


@pytest.mark.parametrize(
    ("outcome", "state"), [("pass", "passed"), ("inspect", "inspected"), ("lost", "lost"), ("unobserved", "unobserved")]
)
def test_how_a_parcel_was_left(path: Path, opened: Callable[..., Journal], outcome: str, state: str) -> None:
    journal = opened()
    journal.probe()
    with closing(Reader(path)) as reader:
        assert reader.standing(5, 1) == ""
        journal.append([ParcelEntered(parcel=PARCEL, count=1, inspect_only=False)], epoch=5, session=1)
        assert reader.standing(5, 1) == "entered"
        journal.append([completed(outcome)], epoch=5, session=1)
        assert reader.standing(5, 1) == state
        resolved = ParcelResolved(parcel=PARCEL, resolution="cleared", found=(), command="c", who="anna")
        journal.append([resolved], epoch=5, session=1)
        assert reader.standing(5, 1) == "resolved"
        assert (reader.newest_epoch(1), reader.newest_epoch(2)) == (5, None)


def test_a_parcel_whose_end_cannot_be_read_is_on_the_belt(path: Path, opened: Callable[..., Journal]) -> None:
    journal = opened()
    journal.append([completed("inspect")], epoch=5, session=1)
    journal.within(lambda db: db.execute("UPDATE event SET payload = x'7b7d' WHERE type = 'parcel-completed'"))
    with closing(Reader(path)) as reader:
        assert reader.standing(5, 1) == "entered"
