"""The one door: what each event leads to, in which order, and that nothing a device can say raises."""

from __future__ import annotations

from dataclasses import replace

from station.core.alarm_kinds import kind_of
from station.core.events import (
    BarcodeReading,
    BeltParcel,
    Condition,
    Lane,
    OpenParcel,
    ParcelKey,
    Place,
    PlcLost,
    SessionChosen,
    Starting,
    Stopping,
)
from station.core.records import (
    RECORDS,
    Decided,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    PlcJoined,
    PlcJumped,
    ReadingMatched,
    SessionOpened,
    SetupRecord,
    StationStarted,
    StationStopped,
)
from tests.unit.core.parts.bench import (
    EPOCH,
    INFEED,
    MS,
    SESSION,
    SETUP,
    Bench,
    arrived,
    cleared,
    codes,
    raised,
)

# --- start and stop


def test_the_start_tells_all_that_a_replay_is_set_up_with(bench: Bench) -> None:
    bench.give(Starting("0.1", "config", "model"))
    started = bench.last(StationStarted)
    assert (started.software, started.config_sha256, started.model_sha256) == ("0.1", "config", "model")
    assert started.policy_version == "rules"
    read = StationStarted.model_validate_json(started.model_dump_json())
    assert read.setup == SetupRecord.of(SETUP)
    assert read.setup.line_setup() == SETUP
    other = replace(SETUP, order_room_ms=1.0, detect_ms=2.0, settle_ms=3.0)
    assert SetupRecord.of(other).line_setup() == other != SETUP


def test_the_end_tells_its_cause(bench: Bench) -> None:
    bench.give(Stopping("asked to"))
    assert bench.last(StationStopped) == StationStopped(cause="asked to")


def test_records_are_named_by_their_types() -> None:
    assert all(name == model.type for name, model in RECORDS.items())
    assert len(RECORDS) == 29


# --- alarms


def test_conditions_of_the_daemon_are_alarms(bench: Bench) -> None:
    bench.give(Condition("journal", "size", standing=True, text="full"))
    bench.give(Condition("journal", "size", standing=True, text="full"))
    bench.give(Condition("journal", "size", standing=False))
    bench.wait(kind_of("journal", "size").off_s)
    assert raised(bench) == [("journal", "size", "full", "high")]
    assert cleared(bench) == [("journal", "size")]


# --- the PLC


def test_a_lost_plc_is_an_alarm_until_it_answers(bench: Bench) -> None:
    bench.give(PlcLost("timeout"))
    bench.give(PlcLost("timeout again"))
    assert raised(bench) == [("plc-lost", "plc", "no valid answer: timeout", "top")]
    bench.connect(resumed=True)
    bench.wait(kind_of("plc-lost", "plc").off_s)
    assert cleared(bench) == [("plc-lost", "plc")]


def test_a_connection_that_goes_on_keeps_tracks_and_session(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3000)
    bench.give(PlcLost("timeout"))
    opened = len(bench.opened)
    bench.connect(resumed=True)
    assert bench.last(PlcJoined).resumed
    assert len(bench.opened) == opened
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS


def test_a_connection_that_begins_anew_takes_the_plcs_table(bench: Bench) -> None:
    """One row goes on under its number, one is new to us, and one of ours is gone from the table."""
    for number, count in ((1, 2000), (2, 2500)):
        bench.clean(number, count)
    bench.go(3640)
    bench.give(BarcodeReading("scanner", "C", arrived(3635, 3640)))
    before = len(bench.records)
    bench.connect(BeltParcel(2, 2500, 300, SESSION, 1, 3500), BeltParcel(3, 3200, 0, SESSION, 0, 3200))
    assert [type(record) for record in bench.records[before:]] == [
        ReadingMatched,
        ParcelCompleted,
        PlcJoined,
        ParcelEntered,
        ParcelEntered,
    ]
    doubted, completed, joined, second, third = bench.records[before:]
    assert isinstance(doubted, ReadingMatched)
    assert (doubted.note, doubted.ambiguous, doubted.count) == ("the PLC began anew", True, 3640)
    assert [ref.number for ref in doubted.candidates] == [2]  # the first was decided: it had all its own
    assert isinstance(completed, ParcelCompleted)
    assert (completed.parcel.number, completed.outcome, completed.plc_why) == (1, "unobserved", "")
    assert isinstance(joined, PlcJoined)
    assert len(joined.parcels) == 2
    assert [second, third] == [
        ParcelEntered(parcel=ParcelRef(epoch=EPOCH, number=n), count=c, inspect_only=True)
        for n, c in ((2, 2500), (3, 3200))
    ]
    assert bench.opened == [False, False]
    assert bench.parcel(2).entered_at == f"t{bench.ms}"
    assert bench.parcel(2).leads == {0: 2500, 1: 3500}
    bench.sample = replace(bench.sample, session=0)
    bench.go(4200)
    assert {r.parcel.number: r.route for r in bench.kept(Decided) if r.count > 3640} == {2: "inspect"}


def test_counts_of_the_table_are_unwrapped_with_the_plcs(bench: Bench) -> None:
    bench.ms = 1010
    bench.connect(BeltParcel(2, 2**32 - 90, 300, 3, 1, 910), count=1010, plc_ms=1010)
    assert bench.parcel(2).leads == {0: -90, 1: 910}
    bench.connect(BeltParcel(2, 2**32 - 90, 300, 3, 0, 2**32 - 90), count=2**32 - 10, plc_ms=5)
    assert bench.parcel(2).leads == {0: 2**32 - 90}


