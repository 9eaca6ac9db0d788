"""What the pictures of a device have had in common since the start: one that breaks with it cannot be judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST = 50
"""So many pictures at a start show what a device does."""
_MOSTLY = 0.9
"""This share of them of one size shows that it makes them so."""
_EVERY = 16
_NOISY, _BLANK = 0.02, 0.06
"""Where no picture had a greater share of rows or columns blank than the first, one with the second lacks a part."""


@dataclass(slots=True)
class Sizes:
    """Whether the pictures of a device stay as large as they were: one that crops or scales them otherwise has changed.

    Where sizes differ among the first, as with a line of sensors that measures each parcel, any is right; one odd
    picture in ten shows no such device.
    """

    _first: Counter[tuple[int, int]] = field(default_factory=Counter)

    def take(self, width: int, height: int) -> str:
        """The next picture's; why it cannot be judged, or ""."""
        size = (width, height)
        if self._first.total() < _FIRST:
            self._first[size] += 1
            return ""
        (usual, often), *_ = self._first.most_common(1)
        if size == usual or often < _FIRST * _MOSTLY:
            return ""
        was = f"{usual[0]} x {usual[1]}"
        return f"it is {width} x {height} pixels, those before were {was}: see what changed at the device, then restart"


@dataclass(slots=True)
class Noise:
    """Whether there is noise in every row and column of the pictures, as a sensor has: a part without any is made up.

    Where the first pictures have blank parts, as those of a device that cuts its white off, nothing is said.
    """

    _seen: int = 0
    _most: float = 0.0

    def take(self, blank: float) -> str:
        """The next picture's, by the share of its rows or columns that are blank; why it cannot be judged, or ""."""
        if self._seen < _FIRST:
            self._seen, self._most = self._seen + 1, max(self._most, blank)
            return ""
        if self._most > _NOISY or blank <= _BLANK:
            return ""
        return f"{blank:.0%} of it shows nothing, not even noise, as no picture before: cut off, shifted or zoomed out?"


def blank_share(pixels: NDArray[np.uint8]) -> float:
    """The share of rows, or that of columns if it is greater, that are one colour from end to end; (H, W, 3)."""
    return max(_blank_rows(pixels), _blank_rows(pixels.swapaxes(0, 1)))


def _blank_rows(pixels: NDArray[np.uint8]) -> float:
    """A few pixels of a row with noise show that it is none."""
    may_be = (pixels[:, ::_EVERY] == pixels[:, :1]).all(axis=(1, 2))
    rows = pixels[may_be]
    return float((rows == rows[:, :1]).all(axis=(1, 2)).sum() / len(pixels))


@dataclass(slots=True)
class Habits:
    """All of one device's."""

    sizes: Sizes = field(default_factory=Sizes)
    noise: Noise = field(default_factory=Noise)

    def take(self, pixels: NDArray[np.uint8]) -> str:
        """The next picture, uint8 (H, W, 3); why it cannot be judged, or ""."""
        return self.sizes.take(pixels.shape[1], pixels.shape[0]) or self.noise.take(blank_share(pixels))
