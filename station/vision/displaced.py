"""Rows, columns or colours of a picture that do not lie where they belong: what is in it has no outline any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMBED = 1.1
"""Of 500 real and simulated pictures none comes to more than 0.99, of those with every second row moved by 12 pixels
one in fifty to less than 1.2."""
_ALONG = 5
"""Pixels along a row that are taken together, so that noise counts less."""
_WIDTH, _HEIGHT = 208, 160
_APART_PX = 3.0
"""In a picture made small; of the same 500 none has its colours 2 pixels apart, and of 300 with red and blue moved by 8
of 416 pixels each has them further."""
_ALIKE = 0.1
"""How sharp the peak must be: in the same pictures it is 0.2 and more."""


def displaced(pixels: NDArray[np.uint8], grey: NDArray[np.uint8]) -> str:
    """What does not lie where it belongs; "" if all does.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        grey: the same in grey.
    """
    if _combed(grey):
        return "picture is combed: every second row is moved"
    if _combed(np.ascontiguousarray(grey.T)):
        return "picture is combed: every second column is moved"
    return "picture has its colours beside each other" if _colours_apart(pixels) else ""


def _combed(grey: NDArray[np.uint8]) -> bool:
    """Whether rows are more like the next but one than like the next."""
    rows = cv2.blur(grey, (_ALONG, 1)).astype(np.int16)
    next_one, next_but_one = (float(np.abs(rows[by:] - rows[:-by]).mean()) for by in (1, 2))
    return next_one > _COMBED * next_but_one > 0


def _colours_apart(pixels: NDArray[np.uint8]) -> bool:
    """Whether the edges of red or blue lie beside those of green (phase correlation of how steep they are)."""
    zoom = min(_WIDTH / pixels.shape[1], _HEIGHT / pixels.shape[0], 1.0)
    small = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    window = cv2.createHanningWindow((small.shape[1], small.shape[0]), cv2.CV_32F)
    red, green, blue = (_steepness(channel) for channel in cv2.split(small))
    for other in (red, blue):
        (x, y), peak = cv2.phaseCorrelate(other, green, window)
        if peak > _ALIKE and max(abs(x), abs(y)) > _APART_PX:
            return True
    return False


def _steepness(channel: cv2.typing.MatLike) -> cv2.typing.MatLike:
    return cv2.magnitude(cv2.Sobel(channel, cv2.CV_32F, 1, 0), cv2.Sobel(channel, cv2.CV_32F, 0, 1))
