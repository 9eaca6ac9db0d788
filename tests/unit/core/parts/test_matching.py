"""A reading belongs to a parcel only if that parcel alone meets its interval, and its number does not contradict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.belt import ClockMatch, Interval
from station.core.events import BarcodeReading, Frame, Lane, ParcelKey, WeightReading
from station.core.matching import MATCHED_AT_MOST, WAITING_AT_MOST, Match, Matcher, Reading
from station.core.parcel import Parcel
from tests.unit.core.parts.bench import (
    BEHIND,
    SETUP,
    TRIGGER,
    XRAY,
    Bench,
    arrived,
    clock_and_belt,
    codes,
)

CLOCK, BELT = clock_and_belt(*range(0, 30_000, 20))


def parcel(number: int, count: int, length: int = 300) -> Parcel:
    it = Parcel(ParcelKey(5, number), 0, {0: count}, {0: count + length})
    it.led(TRIGGER, count + 1000)
    return it


def scanned(after_ms: float, before_ms: float) -> BarcodeReading:
    return BarcodeReading("scanner", "A", arrived(after_ms, before_ms))


def pictured(count: int, trigger: int | None, late_ms: int = 0) -> Frame:
    return Frame("xray", f"f{count}", arrived(count + 1300 + late_ms, count + 1305 + late_ms), trigger)


def wait(matcher: Matcher, *readings: Reading) -> None:
    for reading in readings:
        matcher.wait(reading)


@pytest.fixture
def matcher() -> Matcher:
    return Matcher(SETUP)


def settled(matcher: Matcher, *parcels: Parcel) -> Match:
    (match,) = matcher.settle(CLOCK, BELT, parcels)
    return match


# --- where it was taken


def test_a_reading_was_taken_within_its_latency_and_its_measuring_time(matcher: Matcher) -> None:
    """One count is of the clock, one of the PLC's whole milliseconds."""
    matcher.wait(scanned(2420, 2425))
    assert settled(matcher).counts == Interval(2420 - 20 - 2, 2425 - 10 + 2)
    matcher.wait(WeightReading("scale", 5000.0, arrived(2700, 2705)))
    assert settled(matcher).counts == Interval(2700 - 30 - 60 - 2, 2705 - 10 + 2)


def test_the_interval_is_rounded_outward(matcher: Matcher) -> None:
    matcher.wait(scanned(2420.4, 2425.4))
    assert settled(matcher).counts == Interval(2398, 2418)


def test_what_came_before_the_belts_history_could_lie_anywhere_before_it() -> None:
    matcher = Matcher(SETUP)
    matcher.wait(scanned(900, 2000))
    (match,) = matcher.settle(*clock_and_belt(1000, 2000), [])
    assert match.counts == Interval(900 - 22, 2000 - 10 + 2)


def test_a_reading_waits_until_the_samples_have_reached_it(matcher: Matcher) -> None:
    early, late = scanned(1000, 1005), scanned(2000, 2005)
    wait(matcher, late, early)
    clock, belt = clock_and_belt(900, 1990)  # latest: 2005 - 10 + 1 ms of clock
    assert [match.reading for match in matcher.settle(clock, belt, [])] == [early]
    assert matcher.waiting == [late]
    clock.add(2000 * 10**6, 2001 * 10**6, 2000)
    belt.add(2000, 2000)
    assert [match.reading for match in matcher.settle(clock, belt, [])] == [late]
    assert matcher.waiting == []
    assert [match.reading for match in matcher.matched] == [early, late]


def test_the_oldest_of_each_device_that_waits_is_told(matcher: Matcher) -> None:
    assert matcher.waiting_ns == {}
    weighed = WeightReading("scale", 500, arrived(1500, 1505))
    wait(matcher, scanned(2000, 2005), scanned(1000, 1005), weighed, scanned(3000, 3005))
    assert matcher.waiting_ns == {"scanner": 1000 * 10**6, "scale": 1500 * 10**6}
    matcher.settle(*clock_and_belt(900, 1990), [])
    assert matcher.waiting_ns == {"scanner": 2000 * 10**6}
    matcher.doubt([], "the PLC began anew")
    assert matcher.waiting_ns == {}


