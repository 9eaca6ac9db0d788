"""Field case C39: the age of a frame."""

from __future__ import annotations

import pytest

from drivers.frame_clock import FrameClock, Unchanged


def lateness(stamps: list[tuple[float, float]]) -> list[float | None]:
    clock = FrameClock()
    return [clock.late_ms(pos, round(now * 1e6)) for pos, now in stamps]


def test_a_frame_that_waited_in_a_buffer_is_late_by_as_much() -> None:
    steady = [(t, 1000.0 + t) for t in range(0, 400, 40)]
    assert lateness([*steady, (400, 1900), (440, 1901)])[-2:] == pytest.approx([500, 461], abs=1)


def test_a_buffer_full_at_the_start_proves_nothing_until_it_is_empty() -> None:
    full = [(t, 9000 + t / 40) for t in range(0, 800, 40)]
    steady = [(t, 9020.0 + t - 800) for t in range(800, 1600, 40)]
    late = lateness([*full, *steady, (1600, 10_620)])
    assert late[: len(full) + 7] == [None] * (len(full) + 7)
    assert late[-5:-1] == pytest.approx([0] * 4, abs=1)
    assert late[-1] == pytest.approx(800, abs=1)


def test_a_stamp_that_stands_or_goes_back_proves_nothing() -> None:
    assert lateness([(0, 1000), (0, 1040), (0, 1080)]) == [None, None, None]
    back = [(0, 1000.0), (400, 1400.0), (10, 1440.0), (50, 1480.0), (450, 1880.0)]
    assert lateness(back) == [None, pytest.approx(0), None, None, pytest.approx(0)]


@pytest.mark.parametrize("drift", [100e-6, -100e-6])
def test_clocks_that_drift_apart_are_no_lateness(drift: float) -> None:
    late = lateness([(t * (1 + drift), 1000 + t) for t in range(0, 3_600_000, 400)])
    assert max(value for value in late if value is not None) < 1


def test_a_buffer_that_fills_slowly_is_lateness() -> None:
    late = lateness([(t * 0.99, 1000 + t) for t in range(0, 60_000, 40)])
    assert late[-1] is not None
    assert late[-1] > 500


def test_stamps_of_a_frame_rate_that_the_source_does_not_keep_prove_nothing() -> None:
    """40 ms a frame, as FFmpeg makes them up, of a camera of 30 a second whose link ages by 0.1 s a second."""
    late = lateness([(40.0 * n, 1000 + n * 1.1 * 1000 / 30) for n in range(3000)])
    assert set(late) == {None}


def test_equal_content_is_counted_in_a_row() -> None:
    unchanged = Unchanged()
    assert [unchanged.times(c) for c in (b"a", b"a", b"b", b"b", b"b", b"a")] == [1, 2, 1, 2, 3, 1]
