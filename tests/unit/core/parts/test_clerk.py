"""Commands: checked, carried out between two events, and answered once for each id."""

from __future__ import annotations

from typing import Any

import pytest

from station.core.actions import Keep
from station.core.clerk import REFUSALS
from station.core.commands import (
    AcknowledgeAlarm,
    Command,
    DryRun,
    HoldList,
    Pause,
    Resume,
    ShelveAlarm,
)
from station.core.events import (
    CommandMalformed,
    CommandReceived,
    Condition,
    HeldCodes,
    Lane,
    Starting,
    StationMode,
)
from station.core.now import Now
from station.core.policy import REASONS
from station.core.records import (
    AlarmAcknowledged,
    AlarmShelved,
    AlarmUnshelved,
    CommandResult,
    Decided,
    ModeChanged,
    StationStarted,
)
from tests.unit.core.parts.bench import MS, Bench, codes
from tests.unit.core.parts.wishes import LIST, NOON, answer, give, hold, wish

# --- alarms


def inbox_lost(bench: Bench) -> Bench:
    bench.give(Condition("inbox", "lost", standing=True, text="it is begun anew"))
    return bench


def ack(alarm: str = "inbox", subject: str = "lost", identity: str = "c-1") -> Any:
    return wish(AcknowledgeAlarm, identity, alarm=alarm, subject=subject)


def shelve(for_s: float, alarm: str = "inbox", subject: str = "lost", identity: str = "c-1") -> Any:
    return wish(ShelveAlarm, identity, alarm=alarm, subject=subject, for_s=for_s)


def test_an_alarm_is_acknowledged_once(bench: Bench) -> None:
    records = give(inbox_lost(bench), ack())
    assert records[0] == AlarmAcknowledged(alarm="inbox", subject="lost", who="anna")
    assert answer(records) == ("accepted", "", "inbox/lost is acknowledged")
    assert bench.last(CommandResult).about == "inbox/lost"
    text = "inbox lost is acknowledged: there is nothing to acknowledge"
    assert answer(give(bench, ack(identity="c-2"))) == ("refused", "alarm", text)


def test_an_alarm_that_came_back_is_not_acknowledged_by_what_was_said_of_it_before(bench: Bench) -> None:
    inbox_lost(bench)
    old = ack().model_copy(update={"issued_at": "2026-11-25T11:54:00.000Z"})
    text = "inbox/lost came back behind 2026-11-25T11:54:00.000Z: look at it again"
    assert answer(give(bench, old)) == ("refused", "alarm", text)
    near = ack(identity="c-2").model_copy(update={"issued_at": "2026-11-25T11:56:00.000Z"})
    assert answer(give(bench, near))[0] == "accepted"


def test_an_alarm_is_shelved_and_told_of_again(bench: Bench) -> None:
    records = give(inbox_lost(bench), shelve(3600))
    assert records[0] == AlarmShelved(alarm="inbox", subject="lost", who="anna", for_s=3600)
    assert answer(records) == ("accepted", "", "inbox/lost is shelved for 3600 s")
    records = give(bench, shelve(0, identity="c-2"))
    assert AlarmUnshelved(alarm="inbox", subject="lost", who="anna") in records
    assert answer(records) == ("accepted", "", "inbox/lost is told of again")


def test_a_shelf_ends_by_itself(bench: Bench) -> None:
    give(inbox_lost(bench), shelve(1))
    bench.wait(0.9)
    assert bench.kept(AlarmUnshelved) == []
    bench.wait(0.1)
    assert bench.last(AlarmUnshelved) == AlarmUnshelved(alarm="inbox", subject="lost", who="")


def test_what_is_no_alarm_or_one_of_the_gravest_is_refused(bench: Bench) -> None:
    assert answer(give(bench, ack())) == ("refused", "alarm", "there is no alarm inbox lost")
    bench.give(Condition("journal", "disk", standing=True, text="full"))
    text = "journal is of priority top, and cannot be shelved"
    assert answer(give(bench, shelve(60, "journal", "disk", "c-2"))) == ("refused", "alarm", text)


# --- the mode


def test_a_pause_is_told_and_answered(bench: Bench) -> None:
    mode = ModeChanged(mode="paused", paused=True, dry_run=False, command="c-1", who="anna", count=1000)
    told = CommandResult(
        command="c-1",
        command_type="pause",
        result="accepted",
        reason="",
        text="the station is paused",
        who="anna",
        source="station",
        issued_at=NOON,
        digest=wish().digest,
    )
    assert give(bench, wish()) == [mode, told]


def test_in_a_pause_nothing_is_decided_to_pass(bench: Bench) -> None:
    give(bench, wish())
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.last(Decided).route == "inspect"
    assert codes(bench.last(Decided).reasons) == [("paused", "")]
    assert bench.last(Decided).reasons[0].text == REASONS["paused"]