def test_without_the_plcs_time_a_reading_waits(matcher: Matcher) -> None:
    matcher.wait(scanned(1000, 1005))
    assert matcher.settle(*clock_and_belt(), []) == []
    assert matcher.settle(ClockMatch(0.0), BELT, []) == []
    assert len(matcher.waiting) == 1


@pytest.mark.parametrize(
    ("count", "owned"),
    [(2407 - 290, True), (2408 - 290, False), (2398 - 630, True), (2397 - 630, False)],
)
def test_it_belongs_to_whoever_can_have_been_there(matcher: Matcher, count: int, *, owned: bool) -> None:
    """The reading is of 2398..2407; a parcel is in the zone from 290 after its entry to 630 (300 of its own)."""
    it = parcel(1, count)
    matcher.wait(scanned(2420, 2415))
    match = settled(matcher, it)
    assert (match.owner is it) is owned
    assert match.note == ("" if owned else "fits no parcel")


def test_what_fits_two_belongs_to_none(matcher: Matcher) -> None:
    first, second = parcel(1, 1780), parcel(2, 2100)
    matcher.wait(scanned(2420, 2425))
    match = settled(matcher, first, second, parcel(3, 9000))
    assert match.candidates == [first, second]
    assert match.owner is None


def test_a_strangers_reading_belongs_to_nobody(matcher: Matcher) -> None:
    stranger = Parcel(None, 0, {0: 2000}, {0: 2300})
    matcher.wait(scanned(2420, 2425))
    match = settled(matcher, stranger)
    assert match.candidates == [stranger]
    assert match.owner is None


# --- what can wait, and what is forgotten


def test_no_more_wait_than_may(matcher: Matcher) -> None:
    wait(matcher, *(scanned(i, i + 5) for i in range(WAITING_AT_MOST)))
    assert matcher.overflow([]) == []
    assert len(matcher.waiting) == WAITING_AT_MOST
    wait(matcher, scanned(5000, 5005), scanned(5001, 5006))
    it = parcel(1, 1000)
    doubted = matcher.overflow([it])
    assert [match.reading for match in doubted] == [scanned(0, 5), scanned(1, 6)]
    for match in doubted:
        assert match.candidates == [it]
        assert match.owner is None
        assert match.note == "too many readings wait for the PLC's time"
        assert match.counts == Interval(float("-inf"), float("inf"))
    assert matcher.waiting[0] == scanned(2, 7)
    assert matcher.waiting[-1] == scanned(5001, 5006)


def test_what_cannot_be_reckoned_could_be_anybodys(matcher: Matcher) -> None:
    parcels = [parcel(1, 1000), parcel(2, 2000)]
    wait(matcher, scanned(1, 2), pictured(0, 1))
    doubted = matcher.doubt(parcels, "its clock jumped")
    assert [(m.reading.device, m.device.name, m.candidates, m.note) for m in doubted] == [
        ("scanner", "scanner", parcels, "its clock jumped"),
        ("xray", "xray", parcels, "its clock jumped"),
    ]
    assert doubted[0].candidates is not doubted[1].candidates
    assert matcher.waiting == []


def test_no_more_are_held_than_may_be(matcher: Matcher) -> None:
    match = Match(scanned(0, 5), SETUP.devices[0], Interval(0, 1), [])
    matcher.matched = [replace(match, note=f"{i}") for i in range(MATCHED_AT_MOST)]
    assert matcher.crowded() == []
    matcher.matched.append(match)
    assert [gone.note for gone in matcher.crowded()] == ["0"]
    assert len(matcher.matched) == MATCHED_AT_MOST
    assert matcher.matched[-1] is match


def test_what_lies_twenty_metres_back_is_forgotten(matcher: Matcher) -> None:
    match = Match(scanned(0, 5), SETUP.devices[0], Interval(0, 100), [])
    matcher.matched = [match]
    matcher.forget(20_099, [])
    assert matcher.matched == [match]
    matcher.forget(20_100, [])
    assert matcher.matched == []
    coarse = Matcher(replace(SETUP, geometry=replace(SETUP.geometry, mm_per_count=2.0)))
    coarse.matched = [match]
    coarse.forget(10_099, [])
    assert coarse.matched == [match]
    coarse.forget(10_100, [])
    assert coarse.matched == []