def test_what_left_already_is_not_completed_again_by_a_new_connection(bench: Bench) -> None:
    bench.ride(1, 2000, eyes=(0,))
    bench.ride(0, 2350, 30, eyes=(0,))
    bench.leaves(1, 2400, Place.LOST)
    bench.go(2400)
    bench.connect()
    assert len(bench.kept(ParcelCompleted)) == 1


def test_what_an_earlier_run_left_open_is_completed_unobserved_once_unless_the_plc_has_it() -> None:
    bench = Bench()
    left = tuple(OpenParcel(ParcelKey(*key), f"then {key}") for key in ((4, 9), (EPOCH, 1), (EPOCH, 2)))
    bench.give(Starting("0.1", "config", "model", left))
    told = [(open_one.parcel.epoch, open_one.parcel.number) for open_one in bench.last(StationStarted).left_open]
    assert told == [(4, 9), (EPOCH, 1), (EPOCH, 2)]
    assert [open_one.entered_at for open_one in bench.last(StationStarted).left_open] == [o.entered_at for o in left]
    bench.connect(BeltParcel(1, 900, 300, 3, 0, 900))
    completed = bench.kept(ParcelCompleted)
    assert [(r.parcel.epoch, r.parcel.number, r.entered_at) for r in completed] == [
        (4, 9, "then (4, 9)"),
        (EPOCH, 2, "then (5, 2)"),
    ]
    for record in completed:
        assert (record.outcome, record.plc_why, record.adopted, record.route) == ("unobserved", "", True, None)
        assert record.completed_at == "t1000"
    bench.connect()
    assert [r.parcel.number for r in bench.kept(ParcelCompleted)[2:]] == [1]


def test_a_connection_that_goes_on_leaves_open_what_an_earlier_run_left() -> None:
    bench = Bench()
    bench.give(Starting("0.1", "config", "model", (OpenParcel(ParcelKey(EPOCH, 1), "then"),)))
    bench.connect(resumed=True)
    assert bench.kept(ParcelCompleted) == []
    bench.connect()
    assert [r.parcel.number for r in bench.kept(ParcelCompleted)] == [1]


def test_a_new_connection_to_the_plc_forgets_no_picture(bench: Bench) -> None:
    """One that froze is known again, and one that follows is known to be new."""
    bench.clean(1, 2000)
    bench.go(5000)
    bench.connect()
    bench.give(SessionChosen(8, None))
    bench.sample = replace(bench.sample, session=8)
    for number, count, picture in ((2, 6000, "picture-2000"), (3, 8000, "new")):
        bench.ride(number, count)
        bench.scan(count)
        bench.weigh(count)
        bench.picture(count, number, picture)
    bench.go(9660)
    second, third = [r for r in bench.kept(Decided) if r.parcel.number > 1]
    (reason,) = second.reasons
    assert reason.text.endswith("the very same picture as an earlier one: frozen, or sent again?")
    assert third.route == "pass"


def test_a_new_connection_forgets_clock_and_belt(bench: Bench) -> None:
    bench.go(5000)
    bench.connect(count=100, plc_ms=100)
    assert bench.line.belt.count is None
    bench.ms = 5020
    bench.sample = replace(bench.sample, session=SESSION)
    bench.give(
        replace(bench.sample, after_ns=5020 * MS, before_ns=5021 * MS, plc_ms=120, count=120),
    )
    assert bench.kept(PlcJumped) == []
    assert bench.line.belt.count == 120


def test_a_session_that_was_chosen_is_told_with_what_is_on_the_belt(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(2020)
    bench.give(SessionChosen(8, 9))
    assert bench.last(SessionOpened) == SessionOpened(new_session=8, new_epoch=9, parcels_on_belt=1)


def test_what_entered_before_the_session_is_inspected(bench: Bench) -> None:
    live = bench.sample
    bench.sample = replace(live, session=0)
    bench.clean(1, 2000)
    bench.go(2010)
    assert bench.last(ParcelEntered).inspect_only
    bench.sample = live
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("inspect-only", "")]


def test_a_plc_that_restarts_under_us_doubts_what_it_did_not_number(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.ride(0, 2400, 30, eyes=(INFEED,))
    bench.go(3000)
    bench.sample = replace(bench.sample, epoch=6, session=0)
    bench.go(3020)
    one, stranger = bench.line.tracker.parcels
    for parcel in (one, stranger):
        assert parcel.inspect_only
        assert parcel.doubts["epoch"] == "the PLC restarted while it was on the belt"
    bench.go(3660)
    assert {reason.code for reason in bench.last(Decided).reasons} == {"inspect-only", "tracking"}
    bench.ride(1, 4000)
    bench.go(4020)
    assert bench.line.tracker.parcels[-1].key == ParcelKey(6, 1)
    bench.ride(0, 4400, 30, eyes=(INFEED,))
    bench.go(4420)
    *_, numbered, stranger = bench.line.tracker.parcels
    bench.line.new_world(6)
    assert numbered.doubts == {}
    assert set(stranger.doubts) == {"unknown", "epoch"}


def test_a_pass_is_taken_back_when_the_plc_restarts(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3640)
    bench.sample = replace(bench.sample, epoch=6, session=0)
    bench.go(3660)
    assert bench.orders[-1].lane is Lane.INSPECT
    assert {reason.code for reason in bench.last(Decided).reasons} == {"inspect-only", "tracking"}
