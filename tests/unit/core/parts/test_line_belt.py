"""The one door: edges, jumps of clock and count, devices that come and go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.alarm_kinds import kind_of
from station.core.events import (
    BarcodeReading,
    BeltParcel,
    DeviceState,
    Direction,
    Frame,
    Lane,
    OutcomeSeen,
    ParcelKey,
    Place,
    Tick,
    Why,
)
from station.core.line import Line
from station.core.now import Now
from station.core.parcel import Parcel
from station.core.records import (
    Decided,
    DeviceChanged,
    EdgesRead,
    ParcelCompleted,
    ParcelEntered,
    ParcelRef,
    PlcJumped,
    ReadingMatched,
)
from tests.unit.core.parts.bench import (
    BEHIND,
    EPOCH,
    GEOMETRY,
    INFEED,
    MS,
    SCANNER,
    SETUP,
    TRIGGER,
    Bench,
    arrived,
    cleared,
    codes,
    raised,
)

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


def test_a_trembling_encoder_doubts_nobody(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(2100)
    for back in (5, 0, 3):
        bench.ms += 20
        sample = replace(bench.sample, count=2100 - back, plc_ms=bench.ms)
        bench.give(replace(sample, after_ns=bench.ms * MS, before_ns=(bench.ms + 1) * MS))
    assert bench.line.belt.count == 2100
    assert bench.parcel(1).doubts == {}
    assert bench.kept(PlcJumped) == []


def test_what_the_plc_takes_for_another_parcel_is_inspected_and_told(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.edge(3000, 1, Direction.BROKEN, 9)
    bench.go(3200)
    text = "the PLC takes what is at eye 1 for parcel 9: look at its program"
    assert ("plc-fault", "numbers", text, "high") in raised(bench)


@pytest.mark.parametrize(
    ("outcome", "what"),
    [(1, "parcel 1, which was not to pass,"), (0, "an object that nobody knows"), (9, "an object that nobody knows")],
)
def test_what_was_not_to_pass_and_left_by_the_pass_lane_is_an_alarm(bench: Bench, outcome: int, what: str) -> None:
    bench.ride(1, 2000)
    bench.clean(2, 2700)
    bench.leaves(outcome, 5510, Place.PASS)
    bench.leaves(2, 6210, Place.INSPECT)
    bench.go(5520)
    text = f"{what} left by the pass lane: take it out and open it; then look why"
    assert ("wrong-lane", "belt", text, "top") in raised(bench)
    bench.go(6220).wait(kind_of("wrong-lane", "belt").off_s)
    assert ("wrong-lane", "belt") in cleared(bench)


def test_an_outcome_of_one_that_ended_before_is_no_news(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.leaves(1, 5510, Place.PASS)
    bench.leaves(1, 12_000, Place.PASS)
    bench.go(12_100)
    assert bench.line.tracker.parcels == []
    assert raised(bench) == []


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
    bench.go(6020).wait(kind_of("parcel-lost", "belt").off_s)
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


# --- brackets as wide as an outage

WIDE_MS = int(SETUP.order_room_ms / 2)


def test_a_reading_waits_for_an_answer_in_which_no_step_of_the_clock_can_hide(bench: Bench) -> None:
    bench.ride(1, 2000, eyes=(INFEED,))
    bench.at(2425, BarcodeReading("scanner", "A", arrived(2420, 2425)))
    bench.go(2420)
    before = len(bench.kept(ReadingMatched))
    bench.bracket_ms = WIDE_MS + 1
    bench.go(2520)
    assert len(bench.kept(ReadingMatched)) == before
    bench.bracket_ms = WIDE_MS
    bench.go(2540)
    assert [ref.number for ref in bench.last(ReadingMatched).candidates] == [1]


def test_a_step_of_the_clock_that_hid_in_a_wide_bracket_is_found_before_anything_is_matched(bench: Bench) -> None:
    def answer(ms: int, bracket_ms: int, count: int) -> None:
        """The PLC's clock has gone back by 145 ms."""
        known = {"before_ns": ms * MS, "plc_ms": ms - 145, "count": count}
        bench.give(replace(bench.sample, after_ns=(ms - bracket_ms) * MS, **known))

    bench.ride(1, 2000, eyes=(INFEED,))
    bench.go(2420)
    bench.give(BarcodeReading("scanner", "A", arrived(2480, 2485)))
    answer(2620, 200, 2450)
    assert bench.kept(PlcJumped) == []
    answer(2640, 20, 2460)
    assert len(bench.kept(PlcJumped)) == 1
    assert bench.last(ReadingMatched).note == "the PLC's clock or count jumped"


def test_nobody_is_decided_by_a_clock_that_may_have_stepped_but_at_the_last_place(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(3620)
    bench.bracket_ms = WIDE_MS + 1
    last = 2000 + int(GEOMETRY.decision_mm - SETUP.order_room_ms)
    bench.go(last - 40)
    assert bench.kept(Decided) == []
    bench.go(last + 20)
    assert (bench.last(Decided).route, codes(bench.last(Decided).reasons)) == ("inspect", [("deadline", "")])
    assert raised(bench) == []


def test_a_plc_that_is_slow_now_and_then_is_not_told_of(bench: Bench) -> None:
    """Seen in the demo, whose polls take half of the bound each."""
    for turn in range(300):
        bench.bracket_ms = WIDE_MS + turn % 2
        bench.go(bench.ms + 20)
    assert raised(bench) == []


def test_a_plc_that_stays_slow_is_told_of(bench: Bench) -> None:
    bench.bracket_ms = WIDE_MS + 1
    bench.go(bench.ms + 2000)
    assert raised(bench) == []
    bench.go(bench.ms + 40)
    text = "its answers tell of 41 ms ago, more than 40"
    assert raised(bench) == [("plc-slow", "plc", text, "high")]
    bench.bracket_ms = WIDE_MS
    bench.go(bench.ms + 20).wait(kind_of("plc-slow", "plc").off_s)
    assert cleared(bench) == [("plc-slow", "plc")]


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
    bench.go(8840).wait(kind_of("plc-jump", "plc").off_s)
    assert cleared(bench) == [("plc-jump", "plc")]


# --- devices


def test_a_device_that_comes_or_goes_is_told_with_the_belts_count(bench: Bench) -> None:
    early = Bench()
    early.give(DeviceState("scanner", connected=True, detail="on ttyS0"))
    assert early.last(DeviceChanged) == DeviceChanged(device="scanner", connected=True, detail="on ttyS0", count=None)
    bench.go(2000)
    bench.give(DeviceState("scanner", connected=False, detail="unplugged"))
    assert bench.last(DeviceChanged) == DeviceChanged(device="scanner", connected=False, detail="unplugged", count=2000)
    assert "scanner" not in bench.line.connected
    bench.wait(kind_of("device-lost", "scanner").on_s)
    assert raised(bench) == [("device-lost", "scanner", "not connected: unplugged", "high")]
    bench.give(DeviceState("scanner", connected=True))
    bench.wait(kind_of("device-lost", "scanner").off_s)
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