def test_a_trigger_of_a_parcel_that_has_left_is_forgotten(matcher: Matcher) -> None:
    gone, here = parcel(1, 0), parcel(2, 1000)
    matcher.fired(TRIGGER, 1, gone)
    matcher.fired(TRIGGER, 2, here)
    matcher.forget(2000, [here])
    assert matcher.triggers == {("xray", 2): here}


def test_an_eye_fires_its_own_devices_only(matcher: Matcher) -> None:
    matcher.fired(BEHIND, 1, parcel(1, 0))
    assert matcher.triggers == {}


# --- a stranger appears


def stranger(eye: int, count: int, length: int = 300) -> Parcel:
    return Parcel(None, eye, {eye: count}, {eye: count + length})


def test_a_stranger_takes_away_what_could_have_been_its_own(matcher: Matcher) -> None:
    """Found at 1000 mm at count 3000, it was at 300 mm from 2300 on, as was the parcel."""
    it = parcel(1, 2000)
    matcher.wait(scanned(2420, 2425))
    match = settled(matcher, it)
    new = stranger(TRIGGER, 3000)
    assert matcher.question(new) == [(match, it)]
    assert match.candidates == [it, new]
    assert match.owner is None
    assert matcher.question(new) == []


@pytest.mark.parametrize(("eye", "reaches"), [(TRIGGER, True), (BEHIND, False)])
def test_a_stranger_can_have_come_between_the_two_eyes_only(matcher: Matcher, eye: int, *, reaches: bool) -> None:
    """Found at 1500 mm it was not seen at 1000: it came behind that eye, and the zone up to 320 mm lies ahead of it."""
    it = parcel(1, 2000)
    matcher.wait(scanned(2420, 2425))
    settled(matcher, it)
    at = int(SETUP.geometry.eyes_mm[eye]) + 2000
    assert bool(matcher.question(stranger(eye, at))) is reaches


def test_a_zone_that_ends_where_the_strangers_stretch_begins_is_within_it() -> None:
    device = replace(SETUP.devices[0], zone_mm=(900.0, 1000.0))
    matcher = Matcher(replace(SETUP, devices=(device,)))
    it = parcel(1, 2000)
    matcher.wait(scanned(3020, 3025))
    settled(matcher, it)
    assert len(matcher.question(stranger(BEHIND, 3510))) == 1


def test_a_stranger_elsewhere_takes_nothing_and_hides_nothing(matcher: Matcher) -> None:
    far, near = parcel(1, 12_000), parcel(2, 2000)
    wait(matcher, scanned(9000, 9005), scanned(12_420, 12_425), scanned(2420, 2425))
    unowned, of_far, of_near = matcher.settle(CLOCK, BELT, [far, near])
    assert unowned.owner is None
    assert matcher.question(stranger(TRIGGER, 3000)) == [(of_near, near)]
    assert of_far.owner is far


# --- trigger numbers


def test_a_picture_with_the_number_its_parcel_fired_is_its_own(matcher: Matcher) -> None:
    it = parcel(1, 2000)
    matcher.fired(TRIGGER, 17, it)
    matcher.wait(pictured(2000, 17))
    assert settled(matcher, it).owner is it


def test_a_picture_without_a_number_is_nobodys(matcher: Matcher) -> None:
    it = parcel(1, 2000)
    matcher.fired(TRIGGER, 17, it)
    matcher.wait(pictured(2000, None))
    match = settled(matcher, it)
    assert (match.candidates, match.owner, match.note) == ([it], None, "no trigger number")


def test_a_device_that_is_not_triggered_needs_no_number() -> None:
    free = replace(XRAY, trigger_eye=None)
    matcher = Matcher(replace(SETUP, devices=(free,)))
    assert matcher.counters == {}
    it = parcel(1, 2000)
    matcher.wait(pictured(2000, None))
    assert settled(matcher, it).owner is it


def test_a_number_of_another_parcel_makes_both_ambiguous(matcher: Matcher) -> None:
    other, it = parcel(1, 2000), parcel(2, 2600)
    matcher.trust({"xray": 0})
    matcher.fired(TRIGGER, 17, other)
    matcher.fired(TRIGGER, 18, it)
    matcher.wait(pictured(2600, 17))
    match = settled(matcher, other, it)
    assert (match.candidates, match.owner) == ([it, other], None)
    assert match.note == "trigger number and time disagree"
    assert not matcher.counters["xray"].in_step


