"""Commands: checked, carried out between two events, and answered once for each id."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from station.core.actions import Keep
from station.core.clerk import REFUSALS
from station.core.commands import (
    AcknowledgeAlarm,
    ChangeModel,
    ChangePolicy,
    Command,
    DryRun,
    HoldList,
    ParcelName,
    Pause,
    Resolve,
    Resume,
    ShelveAlarm,
)
from station.core.events import (
    CommandMalformed,
    CommandReceived,
    Condition,
    HeldCodes,
    Lane,
    ListsLoaded,
    ParcelKey,
    Place,
    StagedModel,
    Starting,
    StationMode,
    Why,
)
from station.core.now import Now
from station.core.parcel import State
from station.core.policy import REASONS
from station.core.records import (
    AlarmAcknowledged,
    AlarmShelved,
    AlarmUnshelved,
    CommandResult,
    Decided,
    ListsChanged,
    Lookup,
    ModeChanged,
    ModelChanged,
    ParcelRef,
    ParcelResolved,
    PolicyChanged,
    Record,
    StationStarted,
)
from station.core.setup import PolicySetup
from tests.unit.core.parts.bench import EPOCH, MS, SETUP, Bench, codes

NOON = "2026-11-25T12:00:00.000Z"
LIST = "0a" * 32
FIRST = ParcelRef(epoch=EPOCH, number=1)


def wish(model: type[Command] = Pause, identity: str = "c-1", **fields: Any) -> Any:
    signed = {"id": identity, "who": "anna", "issued_at": NOON, "expires_at": "2026-11-25T12:01:00Z"}
    return model.model_validate(signed | fields)


def resolve(number: int = 1, identity: str = "c-1", *found: str) -> Any:
    resolution = "confirmed" if found else "cleared"
    return wish(Resolve, identity, parcel=ParcelName(epoch=EPOCH, number=number), resolution=resolution, found=found)


def hold(*held: str, identity: str = "c-1", sha256: str = LIST) -> CommandReceived:
    command = wish(HoldList, identity, sha256=sha256, codes=len(held))
    return CommandReceived(command, "mqtt", held=HeldCodes(sha256, frozenset(held)))


def give(bench: Bench, command: Command | CommandReceived | CommandMalformed, utc: str = NOON) -> list[Record]:
    """The records that follow."""
    before, was = len(bench.records), bench.utc
    bench.utc = utc
    bench.give(CommandReceived(command, "station") if isinstance(command, Command) else command)
    bench.utc = was
    return bench.records[before:]


def answer(records: list[Record]) -> tuple[str, str, str]:
    """Of the one answer among them: result, reason, text."""
    (found,) = [record for record in records if isinstance(record, CommandResult)]
    return found.result, found.reason, found.text


def inspected(bench: Bench, number: int = 1) -> Bench:
    bench.ride(number, 2000)
    bench.leaves(number, 5600, Place.INSPECT, Why.INSPECT_ORDER)
    return bench.go(5620)


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


def test_a_wish_is_the_same_whenever_it_is_given() -> None:
    again = wish(issued_at=EARLIER, expires_at="2026-11-25T12:30:00Z")
    assert again.digest == wish().digest
    assert wish(Resume).digest != wish().digest
    assert wish(who="otto").digest != wish().digest


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


# --- resolutions


def test_an_inspected_parcel_is_confirmed_with_what_was_found(bench: Bench) -> None:
    records = give(inspected(bench), resolve(1, "c-1", "knife", "lighter"))
    resolved = ParcelResolved(
        parcel=FIRST, resolution="confirmed", found=("knife", "lighter"), command="c-1", who="anna"
    )
    assert records[0] == resolved
    assert answer(records) == ("accepted", "", "parcel 5/1 is confirmed")
    assert bench.last(CommandResult).about == "5/1"


def test_a_resolution_stands(bench: Bench) -> None:
    assert answer(give(inspected(bench), resolve())) == ("accepted", "", "parcel 5/1 is cleared")
    again = answer(give(bench, resolve(1, "c-2", "knife")))
    assert again == ("refused", "not-now", "parcel 5/1 is resolved: a resolution stands")
    assert len(bench.kept(ParcelResolved)) == 1


def test_a_parcel_on_the_belt_is_not_resolved(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3000)
    result = answer(give(bench, resolve()))
    assert result == ("refused", "not-now", "parcel 5/1 is entered: it is on the belt")


def test_a_parcel_that_passed_is_not_resolved(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.leaves(1, 5600, Place.PASS)
    bench.go(5620)
    result = answer(give(bench, resolve()))
    assert result == ("refused", "not-now", "parcel 5/1 is passed: only what was to be inspected is resolved")


def test_a_parcel_that_nobody_knows_is_not_resolved(bench: Bench) -> None:
    assert answer(give(bench, resolve())) == ("refused", "unknown-parcel", "the journal knows no parcel 5/1")


@pytest.mark.parametrize(
    ("standing", "result"), [("inspected", "accepted"), ("lost", "accepted"), ("passed", "refused")]
)
def test_of_older_parcels_the_journal_tells_how_they_ended(bench: Bench, standing: str, result: str) -> None:
    assert answer(give(bench, CommandReceived(resolve(), "station", standing=standing)))[0] == result


def test_what_the_core_knows_is_newer_than_what_the_journal_told(bench: Bench) -> None:
    """The journal was asked a moment before the core had the command."""
    assert answer(give(inspected(bench), CommandReceived(resolve(), "station", standing="entered")))[0] == "accepted"


def test_the_newest_200_ends_are_remembered(bench: Bench) -> None:
    desk = bench.line.desk
    for number in range(201):
        desk.end(ParcelKey(EPOCH, number), State.INSPECTED)
    assert len(desk.ended) == 200
    assert answer(give(bench, resolve(0)))[1] == "unknown-parcel"
    assert answer(give(bench, resolve(1, "c-2")))[0] == "accepted"


# --- hold lists


def test_a_hold_list_is_replaced_as_a_whole_and_told(bench: Bench) -> None:
    bench.give(ListsLoaded("file", frozenset({"F"}), (("A", 5000.0),)))
    bench.ride(1, 2000)
    bench.scan(2000, "A")
    bench.go(2500)
    records = give(bench, hold("A", "B"))
    assert records[0] == ListsChanged(
        lists_version=f"file+{LIST[:16]}",
        held=3,
        declared=1,
        on_belt=(Lookup(code="A", held=True, declared_g=5000.0),),
        count=2500,
    )
    assert answer(records) == ("accepted", "", "the hold list of 2 codes is in force")
    assert bench.last(CommandResult).about == LIST
    give(bench, hold("C", identity="c-2", sha256="0b" * 32))
    assert [bench.line.desk.lookup(code).held for code in "ABCF"] == [False, False, True, True]


def test_a_pass_of_what_is_held_now_is_taken_back(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    give(bench, hold("A"))
    assert bench.orders[-1].lane is Lane.INSPECT
    assert codes(bench.last(Decided).reasons) == [("held", "")]


@pytest.mark.parametrize("held", [None, HeldCodes("0b" * 32, frozenset({"B"}))], ids=["none", "another"])
def test_a_hold_list_that_is_not_there_leaves_the_one_before(bench: Bench, held: HeldCodes | None) -> None:
    give(bench, hold("A"))
    command = wish(HoldList, "c-2", sha256="0c" * 32, codes=1)
    result = answer(give(bench, CommandReceived(command, "mqtt", held=held, fault="it is damaged")))
    assert result == ("refused", "hold-list", "it is damaged")
    missing = CommandReceived(wish(HoldList, "c-3", sha256="0c" * 32, codes=1), "mqtt")
    assert answer(give(bench, missing)) == ("refused", "hold-list", "it is not there")
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [True, False]


def test_of_the_policy_what_is_named_changes_and_the_rest_stays(bench: Bench) -> None:
    command = wish(ChangePolicy, thresholds={"knife": 0.2}, declared_tolerance_percent=3.0, may_be_missing=("scale",))
    records = give(bench, command)
    policy = PolicySetup("rules+c-1", (100.0, 30_000.0), 50.0, 0.03, {"knife": 0.2}, frozenset({"scale"}))
    assert records[0] == PolicyChanged(policy=policy, command="c-1", who="anna", count=1000)
    assert answer(records) == ("accepted", "", "policy rules+c-1 is in force")
    more = wish(ChangePolicy, "c-2", weight_range_g=(1.0, 2.0), declared_tolerance_g=7.0)
    give(bench, more)
    changed = PolicySetup("rules+c-2", (1.0, 2.0), 7.0, 0.03, {"knife": 0.2}, frozenset({"scale"}))
    assert bench.last(PolicyChanged).policy == changed


def test_parcels_are_decided_by_the_policy_in_force(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    give(bench, wish(ChangePolicy, weight_range_g=(100.0, 4000.0)))
    decided = bench.last(Decided)
    assert (decided.after, codes(decided.reasons)) == ("pass", [("weight-range", "")])
    assert decided.policy_version == "rules+c-1"


def test_a_policy_taken_from_a_journal_takes_passes_back_as_the_command_did(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    actions = bench.line.change_policy(replace(SETUP.policy, weight_range_g=(1.0, 2.0)), Now(bench.ms * MS, NOON))
    assert any(isinstance(a, Keep) and isinstance(a.record, Decided) for a in actions)


def test_a_threshold_for_what_the_model_does_not_know_is_refused(bench: Bench) -> None:
    result = answer(give(bench, wish(ChangePolicy, thresholds={"knife": 0.2, "knive": 0.1, "axe": 0.3})))
    assert result == ("refused", "policy", "the model knows no axe, knive; it knows: knife")
    assert bench.line.desk.rules == SETUP.policy


@pytest.mark.parametrize(("score", "result"), [(0.049, "refused"), (1.0, "refused"), (0.05, "accepted")])
def test_a_threshold_below_what_the_model_reports_or_1_is_refused(score: float, result: str) -> None:
    bench = Bench(replace(SETUP, floor=0.05)).started()
    said = answer(give(bench, wish(ChangePolicy, thresholds={"knife": score})))
    assert said[0] == result
    if result == "refused":
        text = f"threshold knife {score:g}: the model reports nothing below 0.05, and hardly ever 1: name 0.05 to 0.999"
        assert said[1:] == ("policy", text)
        assert bench.line.desk.rules == SETUP.policy


def test_devices_that_there_are_not_cannot_be_missing(bench: Bench) -> None:
    result = answer(give(bench, wish(ChangePolicy, may_be_missing=("scale", "camera", "belt"))))
    text = "there is no device belt, camera; there are: scanner, scale, xray"
    assert result == ("refused", "policy", text)
    assert bench.line.desk.rules == SETUP.policy


def test_a_start_tells_how_the_station_was_left() -> None:
    bench = Bench()
    bench.give(Starting("0.1", "config", "model", trigger_offsets=(("xray", 3),), mode=StationMode(dry_run=True)))
    started = bench.last(StationStarted)
    assert (started.paused, started.dry_run, started.trigger_offsets) == (False, True, (("xray", 3),))


def test_a_model_that_lies_ready_is_told_and_counts_behind_a_start(bench: Bench) -> None:
    command = wish(ChangeModel, release="0d" * 32)
    records = give(bench, CommandReceived(command, "mqtt", model=StagedModel("0d" * 32, "0e" * 32, "0f" * 32)))
    told = ModelChanged(release="0d" * 32, model_sha256="0e" * 32, over="0f" * 32, command="c-1", who="anna")
    assert records[0] == told
    assert [record.about for record in records if isinstance(record, CommandResult)] == ["0d" * 32]
    text = "model 0e0e0e0e0e0e counts from the start on that follows now, and the YAML's policy"
    assert answer(records) == ("accepted", "", text)


@pytest.mark.parametrize("model", [None, StagedModel("0c" * 32, "0e" * 32, "0f" * 32)], ids=["none", "another"])
def test_a_model_that_cannot_be_used_leaves_the_one_before(bench: Bench, model: StagedModel | None) -> None:
    command = wish(ChangeModel, release="0d" * 32)
    records = give(bench, CommandReceived(command, "mqtt", model=model, fault="it fails its test"))
    assert answer(records) == ("refused", "model", "it fails its test")
    missing = wish(ChangeModel, "c-2", release="0d" * 32)
    assert answer(give(bench, missing)) == ("refused", "model", "it is not there")


def test_a_start_goes_on_with_the_policy_that_was_commanded() -> None:
    bench = Bench()
    rules = replace(SETUP.policy, version="rules+c-1")
    bench.give(Starting("0.1", "config", "model", rules=rules))
    started = bench.last(StationStarted)
    assert (started.policy_version, started.setup.policy) == ("rules+c-1", rules)
    assert started.setup.line_setup() == replace(SETUP, policy=rules)


def test_the_list_of_an_earlier_run_counts_until_one_is_commanded(bench: Bench) -> None:
    bench.give(ListsLoaded("file", frozenset(), (), HeldCodes(LIST, frozenset({"A"}))))
    assert bench.last(ListsChanged).lists_version == f"file+{LIST[:16]}"
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [True, False]
    give(bench, hold("B", sha256="0b" * 32))
    bench.give(ListsLoaded("file 2", frozenset(), (), HeldCodes(LIST, frozenset({"A"}))))
    assert [bench.line.desk.lookup(code).held for code in "AB"] == [False, True]
