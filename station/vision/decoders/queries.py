"""Detectors that answer with a list of objects: YOLOv10, YOLO26 and others with NMS inside; RT-DETR and D-FINE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from station.vision.decoders.candidates import (
    Candidates,
    Decoder,
    checked,
    corners,
    only,
    over_the_floor,
    whole,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from station.vision.decoders.candidates import Canvas, Outputs, Shapes

_COLUMNS = 6
ANY = -1
"""As many classes as model.yaml says: the outputs do not tell."""


def _listed_classes(shapes: Shapes, _canvas: Canvas) -> int | None:
    shape = only(shapes, 3)
    return ANY if shape is not None and shape[2] == _COLUMNS else None


def _listed(outputs: Outputs, floor: float, _canvas: Canvas) -> Candidates:
    """(1, most, 6): corners in input pixels, score, class."""
    return _labelled(outputs[0][0], outputs[0][0, :, :4], floor)


def _listed_shares(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, most, 6): centre, width, height as shares of the input's, score, class."""
    return _labelled(outputs[0][0], corners(outputs[0][0, :, :4]) * _sides(canvas), floor)


def _labelled(rows: NDArray[np.float32], boxes: NDArray[np.float32], floor: float) -> Candidates:
    """Rows with a score at 4 and a class at 5."""
    over = over_the_floor(boxes, rows[:, 4:5], floor)
    return Candidates(over.boxes, whole(rows[rows[:, 4] >= floor, 5]), over.scores)


def _sides(canvas: Canvas) -> NDArray[np.float32]:
    return np.array((canvas.width, canvas.height, canvas.width, canvas.height), np.float32)


def _query_classes(shapes: Shapes, _canvas: Canvas) -> int | None:
    """Two outputs of the same length, one of them with four columns: logits and boxes, in either order."""
    if len(shapes) != 2 or any(len(shape) != 3 or shape[0] != 1 for shape in shapes):
        return None
    if shapes[0][1] != shapes[1][1]:
        return None
    return shapes[1 - _boxes_at(shapes)][2] if 4 in {shapes[0][2], shapes[1][2]} else None


def _boxes_at(shapes: Sequence[Sequence[int | None]]) -> int:
    """Which of the two holds the boxes: the second, as the exporters have it, unless only the first can."""
    return 1 if shapes[1][2] == 4 else 0


def _queries(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, most, C) logits and (1, most, 4): centre, width, height as shares of the input's."""
    at = _boxes_at([output.shape for output in outputs])
    boxes, logits = outputs[at][0], outputs[1 - at][0]
    return over_the_floor(corners(boxes) * _sides(canvas), _sigmoid(logits), floor)


def _sigmoid(logits: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0))))


def _query_slots(outputs: Outputs) -> NDArray[Any]:
    logits = outputs[1 - _boxes_at([output.shape for output in outputs])][0]
    return _sigmoid(logits.max(axis=1, initial=-np.inf))


def _joined_classes(shapes: Shapes, canvas: Canvas) -> int | None:
    """Fewer rows than a grid of the input would have."""
    shape = only(shapes, 3)
    if shape is None or shape[1] is None or shape[2] is None or shape[2] <= 4:
        return None
    return shape[2] - 4 if shape[1] * 64 < canvas.width * canvas.height else None


def _joined(outputs: Outputs, floor: float, canvas: Canvas) -> Candidates:
    """(1, most, 4 + C): centre, width, height as shares of the input's, then a score for each class."""
    rows = outputs[0][0]
    return over_the_floor(corners(rows[:, :4]) * _sides(canvas), rows[:, 4:], floor)


def _sized_classes(shapes: Shapes, _canvas: Canvas) -> int | None:
    """Labels (1, most), boxes (1, most, 4), scores (1, most)."""
    if len(shapes) != 3 or [len(shape) for shape in shapes] != [2, 3, 2] or shapes[1][2] != 4:
        return None
    return ANY if len({shape[1] for shape in shapes}) == 1 and all(shape[0] == 1 for shape in shapes) else None


def _sized(outputs: Outputs, floor: float, _canvas: Canvas) -> Candidates:
    """Labels, corners in input pixels (the network is told the input's size as the picture's), and scores."""
    labels, boxes, scores = (output[0] for output in outputs)
    within(scores)
    over = scores >= floor
    return checked(boxes[over], whole(labels[over]), scores[over])


def _listed_slots(outputs: Outputs) -> NDArray[Any]:
    return np.asarray(outputs[0][0, :, 4])


def _joined_slots(outputs: Outputs) -> NDArray[Any]:
    return np.asarray(outputs[0][0, :, 4:].max(axis=1, initial=0.0))


def _sized_slots(outputs: Outputs) -> NDArray[Any]:
    return np.asarray(outputs[2][0])


END_TO_END = Decoder(
    "YOLOv10, YOLO26, any YOLO exported with NMS inside: (1, most, 6)",
    _listed_classes,
    _listed,
    doubles=False,
    slots=_listed_slots,
)
DETR_LISTED = Decoder(
    "RT-DETR of ultralytics from 8.4 on: (1, most, 6), boxes as shares",
    _listed_classes,
    _listed_shares,
    doubles=False,
    slots=_listed_slots,
)
DETR = Decoder(
    "RT-DETR, D-FINE: logits (1, most, classes), boxes (1, most, 4)",
    _query_classes,
    _queries,
    doubles=False,
    slots=_query_slots,
)
DETR_JOINED = Decoder(
    "RT-DETR in one output: (1, most, 4 + classes)", _joined_classes, _joined, doubles=False, slots=_joined_slots
)
DETR_SIZED = Decoder(
    "RT-DETR, D-FINE deployed, with the input orig_target_sizes: labels, boxes, scores",
    _sized_classes,
    _sized,
    doubles=False,
    slots=_sized_slots,
)
