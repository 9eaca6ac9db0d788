"""From a network's raw output to candidates, by the name that `model.yaml` gives: one function a family, one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from station.vision.faults import DetectorFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes over the floor, before doubles are removed.

    Attributes:
        boxes: float32 (N, 4): x0, y0, x1, y1 in pixels of the network's input.
        labels: int64 (N,): class index.
        scores: float32 (N,): 0 to 1.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Decoder:
    """One family of outputs.

    Attributes:
        classes_in: how many classes an output of this shape has (None: open); None if it is no such output.
        decode: the output as float32 array and the floor, to candidates; raises `DetectorFault` for impossible values.
    """

    classes_in: Callable[[Sequence[int | None]], int | None]
    decode: Callable[[NDArray[np.float32], float], Candidates]


def _boxes_then_scores_classes(shape: Sequence[int | None]) -> int | None:
    if len(shape) != 3 or shape[0] not in {None, 1} or shape[2] is None or shape[2] <= 4:
        return None
    return shape[2] - 4


def _boxes_then_scores(output: NDArray[np.float32], floor: float) -> Candidates:
    """(1, cells, 4 + C): corners in input pixels, then a score 0 to 1 for each class."""
    corners, scores = output[0, :, :4], output[0, :, 4:]
    if scores.size == 0 or scores.min() < 0.0 or scores.max() > 1.0:
        raise DetectorFault("the detector gave a score outside 0 to 1")
    cells, labels = np.nonzero(scores >= floor)
    boxes = corners[cells]
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise DetectorFault("the detector gave a box that is inside out")
    return Candidates(boxes, labels, scores[cells, labels])


DECODERS: Mapping[str, Decoder] = {
    "boxes_then_scores": Decoder(_boxes_then_scores_classes, _boxes_then_scores),
}
"""By name: the decoders that there are."""


def without_doubles(found: Candidates, overlap: float, most: int) -> Candidates:
    """Keep the best of candidates of one class that overlap (intersection over union) by more than `overlap`.

    Args:
        found: candidates in any order.
        overlap: 0 to 1.
        most: how many may remain.

    Returns:
        The kept ones, highest score first.

    Raises:
        DetectorFault: more than `most` remain: no picture holds so many, the answer is noise.
    """
    order = np.argsort(-found.scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = int(order[0]), order[1:]
        kept.append(best)
        if len(kept) > most:
            raise DetectorFault(f"the detector found more than {most} objects")
        double = (found.labels[rest] == found.labels[best]) & (
            _overlaps(found.boxes[best], found.boxes[rest]) > overlap
        )
        order = rest[~double]
    return Candidates(found.boxes[kept], found.labels[kept], found.scores[kept])


def _overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    either = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - both
    return np.asarray(both / np.maximum(either, 1e-6), np.float32)
