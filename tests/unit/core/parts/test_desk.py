"""Decided, ordered, acknowledged, withdrawn, completed: in that order, with the record ahead of the order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from station.core.actions import Keep, Order, Send
from station.core.alarm_kinds import kind_of
from station.core.commands import Pause
from station.core.events import (
    AckResult,
    BarcodeReading,
    BeltParcel,
    CommandReceived,
    DeviceState,
    Event,
    Finding,
    Lane,
    ListsLoaded,
    OrderAcknowledged,
    ParcelKey,
    Place,
    Why,
)
from station.core.now import Now
from station.core.parcel import Parcel, State
from station.core.policy import REASONS
from station.core.records import (
    Acknowledged,
    AlarmCleared,
    AlarmRaised,
    Decided,
    ListsChanged,
    Lookup,
    Ordered,
    ParcelCompleted,
    ParcelRef,
    Reason,
)
from tests.unit.core.parts.bench import EPOCH, GEOMETRY, MS, SCANNER, SETUP, Bench, arrived, codes

FIRST = ParcelRef(epoch=EPOCH, number=1)


def passing(bench: Bench) -> Bench:
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.orders[-1].lane is Lane.PASS
    return bench


def ack(order: int = 1, number: int = 1, lane: Lane = Lane.PASS, result: AckResult = AckResult.ACCEPTED) -> Any:
    return OrderAcknowledged(order, number, lane, result)


# --- decisions and orders


def test_the_decision_goes_before_its_order(bench: Bench) -> None:
    """The pass is void from the count on at which the parcel must have come to the decision eye: 4510 at the latest."""
    bench.clean(1, 2000)
    bench.go(3620)
    bench.ms = 3640
    before = len(bench.records)
    bench.poll()
    decided = Decided(parcel=FIRST, route="pass", reasons=(), policy_version="rules", count=3640)
    ordered = Ordered(parcel=FIRST, order=1, lane="pass")
    assert bench.records[before:] == [decided, ordered]
    assert bench.orders == [Order(1, ParcelKey(EPOCH, 1), Lane.PASS, 4511)]
    parcel = bench.parcel(1)
    assert (parcel.state, parcel.route, parcel.ordered_lane) == (State.ORDERED, Lane.PASS, Lane.PASS)
    assert parcel.decided_at == "t3640"


def test_the_record_the_order_and_the_order_sent_come_in_this_sequence(bench: Bench) -> None:
    parcel = Parcel(ParcelKey(EPOCH, 1), 0, {0: 2000})
    actions = bench.line.desk.decide(parcel, [], 3650, Now(bench.ms * MS, "now"), after="pass")
    assert [type(action) for action in actions] == [Keep, Send, Keep]
    assert actions[1] == Send(Order(1, ParcelKey(EPOCH, 1), Lane.PASS, 4511))
    assert isinstance(actions[0], Keep)
    assert isinstance(actions[0].record, Decided)
    assert isinstance(actions[2], Keep)
    assert isinstance(actions[2].record, Ordered)


def test_an_order_to_inspect_is_never_void(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3640)
    assert bench.orders == [Order(1, ParcelKey(EPOCH, 1), Lane.INSPECT, None)]
    assert codes(bench.last(Decided).reasons) == [
        ("no-barcode", "scanner"),
        ("no-weight", "scale"),
        ("no-picture", "xray"),
    ]


def test_an_order_is_void_at_a_count_as_the_plc_counts() -> None:
    """The PLC's count is 32 bits; the core's goes on."""
    bench = Bench(ms=2**32 - 3000)
    bench._polled = bench.ms - 20
    bench.started()
    entry = bench.ms + 1000
    bench.clean(1, entry)
    bench.go(entry + 1640)
    assert bench.orders == [Order(1, ParcelKey(EPOCH, 1), Lane.PASS, 2500 + 10 + 1 - 2000)]


def test_orders_are_numbered_from_1_to_65535(bench: Bench) -> None:
    desk = passing(bench).line.desk
    desk._order = 65_534
    parcel = bench.parcel(1)
    sent = []
    for _ in range(2):
        sent += [
            a.order.sequence for a in desk.decide(parcel, [], 3700, Now(bench.ms * MS, "now")) if isinstance(a, Send)
        ]
    assert sent == [65_535, 1]
    assert parcel.order == 1


def test_without_lists_nothing_passes() -> None:
    bench = Bench()
    for device in SETUP.devices:
        bench.give(DeviceState(device.name, connected=True))
    bench.connect()
    bench.forerun()
    bench.sample = replace(bench.sample, session=0)
    bench.clean(1, 2000)
    bench.go(3640)
    reasons = bench.last(Decided).reasons
    assert reasons[-1] == Reason(code="no-lists", text=REASONS["no-lists"])
    assert codes(reasons) == [("inspect-only", ""), ("no-lists", "")]


def test_a_plc_with_other_settings_is_not_trusted() -> None:
    bench = Bench()
    bench.constants = replace(bench.constants, slip=0.5, stale_ms=100)
    bench.started()
    bench.clean(1, 2000)
    bench.go(3640)
    assert bench.last(Decided).reasons == (
        Reason(code="device-lost", text="the PLC's map or settings do not fit", device="plc"),
    )
    raised = bench.kept(AlarmRaised)
    text = (
        "slip is 0.5 in the PLC, 0.0 in the station's configuration; "
        "stale_ms is 100 in the PLC, 500 in the station's configuration"
    )
    assert raised == [AlarmRaised(alarm="plc-mismatch", subject="plc", text=text, priority="top")]
    bench.constants = replace(bench.constants, slip=0.0, stale_ms=500)
    bench.connect(resumed=True)
    assert bench.kept(AlarmCleared) == [AlarmCleared(alarm="plc-mismatch", subject="plc")]


# --- lists


def test_lists_are_told_with_what_they_say_of_the_belt(bench: Bench) -> None:
    bench.clean(1, 2000, code="B")
    bench.scan(2000, "A")
    bench.go(2460)
    bench.give(ListsLoaded("v2", frozenset({"A", "Z"}), (("B", 4000.0), ("Y", 1.0), ("X", 2.0))))
    assert bench.last(ListsChanged) == ListsChanged(
        lists_version="v2",
        held=2,
        declared=3,
        on_belt=(Lookup(code="A", held=True, declared_g=None), Lookup(code="B", held=False, declared_g=4000.0)),
        count=2460,
    )


def test_what_is_declared_for_a_gtin_counts_with_any_serial_but_for_one_with_a_weight_of_its_own(bench: Bench) -> None:
    gtin = "9501101530003"
    bench.give(ListsLoaded("v2", frozenset(), ((gtin, 4000.0), (f"{gtin}(21)OWN", 5000.0))))
    bench.clean(1, 2000, code=f"{gtin}(21)X7")
    bench.clean(2, 8000, code=f"{gtin}(21)OWN")
    bench.clean(3, 14_000, code=f"{gtin}0(21)X7")
    bench.go(18_000)
    assert [(d.parcel.number, codes(d.reasons)) for d in bench.kept(Decided)] == [
        (1, [("weight-mismatch", "")]),
        (2, []),
        (3, []),
    ]


def test_a_code_that_is_held_now_takes_back_a_pass(bench: Bench) -> None:
    passing(bench).go(3700)
    bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
    decided = bench.last(Decided)
    assert (decided.route, codes(decided.reasons), decided.after, decided.count) == (
        "inspect",
        [("held", "")],
        "pass",
        3700,
    )
    assert bench.orders[-1] == Order(2, ParcelKey(EPOCH, 1), Lane.INSPECT, None)
    assert bench.parcel(1).ready_ns == 3700 * MS


def test_lists_that_say_nothing_of_it_leave_a_pass_as_it_is(bench: Bench) -> None:
    passing(bench)
    bench.give(ListsLoaded("v2", frozenset({"B"}), ()))
    assert len(bench.orders) == len(bench.kept(Decided)) == 1


def test_a_released_code_makes_no_pass_of_an_inspection(bench: Bench) -> None:
    bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
    bench.clean(1, 2000)
    bench.go(3640)
    bench.give(ListsLoaded("v3", frozenset(), ()))
    bench.go(4400)
    assert [order.lane for order in bench.orders] == [Lane.INSPECT]


def test_ahead_of_the_decision_eye_a_pass_can_be_taken_back_and_behind_it_stands(bench: Bench) -> None:
    passing(bench).go(4480)
    bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
    assert bench.orders[-1].lane is Lane.INSPECT
    late = passing(Bench().started()).go(4500)  # it may be at the eye from 4490 on
    late.give(ListsLoaded("v2", frozenset({"A"}), ()))
    assert late.orders[-1].lane is Lane.PASS


def test_where_it_may_be_at_the_decision_eye_a_pass_stands() -> None:
    for at, lane in ((4480, Lane.INSPECT), (4500, Lane.PASS)):
        bench = Bench().started()
        bench.clean(1, 2010)  # it may be there from 4500 on
        bench.go(at)
        bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
        assert bench.orders[-1].lane is lane


def test_a_parcel_that_has_left_is_not_decided_anew(bench: Bench) -> None:
    passing(bench)
    bench.leaves(1, 3650, Place.INSPECT, Why.NO_ORDER)
    bench.go(3660)
    bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
    assert len(bench.kept(Decided)) == 1


# --- acknowledgements


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (AckResult.ACCEPTED, "accepted"),
        (AckResult.LATE, "late"),
        (AckResult.UNKNOWN_PARCEL, "unknown-parcel"),
        (AckResult.OTHER_SESSION, "other-session"),
        (AckResult.VOID, "void"),
    ],
)
def test_an_acknowledgement_is_kept_with_the_way_it_took(bench: Bench, result: AckResult, word: str) -> None:
    """The windows closed at 3622 ms."""
    passing(bench)
    bench.ms = 3660
    bench.give(ack(result=result))
    assert bench.last(Acknowledged) == Acknowledged(parcel=FIRST, order=1, lane="pass", result=word, latency_ms=38.0)
    parcel = bench.parcel(1)
    assert parcel.state is State.ACKNOWLEDGED
    assert parcel.accepted_lane is (Lane.PASS if result is AckResult.ACCEPTED else None)
    raised = [(a.alarm, a.subject, a.priority) for a in bench.kept(AlarmRaised)]
    assert raised == ([("order-late", "plc", "high")] if result is AckResult.LATE else [])


def test_the_way_of_an_order_is_told_to_the_microsecond(bench: Bench) -> None:
    passing(bench)
    bench.line.handle(ack(), Now(3660_123_456, "now"))
    assert bench.parcel(1).latency_ms == 38.123


def test_a_late_order_is_an_alarm_until_one_is_in_time(bench: Bench) -> None:
    passing(bench)
    bench.give(ack(result=AckResult.LATE))
    assert bench.last(AlarmRaised).text == "an order reached the PLC after its parcel had passed the decision eye"
    bench.give(ack())
    assert bench.kept(AlarmCleared) == []
    bench.wait(kind_of("order-late", "plc").off_s)
    assert bench.last(AlarmCleared) == AlarmCleared(alarm="order-late", subject="plc")


TIMES = {"issued_at": "2026-11-25T12:00:00Z", "expires_at": "2026-11-25T12:01:00Z"}
PAUSE = CommandReceived(Pause.model_validate({"id": "c-1", "who": "anna", **TIMES}), "station", own=True)


@pytest.mark.parametrize(
    ("came", "alarms"),
    [(PAUSE, set()), (ListsLoaded("v2", frozenset({"A"}), ()), {"order-late", "wrong-lane"})],
)
def test_a_clean_parcel_that_a_pause_could_not_hold_back_any_more_is_no_alarm(
    bench: Bench, came: Event, alarms: set[str]
) -> None:
    """It was to be opened for nothing that it is or holds; what is on the hold list is."""
    passing(bench)
    bench.give(ack())
    bench.go(4480)
    bench.give(came)
    bench.give(ack(order=2, lane=Lane.INSPECT, result=AckResult.LATE))
    assert bench.last(Acknowledged).result == "late"
    bench.leaves(1, 5510, Place.PASS)
    bench.go(5520)
    assert bench.last(ParcelCompleted).outcome == "pass"
    assert {a.alarm for a in bench.kept(AlarmRaised)} == alarms


@pytest.mark.parametrize("other", [ack(order=2), ack(number=2), ack(lane=Lane.INSPECT)])
def test_an_echo_that_is_not_the_last_orders_says_nothing(bench: Bench, other: OrderAcknowledged) -> None:
    passing(bench)
    assert bench.give(other) == []
    assert bench.parcel(1).state is State.ORDERED


def test_an_echo_after_the_parcel_has_left_says_nothing(bench: Bench) -> None:
    passing(bench)
    bench.leaves(1, 3650, Place.UNOBSERVED)
    bench.go(3660)
    assert bench.give(ack()) == []


def test_of_a_withdrawn_pass_only_the_withdrawal_is_acknowledged(bench: Bench) -> None:
    passing(bench)
    bench.give(ack())
    bench.give(ListsLoaded("v2", frozenset({"A"}), ()))
    assert bench.give(ack()) == []
    bench.give(ack(order=2, lane=Lane.INSPECT, result=AckResult.LATE))
    parcel = bench.parcel(1)
    assert (parcel.ordered_lane, parcel.accepted_lane) == (Lane.INSPECT, Lane.PASS)
    bench.leaves(1, 5600, Place.PASS)
    bench.go(5600)
    assert not bench.completed(1).acknowledged  # what was accepted is not what was ordered last


# --- what is completed


def test_a_completed_parcel_tells_all_of_it(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench._coming = [e for e in bench._coming if getattr(e[2], "frame_id", "") != "picture-2000"]
    bench.picture(2000, 1, "f", Finding("knife", 0.125, (1.0, 2.0, 3.0, 4.0)))
    bench.go(3640)
    bench.ms = 3650
    bench.give(ack())
    bench.leaves(1, 5510, Place.PASS)
    bench.go(5520)
    assert bench.completed(1).model_dump() == {
        "parcel": {"epoch": EPOCH, "number": 1},
        "barcode": "A",
        "barcodes": ("A",),
        "weight_g": 5000.0,
        "frames": ("f",),
        "findings": ({"label": "knife", "score": 0.125, "box": (1.0, 2.0, 3.0, 4.0)},),
        "route": "pass",
        "reasons": (),
        "ordered": True,
        "acknowledged": True,
        "outcome": "pass",
        "plc_why": "released",
        "mode": "automatic",
        "length_mm": 300.0,
        "entered_at": "t2000",
        "decided_at": "t3640",
        "completed_at": "t5510",
        "order_latency_ms": 28.0,
        "exceptions": (),
        "adopted": False,
        "test": False,
        "frames_not_kept": (),
    }


def test_a_parcel_of_which_nothing_is_known_says_so(bench: Bench) -> None:
    bench.sample = replace(bench.sample, session=0)
    bench.ms = 1020
    bench.connect(BeltParcel(9, 700, 0, 3, 0, 700))
    bench.leaves(9, 1100, Place.LOST, Why.OTHER_SESSION)
    bench.go(1100)
    completed = bench.completed(9)
    assert completed.adopted
    blank = {
        "barcode": None,
        "barcodes": (),
        "weight_g": None,
        "frames": (),
        "findings": (),
        "route": None,
        "reasons": (),
        "ordered": False,
        "acknowledged": False,
        "outcome": "lost",
        "plc_why": "other-session",
        "length_mm": None,
        "decided_at": None,
        "order_latency_ms": None,
    }
    assert completed.model_dump(include=set(blank)) == blank


def test_several_codes_are_all_told_and_none_is_the_barcode(bench: Bench) -> None:
    bench.clean(1, 2000)
    for code in ("B", "A"):
        bench.scan(2000, code)
    bench.weigh(2000, 5100.0)
    bench.leaves(1, 5510, Place.INSPECT, Why.INSPECT_ORDER)
    bench.go(5520)
    completed = bench.completed(1)
    assert (completed.barcode, completed.barcodes, completed.weight_g) == (None, ("A", "B"), 5100.0)
    assert completed.plc_why == "inspect-order"
    assert completed.ordered
    assert not completed.acknowledged


def test_a_length_is_told_to_a_tenth_of_a_mm() -> None:
    third = replace(GEOMETRY, mm_per_count=1 / 3, speed_mm_s=1000 / 3)
    bench = Bench(replace(SETUP, geometry=third, devices=(SCANNER,)))
    bench.constants = replace(bench.constants, mm_per_count=1 / 3)
    bench.started()
    bench.ride(1, 2000, 301, eyes=(0,))
    bench.leaves(1, 2400, Place.INSPECT)
    bench.go(2400)
    assert bench.completed(1).length_mm == 100.3


def test_what_was_completed_is_counted_and_the_last_twelve_are_remembered(bench: Bench) -> None:
    count = 2000
    for number in range(1, 15):
        bench.ride(number, count, 100, eyes=(0,))
        bench.leaves(number, count + 150, Place.PASS if number % 2 else Place.LOST)
        count += 200
    bench.go(count)
    desk = bench.line.desk
    assert desk.counters == {"completed": 14, "pass": 7, "lost": 7}
    assert [r["parcel"]["number"] for r in desk.recent] == list(range(3, 15))  # type: ignore[index]
    assert set(ParcelCompleted.model_fields) - set(desk.recent[0]) == {"findings", "frames"}


def test_each_kind_of_reason_counts_once_a_parcel(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.weigh(2000)
    bench.picture(2000, 1, "f", Finding("knife", 0.9, (0.0,) * 4), Finding("gun", 0.9, (0.0,) * 4))
    bench.leaves(1, 5510, Place.INSPECT, Why.INSPECT_ORDER)
    bench.go(5520)
    assert bench.line.desk.recent[0]["reasons"] == [  # as JSON holds it
        {"code": "no-barcode", "text": "no barcode was read", "device": "scanner"},
        {"code": "finding", "text": "the detector found a hazard: knife 0.90", "device": "xray"},
        {"code": "finding", "text": "the detector found a hazard: gun 0.90", "device": "xray"},
    ]
    assert bench.line.desk.counters == {"completed": 1, "inspect": 1, "reason finding": 1, "reason no-barcode": 1}


def test_readings_of_a_parcel_that_is_inspected_already_change_nothing(bench: Bench) -> None:
    bench.ride(1, 2000)
    bench.go(3660)
    bench.give(BarcodeReading("scanner", "A", arrived(2420, 2425)))
    bench.go(3700)
    assert len(bench.orders) == 1
