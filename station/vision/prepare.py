"""A picture made into what the network takes: fitted into its size, in its order of colours, normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from station.vision.folder import InputSpec


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture lies in the network's input: its pixels times `zoom`, plus `offset`, each x and y."""

    zoom: tuple[float, float]
    offset: tuple[int, int]

    def back(self, boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
        """Boxes of the input, float32 (N, 4), as boxes of a picture of that size, clipped to it."""
        moved = (boxes - np.array(self.offset * 2, np.float32)) / np.array(self.zoom * 2, np.float32)
        return np.clip(moved, 0, np.array((width, height, width, height), np.float32))


def fit_of(width: int, height: int, spec: InputSpec) -> tuple[Fit, tuple[int, int]]:
    """How a picture of that size is fitted into the input, and the width and height that it then has."""
    if spec.fit == "stretch":
        return Fit((spec.width / width, spec.height / height), (0, 0)), (spec.width, spec.height)
    zoom = min(spec.width / width, spec.height / height)
    size = max(1, min(spec.width, round(width * zoom))), max(1, min(spec.height, round(height * zoom)))
    offset = (0, 0)
    if spec.fit == "centre":
        offset = (spec.width - size[0]) // 2, (spec.height - size[1]) // 2
    return Fit((zoom, zoom), offset), size


def resized(pixels: NDArray[np.uint8], size: tuple[int, int], spec: InputSpec) -> NDArray[np.uint8]:
    """The picture at that width and height."""
    rows, columns = pixels.shape[:2]
    if size == (columns, rows):
        return pixels
    shrinks = spec.resize == "area" and size[0] <= columns and size[1] <= rows
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)


def prepare(pixels: NDArray[np.uint8], spec: InputSpec) -> tuple[NDArray[Any], Fit]:
    """Fit a picture into the network's input; what it does not cover is filled, nothing of it is cropped.

    Args:
        pixels: uint8 (H, W, 3), RGB.
        spec: the model's input.

    Returns:
        What the network takes, (1, 3, height, width) or (1, height, width, 3), and how the picture lies in it.
    """
    fit, size = fit_of(pixels.shape[1], pixels.shape[0], spec)
    fitted = resized(pixels, size, spec)
    planes = cv2.split(fitted)
    canvas = np.empty((3, spec.height, spec.width), np.uint8 if spec.dtype == "uint8" else np.float32)
    left, top = fit.offset
    for number, plane in enumerate(planes if spec.colour == "rgb" else planes[::-1]):
        values = _values(spec, number)
        if size != (spec.width, spec.height):
            canvas[number] = values[spec.fill]
        canvas[number, top : top + size[1], left : left + size[0]] = cv2.LUT(plane, values)
    shaped = canvas if spec.layout == "nchw" else canvas.transpose(1, 2, 0)
    return np.ascontiguousarray(shaped, spec.dtype)[None], fit


def _values(spec: InputSpec, channel: int) -> NDArray[Any]:
    """What the network takes for each value that a pixel can have, (256,)."""
    values = np.arange(256, dtype=np.float32)
    if spec.dtype == "uint8":
        return values.astype(np.uint8)
    return (values - np.float32(spec.mean[channel])) * np.float32(spec.scale[channel])