def test_a_number_that_nobody_fired_names_nobody_more(matcher: Matcher) -> None:
    it = parcel(1, 2000)
    matcher.wait(pictured(2000, 18))
    match = settled(matcher, it)
    assert (match.candidates, match.note) == ([it], "trigger number and time disagree")


def test_a_number_that_fits_one_of_two_leaves_both_in_doubt(matcher: Matcher) -> None:
    first, second = parcel(1, 2000, 100), parcel(2, 2110, 100)
    matcher.trust({"xray": 0})
    matcher.fired(TRIGGER, 17, first)
    matcher.fired(TRIGGER, 18, second)
    matcher.wait(Frame("xray", "f", arrived(3410, 3415), 17))
    match = settled(matcher, first, second)
    assert match.candidates == [first, second]
    assert match.note == ""
    assert match.owner is None
    assert matcher.counters["xray"].in_step


def test_a_picture_that_fits_nobody_names_nobody(matcher: Matcher) -> None:
    it = parcel(1, 2000)
    matcher.fired(TRIGGER, 17, it)
    matcher.wait(pictured(9000, 17))
    match = settled(matcher, it)
    assert (match.candidates, match.note) == ([], "fits no parcel")


def test_numbers_of_one_device_say_nothing_of_another() -> None:
    camera = replace(XRAY, name="camera", trigger_eye=BEHIND, zone_mm=(1690.0, 1710.0))
    matcher = Matcher(replace(SETUP, devices=(XRAY, camera)))
    it = parcel(1, 2000)
    matcher.fired(BEHIND, 17, it)
    matcher.wait(pictured(2000, 17))
    assert settled(matcher, it).note == "trigger number and time disagree"


@pytest.mark.parametrize(("gap", "learnt"), [(101, False), (2009, False), (2010, True), (2100, True)])
def test_a_parcel_two_seconds_of_belt_behind_the_last_teaches_the_offset(
    matcher: Matcher, gap: int, *, learnt: bool
) -> None:
    """Where the last was is known within 10 counts."""
    first, second = parcel(1, 2000, 100), parcel(2, 2000 + gap, 100)
    matcher.fired(TRIGGER, 2, second)
    matcher.wait(pictured(2000 + gap, 9))
    match = settled(matcher, first, second)
    assert matcher.counters["xray"].in_step is learnt
    assert (match.owner is second, match.plc_trigger) == ((True, 2) if learnt else (False, None))


def test_ahead_are_all_on_the_belt_whether_they_fired_or_not(matcher: Matcher) -> None:
    """A parcel that was on the belt when the station started may have fired before that."""
    adopted, it = parcel(1, 2000), parcel(2, 3000)
    matcher.fired(TRIGGER, 2, it)
    matcher.wait(pictured(3000, 9))
    assert settled(matcher, adopted, it).note == "trigger number and time disagree"
    assert not matcher.counters["xray"].in_step


def test_who_runs_behind_is_not_ahead(matcher: Matcher) -> None:
    it, behind = parcel(1, 2000), parcel(2, 3000)
    matcher.fired(TRIGGER, 1, it)
    matcher.wait(pictured(2000, 9))
    assert settled(matcher, it, behind).owner is it


@pytest.mark.parametrize(("since", "learnt"), [(1000, True), (1001, False)])
def test_before_the_belt_was_seen_for_two_seconds_somebody_may_have_run_ahead(
    matcher: Matcher, since: int, *, learnt: bool
) -> None:
    """The parcel fires at 3000."""
    matcher.since = since
    it = parcel(1, 2000)
    matcher.fired(TRIGGER, 1, it)
    matcher.wait(pictured(2000, 9))
    settled(matcher, it)
    assert matcher.counters["xray"].in_step is learnt


def test_two_seconds_are_fewer_counts_where_a_count_is_more_belt() -> None:
    """Two metres in two seconds are 1000 counts of 2 mm."""
    matcher = Matcher(replace(SETUP, geometry=replace(SETUP.geometry, mm_per_count=2.0)))
    matcher.since = 1400
    it = Parcel(ParcelKey(5, 2), 0, {0: 1900, TRIGGER: 2400}, {0: 2000})
    matcher.fired(TRIGGER, 2, it)
    matcher.wait(pictured(1300, 9))  # taken 598 to 657 counts after its entry
    assert settled(matcher, it).owner is it


