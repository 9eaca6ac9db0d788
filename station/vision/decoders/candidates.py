"""Candidates, what a decoder is, and the removal of doubles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from station.vision.faults import DetectorFault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Outputs: TypeAlias = "Sequence[NDArray[Any]]"
Shapes: TypeAlias = "Sequence[Sequence[int | None]]"

_SLACK = 1 / 256
"""By how much a score may lie beyond 0 or 1: the last step of an int8 network."""
_MOST = 20_000
"""More candidates over the floor than that are noise, and telling doubles among them would take seconds."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of the network's input, in pixels."""

    width: int
    height: int


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
        exports: who exports such outputs, and their shapes, for a person.
        classes_in: how many classes outputs of these shapes have; None if they are no such outputs.
        decode: the outputs and the floor, to candidates; raises `DetectorFault` for impossible values.
        doubles: whether its candidates still hold doubles; False where the network has removed them itself.
        slots: of a list of objects that leaves out what finds no room in it, the best score at each place, (N,); None
            for families that answer for every place in the picture.
    """

    exports: str
    classes_in: Callable[[Shapes, Canvas], int | None]
    decode: Callable[[Outputs, float, Canvas], Candidates]
    doubles: bool
    slots: Callable[[Outputs], NDArray[Any]] | None = None


def over_the_floor(boxes: NDArray[Any], scores: NDArray[Any], floor: float) -> Candidates:
    """A candidate for each class of a box that reaches the floor.

    Args:
        boxes: (N, 4): corners in pixels of the network's input.
        scores: (N, C): 0 to 1.
        floor: below it nothing is a candidate.

    Raises:
        DetectorFault: no scores, one outside 0 to 1, or a candidate that is not possible.
    """
    if scores.shape[-1] == 0:
        raise DetectorFault("the detector gave no scores")
    within(scores)
    cells, labels = np.nonzero(scores >= floor)
    return checked(boxes[cells], labels, scores[cells, labels])


def within(scores: NDArray[Any]) -> None:
    """See that scores are such; of none there is nothing to see.

    Raises:
        DetectorFault: one lies outside 0 to 1.
    """
    if scores.size and (scores.min() < -_SLACK or scores.max() > 1.0 + _SLACK):
        raise DetectorFault("the detector gave a score outside 0 to 1")


def whole(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Class indices, given as any kind of number.

    Raises:
        DetectorFault: one is no whole number.
    """
    if (labels != np.rint(labels)).any():
        raise DetectorFault("the detector named a class that is no whole number")
    return labels.astype(np.int64)


def checked(boxes: NDArray[Any], labels: NDArray[Any], scores: NDArray[Any]) -> Candidates:
    """Candidates whose boxes are possible.

    Raises:
        DetectorFault: a box is inside out or endless, or there are too many.
    """
    if len(boxes) > _MOST:
        raise DetectorFault(f"the detector gave {len(boxes)} candidates: that is noise")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise DetectorFault("the detector gave a box that is inside out")
    if not np.isfinite(boxes).all():
        raise DetectorFault("the detector gave a box without an end")
    held = np.clip(scores, 0.0, 1.0).astype(np.float32)
    return Candidates(boxes.astype(np.float32), labels.astype(np.int64), held)


def corners(centres: NDArray[Any]) -> NDArray[Any]:
    """Boxes given by centre, width and height, (..., 4), as corners."""
    half = centres[..., 2:4] / 2
    return np.concatenate((centres[..., :2] - half, centres[..., :2] + half), axis=-1)


def only(shapes: Shapes, rank: int) -> Sequence[int | None] | None:
    """The shape of the one output, if there is but one, of that rank, for one picture."""
    if len(shapes) != 1 or len(shapes[0]) != rank or shapes[0][0] != 1:
        return None
    return shapes[0]


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