def test_a_pause_takes_back_what_is_to_pass_ahead_of_the_decision_eye(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    records = give(bench, wish())
    taken_back = [record for record in records if isinstance(record, Decided)]
    assert [(d.route, d.after, codes(d.reasons)) for d in taken_back] == [("inspect", "pass", [("paused", "")])]
    assert bench.orders[-1].lane is Lane.INSPECT
    assert answer(records) == ("accepted", "", "the station is paused")


def test_a_mode_taken_from_a_journal_takes_passes_back_as_the_command_did(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    actions = bench.line.change_mode(StationMode(dry_run=True), Now(bench.ms * MS, NOON))
    (decided,) = [a.record for a in actions if isinstance(a, Keep) and isinstance(a.record, Decided)]
    assert (decided.route, decided.after, codes(decided.reasons)) == ("inspect", "pass", [("dry-run", "")])


def test_what_is_behind_the_decision_eye_stands(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(4600)
    give(bench, wish())
    assert bench.orders[-1].lane is Lane.PASS


def test_behind_a_pause_parcels_pass_again(bench: Bench) -> None:
    give(bench, wish())
    assert give(bench, wish(Resume, "c-2"))[0] == ModeChanged(
        mode="automatic", paused=False, dry_run=False, command="c-2", who="anna", count=1000
    )
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS


def test_what_holds_already_is_accepted_and_changes_nothing(bench: Bench) -> None:
    assert answer(give(bench, wish(Resume))) == ("accepted", "", "the station is automatic as before")
    assert bench.kept(ModeChanged) == []


def test_a_dry_run_decides_and_inspects(bench: Bench) -> None:
    records = give(bench, wish(DryRun))
    assert records[0] == ModeChanged(mode="dry-run", paused=False, dry_run=True, command="c-1", who="anna", count=1000)
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.INSPECT
    assert codes(bench.last(Decided).reasons) == [("dry-run", "")]
    assert bench.last(Decided).reasons[0].text == REASONS["dry-run"]


def test_a_pause_does_not_end_a_dry_run(bench: Bench) -> None:
    give(bench, wish(DryRun))
    assert answer(give(bench, wish(identity="c-2"))) == ("accepted", "", "the station is paused")
    bench.clean(1, 2000)
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("paused", ""), ("dry-run", "")]
    assert answer(give(bench, wish(Resume, "c-3"))) == ("accepted", "", "the station is dry-run")
    assert answer(give(bench, wish(DryRun, "c-4", on=False))) == ("accepted", "", "the station is automatic")


def test_a_start_goes_on_in_the_mode_in_which_it_was_left() -> None:
    bench = Bench()
    bench.give(Starting("0.1", "config", "model", mode=StationMode(paused=True)))
    started = bench.last(StationStarted)
    assert (started.paused, started.dry_run) == (True, False)
    bench.started()
    bench.clean(1, 2000)
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("paused", "")]


# --- what is checked of each


def test_one_that_comes_again_has_no_second_effect_and_no_second_answer(bench: Bench) -> None:
    give(bench, wish())
    give(bench, wish(Resume, "c-2"))
    assert give(bench, wish()) == []
    assert bench.line.desk.mode == StationMode()


def test_the_newest_200_ids_are_remembered(bench: Bench) -> None:
    for number in range(201):
        give(bench, wish(Resume, f"r-{number}"))
    assert give(bench, wish(Resume, "r-1")) == []
    assert len(give(bench, wish(Resume, "r-0"))) == 1


@pytest.mark.parametrize("utc", ["2026-11-25T11:55:00.000Z", "2026-11-25T12:00:59.999Z"])
def test_one_in_time_is_carried_out(bench: Bench, utc: str) -> None:
    """Clocks may differ by five minutes."""
    assert answer(give(bench, wish(), utc)) == ("accepted", "", "the station is paused")


def test_one_that_expired_is_refused(bench: Bench) -> None:
    utc = "2026-11-25T12:01:00.000Z"
    text = f"it expired at {utc}, the station's clock says {utc}"
    assert answer(give(bench, wish(), utc)) == ("refused", "expired", text)
    assert bench.line.desk.mode == StationMode()


def test_one_from_the_future_is_refused(bench: Bench) -> None:
    utc = "2026-11-25T11:54:59.999Z"
    text = f"it was issued at {NOON}, the station's clock says {utc}: set the clock that is wrong"
    assert answer(give(bench, wish(), utc)) == ("refused", "clock", text)
    assert bench.line.desk.mode == StationMode()


@pytest.mark.parametrize("utc", ["1970-01-01T00:00:00.000Z", "2040-01-01T00:00:00.000Z"])
def test_a_pause_of_the_stations_own_is_in_time_whatever_the_clock_was_set_to(bench: Bench, utc: str) -> None:
    """A start without its journal gives it, and the clock may be set right before it is taken."""
    pause = CommandReceived(wish(Pause), "station", own=True)
    assert answer(give(bench, pause, utc)) == ("accepted", "", "the station is paused")
    assert bench.last(CommandResult).issued_at == utc


def test_one_that_was_refused_stays_so(bench: Bench) -> None:
    assert answer(give(bench, wish(), "2026-11-25T13:00:00.000Z"))[0] == "refused"
    assert give(bench, wish()) == []
    assert not bench.line.desk.mode.paused


EARLIER = "2026-11-25T11:59:00.000Z"


def overtaken(command: Command) -> tuple[str, str, str]:
    text = f"it was issued at {command.issued_at}, one of {NOON} is in force: give it anew if it is wanted still"
    return "refused", "overtaken", text


def test_what_was_issued_before_the_one_in_force_and_comes_behind_it_is_refused(bench: Bench) -> None:
    give(bench, wish(Pause))
    resume = wish(Resume, "c-2", issued_at=EARLIER)
    assert answer(give(bench, resume)) == overtaken(resume)
    assert bench.line.desk.mode.paused
    live = wish(DryRun, "c-3", issued_at=EARLIER, on=False)
    assert answer(give(bench, live))[0] == "accepted"  # settles another thing
    give(bench, hold("A", identity="c-4"))
    stale = CommandReceived(
        wish(HoldList, "c-5", issued_at=EARLIER, sha256=LIST, codes=0), "mqtt", held=HeldCodes(LIST)
    )
    assert answer(give(bench, stale))[1] == "overtaken"
    assert "A" in bench.line.desk
    assert answer(give(bench, wish(Resume, "c-6")))[0] == "accepted"


def test_what_holds_parcels_back_is_never_overtaken(bench: Bench) -> None:
    give(bench, wish(Resume))
    give(bench, wish(DryRun, "c-2", on=False))
    assert answer(give(bench, wish(Pause, "c-3", issued_at=EARLIER)))[0] == "accepted"
    assert answer(give(bench, wish(DryRun, "c-4", issued_at=EARLIER, on=True)))[0] == "accepted"
    assert answer(give(bench, wish(Resume, "c-5", issued_at=EARLIER)))[1] == "overtaken"


def test_a_sender_whose_clock_is_ahead_bars_nobody_for_as_long(bench: Bench) -> None:
    ahead = wish(Pause, issued_at="2026-11-25T12:04:00Z", expires_at="2026-11-25T12:05:00Z")
    assert give(bench, ahead)[-1].issued_at == NOON  # type: ignore[attr-defined]
    assert answer(give(bench, wish(Resume, "c-2")))[0] == "accepted"


def test_a_clock_that_was_set_back_bars_nobody(bench: Bench) -> None:
    """Found by storm seed 2026113701: each `resume` of half an hour was refused."""
    give(bench, wish(Pause))
    back = wish(Resume, "c-2", issued_at="2026-11-25T11:30:00Z", expires_at="2026-11-25T11:31:00Z")
    assert answer(give(bench, back, utc="2026-11-25T11:30:00.010Z"))[0] == "accepted"
    older = wish(Resume, "c-3", issued_at="2026-11-25T11:29:00Z", expires_at="2026-11-25T11:40:00Z")
    assert answer(give(bench, older, utc="2026-11-25T11:31:00.000Z"))[1] == "overtaken"


def test_a_start_remembers_when_what_is_in_force_was_issued() -> None:
    bench = Bench()
    issued = (("pause", NOON),)
    bench.give(Starting("0.1", "config", "model", mode=StationMode(paused=True), issued=issued))
    bench.started()
    assert answer(give(bench, wish(Resume, issued_at=EARLIER)))[1] == "overtaken"


def test_a_wish_is_the_same_whenever_it_is_given_until_another_has_undone_it() -> None:
    later, anew = wish(expires_at="2026-11-25T12:30:00Z"), wish(issued_at=EARLIER)
    for stands in (True, False):
        assert later.repeats(wish().digest, stands=stands)
        assert anew.repeats(wish().digest, stands=stands) is stands
        assert not wish(Resume).repeats(wish().digest, stands=stands)
        assert not wish(who="otto").repeats(wish().digest, stands=stands)
    assert ack().model_copy(update={"issued_at": EARLIER}).repeats(ack().digest, stands=False)  # nothing is in force


def test_a_command_whose_id_another_had_is_answered_each_time(bench: Bench) -> None:
    give(bench, wish())
    used = CommandMalformed("resume", "mqtt", "a command pause had the id c-1", "c-1", "anna", "id-used")
    for _ in range(2):
        assert answer(give(bench, used)) == ("refused", "id-used", "a command pause had the id c-1")


def test_what_is_no_command_is_answered_once_for_its_id(bench: Bench) -> None:
    found = CommandMalformed("pause", "mqtt", "who: missing", "m-1", "bob")
    told = CommandResult(
        command="m-1",
        command_type="pause",
        result="refused",
        reason="malformed",
        text="who: missing",
        who="bob",
        source="mqtt",
    )
    assert give(bench, found) == [told]
    assert give(bench, found) == []
    assert give(bench, wish(identity="m-1")) == []


def test_what_has_no_id_is_answered_each_time(bench: Bench) -> None:
    found = CommandMalformed("", "mqtt", "no JSON")
    assert [answer(give(bench, found)) for _ in range(2)] == [("refused", "malformed", "no JSON")] * 2


def test_every_reason_is_in_the_list() -> None:
    assert set(REFUSALS) == {
        *("malformed", "expired", "clock", "unknown-parcel", "not-now", "hold-list", "model", "policy", "alarm"),
        *("overtaken", "id-used"),
    }
    assert all(REFUSALS.values())
