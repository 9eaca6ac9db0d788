"""Field case C39: the age of a frame."""

from __future__ import annotations

import pytest

from drivers.frame_clock import FrameClock, Unchanged


def lateness(stamps: list[tuple[float, float]]) -> list[float | None]:
    clock = FrameClock()
    return [clock.late_ms(pos, round(now * 1e6)) for pos, now in stamps]


def test_a_frame_that_waited_in_a_buffer_is_late_by_as_much() -> None:
    assert lateness([(0, 1000), (40, 1040), (80, 1580), (120, 1581)])[2:] == pytest.approx([500, 461], abs=1)


def test_a_buffer_full_at_the_start_is_no_measure_for_what_follows() -> None:
    late = lateness([(0, 9000), (40, 9001), (80, 9002), (5000, 9010), (5040, 9050), (5080, 9900)])
    assert late[3:5] == pytest.approx([0, 0], abs=1)
    assert late[5] == pytest.approx(810, abs=1)


def test_a_stamp_that_stands_or_goes_back_proves_nothing() -> None:
    assert lateness([(0, 1000), (0, 1040), (0, 1080)]) == [None, None, None]
    assert lateness([(0, 1000), (40, 1040), (10, 1080), (50, 1120)])[2:] == [None, pytest.approx(0, abs=1)]


@pytest.mark.parametrize("drift", [100e-6, -100e-6])
def test_clocks_that_drift_apart_are_no_lateness(drift: float) -> None:
    late = lateness([(t * (1 + drift), 1000 + t) for t in range(0, 3_600_000, 400)])
    assert max(value for value in late if value is not None) < 1


def test_a_buffer_that_fills_slowly_is_lateness() -> None:
    late = lateness([(t * 0.99, 1000 + t) for t in range(0, 60_000, 40)])
    assert late[-1] is not None
    assert late[-1] > 500


def test_equal_content_is_counted_in_a_row() -> None:
    unchanged = Unchanged()
    assert [unchanged.times(c) for c in (b"a", b"a", b"b", b"b", b"b", b"a")] == [1, 2, 1, 2, 3, 1]
