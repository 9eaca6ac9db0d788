"""A parcel's life and its place: the table against what it promises, the bounds against belt, slip and latching."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station.core.belt import Interval
from station.core.events import ParcelKey
from station.core.parcel import STEP_OF_PLACE, TRANSITIONS, Parcel, State, Step, StepNotAllowedError
from station.core.refs import ref
from tests.unit.core.parts.bench import GEOMETRY

ENDS = {State.PASSED, State.INSPECTED, State.LOST, State.UNOBSERVED}
SLIPPING = replace(GEOMETRY, slip=0.25, tolerance_mm=0.0, latch_ms=0.0)  # known to 1 count beside slip


def parcel(*leads: tuple[int, int], trails: dict[int, int] | None = None) -> Parcel:
    return Parcel(ParcelKey(5, 1), leads[0][0], dict(leads), trails or {})


def test_a_parcel_ends_once_and_only_a_person_says_more() -> None:
    for (state, step), after in TRANSITIONS.items():
        if state in ENDS:
            assert (step, after) == (Step.RESOLVE, State.RESOLVED)
        assert state is not State.RESOLVED
    resolvable = {state for state, step in TRANSITIONS if step is Step.RESOLVE}
    assert resolvable == ENDS - {State.PASSED}


def test_no_order_without_a_decision_and_no_acknowledgement_without_an_order() -> None:
    assert {state for state, step in TRANSITIONS if step is Step.ORDER} == {State.DECIDED}
    acknowledged = {state for state, step in TRANSITIONS if step is Step.ACKNOWLEDGE}
    assert acknowledged == {State.ORDERED, State.ACKNOWLEDGED}
    for state in (State.ORDERED, State.ACKNOWLEDGED):
        assert TRANSITIONS[state, Step.DECIDE] is State.DECIDED  # a withdrawal is ordered anew
    assert (State.DECIDED, Step.DECIDE) not in TRANSITIONS  # a decision is ordered before another is made
    assert TRANSITIONS[State.ACKNOWLEDGED, Step.ACKNOWLEDGE] is State.ACKNOWLEDGED  # and acknowledged anew


def test_whatever_is_on_the_belt_can_end_anywhere() -> None:
    for state in set(State) - ENDS - {State.RESOLVED}:
        assert Parcel(None, 0, {0: 0}, state=state).on_belt
        assert {TRANSITIONS[state, step] for step in STEP_OF_PLACE.values()} == ENDS
    for state in (*ENDS, State.RESOLVED):
        assert not Parcel(None, 0, {0: 0}, state=state).on_belt


def test_a_step_too_many_is_named() -> None:
    gone = Parcel(ParcelKey(5, 1), 0, {0: 0}, state=State.PASSED)
    with pytest.raises(StepNotAllowedError, match=r"parcel .*number=1.*: 'decide' is not allowed once it is passed"):
        gone.advance(Step.DECIDE)
    assert gone.state is State.PASSED


def test_an_object_without_a_number_has_no_identity() -> None:
    with pytest.raises(ValueError, match=r"^an object without a number has no identity$"):
        ref(Parcel(None, 1, {1: 0}))


def test_slip_grows_with_the_way_from_the_eye() -> None:
    """300 mm at a quarter of slip either way: 240 to 400 mm of belt."""
    assert parcel((0, 1000)).lead_at(300.0, SLIPPING) == Interval(1000 + 240 - 1, 1000 + 400 + 1)
    assert parcel((0, 1000)).lead_at(0.0, SLIPPING) == Interval(999, 1001)
    halved = replace(SLIPPING, mm_per_count=2.0)
    assert parcel((0, 1000)).lead_at(300.0, halved) == Interval(1000 + 120 - 1, 1000 + 200 + 1)


def test_slip_counts_also_on_the_way_back_to_a_place_ahead_of_the_eye() -> None:
    assert parcel((1, 1000)).lead_at(700.0, SLIPPING) == Interval(1000 - 400 - 1, 1000 - 240 + 1)


def test_slip_counts_within_the_first_count_of_the_way_too() -> None:
    """Half a mm behind eye 1 is 769.38 to 769.71 by that eye, and not ahead of 769.62 by eye 0."""
    geometry = replace(SLIPPING, slip=0.3)
    both = parcel((0, 0), (1, 769)).lead_at(1000.5, geometry)
    assert both == Interval(pytest.approx(1000.5 / 1.3 - 1), pytest.approx(769 + 0.5 / 0.7 + 1))


def test_latching_and_tolerance_are_known_nowhere_better() -> None:
    """2 ms of latching at 1 count/ms and 1 of rounding, 8 mm of tolerance at 2 mm a count."""
    geometry = replace(GEOMETRY, latch_ms=4.0, mm_per_count=2.0)
    assert geometry.counts_per_ms == 0.5
    assert geometry.latch_counts == 3.0
    assert parcel((0, 1000)).lead_at(0.0, geometry) == Interval(1000 - 7, 1000 + 7)


def test_every_eye_anchors_anew_and_the_bounds_are_intersected() -> None:
    """At eye 1 (1000 mm) it was 900 counts on: 500 mm farther 400 to 667 more; by eye 0 alone 1200 to 2000."""
    both = parcel((0, 0), (1, 900))
    assert both.lead_at(1500.0, SLIPPING) == Interval(1300 - 1, pytest.approx(900 + 500 / 0.75 + 1))
    assert both.lead_at(1500.0, SLIPPING, before_eye=1) == Interval(1200 - 1, 2000 + 1)
    assert both.lead_at(1500.0, SLIPPING, before_eye=2) == both.lead_at(1500.0, SLIPPING)


def test_a_new_edge_is_reckoned_with_at_once() -> None:
    it = parcel((0, 0))
    assert it.lead_at(2500.0, GEOMETRY) == Interval(2490, 2510)
    assert it.trail_at(0.0, GEOMETRY) == Interval(-10, float("inf"))
    it.trailed(0, 300)
    assert it.trail_at(0.0, GEOMETRY) == Interval(290, 310)
    it.led(1, 1004)  # without slip the two eyes contradict each other by 4 counts
    assert it.lead_at(2500.0, GEOMETRY) == Interval(2500 - 10, 2504 + 10)


def test_a_number_is_reckoned_once_until_another_edge_is_seen_or_the_plc_jumped() -> None:
    it = parcel((0, 0))
    asked = []

    def reckon(asked_of: Parcel) -> float:
        assert asked_of is it
        asked.append(asked_of)
        return 100.0 * len(asked)

    assert [it.reckoned("a", reckon), it.reckoned("b", reckon), it.reckoned("a", reckon)] == [100.0, 200.0, 100.0]
    it.led(1, 1000)
    assert it.reckoned("a", reckon) == 300.0
    it.trailed(1, 1300)
    assert it.reckoned("a", reckon) == 400.0
    it.reckon_anew()
    assert [it.reckoned("b", reckon), it.reckoned("a", reckon), it.reckoned("b", reckon)] == [500.0, 600.0, 500.0]


def test_a_number_that_is_nought_is_reckoned_once_too() -> None:
    it, asked = parcel((0, 0)), []
    for _ in range(2):
        assert it.reckoned("nought", lambda _: float(asked.append(1) or 0)) == 0.0  # type: ignore[func-returns-value]
    assert len(asked) == 1


def test_anchors_that_contradict_each_other_leave_all_between_them_possible() -> None:
    """Without slip eye 0 says 1500, eye 1 says 1540: neither is known to be wrong."""
    assert parcel((0, 0), (1, 1040)).lead_at(1500.0, GEOMETRY) == Interval(1500 - 10, 1540 + 10)
    assert parcel((0, 0), (1, 960)).lead_at(1500.0, GEOMETRY) == Interval(1460 - 10, 1500 + 10)


def test_while_it_covers_its_eye_it_has_no_end() -> None:
    assert parcel((0, 0)).trail_at(1000.0, GEOMETRY) == Interval(990, float("inf"))
    assert parcel((0, 0)).within((300.0, 320.0), GEOMETRY) == Interval(290, float("inf"))
    assert parcel((0, 0)).length_mm(GEOMETRY) is None


def test_it_is_in_a_zone_from_its_head_at_the_near_end_to_its_tail_at_the_far_end() -> None:
    it = parcel((0, 1000), trails={0: 1250})
    assert it.within((300.0, 320.0), GEOMETRY) == Interval(1300 - 10, 1570 + 10)
    assert it.trail_at(320.0, GEOMETRY) == Interval(1570 - 10, 1570 + 10)


def test_its_length_is_what_its_first_eye_measured() -> None:
    doubled = replace(GEOMETRY, mm_per_count=2.0)
    assert parcel((0, 1000), (1, 1500), trails={0: 1100, 1: 1640}).length_mm(doubled) == 200.0
    stranger = Parcel(None, 1, {1: 1500}, {1: 1640})
    assert stranger.length_mm(GEOMETRY) == 140.0
