"""One edge claims one parcel, one parcel is claimed by one edge; what does not fit is doubted or a stranger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.events import BeltParcel, Direction, ParcelKey
from station.core.parcel import Parcel, State
from station.core.tracking import Seen, Tracker
from tests.unit.core.parts.bench import GEOMETRY


def broken(eye: int, count: int, number: int = 0) -> Seen:
    return Seen(eye, Direction.BROKEN, count, number)


def freed(eye: int, count: int) -> Seen:
    return Seen(eye, Direction.FREED, count, 0)


def entering(tracker: Tracker, number: int, count: int, length: int = 300) -> Parcel:
    new = tracker.see(broken(0, count, number), 5, inspect_only=False)
    assert new is not None
    tracker.see(freed(0, count + length), 5, inspect_only=False)
    return new


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(GEOMETRY)


def test_the_infeed_eye_begins_a_parcel_with_the_plcs_number(tracker: Tracker) -> None:
    new = tracker.see(broken(0, 1000, 4), 5, inspect_only=False)
    assert new is tracker.covering(0) is tracker.by_key(ParcelKey(5, 4))
    assert new is not None
    assert (new.key, new.leads, new.doubts, new.inspect_only) == (ParcelKey(5, 4), {0: 1000}, {}, False)
    assert tracker.see(freed(0, 1250), 5, inspect_only=False) is None
    assert tracker.covering(0) is None
    assert (new.trails, new.length_mm(GEOMETRY)) == ({0: 1250}, 250.0)


def test_what_enters_without_a_live_session_is_inspect_only(tracker: Tracker) -> None:
    new = tracker.see(broken(0, 1000, 4), 5, inspect_only=True)
    assert new is not None
    assert new.inspect_only
    assert not new.doubts


def test_an_infeed_edge_without_a_number_is_a_stranger(tracker: Tracker) -> None:
    new = tracker.see(broken(0, 1000), 5, inspect_only=False)
    assert new is not None
    assert new.key is None
    assert new.inspect_only
    assert new.doubts == {"unknown": "an edge at eye 0 that no parcel explains"}


def test_a_number_that_comes_in_twice_is_doubted_and_the_second_object_has_none(tracker: Tracker) -> None:
    it = entering(tracker, 4, 1000)
    again = tracker.see(broken(0, 1400, 4), 5, inspect_only=False)
    assert again is not None
    assert (again.key, again.inspect_only) == (None, True)
    assert it.doubts == {"twice": "its number came in a second time"}
    assert [parcel.key for parcel in tracker.parcels] == [ParcelKey(5, 4), None]


@pytest.mark.parametrize("number", [3, 4], ids=["lower", "the same"])
def test_a_number_that_does_not_rise_within_its_epoch_is_none(tracker: Tracker, number: int) -> None:
    entering(tracker, 4, 1000)
    tracker.retire(20_000)
    again = tracker.see(broken(0, 30_000, number), 5, inspect_only=False)
    assert again is not None
    assert again.key is None
    assert again.inspect_only
    assert again.doubts["number"] == f"the PLC gave it the number {number}, and had given that before"
    other = tracker.see(broken(0, 31_000, number), 6, inspect_only=False)
    assert other is not None
    assert (other.key, other.doubts) == (ParcelKey(6, number), {})


def test_a_number_of_the_plcs_table_was_given_before(tracker: Tracker) -> None:
    tracker.adopt((BeltParcel(9, 1000, 300, 7, last_eye=0, last_eye_count=1000),), 5, [(1000, 1000)])
    again = tracker.see(broken(0, 30_000, 9), 5, inspect_only=False)
    assert again is not None
    assert again.key is None


def test_an_edge_that_the_plc_takes_for_another_parcel_doubts_both(tracker: Tracker) -> None:
    one, two = entering(tracker, 1, 1000), entering(tracker, 2, 1700)
    tracker.see(broken(1, 2000, 2), 5, inspect_only=False)
    text = "the PLC takes what is at eye 1 for parcel 2"
    assert (one.doubts, two.doubts) == ({"number": text}, {"number": text})


def test_an_edge_that_the_plc_takes_for_one_that_left_doubts_whose_it_is(tracker: Tracker) -> None:
    one = entering(tracker, 8, 1000)
    tracker.see(broken(1, 2000, 7), 5, inspect_only=False)
    assert one.doubts == {"number": "the PLC takes what is at eye 1 for parcel 7"}


def test_an_edge_that_the_plc_takes_for_nobody_or_for_the_same_is_no_doubt(tracker: Tracker) -> None:
    one = entering(tracker, 1, 1000)
    tracker.see(broken(1, 2000, 1), 5, inspect_only=False)
    tracker.see(broken(2, 2500), 5, inspect_only=False)
    assert one.doubts == {}


def test_who_is_asked_for_by_a_number_of_another_epoch_is_nobody(tracker: Tracker) -> None:
    entering(tracker, 4, 1000)
    assert tracker.by_key(ParcelKey(6, 4)) is None


@pytest.mark.parametrize("off", [-10, 10])
def test_an_edge_within_the_tolerance_is_the_parcels_own(tracker: Tracker, off: int) -> None:
    it = entering(tracker, 4, 1000)
    assert tracker.see(broken(1, 2000 + off), 5, inspect_only=False) is None
    assert it.leads == {0: 1000, 1: 2000 + off}
    assert tracker.covering(1) is it
    assert not it.doubts


@pytest.mark.parametrize("off", [-11, 11])
def test_an_edge_beyond_the_tolerance_is_a_strangers(tracker: Tracker, off: int) -> None:
    it = entering(tracker, 4, 1000)
    new = tracker.see(broken(1, 2000 + off), 5, inspect_only=False)
    assert new is not None
    assert new is not it
    assert (new.key, new.origin_eye, new.leads) == (None, 1, {1: 2000 + off})
    assert new.inspect_only
    assert 1 not in it.leads
    assert tracker.parcels == [it, new]
    assert tracker.covering(1) is new


def test_two_edges_for_one_parcel_doubt_it_and_the_second_is_a_stranger(tracker: Tracker) -> None:
    it = entering(tracker, 4, 1000)
    tracker.see(broken(1, 1995), 5, inspect_only=False)
    tracker.see(freed(1, 1998), 5, inspect_only=False)
    new = tracker.see(broken(1, 2005), 5, inspect_only=False)
    assert new is not None
    assert new.key is None
    assert it.doubts["claim"] == "two edges or two parcels at eye 1"
    assert it.leads[1] == 1995


def test_one_edge_for_two_parcels_doubts_both(tracker: Tracker) -> None:
    first, second = entering(tracker, 4, 1000, 5), entering(tracker, 5, 1008, 5)
    assert tracker.see(broken(1, 2004), 5, inspect_only=False) is None
    for parcel in (first, second):
        assert parcel.doubts["claim"] == "two edges or two parcels at eye 1"
        assert parcel.leads[1] == 2004
    assert tracker.covering(1) is first


def test_an_edge_that_one_of_two_had_already_is_the_others_with_a_doubt_on_both(tracker: Tracker) -> None:
    first, second = entering(tracker, 4, 1000, 5), entering(tracker, 5, 1015, 5)
    tracker.see(broken(1, 2001), 5, inspect_only=False)  # of the first alone: 1990..2010, not 2005..2025
    assert tracker.see(broken(1, 2007), 5, inspect_only=False) is None
    assert (first.leads[1], second.leads[1]) == (2001, 2007)
    assert set(first.doubts) == set(second.doubts) == {"claim"}
    assert tracker.covering(1) is second


def test_a_stranger_is_seen_again_at_the_eyes_behind_its_first_only(tracker: Tracker) -> None:
    stranger = tracker.see(broken(1, 2000), 5, inspect_only=False)
    assert stranger is not None
    assert tracker.see(broken(2, 2500), 5, inspect_only=False) is None
    assert stranger.leads == {1: 2000, 2: 2500}
    another = tracker.see(broken(1, 2003), 5, inspect_only=False)
    assert another is not None
    assert "claim" not in stranger.doubts


def test_a_freed_eye_that_nobody_covered_says_nothing(tracker: Tracker) -> None:
    it = entering(tracker, 4, 1000)
    assert tracker.see(freed(2, 2000), 5, inspect_only=False) is None
    assert it.trails == {0: 1300}
    assert not it.doubts


# Two edges of 10 counts each: what is 20 mm off may be the same parcel. Slip of a tenth adds a tenth of the length.
@pytest.mark.parametrize(("length", "fits"), [(600, True), (620, True), (621, False)])
def test_longer_than_the_longest_is_more_than_one_parcel(tracker: Tracker, length: int, *, fits: bool) -> None:
    it = entering(tracker, 4, 1000, length)
    expected = {} if fits else {"too-long": f"{length} mm long: more than one parcel, touching?"}
    assert it.doubts == expected


@pytest.mark.parametrize(
    ("slip", "length", "fits"),
    [(0.0, 320, True), (0.0, 280, True), (0.0, 321, False), (0.0, 279, False), (0.125, 360, True), (0.125, 367, False)],
)
def test_another_length_than_at_the_first_eye_is_a_doubt(slip: float, length: int, *, fits: bool) -> None:
    tracker = Tracker(replace(GEOMETRY, slip=slip))
    it = entering(tracker, 4, 1000)
    tracker.see(broken(1, 2000), 5, inspect_only=False)
    tracker.see(freed(1, 2000 + length), 5, inspect_only=False)
    expected = {} if fits else {"length": f"{length} mm long at eye 1, 300 mm at the first"}
    assert it.doubts == expected


def test_lengths_are_told_in_mm_whatever_a_count_is() -> None:
    """1 ms is 2 counts, with one of rounding 1.5 mm; with 8 mm of tolerance, at both ends, 19 mm are allowed."""
    tracker = Tracker(replace(GEOMETRY, mm_per_count=0.5))
    assert entering(tracker, 4, 1000, 1238).doubts == {}
    it = entering(tracker, 5, 9000, 1240)
    assert it.doubts == {"too-long": "620 mm long: more than one parcel, touching?"}


def test_who_covers_the_first_eye_still_has_no_length_to_differ_from(tracker: Tracker) -> None:
    """A parcel longer than the way to the next eye is no case of a line, but must not be one of a crash either."""
    it = tracker.see(broken(0, 1000, 4), 5, inspect_only=False)
    tracker.see(broken(1, 2000), 5, inspect_only=False)
    tracker.see(freed(1, 2300), 5, inspect_only=False)
    assert it is not None
    assert it.doubts == {}
    assert it.trails == {1: 2300}


def test_who_was_not_seen_where_it_must_have_been_has_lost_its_track(tracker: Tracker) -> None:
    it = entering(tracker, 4, 1000)
    tracker.pass_by(2010)
    assert not it.doubts
    tracker.pass_by(2011)
    assert it.doubts == {"missed": "not seen at eye 1"}


def test_who_was_seen_is_not_missed_and_a_stranger_only_behind_its_first_eye(tracker: Tracker) -> None:
    it = entering(tracker, 4, 1000)
    tracker.see(broken(1, 2000), 5, inspect_only=False)
    stranger = tracker.see(broken(1, 2100), 5, inspect_only=False)
    tracker.pass_by(2511)
    assert it.doubts == {"missed": "not seen at eye 2"}
    assert stranger is not None
    assert set(stranger.doubts) == {"unknown"}
    tracker.pass_by(3511)
    assert it.doubts == {"missed": "not seen at eye 3"}


@pytest.mark.parametrize(("slip", "allowed"), [(0.0, 20), (0.1, 50)])
def test_who_covers_an_eye_for_longer_than_it_is_long_is_doubted_before_it_frees_it(slip: float, allowed: int) -> None:
    tracker = Tracker(replace(GEOMETRY, slip=slip))
    it = entering(tracker, 4, 1000, length=300)
    tracker.see(broken(1, 2000), 5, inspect_only=False)
    last = 2000 + 300 + allowed
    assert not tracker.waits_for(last)
    tracker.pass_by(last)
    assert not it.doubts
    assert tracker.waits_for(last + 1)
    tracker.pass_by(last + 1)
    assert it.doubts == {"covers": "covers eye 1 for longer than it is"}


def test_who_has_no_length_yet_may_cover_an_eye_as_long_as_the_longest(tracker: Tracker) -> None:
    it = tracker.see(broken(0, 1000, 4), 5, inspect_only=False)
    assert it is not None
    tracker.pass_by(1000 + 600 + 20)
    assert not it.doubts
    tracker.pass_by(1000 + 600 + 21)
    assert list(it.doubts) == ["covers"]


def test_who_is_doubted_for_what_it_covers_is_not_waited_for_again(tracker: Tracker) -> None:
    it = tracker.see(broken(0, 1000, 4), 5, inspect_only=False)
    assert it is not None
    tracker.pass_by(1700)
    tracker.see(freed(0, 1800), 5, inspect_only=False)
    assert list(it.doubts) == ["covers", "too-long"]
    assert not tracker.waits_for(1990), "the next eye is due at 2000"


def test_who_must_have_left_is_taken_out_and_told_if_nobody_saw_it_leave(tracker: Tracker) -> None:
    """Three metres behind the exit eyes: tail at 1300 + 6500, known within 10 counts."""
    told, untold = entering(tracker, 4, 1000), entering(tracker, 5, 1000)
    told.state = State.PASSED
    assert tracker.retire(7810) == []
    assert len(tracker.parcels) == 2
    assert tracker.retire(7811) == [untold]
    assert tracker.parcels == []


def test_who_never_freed_an_eye_leaves_three_longest_parcels_later(tracker: Tracker) -> None:
    it = tracker.see(broken(0, 1000, 4), 5, inspect_only=False)
    assert tracker.retire(7510 + 1800) == []
    assert tracker.retire(7511 + 1800) == [it]
    doubled = Tracker(replace(GEOMETRY, mm_per_count=2.0, latch_ms=0.0))
    it = doubled.see(broken(0, 0, 4), 5, inspect_only=False)  # 3250 counts on, 1 of latching, 4 of tolerance
    assert doubled.retire(3255 + 900) == []
    assert doubled.retire(3256 + 900) == [it]


def test_the_plcs_table_is_taken_over_inspect_only(tracker: Tracker) -> None:
    entering(tracker, 9, 500)
    tracker.see(broken(0, 900, 10), 5, inspect_only=False)
    rows = (
        BeltParcel(1, 100, 300, 7, 1, 1102),  # was last seen at eye 1
        BeltParcel(2, 1500, 300, 7, 0, 1500),
        BeltParcel(3, 50, 200, 7, 4, 3550),  # at an exit eye, which is none of ours
        BeltParcel(4, 2000, 0, 7, 0, 2000),  # covers the infeed eye yet
    )
    counts = [(100, 1102), (1500, 1500), (50, 3550), (2000, 2000)]
    adopted = tracker.adopt(rows, 5, counts)
    assert [p.key for p in adopted] == [ParcelKey(5, n) for n in (1, 2, 3, 4)]
    assert tracker.parcels == adopted
    assert tracker.parcels is not adopted
    assert [p.leads for p in adopted] == [{0: 100, 1: 1102}, {0: 1500}, {0: 50}, {0: 2000}]
    assert [p.trails for p in adopted] == [{0: 400}, {0: 1800}, {0: 250}, {}]
    for parcel in adopted:
        assert parcel.inspect_only
        assert parcel.origin_eye == 0
        assert parcel.doubts == {"adopted": "was on the belt when the station started"}
    assert tracker.covering(0) is adopted[3]
    tracker.see(freed(0, 2250), 5, inspect_only=False)
    assert adopted[3].trails == {0: 2250}


def test_after_a_take_over_nobody_covers_an_eye_as_before(tracker: Tracker) -> None:
    tracker.see(broken(0, 900, 10), 5, inspect_only=False)
    tracker.adopt((), 5, [])
    assert tracker.covering(0) is None


def test_where_it_was_seen_at_an_eye_moves_not_where_it_was_due_there() -> None:
    """Due at 2990 to 3010 and seen at 3008; an edge at 3015 is beyond that, and none of its own."""
    tracker = Tracker(GEOMETRY)
    one = entering(tracker, 1, 2000)
    tracker.see(broken(1, 3008), 5, inspect_only=False)
    tracker.see(freed(1, 3010), 5, inspect_only=False)
    stranger = tracker.see(broken(1, 3015), 5, inspect_only=False)
    assert stranger is not None
    assert "claim" not in one.doubts
