"""Detectors that answer for each cell of a grid: YOLOv5, YOLOv8 and its kin, YOLOX, and our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from station.vision.decoders.candidates import Decoder, corners, only, over_the_floor, within
from station.vision.faults import DetectorFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from station.vision.decoders.candidates import Candidates, Canvas, Outputs, Shapes

_STRIDES = (8, 16, 32)
_FOUR_STRIDES = (*_STRIDES, 64)
_LARGEST_LOG = 12.0
"""A logarithm of a box's side in strides over this is no box: e^12 strides are more than a million pixels."""


def _cells(canvas: Canvas, strides: tuple[int, ...] = _STRIDES) -> int:
    return sum((canvas.width // stride) * (canvas.height // stride) for stride in strides)


def _corner_classes(shapes: Shapes, _canvas: Canvas) -> int | None:
    shape = only(shapes, 3)
    if shape is None or shape[2] is None or shape[2] <= 4:
        return None
    return shape[2] - 4


def _corner(outputs: Outputs, floor: float, _canvas: Canvas) -> Candidates:
    """(1, cells, 4 + C): corners in input pixels, then a score for each class."""
    return over_the_floor(outputs[0][0, :, :4], outputs[0][0, :, 4:], floor)


def _objectness_classes(shapes: Shapes, canvas: Canvas) -> int | None:
    """As many rows as the grid has cells, or three times as many where each has three anchors."""
    shape = only(shapes, 3)
    if shape is None or shape[2] is None or shape[2] <= 5:
        return None
    cells = {_cells(canvas), _cells(canvas, _FOUR_STRIDES)}
    return shape[2] - 5 if shape[1] in cells | {3 * count for count in cells} else None


def _yolov5(outputs: Outputs, floor: float, _canvas: Canvas) -> Candidates:
    """(1, cells, 5 + C): centre, width, height in input pixels, objectness, then class scores given an object."""
    rows = outputs[0][0]
    return over_the_floor(corners(rows[:, :4]), _of_both(rows), floor)


def _of_both(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Objectness times class score; each must be a probability by itself, since their product could hide that."""
    within(rows[:, 4:])
    return np.asarray(rows[:, 4:5] * rows[:, 5:], np.float32)


def _yolov8_classes(shapes: Shapes, canvas: Canvas) -> int | None:
    shape = only(shapes, 3)
    if shape is None or shape[1] is None or shape[1] <= 4:
        return None
    return shape[1] - 4 if shape[2] in {_cells(canvas), _cells(canvas, _FOUR_STRIDES)} else None


def _yolov8(outputs: Outputs, floor: float, _canvas: Canvas) -> Candidates:
    """(1, 4 + C, cells): centre, width, height in input pixels, then a score for each class."""
    rows = outputs[0][0].T
    return over_the_floor(corners(rows[:, :4]), rows[:, 4:], floor)


def _yolox_classes(shapes: Shapes, canvas: Canvas) -> int | None:
    """One row a cell: there are no anchors."""
    shape = only(shapes, 3)
    if shape is None or shape[2] is None or shape[2] <= 5:
        return None
    return shape[2] - 5 if shape[1] == _cells(canvas) else None


def _yolox(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, cells, 5 + C): offset of the centre from the cell's corner and logarithm of the sides, in strides; scores."""
    rows = outputs[0][0]
    grid, stride = _grid(canvas)
    if rows[:, 2:4].max() > _LARGEST_LOG:
        raise DetectorFault("the detector gave a box of impossible size")
    centres = np.concatenate(((rows[:, :2] + grid) * stride, np.exp(rows[:, 2:4]) * stride), axis=1)
    return over_the_floor(corners(centres), _of_both(rows), floor)


def _grid(canvas: Canvas) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """By cell, row by row and stride by stride: its column and row (cells, 2), and its stride (cells, 1)."""
    grids, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: canvas.height // stride, : canvas.width // stride]
        grids.append(np.stack((columns, rows), axis=-1).reshape(-1, 2))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)


BOXES_THEN_SCORES = Decoder(
    "ours: (1, cells, 4 + classes), corners then scores", _corner_classes, _corner, doubles=True
)
YOLOV5 = Decoder("YOLOv5, YOLOv7: (1, cells, 5 + classes), with objectness", _objectness_classes, _yolov5, doubles=True)
YOLOV8 = Decoder("YOLOv8, YOLO11 without NMS: (1, 4 + classes, cells)", _yolov8_classes, _yolov8, doubles=True)
YOLOX = Decoder("YOLOX, boxes not decoded: (1, cells, 5 + classes)", _yolox_classes, _yolox, doubles=True)
