"""What a device's pictures have in common, and one that breaks with it."""

from __future__ import annotations

import numpy as np
import pytest

from station.habits import Habits, Noise, Sizes, blank_share


def test_pictures_of_one_size_stay_so() -> None:
    sizes = Sizes()
    assert [sizes.take(640, 480) for _ in range(60)] == [""] * 60
    assert "it is 320 x 240 pixels, those before were 640 x 480" in sizes.take(320, 240)
    assert sizes.take(640, 480) == ""
    assert sizes.take(480, 640) != ""


def test_an_odd_picture_among_the_first_shows_no_device_that_measures() -> None:
    sizes = Sizes()
    assert [sizes.take(640, 480 if n % 11 else 479) for n in range(50)] == [""] * 50
    assert sizes.take(320, 240) != ""
    assert sizes.take(640, 480) == ""


def test_a_device_that_measures_each_parcel_may_have_any_size() -> None:
    sizes = Sizes()
    assert [sizes.take(600 + n % 7, 480) for n in range(200)] == [""] * 200
    assert sizes.take(300, 480) == ""


NOISE = np.random.default_rng(1).integers(200, 255, (120, 160, 3)).astype(np.uint8)


def spoilt(rows: slice, columns: slice) -> np.ndarray:
    picture = NOISE.copy()
    picture[rows, columns] = 254
    return picture


@pytest.mark.parametrize(
    ("rows", "columns", "blank"),
    [
        (slice(0, 0), slice(0, 0), 0.0),
        (slice(60, 120), slice(None), 0.5),
        (slice(None), slice(40, 80), 0.25),
        (slice(60, 120), slice(0, 159), 0.0),
        (slice(None), slice(None), 1.0),
    ],
)
def test_what_is_blank_is_one_colour_from_end_to_end(rows: slice, columns: slice, blank: float) -> None:
    assert blank_share(spoilt(rows, columns)) == pytest.approx(blank)


def test_a_part_without_noise_is_told_where_there_always_was_noise() -> None:
    habits = Habits()
    assert [habits.take(NOISE) for _ in range(50)] == [""] * 50
    assert habits.take(spoilt(slice(0, 0), slice(0, 0))) == ""
    assert habits.take(spoilt(slice(84, 120), slice(None))).startswith("30% of it shows nothing, not even noise")
    assert habits.take(spoilt(slice(118, 120), slice(None))) == ""


def test_a_device_that_cuts_its_white_off_may_have_blank_parts() -> None:
    noise = Noise()
    assert [noise.take(0.4 if n == 7 else 0.0) for n in range(50)] == [""] * 50
    assert noise.take(0.9) == ""