@pytest.mark.parametrize("pitches", [[900] * 8, [900, 950, 900, 860] * 2])
def test_an_even_feed_teaches_nothing_since_all_pictures_could_be_late_by_a_pitch(
    matcher: Matcher, pitches: list[int]
) -> None:
    assert owners(matcher, pitches) == [None] * len(pitches)
    assert matcher.counters["xray"].offset is None
    assert matcher.counters["xray"].doubtful


def test_an_uneven_feed_teaches_the_offset_at_the_fourth_picture(matcher: Matcher) -> None:
    """No one lateness makes them pictures of the parcel ahead: zone and parcel are 320 long, the latency 50."""
    assert owners(matcher, [900, 1600, 700, 1900, 900, 900]) == [None] * 4 + [5, 6]
    assert matcher.counters["xray"].offset == 40
    assert not matcher.counters["xray"].doubtful


def test_late_by_two_parcels_must_be_impossible_too(matcher: Matcher) -> None:
    """Each pitch differs from the next, and two of them together are always the same."""
    assert owners(matcher, [400, 1000] * 5, silent=3) == [None] * 8


def owners(matcher: Matcher, pitches: list[int], silent: int = 1) -> list[int | None]:
    """Of parcels at these pitches, all but the first have a picture in time, its number ahead by 40: whose are they."""
    counts = [1000 + sum(pitches[: n + 1]) for n in range(len(pitches))]
    parcels = [parcel(n, count) for n, count in enumerate([1000, *counts])]
    for it in parcels:
        assert it.key is not None
        matcher.fired(TRIGGER, it.key.number + 1, it)
    clock, belt = clock_and_belt(*range(0, counts[-1] + 3000, 20))
    found = []
    for n, count in list(enumerate(counts, 1))[silent - 1 :]:
        matcher.wait(pictured(count, n + 41))
        (match,) = matcher.settle(clock, belt, parcels)
        found.append(None if match.owner is None or match.owner.key is None else match.owner.key.number)
    return found


def test_offsets_are_remembered_and_trusted_at_the_next_start(matcher: Matcher) -> None:
    owners(matcher, [900, 1600, 700, 1900])
    assert matcher.offsets == {"xray": 40}
    again = Matcher(SETUP)
    again.trust({**matcher.offsets, "a camera that is gone": 3})
    assert set(again.counters) == {"xray"}
    assert owners(again, [900] * 3) == [1, 2, 3]


def test_an_offset_in_doubt_is_not_handed_on(matcher: Matcher) -> None:
    matcher.trust({"xray": 3})
    assert owners(matcher, [900]) == [None]
    assert matcher.offsets == {}


@pytest.mark.parametrize(("theirs", "fired"), [(1, 65_535), (2, 1), (65_535, 65_534)])
def test_numbers_run_from_1_to_65535_and_begin_anew(matcher: Matcher, theirs: int, fired: int) -> None:
    """A device that is one ahead of the PLC, also where one of them has rolled over."""
    matcher.trust({"xray": 1})
    own, other = parcel(1, 2000), parcel(2, 9000)
    matcher.fired(TRIGGER, fired, own)
    matcher.fired(TRIGGER, 100, other)
    matcher.wait(pictured(2000, theirs))
    match = settled(matcher, own, other)
    assert (match.owner, match.plc_trigger) == (own, fired)
    matcher.wait(pictured(9000, theirs))
    match = settled(matcher, other)
    assert match.candidates == [other, own]


def test_through_the_door_a_picture_with_anothers_number_sends_both_to_inspection() -> None:
    """The first is decided by then: its pass is withdrawn."""
    bench = Bench().started()
    bench.clean(1, 2000)
    bench.ride(2, 2500)
    bench.scan(2500, "B")
    bench.weigh(2500)
    bench.picture(2500, 1, "sent late")
    bench.go(5000)
    assert [(order.parcel.number, order.lane) for order in bench.orders] == [
        (1, Lane.PASS),
        (1, Lane.INSPECT),
        (2, Lane.INSPECT),
    ]
    assert codes(bench.parcel(1).reasons) == [("ambiguous", "xray")]
    assert codes(bench.parcel(2).reasons) == [("ambiguous", "xray"), ("no-picture", "xray")]
