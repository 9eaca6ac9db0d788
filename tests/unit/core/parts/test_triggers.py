"""When the offset of a device's trigger numbers is believed, lost and believed again."""

from __future__ import annotations

import pytest

from station.core.belt import Interval
from station.core.triggers import AGREE, TriggerCounter

CLOSE = [Interval(400, 700)]  # always as late as this, if they were of the parcel ahead
ALONE: list[Interval] = []


def known() -> TriggerCounter:
    return TriggerCounter(0, in_step=True)


def row(counter: TriggerCounter, *pairs: tuple[int, int]) -> list[bool]:
    return [counter.agrees(own, plc, CLOSE) for own, plc in pairs]


def test_in_step_it_agrees_on_its_offset_only() -> None:
    counter = known()
    assert row(counter, (5, 5), (6, 5), (6, 6)) == [True, False, False]
    assert not counter.in_step
    assert counter.doubtful


def test_at_first_nothing_is_known_and_nobody_need_know() -> None:
    counter = TriggerCounter()
    assert (counter.offset, counter.in_step, counter.doubtful) == (None, False, False)


def test_the_very_first_picture_teaches_it_and_is_believed_if_it_cannot_be_a_late_one() -> None:
    counter = TriggerCounter()
    assert counter.agrees(44, 4, ALONE)
    assert (counter.offset, counter.in_step) == (40, True)
    assert row(counter, (45, 5)) == [True]


def test_one_that_contradicts_what_was_known_is_not_believed_but_the_next_is() -> None:
    counter = known()
    assert not counter.agrees(9, 2, ALONE)
    assert (counter.offset, counter.in_step) == (7, True)
    assert row(counter, (10, 3)) == [True]


def test_pictures_that_all_could_be_late_alike_teach_nothing_and_after_four_a_person_is_told() -> None:
    counter = TriggerCounter()
    for n in range(1, 30):
        assert row(counter, (n + 40, n)) == [False]
        assert counter.doubtful is (n >= AGREE)
    assert counter.offset is None


@pytest.mark.parametrize("differs", range(1, 4))
def test_four_that_cannot_be_late_alike_teach_it(differs: int) -> None:
    """One of them would be late by 900 or more, the others by 700 at most."""
    counter = TriggerCounter()
    for n in range(4):
        late = [Interval(900, 1200)] if n == differs else CLOSE
        assert not counter.in_step
        assert not counter.agrees(n + 41, n + 1, late)
    assert (counter.offset, counter.in_step) == (40, True)


def test_three_are_too_few() -> None:
    counter = TriggerCounter()
    for n, low in enumerate((0, 1000, 2000)):
        counter.agrees(n + 41, n + 1, [Interval(low, low + 100)])
    assert not counter.in_step


def test_what_they_have_in_common_is_the_narrowest() -> None:
    """Pairwise they meet, all together they do not."""
    counter = TriggerCounter()
    for n, late in enumerate([Interval(0, 500), Interval(400, 900), Interval(100, 450), Interval(450.5, 600)]):
        counter.agrees(n + 41, n + 1, [late])
    assert counter.in_step


def test_bounds_that_touch_have_that_in_common() -> None:
    counter = TriggerCounter()
    for n, late in enumerate([Interval(0, 500), Interval(500, 900), Interval(500, 900), Interval(0, 500)]):
        counter.agrees(n + 41, n + 1, [late])
    assert not counter.in_step


def test_late_by_two_parcels_counts_as_late_by_one() -> None:
    counter = TriggerCounter()
    for n, low in enumerate((0, 1000, 2000, 3000, 4000)):
        counter.agrees(n + 41, n + 1, [Interval(low, low + 100), Interval(5000, 5100)])
    assert not counter.in_step


def test_nobody_can_be_late_by_two_parcels_where_but_one_ran_ahead() -> None:
    counter = TriggerCounter()
    for n, low in enumerate((0, 1000, 2000, 3000)):
        second = [Interval(5000, 5100)] if n != 2 else []
        counter.agrees(n + 41, n + 1, [Interval(low, low + 100), *second])
    assert counter.in_step


def test_the_old_offset_is_believed_after_four_in_a_row() -> None:
    counter = known()
    assert row(counter, (1, 1), (7, 2), (3, 3), (4, 4), (5, 5)) == [True] + [False] * 4
    assert not counter.in_step
    assert row(counter, (6, 6), (7, 7)) == [False, True]


def test_a_contradiction_begins_the_row_anew() -> None:
    counter = known()
    row(counter, (7, 2), (3, 3), (4, 4), (5, 5), (9, 6), (7, 7), (8, 8), (9, 9))
    assert not counter.in_step
    row(counter, (10, 10))
    assert counter.in_step


def test_after_it_was_learnt_alone_the_next_row_begins_at_one() -> None:
    counter = TriggerCounter()
    counter.agrees(41, 1, ALONE)
    row(counter, (9, 4), (45, 5), (46, 6), (47, 7))
    assert not counter.in_step
    row(counter, (48, 8))
    assert counter.in_step


def test_numbers_begin_anew_at_1_behind_65535() -> None:
    counter = TriggerCounter(1, in_step=True)
    assert row(counter, (65_535, 65_534), (1, 65_535), (2, 1)) == [True] * 3
