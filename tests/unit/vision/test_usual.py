"""A faulty picture among those that a gate is measured on would open it for others like it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.xray import HAZARDS, draw, png_bytes
from station.vision import read_picture
from station.vision.gate import measures
from station.vision.usual import unlike

Pixels = NDArray[np.uint8]

FAULTS: dict[str, Callable[[Pixels], Pixels]] = {
    "black": np.zeros_like,
    "inverted": lambda pixels: 255 - pixels,
    "without colour": lambda pixels: np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "red and blue exchanged": lambda pixels: np.ascontiguousarray(pixels[..., ::-1]),
    "much blurred": lambda pixels: np.asarray(cv2.blur(pixels, (31, 31)), np.uint8),
    "dark": lambda pixels: (pixels * 0.3).astype(np.uint8),
}


@pytest.fixture(scope="module")
def good() -> list[Pixels]:
    """Parcels of all lengths, clean and not."""
    words = tuple(HAZARDS)
    return [
        read_picture(png_bytes(draw(9100 + n, 150 + 11 * n, (words[n % len(words)],) if n % 2 else ())))
        for n in range(40)
    ]


def of(pictures: Sequence[Pixels]) -> list[dict[str, float]]:
    return [measures(pixels) for pixels in pictures]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_picture_among_good_ones_is_told(good: list[Pixels], fault: str) -> None:
    faulty = [FAULTS[fault](good[3])]
    assert 40 in unlike(of([*good, *faulty]))


def test_good_pictures_are_like_each_other(good: list[Pixels]) -> None:
    assert len(unlike(of(good))) <= 1


def test_of_a_few_none_is_unlike_the_others(good: list[Pixels]) -> None:
    assert unlike(of([*good[:5], FAULTS["inverted"](good[3])])) == {}
