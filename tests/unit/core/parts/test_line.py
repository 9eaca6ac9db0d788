"""The one door: what each event leads to, in which order, and that nothing a device can say raises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.alarms import Alarms
from station.core.events import (
    BarcodeReading,
    BeltParcel,
    Condition,
    DeviceState,
    Direction,
    Frame,
    Lane,
    OpenParcel,
    OutcomeSeen,
    ParcelKey,
    Place,
    PlcLost,
    SessionChosen,
    Starting,
    Stopping,
    Tick,
    Why,
)
from station.core.line import Line
from station.core.now import Now
from station.core.parcel import Parcel
from station.core.records import (
    RECORDS,
    AlarmCleared,
    AlarmRaised,
    Decided,
    DeviceChanged,
    EdgesRead,
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
    BEHIND,
    EPOCH,
    GEOMETRY,
    INFEED,
    MS,
    SCANNER,
    SESSION,
    SETUP,
    TRIGGER,
    Bench,
    arrived,
    codes,
)


@pytest.fixture
def bench() -> Bench:
    return Bench().started()


def raised(bench: Bench) -> list[tuple[str, str, str, str]]:
    return [(r.alarm, r.subject, r.text, r.priority) for r in bench.kept(AlarmRaised)]


def cleared(bench: Bench) -> list[tuple[str, str]]:
    return [(r.alarm, r.subject) for r in bench.kept(AlarmCleared)]


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
    assert len(RECORDS) == 18


# --- alarms


def test_an_alarm_is_raised_once_and_cleared_once() -> None:
    alarms = Alarms()
    raised = AlarmRaised(alarm="disk", subject="data", text="full", priority="top")
    assert [keep.record for keep in alarms.set("disk", "data", "full", "top")] == [raised]
    assert alarms.set("disk", "data", "fuller", "top") == []
    assert alarms.open == {("disk", "data"): raised}
    assert alarms.clear("disk", "other") == []
    assert [keep.record for keep in alarms.clear("disk", "data")] == [AlarmCleared(alarm="disk", subject="data")]
    assert alarms.clear("disk", "data") == []
    assert alarms.open == {}


def test_conditions_of_the_daemon_are_alarms(bench: Bench) -> None:
    bench.give(Condition("disk", "data", standing=True, text="full", priority="medium"))
    bench.give(Condition("disk", "data", standing=True, text="full", priority="medium"))
    bench.give(Condition("disk", "data", standing=False))
    assert raised(bench) == [("disk", "data", "full", "medium")]
    assert cleared(bench) == [("disk", "data")]


# --- the PLC


def test_a_lost_plc_is_an_alarm_until_it_answers(bench: Bench) -> None:
    bench.give(PlcLost("timeout"))
    bench.give(PlcLost("timeout again"))
    assert raised(bench) == [("plc-lost", "plc", "no valid answer: timeout", "top")]
    bench.connect(resumed=True)
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


# --- edges


def test_the_edges_of_a_poll_go_ahead_of_what_follows_from_them(bench: Bench) -> None:
    bench.edge(1982, BEHIND, Direction.FREED)
    bench.edge(1985, INFEED, Direction.BROKEN, 1)
    bench.edge(1990, INFEED, Direction.FREED)
    bench.edge(1995, 5, Direction.BROKEN)
    bench.go(1980)
    before = len(bench.records)
    bench.go(2000)
    assert bench.records[before:] == [
        EdgesRead(edges=((1, BEHIND, 0, 1982, 1982, 0, 0), (2, INFEED, 1, 1985, 1985, 1, 0)), count=1980),
        ParcelEntered(parcel=ParcelRef(epoch=EPOCH, number=1), count=1985, inspect_only=False),
        EdgesRead(edges=((3, INFEED, 0, 1990, 1990, 0, 0), (4, 5, 1, 1995, 1995, 0, 0)), count=1980),
    ]
    assert bench.parcel(1).entered_at == "t1985"


def test_an_edge_at_an_exit_eye_is_no_edge_of_a_track(bench: Bench) -> None:
    bench.edge(2000, 4, Direction.BROKEN)
    bench.go(2020)
    assert bench.line.tracker.parcels == []
    assert bench.last(EdgesRead).edges == ((1, 4, 1, 2000, 2000, 0, 0),)


def test_an_edge_that_nothing_explains_doubts_readings_before_it_is_told_of_them(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.ride(0, 1950, 30, eyes=(BEHIND,))
    bench.go(3440)
    before = len(bench.records)
    bench.go(3460)
    assert [type(record) for record in bench.records[before:]] == [EdgesRead, ReadingMatched]


def test_who_is_not_seen_at_an_eye_is_inspected(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench._coming = [e for e in bench._coming if getattr(e[2], "eye", None) != BEHIND]
    bench.go(3640)
    assert [(r.code, r.text) for r in bench.last(Decided).reasons] == [("tracking", "not seen at eye 2")]


def test_a_track_that_is_lost_takes_back_a_pass() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    bench.ride(1, 2000, eyes=(INFEED, TRIGGER))
    bench.scan(2000)
    bench.go(3500)
    assert bench.orders[-1].lane is Lane.PASS
    bench.go(3520)
    assert bench.orders[-1].lane is Lane.INSPECT
    assert [(r.code, r.text) for r in bench.last(Decided).reasons] == [("tracking", "not seen at eye 2")]


def test_a_parcel_that_was_at_the_decision_eye_is_decided_no_more() -> None:
    """Its edge there was latched ahead of the sample that would have told of the deadline."""
    bench = Bench(replace(SETUP, order_room_ms=0.0)).started()
    bench.ride(1, 2000)
    bench.unread |= {"scanner"}
    bench._coming = [(at if at != 4500 else 4485, i, event) for at, i, event in bench._coming]
    bench.go(4800)
    assert bench.orders == []


@pytest.mark.parametrize(("room_ms", "at"), [(80.0, 4420), (95.0, 4400), (190.0, 4300)])
def test_an_order_is_on_its_way_in_time(room_ms: float, at: int) -> None:
    """The parcel may be at the decision eye from 4490 on."""
    bench = Bench(replace(SETUP, order_room_ms=room_ms)).started()
    bench.ride(1, 2000)
    bench.unread |= {"scanner"}
    bench.go(4500)
    assert bench.last(Decided).count == at


def test_where_the_deadline_is_ahead_of_the_last_zone_it_is_kept_to_the_count() -> None:
    """2010 + 2490 - 80: a sample at that very count."""
    bench = Bench(replace(SETUP, devices=(replace(SCANNER, zone_mm=(2400.0, 2450.0)),))).started()
    bench.ride(1, 2010)
    bench.go(4440)
    assert bench.last(Decided).count == 4420


def test_all_that_are_ready_are_decided_at_once() -> None:
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    for number, count in ((1, 2000), (2, 2400)):
        bench.ride(number, count, 100)
    bench.unread = {"scanner"}
    bench.go(3500)
    assert bench.orders == []
    bench.unread.clear()
    bench.go(3520)
    assert [d.parcel.number for d in bench.kept(Decided)] == [1, 2]


def test_all_that_can_wait_no_longer_are_decided_at_once() -> None:
    """At 4405 and 4420: one sample tells of both."""
    bench = Bench(replace(SETUP, devices=(SCANNER,))).started()
    for number, count in ((1, 1995), (2, 2010)):
        bench.ride(number, count, 5)
    bench.unread = {"scanner"}
    bench.go(4420)
    assert [(d.parcel.number, d.count) for d in bench.kept(Decided)] == [(1, 4420), (2, 4420)]


def test_a_stranger_ahead_keeps_nobody_waiting(bench: Bench) -> None:
    bench.ride(0, 1300, 100, eyes=(INFEED,))
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.line.tracker.parcels[0].key is None
    assert [d.parcel.number for d in bench.kept(Decided)] == [1]


def test_all_readings_of_a_poll_are_told(bench: Bench) -> None:
    bench.ride(1, 2000)
    for code in ("A", "B", "C"):
        bench.scan(2000, code)
    bench.go(2500)
    assert [r.value for r in bench.kept(ReadingMatched) if r.kind == "barcode"] == ["A", "B", "C"]


def test_all_who_leave_unseen_in_a_poll_are_completed(bench: Bench) -> None:
    """Gone at 8512 and 8516: one sample tells of both."""
    for number, count in ((1, 2000), (2, 2004)):
        bench.ride(number, count, 2, eyes=(INFEED,))
    bench.go(8500)
    assert bench.kept(ParcelCompleted) == []
    bench.go(8520)
    assert [r.parcel.number for r in bench.kept(ParcelCompleted)] == [1, 2]


def test_room_is_time_and_the_belt_counts_in_it() -> None:
    """Half as many counts in a millisecond: 80 ms are 40 counts ahead of 4490."""
    slow = replace(GEOMETRY, speed_mm_s=500.0, latch_ms=2.0)
    line = Line(replace(SETUP, geometry=slow))
    parcel = Parcel(ParcelKey(EPOCH, 1), 0, {0: 2000})
    assert not line.at_deadline(parcel)
    line.belt.add(1000, 4449)
    assert not line.at_deadline(parcel)
    line.belt.add(1010, 4450)
    assert line.at_deadline(parcel)


def test_who_is_never_seen_again_is_completed_as_unobserved(bench: Bench) -> None:
    """Its tail is three metres behind the exit eyes at 2300 + 6500, known within 10 counts."""
    bench.clean(1, 2000)
    bench.ride(0, 5000, 30, eyes=(INFEED,))
    bench.go(8800)
    assert bench.kept(ParcelCompleted) == []
    bench.go(8820)
    assert bench.completed(1).outcome == "unobserved"
    assert bench.line.matcher.triggers == {}
    bench.go(12_000)
    assert bench.line.tracker.parcels == []
    assert len(bench.kept(ParcelCompleted)) == 1


def test_what_became_of_a_parcel_is_told_once(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.leaves(1, 5510, Place.PASS)
    bench.leaves(1, 5515, Place.INSPECT)
    bench.at(5516, OutcomeSeen(3, 0, Place.PASS, Why.NO_ORDER, 5516, 5516))
    bench.at(5516, OutcomeSeen(4, 77, Place.PASS, Why.NO_ORDER, 5516, 5516))
    bench.go(9000)
    assert [r.outcome for r in bench.kept(ParcelCompleted)] == ["pass"]


@pytest.mark.parametrize("place", [Place.LOST, Place.UNOBSERVED])
def test_a_parcel_that_is_lost_is_an_alarm_until_one_is_seen(bench: Bench, place: Place) -> None:
    bench.clean(1, 2000)
    bench.clean(2, 2500)
    bench.leaves(1, 5510, place)
    bench.leaves(2, 6010, Place.INSPECT)
    bench.go(5520)
    text = "parcel 1 was not seen where it should be: removed by hand, or stuck?"
    assert raised(bench) == [("parcel-lost", "belt", text, "medium")]
    assert cleared(bench) == []
    bench.go(6020)
    assert cleared(bench) == [("parcel-lost", "belt")]


# --- jumps


@pytest.mark.parametrize("what", ["clock", "count"])
def test_a_plc_that_jumps_doubts_all_on_the_belt_and_all_that_waits(bench: Bench, what: str) -> None:
    bench.clean(1, 2000)
    bench.clean(2, 2500)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    bench.ms = 3660
    bench.give(BarcodeReading("scanner", "C", arrived(3650, 3655)))
    later = {"plc_ms": 9660} if what == "clock" else {"plc_ms": 3660}
    bench.give(
        replace(bench.sample, after_ns=3660 * MS, before_ns=3661 * MS, count=3660 if what == "clock" else 500, **later)
    )
    jump = bench.last(PlcJumped)
    assert (jump.before, jump.count) == (3640, 3660 if what == "clock" else 500)
    doubted = bench.last(ReadingMatched)
    assert (doubted.note, [ref.number for ref in doubted.candidates]) == ("the PLC's clock or count jumped", [2])
    for number in (1, 2):
        assert bench.parcel(number).doubts["clock"] == "the PLC's clock or count jumped"
    assert bench.orders[-1].lane is Lane.INSPECT
    text = "its clock or its encoder count jumped: what was on the belt then is inspected; look at the encoder"
    assert raised(bench) == [("plc-jump", "plc", text, "high")]


def test_where_the_count_goes_back_who_is_away_is_away_there_too(bench: Bench) -> None:
    bench.go(5000)
    bench.give(DeviceState("scanner", connected=False))
    bench.go(5020)
    bench.poll(500)
    bench.give(DeviceState("scale", connected=False))
    bench.ms = 5040
    bench.poll(520)
    away = bench.line.desk.away
    inf = float("inf")
    assert {device: list(stretches) for device, stretches in away.items()} == {
        "scanner": [[-inf, inf]],
        "scale": [[500.0, inf]],
        "xray": [],
    }


def test_a_jump_is_over_when_those_who_were_on_the_belt_have_left(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3000)
    bench.line.jumped(Now(bench.ms * MS, "now"))
    bench.go(8820)
    assert [r[0] for r in raised(bench)] == ["plc-jump"]
    assert cleared(bench) == []
    bench.go(8840)
    assert cleared(bench) == [("plc-jump", "plc")]


# --- devices


def test_a_device_that_comes_or_goes_is_told_with_the_belts_count(bench: Bench) -> None:
    early = Bench()
    early.give(DeviceState("scanner", connected=True, detail="on ttyS0"))
    assert early.last(DeviceChanged) == DeviceChanged(device="scanner", connected=True, detail="on ttyS0", count=None)
    bench.go(2000)
    bench.give(DeviceState("scanner", connected=False, detail="unplugged"))
    assert bench.last(DeviceChanged) == DeviceChanged(device="scanner", connected=False, detail="unplugged", count=2000)
    assert raised(bench) == [("device-lost", "scanner", "not connected: unplugged", "high")]
    assert "scanner" not in bench.line.connected
    bench.give(DeviceState("scanner", connected=True))
    assert cleared(bench) == [("device-lost", "scanner")]
    assert "scanner" in bench.line.connected


def test_before_there_is_a_belt_a_device_is_away_from_ever_or_here_from_ever() -> None:
    inf = float("inf")
    bench = Bench()
    bench.give(DeviceState("scanner", connected=False))
    assert list(bench.line.desk.away["scanner"]) == [[-inf, inf]]
    bench.give(DeviceState("scanner", connected=True))
    assert list(bench.line.desk.away["scanner"]) == [[-inf, -inf]]


def test_too_many_readings_without_the_plcs_time_doubt_the_undecided(bench: Bench) -> None:
    for number, count in ((1, 2000), (2, 2500)):
        bench.clean(number, count)
    bench.go(3640)
    for i in range(1001):
        bench.give(BarcodeReading("scanner", f"{i}", arrived(3650, 3655)))
    doubted = bench.last(ReadingMatched)
    assert (doubted.value, [ref.number for ref in doubted.candidates], doubted.count) == ("0", [2], 3640)
    assert bench.parcel(1).evidence.ambiguous == set()
    assert bench.parcel(2).evidence.ambiguous == {"scanner"}


def test_too_many_readings_before_the_plc_was_ever_heard_of_concern_nobody() -> None:
    bench = Bench()
    for i in range(1001):
        bench.give(BarcodeReading("scanner", f"{i}", arrived(1000, 1005)))
    assert [(r.value, r.candidates, r.count) for r in bench.kept(ReadingMatched)] == [("0", (), 0)]


def test_readings_of_an_empty_belt_fit_nobody(bench: Bench) -> None:
    bench.give(Frame("xray", "f", arrived(1010, 1015), 4))
    bench.go(1040)
    matched = bench.last(ReadingMatched)
    assert (matched.note, matched.candidates, matched.ambiguous) == ("fits no parcel", (), True)


def test_a_tick_alone_decides_what_is_ready(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3620)
    bench.line._seen_ns.update(dict.fromkeys(bench.line.connected, 3700 * MS))
    assert bench.orders == []
    bench.give(Tick())
    assert bench.orders[-1].lane is Lane.PASS


def test_before_the_first_sample_there_is_nothing_to_decide() -> None:
    bench = Bench()
    bench.connect(BeltParcel(9, 700, 0, 3, 0, 700))
    assert bench.give(Tick()) == []


def test_nothing_is_read_twice(bench: Bench) -> None:
    bench.edge(1010, BEHIND, Direction.FREED)
    bench.go(1060)
    assert len(bench.kept(EdgesRead)) == 1
    assert bench.last(EdgesRead).edges == ((1, BEHIND, 0, 1010, 1010, 0, 0),)


def test_a_trigger_that_nobody_covers_is_nobodys_and_0_is_none(bench: Bench) -> None:
    bench.edge(1010, TRIGGER, Direction.FREED, 0, 5)
    bench.ride(1, 2000, trigger=0)
    bench.go(3020)
    assert bench.line.tracker.covering(TRIGGER) is bench.parcel(1)
    assert bench.line.matcher.triggers == {}
