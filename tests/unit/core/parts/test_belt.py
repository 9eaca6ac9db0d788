"""From PC time to counts: what the bounds are, and that they are never narrower than what is known."""

from __future__ import annotations

import pytest

from station.core.belt import BeltHistory, ClockMatch, Interval, Unwrap
from tests.unit.core.parts.bench import MS, clock_and_belt

TOP = 2**32


def test_a_rollover_is_one_step_ahead() -> None:
    unwrap = Unwrap()
    assert [unwrap(TOP - 3), unwrap(2), unwrap(1_000)] == [TOP - 3, TOP + 2, TOP + 1_000]


def test_what_lies_behind_is_told_and_is_no_new_reference() -> None:
    unwrap = Unwrap()
    assert [unwrap(100), unwrap(TOP - 50), unwrap(90)] == [100, -50, 90]
    assert unwrap.last == 100


def test_half_way_round_is_behind() -> None:
    unwrap = Unwrap()
    unwrap(0)
    assert unwrap(TOP // 2) == -(TOP // 2)
    assert unwrap(TOP // 2 - 1) == TOP // 2 - 1


@pytest.mark.parametrize(
    ("other", "meets"),
    [((0, 9.9), False), ((0, 10), True), ((12, 13), True), ((20, 30), True), ((20.1, 30), False), ((0, 40), True)],
)
def test_intervals_meet_where_they_share_a_point(other: tuple[float, float], *, meets: bool) -> None:
    assert Interval(10, 20).meets(Interval(*other)) is meets
    assert Interval(*other).meets(Interval(10, 20)) is meets


def test_both_ends_belong_to_an_interval() -> None:
    assert [value in Interval(1, 2) for value in (0.9, 1, 1.5, 2, 2.1)] == [False, True, True, True, False]
    assert Interval(1, 2).widened(3) == Interval(-2, 5)


def test_without_a_sample_nothing_is_known() -> None:
    clock, belt = clock_and_belt()
    assert clock.plc_ms(0, 1) is None
    assert belt.count is None
    assert belt.counts(Interval(0, 1)) is None
    assert belt.reached_at(0) is None
    with pytest.raises(ValueError, match=r"^no sample of the PLC's clock yet$"):
        clock.pc_ns_latest(0)


def test_a_plc_time_is_a_whole_millisecond() -> None:
    """PLC 100 was read between 150 and 152 ms: PC minus PLC is from 150 - 101 to 152 - 100."""
    clock = ClockMatch(0.0)
    assert clock.add(150 * MS, 152 * MS, 100)
    assert clock.plc_ms(200 * MS, 201 * MS) == Interval(200 - 52, 201 - 49)
    assert clock.pc_ns_latest(100) == (101 + 52) * MS


def test_brackets_are_intersected_and_never_averaged() -> None:
    clock = ClockMatch(0.0)
    clock.add(150 * MS, 153 * MS, 100)  # 49..53
    assert clock.add(251 * MS, 256 * MS, 200)  # 50..56
    assert clock.add(349 * MS, 352 * MS, 300)  # 48..52
    assert clock.plc_ms(1000 * MS, 1000 * MS) == Interval(1000 - 52, 1000 - 50)


@pytest.mark.parametrize(
    ("after", "before", "fits"), [(254, 255, True), (255, 256, False), (247, 249, True), (247, 248, False)]
)
def test_brackets_that_touch_agree(after: int, before: int, *, fits: bool) -> None:
    """49 to 53 ms, and 200 of the PLC read a hundred ms later: from after - 201 to before - 200."""
    clock = ClockMatch(0.0)
    clock.add(150 * MS, 153 * MS, 100)
    assert clock.add(after * MS, before * MS, 200) is fits


@pytest.mark.parametrize(("count", "possible"), [(22, True), (23, False)])
def test_the_belt_is_faster_by_a_twentieth_two_milliseconds_and_a_count_at_most(count: int, *, possible: bool) -> None:
    belt = BeltHistory(1.0)
    belt.add(0, 0)
    assert belt.add(18, count) is possible


def test_drift_widens_what_an_older_bracket_says() -> None:
    """100 ppm over 10 s are 1 ms either way."""
    clock = ClockMatch(100.0)
    clock.add(50 * MS, 51 * MS, 0)  # 49..51 at 51 ms
    assert clock.add(10_000 * MS, 10_051 * MS, 10_000)  # -1..51 at 10,051 ms
    assert clock.plc_ms(0, 0) == Interval(-51, -48)


def test_drift_counts_from_the_last_sample() -> None:
    """1 ms in 10 s, and 1 ms more in the next 10 s; the later brackets say nothing of the lower end."""
    clock = ClockMatch(100.0)
    clock.add(50 * MS, 51 * MS, 0)  # 49..51
    clock.add(9_000 * MS, 10_051 * MS, 10_000)  # ..51
    clock.add(19_000 * MS, 20_051 * MS, 20_000)  # ..51
    assert clock.plc_ms(0, 0) == Interval(-51, -47)


def test_a_sample_of_an_earlier_time_narrows_nothing_by_drift() -> None:
    clock = ClockMatch(100.0)
    clock.add(10_050 * MS, 10_051 * MS, 10_000)
    assert clock.add(40 * MS, 60 * MS, 0)  # 39..60, and 10 s before
    assert clock.plc_ms(0, 0) == Interval(-51, -49)


def test_a_bracket_that_contradicts_begins_anew() -> None:
    clock = ClockMatch(0.0)
    clock.add(150 * MS, 152 * MS, 100)  # 49..52
    assert not clock.add(160 * MS, 162 * MS, 130)  # 29..32
    assert clock.plc_ms(100 * MS, 100 * MS) == Interval(68, 71)
    assert clock.add(170 * MS, 172 * MS, 140)


def test_brackets_that_touch_contradict_nothing() -> None:
    clock = ClockMatch(0.0)
    clock.add(150 * MS, 152 * MS, 100)  # 49..52
    assert clock.add(153 * MS, 154 * MS, 100)  # 52..54
    assert clock.plc_ms(0, 0) == Interval(-52, -52)


def test_counts_are_bounded_by_the_fastest_speed_between_samples() -> None:
    """The belt stood a while between 0 and 100 ms: it moved 60 of 100 counts."""
    belt = BeltHistory(1.0)
    assert belt.add(0, 0)
    assert belt.add(100, 60)
    # At 50 ms at least 60 - 50, at most 0 + 50; and one count of slack, since a PLC time is a whole millisecond.
    assert belt.counts(Interval(50, 50)) == Interval(10 - 1, 50 + 1)
    # At 20 ms not less than at 0, at 90 ms not more than at 100.
    assert belt.counts(Interval(20, 90)) == Interval(0 - 1, 60 + 1)


def test_counts_before_the_first_sample_have_no_lower_bound_but_the_speed() -> None:
    belt = BeltHistory(2.0)
    belt.add(100, 1000)
    belt.add(200, 1200)
    assert belt.counts(Interval(50, 60)) == Interval(1000 - 100 - 2, 1000 + 2)
    assert belt.counts(Interval(150, 150)) == Interval(1100 - 2, 1100 + 2)


def test_counts_are_not_told_before_the_samples_reach_that_far() -> None:
    belt = BeltHistory(1.0)
    belt.add(0, 0)
    belt.add(100, 100)
    assert belt.counts(Interval(90, 100.5)) is None
    assert belt.counts(Interval(100, 100)) == Interval(99, 101)


def test_the_first_sample_at_or_past_a_count() -> None:
    _, belt = clock_and_belt(0, 20, 40)
    assert [belt.reached_at(count) for count in (-5, 0, 1, 20, 21, 40, 41)] == [0, 0, 20, 20, 40, 40, None]


@pytest.mark.parametrize(
    ("ms", "count", "possible"),
    [
        (120, 119, True),
        (120, 100, True),
        (120, 99, False),  # the belt went back
        (99, 100, False),  # time went back
        (120, 124, True),  # 22 ms at 1.05 counts, and one of rounding
        (120, 125, False),
        (100, 103, True),
        (100, 104, False),
    ],
)
def test_a_sample_that_no_belt_can_give_begins_the_history_anew(ms: int, count: int, *, possible: bool) -> None:
    belt = BeltHistory(1.0)
    belt.add(0, 0)
    belt.add(100, 100)
    assert belt.add(ms, count) is possible
    assert (belt.reached_at(-1000) == 0) is possible
    if not possible:
        assert belt.count == count
        assert belt.reached_at(count) == ms


def test_a_belt_that_springs_back_is_taken_to_stand_at_the_furthest() -> None:
    belt = BeltHistory(1.0, back=5.0)
    assert belt.add(0, 100)
    assert belt.add(20, 95)
    assert belt.add(40, 99)
    assert belt.count == 100
    assert belt.reached_at(100) == 0
    assert belt.add(60, 103)
    assert belt.count == 103
    assert not belt.add(80, 97)
    assert belt.count == 97


def test_the_same_sample_again_adds_nothing() -> None:
    belt = BeltHistory(1.0)
    belt.add(100, 100)
    assert belt.add(100, 100)
    assert belt.add(120, 120)
    assert belt.counts(Interval(110, 110)) == Interval(109, 111)


def test_memory_is_two_minutes_of_samples() -> None:
    belt = BeltHistory(1.0)
    for ms in range(0, 120_040, 20):
        assert belt.add(ms, ms)
    assert belt.reached_at(0) == 20
    assert len(belt._times) == len(belt._counts) == 6001
    belt = BeltHistory(1.0)
    for ms, first in ((0, 0), (120_000, 0), (120_001, 120_000)):
        belt.add(ms, 0)
        assert belt.reached_at(0) == first
