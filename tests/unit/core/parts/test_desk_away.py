"""Which parcels a device missed while it was not connected."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from station.core.events import (
    DeviceState,
    ListsLoaded,
    ParcelKey,
    Place,
    SessionChosen,
)
from station.core.parcel import Parcel
from station.core.records import (
    Decided,
)
from tests.unit.core.parts.bench import EPOCH, GEOMETRY, POLICY, SETUP, Bench, codes


@pytest.mark.parametrize(
    ("gone", "back", "lost"),
    [
        (2100, 2180, False),  # back, and known 100 counts later at the latest: 2280, in the zone from 2290
        (2100, 2200, True),
        (2640, 2700, True),  # out of the zone at 2630, its reading may be under way for 20 more
        (2660, 2700, False),
    ],
)
def test_a_device_that_was_away_while_its_parcel_passed_is_a_reason(
    bench: Bench, gone: int, back: int, *, lost: bool
) -> None:
    bench.clean(1, 2000)
    bench.go(gone)
    bench.give(DeviceState("scanner", connected=False))
    bench.go(back)
    bench.give(DeviceState("scanner", connected=True))
    bench.go(3700)
    assert codes(bench.last(Decided).reasons) == ([("device-lost", "scanner")] if lost else [])


def test_a_weight_under_way_counts_its_measuring_time(bench: Bench) -> None:
    """Out of the zone at 3010; 60 ms of measuring and 30 of latency later at 3100."""
    bench.clean(1, 2000)
    bench.go(3100)
    bench.give(DeviceState("scale", connected=False))
    bench.go(3700)
    assert codes(bench.last(Decided).reasons) == [("device-lost", "scale")]


def test_a_weight_under_way_travels_at_the_belts_speed() -> None:
    """At a quarter of a count a ms 90 ms are 22.5 counts: out of the zone at 3010, back at 3032.5."""
    slow = replace(SETUP, geometry=replace(GEOMETRY, speed_mm_s=250.0, latch_ms=4.0))
    for away_at, lost in ((3032.0, True), (3033.0, False)):
        bench = Bench(slow)
        parcel = Parcel(ParcelKey(EPOCH, 1), 0, {0: 2000}, {0: 2300})
        for device in slow.devices:
            bench.line.desk.away[device.name] = deque()
        bench.line.desk.went("scale", away_at)
        bench.line.plc.trusted = bench.line.desk.lists_known = True
        assert ("device-lost" in {r.code for r in bench.line.desk.reasons(parcel)}) is lost


def test_a_device_told_twice_is_away_from_the_first_and_back_at_the_first(bench: Bench) -> None:
    bench.ride(1, 3000)
    bench.go(2000)
    bench.give(DeviceState("scanner", connected=False, detail="unplugged"))
    bench.go(2100)
    bench.give(DeviceState("scanner", connected=False, detail="unplugged"))
    bench.go(2200)
    bench.give(DeviceState("scanner", connected=True))
    bench.go(3400)
    bench.give(DeviceState("scanner", connected=True))
    assert bench.line.desk.away["scanner"][-1] == [2000.0, 2300.0]
    assert [stretch[1] for stretch in bench.line.desk.away["scanner"]].count(float("inf")) == 0


def test_a_device_never_heard_of_was_away_from_ever() -> None:
    unheard = Bench()
    for device in SETUP.devices[1:]:
        unheard.give(DeviceState(device.name, connected=True))
    unheard.give(ListsLoaded("lists", frozenset(), ()))
    unheard.connect()
    unheard.give(SessionChosen(7, None))
    unheard.forerun()
    unheard.clean(1, 2000)
    unheard.go(2000)
    unheard.clean(2, 6000)
    unheard.go(4500)
    assert codes(unheard.kept(Decided)[0].reasons) == [("device-lost", "scanner")]
    unheard.give(DeviceState("scanner", connected=True))
    unheard.go(7700)
    assert codes(unheard.kept(Decided)[1].reasons) == []


def test_a_device_first_heard_of_when_its_parcel_had_passed_was_away_then() -> None:
    bench = Bench()
    for device in SETUP.devices[1:]:
        bench.give(DeviceState(device.name, connected=True))
    bench.give(ListsLoaded("lists", frozenset(), ()))
    bench.connect()
    bench.give(SessionChosen(7, None))
    bench.forerun()
    bench.clean(1, 2000)
    bench.go(3000)
    bench.give(DeviceState("scanner", connected=True))
    assert bench.line.desk.away["scanner"][0] == [float("-inf"), 3100.0]
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("device-lost", "scanner")]


def test_back_is_who_was_there_a_poll_of_belt_ago() -> None:
    """100 ms at half a count a ms are 50 counts."""
    desk = Bench(replace(SETUP, geometry=replace(GEOMETRY, speed_mm_s=500.0))).line.desk
    desk.went("scanner", 1000.0)
    desk.came("scanner", 2000.0)
    assert list(desk.away["scanner"]) == [[1000.0, 2050.0]]


def test_only_the_last_stretches_are_kept(bench: Bench) -> None:
    for turn in range(70):
        bench.give(DeviceState("scanner", connected=False))
        bench.give(DeviceState("scanner", connected=True))
        bench.go(bench.ms + 20)
        assert len(bench.line.desk.away["scanner"]) == min(turn + 1, 64)
    stretches = bench.line.desk.away["scanner"]
    assert list(stretches)[:2] == [[1000.0, 1000.0 + 6 * 20 + 100], [1140.0, 1240.0]]  # the first seven are one


def test_a_device_that_flaps_is_still_known_to_have_been_away_while_its_parcel_passed(bench: Bench) -> None:
    bench.clean(1, 2000)
    bench.go(2500)
    bench.give(DeviceState("scanner", connected=False))
    bench.go(2520)
    bench.give(DeviceState("scanner", connected=True))
    bench.go(3000)
    for _ in range(64):
        bench.give(DeviceState("scanner", connected=False))
        bench.give(DeviceState("scanner", connected=True))
    bench.go(3640)
    assert codes(bench.last(Decided).reasons) == [("device-lost", "scanner")]


def test_when_a_device_that_flapped_was_there_is_forgotten_as_if_it_was_away(bench: Bench) -> None:
    """It was there while the first parcel passed (2290 to 2630), which 64 stretches later nobody knows any more."""
    bench.clean(1, 2000)
    bench.clean(2, 4000)
    for at, turns in ((2000, 1), (2660, 64)):
        bench.go(at)
        for _ in range(turns):
            bench.give(DeviceState("scanner", connected=False))
            bench.give(DeviceState("scanner", connected=True))
    bench.go(5640)
    assert [codes(decided.reasons) for decided in bench.kept(Decided)] == [[("device-lost", "scanner")], []]


def test_where_counts_begin_anew_who_is_away_is_away_from_ever(bench: Bench) -> None:
    bench.go(2000)
    bench.give(DeviceState("scanner", connected=False))
    bench.give(DeviceState("scale", connected=False))
    bench.go(2100)
    bench.give(DeviceState("scale", connected=True))
    bench.connect()
    away = bench.line.desk.away
    inf = float("inf")
    assert {device: list(stretches) for device, stretches in away.items()} == {
        "scanner": [[-inf, inf]],
        "scale": [],
        "xray": [],
    }


def test_a_device_that_may_be_missing_is_an_exception_only_where_it_was() -> None:
    lenient = replace(SETUP, policy=replace(POLICY, may_be_missing=frozenset({"scale"})))
    bench = Bench(lenient).started()
    bench.clean(1, 2000)
    bench.go(3640)
    bench.give(DeviceState("scale", connected=False))
    bench.clean(2, 4000)
    bench._coming = [entry for entry in bench._coming if getattr(entry[2], "device", "") != "scale"]
    bench.leaves(2, 7600, Place.PASS)
    bench.go(7620)
    assert [(d.route, d.exceptions) for d in bench.kept(Decided)] == [("pass", ()), ("pass", ("scale",))]
    assert bench.completed(2).exceptions == ("scale",)
